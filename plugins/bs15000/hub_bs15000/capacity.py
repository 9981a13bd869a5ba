"""Capacity plans: which is in force, what it says of resources, and when the use of a resource passed its limit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from hub.conformance.evidence import Rows
from hub.conformance.expression import filled, later_of, since_when
from hub.conformance.unit import Unit, unit
from hub.store.schema import child_tables, kind_tables
from hub_bs15000.document_control import documents
from hub_bs15000.effective import in_effect

__all__ = ["KIND", "beyond_limit", "every_resource", "fit", "m", "plan", "plans", "plans_in_effect"]

KIND = "capacity_plan"
plan: Any = kind_tables[KIND].c
"""Columns of the capacity plan."""
_measurement = kind_tables["measurement"]
m: Any = _measurement.c
"""Columns of the measurement that owes."""


def plans(*fields: str, on: ColumnElement[bool] | None = None) -> Rows:
    """Evidence: a capacity plan in force that was authorised, from when it holds these lists."""
    found = documents("", kind=KIND, on=on)
    needs = tuple(replace(need, fields=need.fields | set(fields)) for need in found.needs)
    if not fields:
        return found
    begins = func.coalesce(plan.effective_from, 0)
    return replace(found, at=later_of(found.at, func.coalesce(since_when(plan.sid, *fields), begins)), needs=needs)


def plans_in_effect() -> Unit:
    """Every capacity plan that took effect, from then on and from when that was recorded."""
    return in_effect(KIND, "")


def every_resource(field: str, *conditions: Any) -> ColumnElement[bool]:
    """Say whether the plan's list `field` has, for every resource it forecasts, a row for which all conditions hold."""
    forecast, line = child_tables[KIND, "demand"].alias(), child_tables[KIND, field].alias()
    same = func.lower(func.trim(line.c.resource)) == func.lower(func.trim(forecast.c.resource))
    told = exists().where(line.c.sid == forecast.c.sid, same, *(one(line.c) for one in conditions))
    lacking = exists().where(forecast.c.sid == plan.sid, ~told.correlate_except(line))
    return ~lacking.correlate_except(forecast)


def beyond_limit() -> tuple[Unit, Any]:
    """Every measurement that shows a resource beyond its limit though the one before did not; also returns the limit.

    Limits are those of the capacity plan in effect at the end of the time measured. What is measured of one thing
    is a series; where nobody says of what, each measurement stands alone. Reads capacity plans, all of them.
    """
    limit, before, of = child_tables[KIND, "limits"].alias(), _measurement.alias(), kind_tables[KIND].alias()
    last: Any = (
        select(before.c.actual)
        .where(
            before.c.subject == m.subject,
            before.c.metric_id == m.metric_id,
            before.c.actual.is_not(None),
            before.c.vanished_at.is_(None),
            or_(
                before.c.period_start < m.period_start,
                and_(before.c.period_start == m.period_start, before.c.sid < m.sid),
            ),
        )
        .order_by(before.c.period_start.desc(), before.c.sid.desc())
        .limit(1)
        .correlate_except(before)
        .scalar_subquery()
    )
    first, named = child_tables[KIND, "limits"].alias(), func.coalesce(limit.c.metric_id, limit.c.resource)
    told_before = exists().where(
        first.c.sid == limit.c.sid,
        first.c.pos < limit.c.pos,
        func.coalesce(first.c.metric_id, first.c.resource) == m.metric_id,
        fit(first.c),
    )
    rows = _measurement.join(limit, m.metric_id == named).join(
        of, of.c.sid == limit.c.sid
    )
    base = unit("measurement")
    seen = func.coalesce(m.period_end, m.created_at, 0)
    units = replace(base, rows=rows, anchor=of.c.sid, opened=later_of(seen, func.coalesce(m.created_at, seen)))
    kept = units.where(
        fit(limit.c),
        ~told_before.correlate_except(first),
        m.actual > limit.c.limit,
        or_(last.is_(None), last <= limit.c.limit),
        of.c.doc_status != "draft",
        of.c.effective_from <= seen,
        or_(of.c.superseded_at.is_(None), of.c.superseded_at > seen),
        or_(of.c.withdrawn_at.is_(None), of.c.withdrawn_at > seen),
        or_(of.c.vanished_at.is_(None), of.c.vanished_at > seen),
        filled(limit.c.resource),
    )
    return kept.reading(capacity_plan="all", measurement="far"), limit.c


def fit(line: Any) -> ColumnElement[bool]:
    """Say whether a measurement is about what a line of the plan says is measured."""
    return or_(line.subject_id.is_(None), line.subject_id == m.subject)
