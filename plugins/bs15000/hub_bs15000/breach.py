"""Levels that were missed: tickets past their promised time, and figures of a period on the wrong side of their target.

A ticket whose clock cannot be computed is told by the requirements that watch the clock itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, not_, or_, select

from hub.conformance.clock import clock
from hub.conformance.evidence import At, Rows, at, rows
from hub.conformance.expression import earlier_of, filled, since_when
from hub.conformance.owed import Doubt
from hub.conformance.unit import Unit, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.review import held, r
from hub_bs15000.ticket import tickets

__all__ = [
    "CLOCKS",
    "SIDE_UNKNOWN",
    "breached",
    "cause_recorded",
    "discussed",
    "m",
    "missed",
    "month_ends",
    "worse",
]

CLOCKS = {"response": "answered", "onsite": "attended", "resolution": "resolved"}
"""Metric of a clock -> what was done too late."""
m: Any = kind_tables["measurement"].c
"""Columns of the figure that owes."""

_link = metadata.tables["link"]
_period = metadata.tables["period"]


def breached(kind: str, metric: str) -> tuple[Unit, ColumnElement[Any]]:
    """Every ticket of this kind that was promised this and was late, from the promised instant, which comes with it."""
    k = clock(tickets(kind), metric)
    late = or_(k.c.stopped_at.is_(None), k.c.stopped_at > k.c.due_at)
    return k.unit.where(k.c.due_at.is_not(None), late).opening(k.c.due_at), k.c.due_at


def _better(up: bool) -> ColumnElement[bool]:  # noqa: FBT001 - the only argument
    """Say whether more of the metric is better (or less): as it is defined, else as agreements compare it."""
    definition: Any = kind_tables["metric_definition"].alias()
    target: Any = child_tables["sla", "targets"].alias()
    d, t = definition.c, target.c
    defined = select(d.metric_id).where(d.direction == ("up" if up else "down"), d.metric_id.is_not(None))
    compared = select(t.metric).where(t.operator == (">=" if up else "<="))
    return or_(
        m.metric_id.in_(defined.correlate_except(definition)), m.metric_id.in_(compared.correlate_except(target))
    )


_up, _down = _better(up=True), _better(up=False)
worse = case(
    (m.actual == m.target, 0),
    (or_(and_(_up, not_(_down)), m.metric_id == "availability"), case((m.actual < m.target, 1), else_=0)),
    (and_(_down, not_(_up)), case((m.actual > m.target, 1), else_=0)),
    (m.unit == "%", case((m.actual < m.target, 1), else_=0)),
    else_=2,
)
"""1 = the figure is worse than its target, 0 = it is not, 2 = nobody said which way is better."""
SIDE_UNKNOWN: Doubt = (worse == 2, "which way the figure is better is not recorded")  # noqa: PLR2004 - told above
"""Pass in `doubts` with `missed`."""


def missed() -> Unit:
    """Every figure of a period that missed its target, or of which nobody knows which way is better, from its end."""
    known = and_(m.actual.is_not(None), m.target.is_not(None), m.period_end.is_not(None))
    found = unit("measurement").where(known, worse > 0)
    return found.opening(m.period_end).reading(metric_definition="all", sla="all")


def cause_recorded(kind: str) -> At:
    """Evidence: the cause is recorded, by list or in words, from when it was."""
    b: Any = kind_tables[kind].c
    since = earlier_of(since_when(b.sid, "breach.cause_code"), since_when(b.sid, "breach.cause_text"))
    given = or_(filled(b.breach_cause_code), filled(b.breach_cause_text))
    when = func.coalesce(since, b.breach_recorded_at)
    lacks = case((and_(given, when.is_(None)), "when the cause was recorded is not known"))
    return at(case((given, when)), lacks=lacks)


def month_ends(instant: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the first instant after the month that holds an instant; reads `period`."""
    month = _period.alias()
    return (
        select(month.c.ends_at)
        .where(month.c.unit == "month", month.c.starts_at <= instant)
        .order_by(month.c.starts_at.desc())
        .limit(1)
        .correlate_except(month)
        .scalar_subquery()
    )


def discussed(subject: ColumnElement[int], *types: str) -> Rows:
    """Evidence: a review of one of these types held a record among its items."""
    link: Any = _link.alias()
    found = rows(
        "review",
        and_(link.c.target == subject, link.c.type == "items"),
        held(),
        fields=frozenset({"type", "items", "held_at"}),
        table=link,
        record=r.sid,
        declared=r.declared_by.is_not(None),
    )
    found = replace(found, expires=r.expires_at).joining(kind_tables["review"], r.sid == link.c.sid)
    return found.where(r.type.in_(types))
