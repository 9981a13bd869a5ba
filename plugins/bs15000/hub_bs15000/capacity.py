"""Capacity plans: which is in force, what it says of resources, and when the use of a resource passed its limit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, exists, func, literal, or_, select

from hub.conformance.evidence import Rows
from hub.conformance.expression import later_of, since_when, touched
from hub.conformance.unit import Unit
from hub.store.schema import child_tables, kind_tables
from hub_bs15000.document_control import documents
from hub_bs15000.effective import in_effect

__all__ = [
    "KIND",
    "beyond_limit",
    "every_resource",
    "fit",
    "forecast_subjects",
    "in_effect_at",
    "m",
    "plan",
    "plans",
    "plans_in_effect",
]

KIND = "capacity_plan"
plan: Any = kind_tables[KIND].c
"""Columns of the capacity plan."""
_measurement = kind_tables["measurement"]
m: Any = _measurement.c
"""Columns of the measurement that is looked at."""


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


def in_effect_at(of: Any, at: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say whether a capacity plan, by its columns, was in effect at an instant."""
    return and_(
        of.doc_status != "draft",
        of.effective_from <= at,
        or_(of.superseded_at.is_(None), of.superseded_at > at),
        or_(of.withdrawn_at.is_(None), of.withdrawn_at > at),
        or_(of.vanished_at.is_(None), of.vanished_at > at),
    )


def beyond_limit() -> tuple[Unit, Any]:
    """Everything measured x every measurement that shows it beyond a limit though the one before did not.

    Owed by what is measured, anchor = the measurement; also returns the limit. Limits are those of the capacity
    plan in effect at the end of the time measured; where several fit, the first. Reads capacity plans, all of them.
    """
    limit, before, of = child_tables[KIND, "limits"].alias(), _measurement.alias(), kind_tables[KIND].alias()
    first, whose = child_tables[KIND, "limits"].alias(), kind_tables[KIND].alias()
    seen = func.coalesce(m.period_end, m.created_at, 0)
    same_start = and_(before.c.period_start == m.period_start, before.c.sid < m.sid)
    last: Any = (
        select(before.c.actual)
        .where(
            before.c.subject == m.subject,
            before.c.metric_id == m.metric_id,
            before.c.actual.is_not(None),
            before.c.vanished_at.is_(None),
            or_(before.c.period_start < m.period_start, same_start),
        )
        .order_by(before.c.period_start.desc(), before.c.sid.desc())
        .limit(1)
        .correlate_except(before)
        .scalar_subquery()
    )
    told_before = exists().where(
        whose.c.sid == first.c.sid,
        or_(first.c.sid < limit.c.sid, and_(first.c.sid == limit.c.sid, first.c.pos < limit.c.pos)),
        func.coalesce(first.c.metric_id, first.c.resource) == m.metric_id,
        fit(first.c),
        in_effect_at(whose.c, seen),
    )
    named = func.coalesce(limit.c.metric_id, limit.c.resource)
    units = Unit(
        kind="measurement",
        rows=_measurement.join(limit, m.metric_id == named).join(of, of.c.sid == limit.c.sid),
        sid=m.subject,
        anchor=m.sid,
        opened=later_of(seen, func.coalesce(m.created_at, seen)),
        conditions=(
            m.subject.is_not(None),
            m.vanished_at.is_(None),
            fit(limit.c),
            in_effect_at(of.c, seen),
            ~told_before.correlate_except(first, whose),
            m.actual > limit.c.limit,
            or_(last.is_(None), last <= limit.c.limit),
        ),
        reads={"capacity_plan": "all", "measurement": "near"},
        has_envelope=False,
    )
    return units, limit.c


def forecast_subjects() -> Unit:
    """Everything whose use a capacity plan forecasts, from when the first such plan took effect."""
    line, of = child_tables[KIND, "demand"].alias(), kind_tables[KIND].alias()
    subject = func.coalesce(line.c.subject_id, line.c.service_id)
    begins = later_of(of.c.effective_from, func.coalesce(of.c.created_at, of.c.effective_from))
    kept = (
        select(subject.label("sid"), func.min(begins).label("since"))
        .select_from(line.join(of, of.c.sid == line.c.sid))
        .where(touched(subject), subject.is_not(None), of.c.doc_status != "draft", begins.is_not(None))
        .group_by(subject)
        .subquery("measured")
    )
    return Unit(
        kind="measurement",
        rows=kept,
        sid=kept.c.sid,
        anchor=literal(0, BigInteger),
        opened=kept.c.since,
        conditions=(),
        reads={"capacity_plan": "all"},
        has_envelope=False,
    )


def fit(line: Any) -> ColumnElement[bool]:
    """Say whether a measurement is about what a line of the plan says is measured."""
    return or_(line.subject_id.is_(None), line.subject_id == m.subject)
