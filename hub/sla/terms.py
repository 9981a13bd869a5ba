"""What agreements promise: which version was in force when a ticket's clock started, and what it says.

A version counts only if both sides signed it. What is wrong with one is said once, and the tickets under
it are not provable, never met.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from hub.records import Agreement, Sla, Target
from hub.sla.clock import PriorityRule, Promise
from hub.sla.open_time import OpenTime
from hub.sla.target import SECONDS, calendar_name
from hub.sla.zone import load_zone, wall_to_utc

__all__ = ["PER_CASE", "Terms", "in_force", "read_terms"]

PER_CASE = {
    "response": "response",
    "resolution": "resolution",
    "onsite": "onsite",
    "on_site": "onsite",
    "problem_response": "problem_response",
    "problem_resolution": "problem_resolution",
    "complaint_response": "complaint_response",
    "complaint_first_reply": "complaint_response",
    "complaint_resolution": "complaint_resolution",
    "complaint_final": "complaint_resolution",
}
"""Metric of a target that is decided case by case -> name of its clock."""
_RULES: tuple[PriorityRule, ...] = ("fair", "from_start")
_FOREVER = 9_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of an agreement, as clocks need it."""

    sid: int
    id: str
    begins: int
    """First instant it holds, UTC ms."""
    ends: int
    """First instant it no longer holds."""
    services: frozenset[int]
    customer: int | None
    targets: Sequence[Target]
    service_ids: Mapping[int, str]
    calendars: Mapping[str, OpenTime]
    own_calendar: str | None
    rule: PriorityRule
    reopen_days: int
    source: str = ""
    """Where it is kept: targets name calendars and services of the same source without it."""
    fault: str = ""
    """Why nothing can be measured by it; empty = it can."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """Target id -> why it cannot be measured."""

    _chosen: dict[tuple[str, str | None, frozenset[int]], Target | None] = field(default_factory=dict, compare=False)

    def target(self, metric: str, priority: str | None, services: frozenset[int]) -> Target | None:
        """Choose the target of a metric: the one that names the service before the general one, then the priority."""
        key = (metric, priority, services)
        if key not in self._chosen:
            self._chosen[key] = self._choose(*key)
        return self._chosen[key]

    def _choose(self, metric: str, priority: str | None, services: frozenset[int]) -> Target | None:
        own = f"{self.source}:"
        names = {self.service_ids[sid] for sid in services & self.services}
        names |= {name.removeprefix(own) for name in names}
        fitting = [
            one
            for one in self.targets
            if PER_CASE.get(one.metric) == metric
            and one.priority in (None, priority)
            and (not one.service_ids or names.intersection(one.service_ids))
        ]
        return max(fitting, key=lambda one: (bool(one.service_ids), one.priority is not None), default=None)

    def promises(self, metric: str) -> bool:
        """Say whether any target is decided by this clock."""
        return any(PER_CASE.get(one.metric) == metric for one in self.targets)

    def by_priority(self, metric: str) -> bool:
        """Say whether what is promised depends on the priority."""
        return any(PER_CASE.get(one.metric) == metric and one.priority is not None for one in self.targets)

    def promise(self, target: Target) -> Promise:
        """Return how much of which calendar's time the target grants."""
        calendar = self.calendars[calendar_name(target, self.own_calendar, self.source, self.calendars) or ""]
        return Promise(round(target.value * SECONDS[target.unit]), calendar)


def read_terms(
    agreements: Iterable[Sla],
    sids: Mapping[str, int],
    calendars: Mapping[str, OpenTime],
    zone: str,
    rings: Mapping[tuple[str, str], str],
) -> list[Terms]:
    """Read agreements; `sids` gives the number of each record they name, `zone` is the organisation's.

    `rings` says of (agreement, target) that what it rests on runs in a circle.
    """
    return [_terms(one, sids, calendars, zone, rings) for one in agreements]


