"""A requirement pack: the catalogue of a standard, and the parts that judge it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from hub.conformance.answer import Severity
from hub.conformance.compiled import Declared, remembered_parts
from hub.conformance.memory import Memory
from hub.conformance.parameter import Parameters
from hub.conformance.part import Part
from hub.conformance.profile import Choice, Resolved, objections, resolve
from hub.conformance.scope import joined
from hub.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from hub.conformance.probe import Probe

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
    pack: str = ""
    """Name and version of the pack it comes from."""
    asked: Mapping[str, Any] = field(default_factory=dict)
    """Its parameters as the profile has them, for everybody and for some; see `Resolved.asked`."""

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
    probes: Callable[[], Sequence[Probe]] | None = None
    """Returns the checks by Python that run before each derivation."""
    clauses_zh: Mapping[str, str] = field(default_factory=dict)
    """Clause number -> title in Chinese."""
    topics: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What a report tells apart -> requirements: `overdue` (audit, annual report, joint review), `customer_told`,
    `unauthorised_change`, `emergency_open`."""
    _compiled: dict[str, list[Requirement]] = field(default_factory=dict, repr=False, compare=False)

    def clause_in(self, clause: str, language: Language) -> str:
        """Return the title of a clause in a language; in English where the pack has no other."""
        return (self.clauses_zh.get(clause) if language == "zh" else None) or self.clauses[clause]

    def requirements(
        self, chosen: Mapping[str, Mapping[str, Any]], choices: Sequence[Choice] = ()
    ) -> list[Requirement]:
        """Compile every requirement that is judged, with the organisation's parameters and its profile.

        `chosen` are parameters without a reason, by requirement. Raises ConfigurationError as `check` does.
        """
        self.check(chosen, choices)
        profile = repr((sorted((rid, sorted(values.items())) for rid, values in chosen.items()), choices))
        if profile not in self._compiled:  # compiling takes longer than deriving a small store
            self._compiled[profile] = self._compile(profile, chosen, choices)
        return list(self._compiled[profile])

    def check(self, chosen: Mapping[str, Mapping[str, Any]], choices: Sequence[Choice] = ()) -> None:
        """Raise ConfigurationError naming every unknown requirement and parameter, wrong type and contradiction."""
        faults = [
            Fault(said, key=".".join(("packs", self.name, *key)))
            for key, said in objections(self.entries, chosen, choices)
        ]
        if faults:
            raise ConfigurationError(faults)

    def _compile(
        self, profile: str, chosen: Mapping[str, Mapping[str, Any]], choices: Sequence[Choice]
    ) -> list[Requirement]:
        resolved = [resolve(entry, chosen.get(entry.id, {}), choices) for entry in self.entries]

        def declared() -> Declared:
            known = self.declarations() if callable(self.declarations) else self.declarations
            asked = [one for one in resolved if one.is_asked and one.entry.id in known]
            made = {one.entry.id: _parts(one, known[one.entry.id]) for one in asked}
            return {one.entry.id: made[one.entry.id] for one in asked if made[one.entry.id] or not one.switches}

        what = f"{self.name} {self.version} {profile}"
        parts = declared() if self.memory is None else remembered_parts(self.memory, what, declared)
        return [
            Requirement(one.entry, tuple(parts[one.entry.id]), f"{self.name} {self.version}", one.asked())
            for one in resolved
            if one.entry.id in parts
        ]

    def catalogue(
        self, chosen: Mapping[str, Mapping[str, Any]], choices: Sequence[Choice] = ()
    ) -> list[CatalogueEntry]:
        """Return the whole catalogue with the organisation's parameters and severities."""
        return [resolve(entry, chosen.get(entry.id, {}), choices).entry for entry in self.entries]


def _parts(resolved: Resolved, declare: Declare) -> list[Part]:
    """Make the parts of a requirement, those of scoped parameters joined with the organisation's."""
    entry = resolved.entry
    parts = declare(entry.id, Parameters(entry.parameters, {}))
    if not resolved.scoped and not resolved.switches:
        return parts
    variants = [
        (choice, declare(entry.id, Parameters(entry.parameters, choice.parameters[entry.id])))
        for choice in resolved.scoped
    ]
    return joined(resolved, parts, variants)
