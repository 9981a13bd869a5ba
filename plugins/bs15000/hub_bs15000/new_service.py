"""Plans of new or altered services: from when they are in effect, when what they plan went live, what was expected."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select

from hub.conformance.evidence import Rows, at, rows
from hub.conformance.expression import later_of, since_when
from hub.conformance.part import Part, Words
from hub.conformance.shape import obligations
from hub.conformance.unit import Unit, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.configuration import tied

__all__ = [
    "CLASSES",
    "NEW_OR_CHANGED",
    "effective",
    "in_effect",
    "line",
    "lines",
    "plan",
    "planned",
    "plans",
    "went_live",
]

plan: Any = kind_tables["plan"].c
"""Columns of the plan that owes."""
NEW_OR_CHANGED = "new_or_changed_service"
"""Type of plan."""
CLASSES = ("new_service", "service_change")
"""Classes of changes that bring or alter a service."""
_REPLACED = ("obsolete", "obsolete_retained", "withdrawn")
_link = metadata.tables["link"]


def in_effect(row: Any) -> ColumnElement[Any]:
    """Return from when a plan counts: from when it takes effect, no earlier than it was recorded; NULL = not yet."""
    return later_of(row.effective_from, func.coalesce(row.created_at, row.effective_from))


def plans() -> Unit:
    """Every plan of a new or altered service that was not withdrawn before it took effect."""
    given_up = and_(
        plan.withdrawn_at.is_not(None), plan.withdrawn_at <= func.coalesce(plan.effective_from, plan.withdrawn_at)
    )
    return unit("plan").where(plan.plan_type == NEW_OR_CHANGED, ~given_up)


def planned(rid: str, name: str, words: Words, holds: ColumnElement[bool], *fields: str) -> Part:
    """Such a plan says this when it takes effect; a draft may still lack it.

    What it says counts from when the plan's history shows it in the last of `fields`, or else from when this
    version of the plan was recorded.
    """
    said = func.coalesce(since_when(plan.sid, *fields), plan.created_at)
    return obligations(
        "completeness",
        rid,
        name,
        words,
        unit=plans(),
        evidence=at(case((holds, said))),
        due=in_effect(plan),
        fields=("plan_type", "effective_from", *fields),
    )


def line(field: str) -> Any:
    """Return an alias of the rows of a list of the plan, such as `outcomes`."""
    return child_tables["plan", field].alias()


def lines(rows_of: Any, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Say whether the plan has a row in its list for which all conditions hold."""
    return exists().where(rows_of.c.sid == plan.sid, *conditions).correlate_except(rows_of)


def went_live() -> ColumnElement[Any]:
    """Return when what the plan is about went live: its changes' end, else its services' first day since; NULL = not yet.

    Reads changes and services one reference away.
    """
    link, change = _link.alias(), kind_tables["change"].alias()
    here, there = tied(link, plan.sid)
    changed = (
        select(func.max(change.c.actual_end))
        .select_from(link.join(change, change.c.sid == there))
        .where(here, change.c.class_.in_(CLASSES))
        .correlate_except(link, change)
        .scalar_subquery()
    )
    names, service = _link.alias(), kind_tables["service"].alias()
    started = (
        select(func.max(service.c.live_at))
        .select_from(names.join(service, service.c.sid == names.c.target))
        .where(names.c.sid == plan.sid, names.c.type == "service_ids", service.c.live_at >= plan.effective_from)
        .correlate_except(names, service)
        .scalar_subquery()
    )
    return func.coalesce(changed, started)


def effective(link: Any, on: ColumnElement[bool], there: ColumnElement[int], kind: str) -> Rows:
    """Evidence: a plan of a new or altered service in effect, at the other end of a link that `on` ties to the unit."""
    table: Any = kind_tables["plan"].alias()
    t = table.c
    replaced = and_(t.doc_status.in_(_REPLACED), or_(t.superseded_at.is_not(None), t.withdrawn_at.is_not(None)))
    stopped = case((t.withdrawn_at.is_not(None), t.withdrawn_at), else_=t.vanished_at)
    found = rows(
        "plan",
        on,
        in_effect(t),
        fields=frozenset({"plan_type", "doc_status", "authorised_by", "authorised_at", "effective_from"}),
        table=link,
        record=t.sid,
        lost=stopped,
        declared=t.declared_by.is_not(None),
    )
    found = found.joining(table, t.sid == there).where(
        t.plan_type == NEW_OR_CHANGED,
        t.authorised_by.is_not(None),
        t.authorised_at <= t.effective_from,
        or_(t.doc_status == "effective", t.doc_status.is_(None), replaced),
    )
    return found.doubtful(t.doc_status.is_(None), f"whether the plan of the {kind} is in force is not recorded")
