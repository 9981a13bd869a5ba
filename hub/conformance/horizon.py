"""How far one may conclude from absence: for each part and each place units are read from.

`through` is the instant up to which everything was read that could hold the evidence; before it, a
missing approval is a missing approval, after it nobody can say. Coverage is joined when judging, as
known at the instant asked for, and never stored in an obligation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, or_, select

from hub.conformance.pack import Requirement
from hub.conformance.part import Part
from hub.conformance.reading import Need
from hub.store.reading import Covered, coverage_rows
from hub.store.tables import metadata

__all__ = ["Horizon", "Reach", "UnitGap", "load_horizon"]

_provision = metadata.tables["provision"]
_place = metadata.tables["place"]
EVERYTHING = 9_000_000_000_000_000
"""Later than any instant: nothing needs to be read."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Up to where one may conclude, and why not further."""

    through: int | None
    """None = never: nothing can be concluded from absence."""
    reason: str
    """Empty where nothing limits it but the time of the last reading."""
    remedy: str = ""

    def least(self, other: Reach) -> Reach:
        """Return the shorter of two reaches."""
        if self.through is None:
            return self
        if other.through is None or other.through < self.through:
            return other
        return self


@dataclass(frozen=True, slots=True)
class UnitGap:
    """A place where units may exist that were never read, or whose kind cannot be told."""

    requirement: str
    reach: Reach


_FREE = Reach(EVERYTHING, "")


class Horizon:
    """What every source could read and say, as known at one instant."""

    def __init__(
        self,
        covered: Iterable[Covered],
        provided: Mapping[tuple[str, str], tuple[frozenset[str], bool]],
    ) -> None:
        self._provided = dict(provided)
        self._coverage: dict[tuple[str, str], dict[str, Reach]] = defaultdict(dict)
        for row in covered:
            reason = row.reason or ""
            self._coverage[row.source, row.kind][row.scope] = Reach(
                row.through,
                f"{row.source} {row.scope}: {reason}" if reason else "",
                f"give the hub access to {row.scope} in {row.source}, or take it out of the configuration",
            )

    def supposing(self, source: str, gives: Iterable[tuple[str, frozenset[str], bool]]) -> Horizon:
        """Return the horizon as it would be if a source gave these too (kind, fields, within the subject).

        A kind that is new at the source counts as read to the end wherever the source may be read.
        """
        supposed = self._copied()
        for kind, fields, within in gives:
            known, _ = supposed._provided.get((source, kind), (frozenset(), within))  # noqa: SLF001 - its own kind
            if (source, kind) not in supposed._provided:  # noqa: SLF001 - the same
                supposed._coverage[source, kind] = self._scopes(source) or {"": _FREE}  # noqa: SLF001 - the same
            supposed._provided[source, kind] = (known | fields, within)  # noqa: SLF001 - the same
        return supposed

    def supposing_read(self, reads: Iterable[tuple[str, str]]) -> Horizon:
        """Return the horizon as it would be if these (source, scope) were read to the end."""
        supposed = self._copied()
        wanted = set(reads)
        for (source, _), scopes in supposed._coverage.items():  # noqa: SLF001 - its own kind
            scopes.update({scope: _FREE for scope in scopes if (source, scope) in wanted})
        return supposed

    def _copied(self) -> Horizon:
        copied = Horizon((), dict(self._provided))
        copied._coverage.update({key: dict(scopes) for key, scopes in self._coverage.items()})
        return copied

    def sources(self, kind: str) -> list[str]:
        """List the sources that give a kind."""
        return self._sources(kind)

    def _scopes(self, source: str) -> dict[str, Reach]:
        """Return the scopes that hold several kinds: a further kind would stand in them too, closed ones included."""
        found: dict[str, list[Reach]] = defaultdict(list)
        for (name, _), scopes in self._coverage.items():
            for scope, reach in scopes.items():
                if name == source:
                    found[scope].append(reach)
        several = {scope: reaches for scope, reaches in found.items() if len(reaches) > 1}
        return {scope: next((one for one in reaches if one.reason), _FREE) for scope, reaches in several.items()}

    def read(self, source: str, kind: str) -> Mapping[str, Reach]:
        """Return scope -> how far a kind was read; empty = never."""
        return self._coverage.get((source, kind), {})

    def missing(self, source: str, need: Need) -> frozenset[str]:
        """Name the fields of a need that a source does not give."""
        return self._missing(source, need)

    def is_within_subject(self, source: str, kind: str) -> bool:
        """Say whether records of the kind stand in the document of what they are about."""
        return self._provided.get((source, kind), (frozenset(), False))[1]

    def newest(self) -> int | None:
        """Return the latest instant anything was read through; the natural as-of."""
        times = [r.through for scopes in self._coverage.values() for r in scopes.values() if r.through is not None]
        return max(times, default=None)

    def reach(self, part: Part, source: str, scope: str) -> Reach:
        """Return up to where the part can be decided for units read from one place."""
        return next(self.reaches(part, [(source, scope)]))

    def reaches(self, part: Part, places: Iterable[tuple[str, str]]) -> Iterator[Reach]:
        """Yield up to where the part can be decided for units read from each place (source, scope)."""
        needs = [(need, self._anywhere(need)) for need in part.needs]
        for source, scope in places:
            reached = _FREE
            for need, anywhere in needs:
                here = self._elsewhere if need.evidence else self._own
                reached = reached.least(anywhere or here(need, source, scope))
            yield reached

    def unit_gaps(self, requirement: Requirement) -> list[UnitGap]:
        """List what keeps units of a requirement from being seen at all."""
        gaps: list[UnitGap] = []
        for part in requirement.parts:
            for need in part.needs:
                if need.evidence:
                    continue
                sources = self._sources(need.kind)
                if not sources:
                    gaps.append(UnitGap(requirement.id, _no_source(need.kind)))
                for source in sources:
                    missing = self._missing(source, need)
                    if missing:
                        gaps.append(UnitGap(requirement.id, _no_field(source, need.kind, missing)))
                    gaps += [UnitGap(requirement.id, r) for r in self._coverage[source, need.kind].values()]
        return gaps

    def _sources(self, kind: str) -> list[str]:
        return sorted(source for source, provided in self._provided if provided == kind)

    def _missing(self, source: str, need: Need) -> frozenset[str]:
        fields, _ = self._provided.get((source, need.kind), (frozenset(), False))
        choices = [one.fields - fields for one in need.alternatives if one.kind == need.kind]
        nearest: frozenset[str] = min(choices, key=lambda one: (len(one), sorted(one)), default=frozenset())
        return (need.fields - fields) | nearest

    def _anywhere(self, need: Need) -> Reach | None:
        """Return how far evidence can be seen, if that is the same wherever units are read; else None."""
        if not need.evidence or any(self._provided[source, need.kind][1] for source in self._sources(need.kind)):
            return None
        return self._elsewhere(need, "", "")

    def _own(self, need: Need, source: str, scope: str) -> Reach:
        if (source, need.kind) not in self._provided:
            return _no_source(need.kind)
        missing = self._missing(source, need)
        if missing:
            return _no_field(source, need.kind, missing)
        return self._coverage[source, need.kind].get(scope) or _never_read(source, scope)

    def _elsewhere(self, need: Need, source: str, scope: str) -> Reach:
        holders = [s for s in self._sources(need.kind) if s == source or not self._provided[s, need.kind][1]]
        if not holders:
            return _no_source(need.kind)
        if all(self._missing(holder, need) for holder in holders):
            return _no_field(holders[0], need.kind, self._missing(holders[0], need))
        reached = _FREE
        for holder in holders:
            scopes = self._coverage[holder, need.kind]
            if self._provided[holder, need.kind][1]:  # stands in the document of its subject
                scopes = {scope: scopes.get(scope, _never_read(holder, scope))}
            if not scopes:
                reached = reached.least(_never_read(holder, "any scope"))
            for one in scopes.values():
                reached = reached.least(one)
        return reached


