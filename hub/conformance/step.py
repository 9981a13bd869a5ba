"""The steps that would make requirements provable, each one line or one file, and what each unlocks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from hub.conformance.horizon import Horizon
from hub.conformance.judge import Judgement
from hub.conformance.pack import Requirement
from hub.conformance.shortfall import Shortfall, holders, shortfalls
from hub.conformance.verdict import needs_through

__all__ = ["Candidate", "NeedRow", "Step", "Unlocking"]


class _Given(Protocol):
    """What a source can say of a kind (`hub.sync.source.Provision`)."""

    @property
    def kind(self) -> str: ...
    @property
    def fields(self) -> frozenset[str]: ...
    @property
    def within_subject(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that could be written, whether it helps or not."""

    source: str
    write: str
    where: str
    gives: tuple[_Given, ...]
    opens: bool = True
    """False = adds fields to kinds the source gives already."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do, and what it changes."""

    write: str
    where: str
    gives: list[str]
    """Kinds, or `kind.field` where the kind is given already; empty where it is a matter of reading."""
    requirements: list[str]
    """Those that become provable by this step alone."""
    others: list[str]
    """Those that need it and something else."""
    obligations: int
    """How many now undecided obligations stand in the parts it concerns."""


class NeedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One kind that a part of a requirement needs."""

    requirement: str
    part: str
    kind: str
    fields: list[str]
    given_by: list[str]
    """Sources that give the kind."""
    missing: list[str]
    """Fields no source fills; all of them where none gives the kind."""
    reason: str
    """Why nothing can be concluded; empty = it can."""
    write: list[str]
    """The lines or files that would change it, as few as there can be."""
    where: list[str]
    """Where each of them goes."""


class Unlocking:
    """What keeps the requirements of a judgement from being provable, and what would change it."""

    def __init__(self, judgement: Judgement, candidates: Sequence[Candidate]) -> None:
        self._judgement = judgement
        self._horizon = judgement.horizon
        self._candidates = candidates
        self._needed = needs_through(judgement.as_of, None, judgement.stale_ms)
        self._short = {one.id: self._lacking(self._horizon, one) for one in judgement.requirements}
        self._by_id = {one.id: one for one in judgement.requirements}

    def provable(self, requirement: str) -> bool:
        """Say whether whatever the requirement asks can be decided everywhere."""
        return not self._short[requirement]

    def missing(self, requirement: str) -> list[str]:
        """Name what no source gives: kinds, or `kind.field`, and scopes that were not read."""
        return sorted({name for one in self._short[requirement] for name in _names(one)})

    def undecided(self) -> Mapping[str, int]:
        """Return requirement -> obligations that are not provable now, baseline left out."""
        found: Counter[str] = Counter()
        for (requirement, _), n in self._undecided().items():
            found[requirement] += n
        return found

    def steps(self) -> list[Step]:
        """List the steps that help any requirement: most unlocked first, then most undecided obligations."""
        undecided = self._undecided()
        found = [self._step(one, supposed, undecided) for one, supposed in self._suppositions()]
        useful = [one for one in found if one.requirements or one.others]
        return sorted(useful, key=lambda s: (-len(s.requirements), -s.obligations, -len(s.others), s.write, s.where))

    def needs(self, requirement: str) -> list[NeedRow]:
        """List what a requirement needs, who gives it, what is missing and what to write."""
        rows = []
        for part in self._by_id[requirement].parts:
            for need in part.needs:
                short = [one for one in self._short[requirement] if (one.part, one.need) == (part.name, need)]
                ways = list(dict.fromkeys(way for one in short for way in self._remedies(one)))
                fields = need.fields.union(*(one.fields for one in need.alternatives))
                rows.append(
                    NeedRow(
                        requirement=requirement,
                        part=part.name,
                        kind=need.kind,
                        fields=sorted(fields),
                        given_by=holders(self._horizon, part, need),
                        missing=sorted({name for one in short for name in one.missing}),
                        reason="; ".join(dict.fromkeys(one.reason for one in short)),
                        write=[write for write, _ in ways],
                        where=[where for _, where in ways],
                    )
                )
        return rows

    def writes(self, requirement: str) -> list[str]:
        """List all lines and files the requirement waits for."""
        ways = (way for one in self._short[requirement] for way in self._remedies(one))
        return list(dict.fromkeys(write for write, _ in ways))

    def _lacking(self, horizon: Horizon, requirement: Requirement) -> list[Shortfall]:
        return shortfalls(horizon, requirement.parts, needed=self._needed)

    def _suppositions(self) -> Iterator[tuple[Candidate, Horizon]]:
        wanted = {(one.need.kind, name) for short in self._short.values() for one in short for name in one.missing}
        kinds = {one.need.kind for short in self._short.values() for one in short if not one.source}
        for one in self._candidates:
            given = self._fresh(one)
            if any(g.kind in kinds or any((g.kind, name) in wanted for name in g.fields) for g in given):
                yield one, self._horizon.supposing(one.source, ((g.kind, g.fields, g.within_subject) for g in given))
        closed: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for short in self._short.values():
            for lack in short:
                if lack.scope is not None:
                    closed[lack.remedy].add((lack.source, lack.scope))
        for remedy, reads in closed.items():
            yield Candidate("", *_told(remedy), ()), self._horizon.supposing_read(reads)

    def _fresh(self, one: Candidate) -> list[_Given]:
        """Keep what the candidate adds to what its source gives already."""
        return [g for g in one.gives if one.opens or one.source in self._horizon.sources(g.kind)]

    def _step(self, one: Candidate, supposed: Horizon, undecided: Mapping[tuple[str, str], int]) -> Step:
        unlocked: list[str] = []
        helped: list[str] = []
        obligations = 0
        touched = {g.kind for g in one.gives}
        for rid, before in self._short.items():
            if not any(lack.need.kind in touched or (not touched and lack.scope is not None) for lack in before):
                continue
            after = self._lacking(supposed, self._by_id[rid])
            was, now = _sizes(before), _sizes(after)
            parts = [part for part in was if now[part] < was[part]]
            if parts:
                (helped if after else unlocked).append(rid)
                obligations += sum(undecided.get((rid, part), 0) for part in parts)
        return Step(
            write=one.write,
            where=one.where,
            gives=sorted({f"{g.kind}.{name}" for g in one.gives for name in g.fields} if not one.opens else touched),
            requirements=unlocked,
            others=helped,
            obligations=obligations,
        )

    def _remedies(self, short: Shortfall) -> list[tuple[str, str]]:
        """Find the fewest lines that fill a shortfall; where nobody offers any, say what is wanted."""
        if short.scope is not None:
            return [_told(short.remedy)]
        kind, missing = short.need.kind, short.missing
        if short.source:
            lines = self._lines(short.source, kind, missing)
            return lines or [(short.reason, "no source offers it")]
        ways: list[tuple[int, int, list[tuple[str, str]]]] = []
        for one in self._candidates:
            given = next((g for g in one.gives if g.kind == kind), None)
            if one.opens and given is not None:
                rest = missing - given.fields
                lines = self._lines(one.source, kind, rest)
                ways.append((len(rest) - len(lines), len(lines), [(one.write, one.where), *lines]))
        return min(ways, key=lambda way: way[:2])[2] if ways else [(short.reason, "no installed plugin offers it")]

    def _lines(self, source: str, kind: str, missing: frozenset[str]) -> list[tuple[str, str]]:
        found = []
        left = set(missing)
        for one in self._candidates:
            if one.source == source and not one.opens:
                filled = left & {name for g in one.gives if g.kind == kind for name in g.fields}
                if filled:
                    left -= filled
                    found.append((one.write, one.where))
        return found

    def _undecided(self) -> Mapping[tuple[str, str], int]:
        found: Counter[tuple[str, str]] = Counter()
        for row in self._judgement.rows(
            "j.part, count(*) AS n", where="j.verdict = 'not_provable' AND NOT j.baseline", tail="GROUP BY j.part"
        ):
            part: Any = self._judgement.parts[row.part]
            found[part.requirement, part.name] += row.n
        return found


def _sizes(short: Iterable[Shortfall]) -> Counter[str]:
    found: Counter[str] = Counter()
    for one in short:
        found[one.part] += one.size
    return found


def _names(short: Shortfall) -> list[str]:
    if short.scope is not None:
        return [f"{short.source} {short.scope}".strip()]
    return [f"{short.need.kind}.{name}" for name in sorted(short.missing)] if short.source else [short.need.kind]


def _told(remedy: str) -> tuple[str, str]:
    return remedy, "at the command line" if remedy == "hub sync" else "at the tool, or in hub.toml"
