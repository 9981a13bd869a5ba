"""What was promised and how far it was kept, a line a target: this period beside the last and the next goal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction

from sqlalchemy import Connection

from hub.records import Agreement, Sla, Target
from hub.sla.agreement import read_agreements
from hub.sla.attainment import Attainment, attainment
from hub.sla.open_time import Span
from hub.sla.restated import Key, changed_since
from hub.sla.target import told

__all__ = ["Line", "statement"]

_NOON_S = 12 * 3600
"""Half a day on from its first instant it is the same date in every zone."""


@dataclass(frozen=True, slots=True)
class Line:
    """One target of one agreement over a period."""

    agreement: str
    title: str
    """Of the agreement."""
    target: str
    metric: str
    promise: str
    """Such as `P1 <= 15 min on 7x24`."""
    goal: str
    """Share that shall be met in the next period, such as `>= 95 %`; empty = none agreed."""
    previous: str
    """Rate of the period before, as it was when that ended."""
    restated: str
    """That rate as it is now, where tickets reopened since changed it."""
    now: Attainment
    stood: str
    """Rate of the period when it ended, where tickets reopened since changed it."""
    kept: str
    """`met` or `not met` by the period's own goal; `not applicable` without enough cases; empty = no goal."""
    agreed: Target | None = None
    """The period's own goal."""
    following: Target | None = None
    """The goal of the next period; None = none agreed."""
    last: Attainment | None = None
    """The period before, as it is now."""


def statement(
    conn: Connection, period: Span, before: Span, as_of: int, service: int | None = None, *, zone: str
) -> list[Line]:
    """Set the period beside the one before it; agreements and targets without tickets in either are left out.

    `zone` is the organisation's, for agreements that name none.
    """
    last, last_stood = _both(conn, before, as_of, service, zone)
    current, stood = _both(conn, period, as_of, service, zone)
    promising = [one for one in read_agreements(conn) if isinstance(one, Sla)]
    agreements = {one.id: one for one in promising}
    lines = []
    for key in sorted({*current, *last, *stood, *last_stood}):
        agreement, target, metric = key
        said = agreements.get(agreement)
        promised = next((one for one in said.targets if one.id == target), None) if said else None
        nothing = _nothing(key)
        now, goal = current.get(key, nothing), _goal(said, metric, promised)
        following = _following(said, promising, period[1]) if said else None
        next_goal = _goal(following, metric, promised)
        lines.append(
            Line(
                agreement=agreement,
                title=said.title if said else "",
                target=target,
                metric=metric,
                promise=told(promised, metric=False) if promised else "",
                goal=_told(next_goal),
                previous=(last_stood.get(key) or last.get(key) or nothing).rate(),
                restated=last.get(key, nothing).rate() if key in last_stood else "",
                now=now,
                stood=stood[key].rate() if key in stood else "",
                kept=_kept(goal, now),
                agreed=goal,
                following=next_goal,
                last=last.get(key),
            )
        )
    return lines


def _both(
    conn: Connection, period: Span, as_of: int, service: int | None, zone: str
) -> tuple[dict[Key, Attainment], dict[Key, Attainment]]:
    """Count a period as it is now, and how it was when it ended where that differs."""
    now = {(one.agreement, one.target, one.metric): one for one in attainment(conn, period, as_of, service)}
    stood = {}
    for key, (met, missed) in changed_since(conn, period, as_of, zone, service).items():
        one = now.get(key) or _nothing(key)
        stood[key] = replace(one, met=one.met - met, missed=one.missed - missed)
    return now, stood


def _nothing(key: Key) -> Attainment:
    return Attainment(*key, 0, 0, 0, 0, 0, 0, 0)


def _following(agreement: Sla, promising: Sequence[Sla], at: int) -> Sla | None:
    """Return the version in force when the next period begins: the agreement itself, or what replaced it."""
    day = datetime.fromtimestamp(at // 1000 + _NOON_S, tz=UTC).date().isoformat()
    in_force = [
        one
        for one in promising
        if one.signed_at is not None
        and (one.valid_from or day) <= day
        and (one.valid_to is None or day < one.valid_to)
        and one.customer_id == agreement.customer_id
        and set(one.service_ids) & set(agreement.service_ids)
    ]
    itself = [one for one in in_force if one.id == agreement.id]
    return next(iter(itself or in_force), None)


def _goal(agreement: Agreement | None, metric: str, promised: Target | None) -> Target | None:
    """Find the share agreed for a metric: for the priority before for all, for the metric before for tickets at large."""
    priority = promised.priority if promised else None
    fitting = [
        one
        for one in (agreement.targets if agreement else ())
        if one.metric in ("attainment", f"{metric}_attainment") and one.priority in (None, priority)
    ]
    return max(fitting, key=lambda one: (one.priority is not None, one.metric != "attainment"), default=None)


def _told(goal: Target | None) -> str:
    return f"{goal.operator} {goal.value:g} {goal.unit}" if goal else ""


def _kept(goal: Target | None, now: Attainment) -> str:
    """Compare what was reached, unrounded, with what was agreed."""
    if goal is None:
        return ""
    if now.decided < max(goal.min_sample or 1, 1):
        return "not applicable"
    reached = Fraction(now.met * 100, now.decided)
    fits = reached >= Fraction(str(goal.value)) if goal.operator == ">=" else reached <= Fraction(str(goal.value))
    return "met" if fits else "not met"