def _no_source(kind: str) -> Reach:
    return Reach(
        None,
        f"no source gives any {kind.replace('_', ' ')}",
        f"add a source or a register file that gives {kind.replace('_', ' ')} records",
    )


def _no_field(source: str, kind: str, missing: Iterable[str]) -> Reach:
    names = ", ".join(f"{kind}.{name}" for name in sorted(missing))
    return Reach(
        None,
        f"{source} gives no {names}",
        f"let [sources.{source}] give {kind}.{min(missing)}, if that tool can; hub coverage --steps names the line",
    )


def _never_read(source: str, scope: str) -> Reach:
    return Reach(None, f"{source} {scope} was never read".replace("  ", " "), "run: hub sync")


def load_horizon(conn: Connection, *, known_at: int | None) -> Horizon:
    """Load coverage and provisions as known at an instant; None = now."""
    columns = _provision.c
    asked = select(columns.source, columns.kind, columns.field, columns.within_subject)
    if known_at is None:
        asked = asked.where(columns.known_to.is_(None))
    else:
        asked = asked.where(
            columns.known_from <= known_at, or_(columns.known_to.is_(None), columns.known_to > known_at)
        )
    fields: dict[tuple[str, str], set[str]] = defaultdict(set)
    within: dict[tuple[str, str], bool] = {}
    for row in conn.execute(asked):
        fields[row.source, row.kind].add(row.field)
        within[row.source, row.kind] = within.get((row.source, row.kind), True) and row.within_subject
    provided = {key: (frozenset(names), within[key]) for key, names in fields.items()}
    return Horizon(coverage_rows(conn, known_at=known_at), provided)


def places(conn: Connection) -> Sequence[tuple[int, str, str]]:
    """Return (number, source, scope) of every place units were read from; 0 is nowhere."""
    rows = conn.execute(select(_place.c.place, _place.c.source, _place.c.scope))
    return [(0, "", ""), *((row.place, row.source, row.scope) for row in rows)]