def _terms(
    one: Sla,
    sids: Mapping[str, int],
    calendars: Mapping[str, OpenTime],
    zone: str,
    rings: Mapping[tuple[str, str], str],
) -> Terms:
    begins, ends, fault = 0, _FOREVER, ""
    try:
        begins = _midnight(one.valid_from, one.zone or zone) if one.valid_from else 0
        ends = _midnight(one.valid_to, one.zone or zone) if one.valid_to else _FOREVER
    except (ValueError, KeyError) as error:
        fault = f"its validity cannot be read: {error}"
    rule = one.clock_rules.get("priority_change", "fair")
    reopen = one.clock_rules.get("reopen_business_days", 5)
    if not fault:
        fault = _unusable(one, rule, reopen)
    own = one.calendar_ids[0] if len(one.calendar_ids) == 1 else None
    services = {sids[name]: name for name in one.service_ids if name in sids}
    return Terms(
        sid=sids[one.id],
        id=one.id,
        begins=begins,
        ends=ends,
        services=frozenset(services),
        customer=sids.get(one.customer_id) if one.customer_id else None,
        targets=one.targets,
        service_ids=services,
        calendars=calendars,
        own_calendar=own,
        source=one.source,
        rule=rule if rule in _RULES else "fair",
        reopen_days=reopen if isinstance(reopen, int) else 5,
        fault=fault,
        faults={
            target.id: said
            for target in one.targets
            if target.metric in PER_CASE and (said := _target_fault(one, target, own, calendars, rings))
        },
    )


def _midnight(day: str, zone: str) -> int:
    return wall_to_utc(load_zone(zone), date.fromisoformat(day), 0)


def _unusable(one: Agreement, rule: Any, reopen: Any) -> str:
    if one.invisible_at is not None:
        return "as it now stands it cannot be read"
    if one.valid_from is None:
        return "it does not say from when it holds"
    if one.signed_at is None:
        return "it is not signed"
    if rule not in _RULES:
        return f"its rule for changed priorities is {rule!r}; known: {', '.join(_RULES)}"
    if not isinstance(reopen, int) or isinstance(reopen, bool) or reopen < 0:
        return f"its reopen_business_days is {reopen!r}, not a number of days"
    return ""


def _target_fault(  # noqa: PLR0911 - one return a fault
    one: Agreement,
    target: Target,
    own: str | None,
    calendars: Mapping[str, OpenTime],
    rings: Mapping[tuple[str, str], str],
) -> str:
    if ring := rings.get((one.id, target.id)):
        return f"target {target.id}: {ring}"
    name = calendar_name(target, own, one.source, calendars)
    if target.unit not in SECONDS:
        return f"target {target.id} counts in {target.unit!r}; time is promised in s, min or h"
    if target.value <= 0:
        return f"target {target.id} promises {target.value:g} {target.unit}"
    if target.operator != "<=":
        return f"target {target.id} compares with {target.operator!r}; time is promised with '<='"
    if name is None:
        return f"target {target.id} names no calendar, and the agreement has {len(one.calendar_ids)}"
    if name not in calendars:
        return f"target {target.id} counts on the calendar {name!r}, which does not exist"
    return ""


def in_force(terms: Sequence[Terms], start: int, services: frozenset[int], customer: int | None) -> Terms | str | None:
    """Return the version that judges a ticket whose clock started then; a text says why none can; None = no promise.

    An agreement with the ticket's customer comes before one for everybody. Where nobody knows whose ticket it is,
    the only agreement on its service judges it; between those of several customers nothing is guessed.
    """
    holding = [one for one in terms if one.services & services and one.begins <= start < one.ends]
    if customer is not None:
        fitting = [one for one in holding if one.customer in (None, customer)]
        holding = [one for one in fitting if one.customer is not None] or fitting
    elif len({one.customer for one in holding}) > 1:
        return f"its customer is not known, and several agreements cover it: {_listed(holding)}"
    usable = [one for one in holding if not one.fault]
    if len(usable) == 1:
        return usable[0]
    if usable:
        return f"several agreements cover it: {_listed(usable)}"
    return f"{holding[0].id}: {holding[0].fault}" if holding else None


def _listed(terms: Sequence[Terms]) -> str:
    return ", ".join(sorted(one.id for one in terms))
