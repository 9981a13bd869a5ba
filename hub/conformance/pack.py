"""A requirement pack: the catalogue of a standard, and the parts that judge it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from hub.conformance.answer import Severity
from hub.conformance.compiled import Declared, remembered_parts
from hub.conformance.memory import Memory
from hub.conformance.parameter import Parameters, objection
from hub.conformance.part import Part
from hub.errors import ConfigurationError, Fault

__all__ = ["CatalogueEntry", "Language", "Pack", "Parameters", "Requirement"]

Language = Literal["en", "zh"]
"""A language the words of a pack may come in."""


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One demand of the standard, in our own words."""

    id: str
    clause: str
    title: str
    statement: str
    severity: Severity
    iso20000: str | None
    """Clause of ISO/IEC 20000-1:2018 that asks the same; None where there is none."""
    role: str
    """Process role that answers for it when a subject has no owner."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Defaults of its parameters: numbers, texts, yes or no, lists of texts, mappings of these."""
    parameters_from: Literal["source", "mixed", "project", ""] = ""
    """Whether the defaults stand in the source document, partly, or are ours; empty where there are none."""
    shape: str = ""
    """What kind of demand it is: precondition, deadline, periodic, completeness, threshold, trend or attestation."""
    unit: str = ""
    """Record kind the demand is about; its parts may ask it of kinds nearer to the evidence."""
    evidence: Sequence[str] = ()
    """Record kinds that can speak for or against it."""
    title_zh: str = ""
    statement_zh: str = ""
    """The statement in Chinese, in our own words too."""

    def title_in(self, language: Language) -> str:
        """Return the title in a language; in English where the pack has no other."""
        return (self.title_zh if language == "zh" else "") or self.title

    def statement_in(self, language: Language) -> str:
        """Return the statement in a language; in English where the pack has no other."""
        return (self.statement_zh if language == "zh" else "") or self.statement


@dataclass(frozen=True, slots=True)
class Requirement:
    """A catalogue entry with the parts that judge it under one profile."""

    entry: CatalogueEntry
    parts: tuple[Part, ...]

    @property
    def id(self) -> str:
        """The entry's id."""
        return self.entry.id


Declare = Callable[[str, Parameters], list[Part]]
"""Makes the parts of the requirement with this id from its parameters."""


@dataclass(frozen=True, slots=True)
class Pack:
    """What a plugin registers through `hub_register_requirements`."""

    name: str
    version: str
    clauses: Mapping[str, str]
    """Clause number -> title."""
    entries: tuple[CatalogueEntry, ...]
    """The whole catalogue; entries that nothing judges are reported as `not_judged`."""
    declarations: Mapping[str, Declare] | Callable[[], Mapping[str, Declare]]
    """Requirement id -> what makes its parts; or what returns that, called only where something is compiled."""
    memory: Memory | None = None
    """Remembers between runs what the pack compiles to; None = every run compiles it."""
    clauses_zh: Mapping[str, str] = field(default_factory=dict)
    """Clause number -> title in Chinese."""
    _compiled: dict[str, list[Requirement]] = field(default_factory=dict, repr=False, compare=False)

    def clause_in(self, clause: str, language: Language) -> str:
        """Return the title of a clause in a language; in English where the pack has no other."""
        return (self.clauses_zh.get(clause) if language == "zh" else None) or self.clauses[clause]

    def requirements(self, chosen: Mapping[str, Mapping[str, Any]]) -> list[Requirement]:
        """Compile every judged requirement with the profile's parameters over the defaults.

        Raises ConfigurationError as `check` does.
        """
        self.check(chosen)
        profile = repr(sorted((rid, sorted(values.items())) for rid, values in chosen.items()))
        if profile not in self._compiled:  # compiling takes longer than deriving a small store
            self._compiled[profile] = self._compile(profile, chosen)
        return list(self._compiled[profile])

    def check(self, chosen: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise ConfigurationError naming every unknown requirement, unknown parameter or wrong type."""
        by_id = {entry.id: entry for entry in self.entries}
        faults = [fault for rid, values in chosen.items() for fault in self._faults(by_id, rid, values)]
        if faults:
            raise ConfigurationError(faults)

    def _compile(self, profile: str, chosen: Mapping[str, Mapping[str, Any]]) -> list[Requirement]:
        def declared() -> Declared:
            known = self.declarations() if callable(self.declarations) else self.declarations
            return {
                entry.id: known[entry.id](entry.id, Parameters(entry.parameters, chosen.get(entry.id, {})))
                for entry in self.entries
                if entry.id in known
            }

        what = f"{self.name} {self.version} {profile}"
        parts = declared() if self.memory is None else remembered_parts(self.memory, what, declared)
        return [Requirement(entry, tuple(parts[entry.id])) for entry in self.entries if entry.id in parts]

    def _faults(self, by_id: Mapping[str, CatalogueEntry], rid: str, values: Mapping[str, Any]) -> list[Fault]:
        place = f"packs.{self.name}.parameters"
        entry = by_id.get(rid)
        if entry is None:
            return [Fault(f"unknown requirement {rid!r}", key=place)]
        faults = []
        for name, value in values.items():
            default = entry.parameters.get(name)
            if default is None:
                known = ", ".join(sorted(entry.parameters)) or "it has none"
                faults.append(Fault(f"unknown parameter {name!r}; known: {known}", key=f"{place}.{rid}"))
            elif said := objection(name, value, default):
                faults.append(Fault(said, key=f"{place}.{rid}"))
        return faults
