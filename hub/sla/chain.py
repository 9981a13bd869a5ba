"""What promises rest on: along SLA, OLA and contract no target may grow, and support must be open whenever promised.

A supporting agreement is the one a target names (`internal_dependency`, `supplier_dependency`: its id, or the id
within the agreement's own source), or one that says it supports the agreement. Pure; instants are UTC milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hub.clock import format_instant
from hub.records import Agreement, Target
from hub.records.agreements import SupportingAgreement
from hub.sla.open_time import OpenTime
from hub.sla.target import calendar_name, seconds, told

__all__ = ["Rung", "cycles", "rungs"]

_YEAR_MS = 366 * 86_400_000


@dataclass(frozen=True, slots=True)
class Rung:
    """A promise and what stands behind it."""

    agreement: str
    """Id of the agreement that promises."""
    promise: str
    """Such as `resolution P1 <= 4 h on 7x24`."""
    support: str
    """Id of the agreement it rests on, as named."""
    behind: str
    """The target that stands behind it; empty = none does."""
    weakness: str
    """Why the two do not fit; empty = they do."""


class _Promise(NamedTuple):
    agreement: Agreement
    target: Target

    def told(self) -> str:
        return told(self.target, _only(self.agreement))

    def calendar(self, calendars: Mapping[str, OpenTime]) -> str | None:
        return calendar_name(self.target, _only(self.agreement), self.agreement.source, calendars)


def rungs(agreements: Sequence[Agreement], calendars: Mapping[str, OpenTime], at: int) -> Iterator[Rung]:
    """Give every promise that rests on another, with what is wrong as of `at`; hours are compared over the year from it."""
    known = {one.id: one for one in agreements}
    rings = cycles(agreements)
    for owner in agreements:
        for target in owner.targets:
            promise = _Promise(owner, target)
            for name, support in _supports(owner, target, known, agreements):
                if support is None:
                    yield Rung(owner.id, promise.told(), name, "", "there is no such agreement")
                    continue
                unusable = "it is not signed" if support.signed_at is None else rings.get((owner.id, target.id), "")
                behind = [_Promise(support, one) for one in support.targets if _same_matter(one, target)]
                if not behind:
                    yield Rung(owner.id, promise.told(), support.id, "", unusable or "it promises nothing of the kind")
                for one in behind:
                    weakness = unusable or _weaker(one.target, target) or _closed(one, promise, calendars, at)
                    yield Rung(owner.id, promise.told(), support.id, one.told(), weakness)


def _supports(
    owner: Agreement, promised: Target, known: Mapping[str, Agreement], agreements: Sequence[Agreement]
) -> Iterator[tuple[str, Agreement | None]]:
    named = [name for name in (promised.internal_dependency, promised.supplier_dependency) if name]
    for name in named:
        yield name, _named(owner, name, known)
    found = {one.id for name in named if (one := _named(owner, name, known)) is not None}
    for one in agreements:
        tied = isinstance(one, SupportingAgreement) and owner.id in one.supports_sla and one.id not in found
        if tied and any(_same_matter(target, promised) for target in one.targets):
            yield one.id, one


def _named(owner: Agreement, name: str, known: Mapping[str, Agreement]) -> Agreement | None:
    return known.get(name) or known.get(f"{owner.source}:{name}")


def _same_matter(support: Target, promised: Target) -> bool:
    alike = support.metric.replace("_", "") == promised.metric.replace("_", "")
    return alike and support.priority in (None, promised.priority) and support.grade in (None, promised.grade)


def _weaker(support: Target, promised: Target) -> str:
    mine, theirs = seconds(support), seconds(promised)
    if support.operator != promised.operator or (mine is None) != (theirs is None):
        return "the two cannot be compared"
    if mine is None or theirs is None:
        if support.unit != promised.unit:
            return "the two cannot be compared"
        mine, theirs = support.value, promised.value
    if promised.operator == "<=":
        return "it allows more time" if mine > theirs else ""
    return "it allows a lower rate" if mine < theirs else ""


def _closed(support: _Promise, promised: _Promise, calendars: Mapping[str, OpenTime], at: int) -> str:
    if seconds(promised.target) is None:
        return ""
    outer, inner = support.calendar(calendars), promised.calendar(calendars)
    for name in (outer, inner):
        if name not in calendars:
            return f"it counts on the calendar {name!r}, which does not exist" if name else "no calendar is named"
    if outer == inner:
        return ""
    for opens, closes in calendars[inner or ""].spans(at, at + _YEAR_MS):
        if calendars[outer or ""].between(opens, closes) < closes - opens:
            return f"{outer} is closed while {inner} is open, first on {format_instant(opens)[:10]}"
    return ""


def _only(one: Agreement) -> str | None:
    return one.calendar_ids[0] if len(one.calendar_ids) == 1 else None


def cycles(agreements: Sequence[Agreement]) -> dict[tuple[str, str], str]:
    """Find targets that rest, at however many removes, on agreements that rest on each other.

    Returns (agreement, target) -> a sentence that names the circle.
    """
    known = {one.id: one for one in agreements}
    edges: dict[str, dict[str, list[str]]] = {}
    for one in agreements:
        for target in one.targets:
            if supports := _rests_on(one, target, known):
                edges.setdefault(one.id, {}).setdefault(target.id, []).extend(supports)
    found: dict[tuple[str, str], str] = {}
    for name, targets in edges.items():
        for number, supports in targets.items():
            ring = next((ring for support in supports if (ring := _ring(support, edges, (name,)))), None)
            if ring:
                found[name, number] = f"it rests on agreements that rest on each other: {' -> '.join(ring)}"
    return found


def _rests_on(one: Agreement, target: Target, known: Mapping[str, Agreement]) -> list[str]:
    names = (target.internal_dependency, target.supplier_dependency)
    return [support.id for name in names if name and (support := _named(one, name, known)) is not None]


def _ring(at: str, edges: Mapping[str, Mapping[str, Sequence[str]]], way: tuple[str, ...]) -> tuple[str, ...]:
    if at in way:
        return (*way[way.index(at) :], at)
    further = {name: None for supports in edges.get(at, {}).values() for name in supports}
    return next((ring for name in further if (ring := _ring(name, edges, (*way, at)))), ())
