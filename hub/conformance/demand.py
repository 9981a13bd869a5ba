"""What a demand is before anybody is judged by it: its parameters, and where what it reads could come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from hub.conformance.answer import ProfileLine
from hub.conformance.horizon import Horizon
from hub.conformance.pack import CatalogueEntry
from hub.conformance.part import Part
from hub.conformance.profile import Scope
from hub.conformance.shortfall import holders

__all__ = ["EvidenceKind", "Read", "Setting", "evidence_kinds", "reads", "settings"]


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """The value of one parameter and who chose it."""

    name: str
    value: Any
    shipped: Any
    """The value the pack ships."""
    origin: Literal["source", "mixed", "project", "profile", ""]
    """The source document, partly the source document, our default, or the organisation's profile."""
    key: str
    """Where it stands in the configuration; empty where it is as shipped."""


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of record that a part reads, with the fields that must be known."""

    kind: str
    fields: list[str]
    any_of: list[str]
    """Fields of which one is enough."""
    evidence: bool
    """False = the records that owe; True = what is looked for to prove it."""
    given_by: list[str]
    """Sources that give the kind."""
    missing: dict[str, list[str]]
    """Source -> fields of these it does not give."""


class EvidenceKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of record that can speak for or against a demand, whether a part reads it yet or not."""

    kind: str
    given_by: list[str]


def settings(entry: CatalogueEntry, ours: Mapping[str, Any], deviations: Iterable[ProfileLine]) -> list[Setting]:
    """List the parameters as the whole organisation has them, sorted by name.

    `ours` are their values in force; `deviations` tell where those stand that are not as shipped.
    """
    keys = {line.what: line.key for line in deviations if line.scope == str(Scope())}
    return [
        Setting(
            name=name,
            value=value,
            shipped=entry.parameters[name],
            origin="profile" if name in keys else entry.parameters_from,
            key=keys.get(name, ""),
        )
        for name, value in sorted(ours.items())
    ]


def reads(part: Part, horizon: Horizon) -> list[Read]:
    """List what a part must be able to read and which sources give it, the owing records first."""
    found = []
    for need in sorted(part.needs, key=lambda need: (need.evidence, need.kind, sorted(need.fields))):
        sources = holders(horizon, part, need)
        missing = {source: sorted(horizon.missing(source, need)) for source in sources}
        found.append(
            Read(
                kind=need.kind,
                fields=sorted(need.fields),
                any_of=sorted(
                    {name for other in need.alternatives if other.kind == need.kind for name in other.fields}
                ),
                evidence=need.evidence,
                given_by=sources,
                missing={source: names for source, names in missing.items() if names},
            )
        )
    return found


def evidence_kinds(kinds: Iterable[str], horizon: Horizon) -> list[EvidenceKind]:
    """Say which sources give each kind."""
    return [EvidenceKind(kind=kind, given_by=horizon.sources(kind)) for kind in kinds]
