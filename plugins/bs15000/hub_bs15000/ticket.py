"""Incidents and requests as units: which owe, since when, how fast by priority, and what happened to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select

from hub.conformance.evidence import Rows, rows
from hub.conformance.expression import business_hours_after, later_of, minutes_after, since_when
from hub.conformance.owed import NEVER, Doubt
from hub.conformance.unit import Unit, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = [
    "GRADE",
    "KINDS_OF_TICKET",
    "ROUND_THE_CLOCK",
    "asleep",
    "calendar_minutes_after",
    "columns",
    "entered",
    "first_event",
    "happened",
    "over",
    "priority_unknown",
    "put_away",
    "recorded",
    "tickets",
    "tied",
    "with_facts",
]

KINDS_OF_TICKET = ("incident", "request")
"""What the service desk registers."""
GRADE = {"P1": "A", "P2": "B", "P3": "C", "P4": "C"}
"""Priority -> grade."""
ROUND_THE_CLOCK = ("P1", "P2")
"""Priorities that are worked on day and night; the others count the organisation's own hours."""
PENDING = ("pending_customer", "pending_supplier", "pending_internal")
_CALLED_OFF = ("cancelled", "rejected")
_DONE = ("resolved", "closed", "cancelled", "rejected")
_event = metadata.tables["event"]
_link = metadata.tables["link"]


def columns(kind: str) -> Any:
    """Return the columns of the tickets of this kind."""
    return kind_tables[kind].c


def recorded(kind: str) -> ColumnElement[Any]:
    """When the ticket was made."""
    t = columns(kind)
    return func.coalesce(t.recorded_at, t.created_at)


def over(kind: str) -> ColumnElement[Any]:
    """When work on the ticket ended; NULL = it is open."""
    t = columns(kind)
    done = func.coalesce(t.status_category, "").in_(_DONE)
    return func.coalesce(t.resolved_at, t.closed_at, case((done, func.coalesce(t.updated_at, 0))))


def tied(kind: str, ticket: str, when: Callable[[Any], ColumnElement[Any]], *fields: str) -> tuple[Rows, Any]:
    """Return records of a kind that name the ticket, each from `when(its columns)`, and those columns."""
    link, record = _link.alias(), kind_tables[kind].alias()
    found = rows(
        kind,
        and_(link.c.target == columns(ticket).sid, link.c.type == "ticket_id"),
        when(record.c),
        fields=frozenset({"ticket_id", *fields}),
        table=link,
        declared=record.c.declared_by.is_not(None),
    )
    return found.joining(record, record.c.sid == link.c.sid), record.c


def tickets(kind: str) -> Unit:
    """Every ticket that was neither called off nor is another's duplicate, from when it was made."""
    t, link = columns(kind), _link.alias()
    twin = exists().where(link.c.sid == t.sid, link.c.type == "duplicate_of").correlate_except(link)
    kept = func.coalesce(t.status_category, "").not_in(_CALLED_OFF)
    return unit(kind).where(kept, ~twin).opening(func.coalesce(recorded(kind), 0))


def with_facts(base: Unit, **facts: ColumnElement[Any]) -> tuple[Unit, Any]:
    """Work something out for each unit once, however often it is used; returns the units and the facts as columns."""
    named = (fact.label(name) for name, fact in facts.items())
    found = base.select(base.sid.label("sid"), *named).limit(NEVER).subquery("fact")
    table = kind_tables[base.kind]
    return replace(base, rows=found.join(table, table.c.sid == found.c.sid), conditions=()), found.c


def priority_unknown(kind: str) -> Doubt:
    """Pass in `doubts`: without its priority nobody knows how fast it had to go."""
    return columns(kind).priority.is_(None), "its priority is not recorded"


def calendar_minutes_after(kind: str, instant: ColumnElement[Any], minutes: Mapping[str, int]) -> ColumnElement[Any]:
    """Return when the minutes of the ticket's priority have passed on the calendar of that priority."""
    t = columns(kind)
    return case(
        *(
            (
                t.priority == name,
                minutes_after(instant, literal(count))
                if name in ROUND_THE_CLOCK
                else business_hours_after(instant, count / 60),
            )
            for name, count in minutes.items()
        )
    )


def entered(kind: str, field: str) -> ColumnElement[Any]:
    """When an instant that people enter counts: no earlier than since when the tool shows it, where that is known."""
    t = columns(kind)
    said = t[field.replace(".", "_")]
    return later_of(said, func.coalesce(since_when(t.sid, field), said))


def first_event(sid: ColumnElement[int], *types: str, when: Any = None) -> ColumnElement[Any]:
    """When the first event of one of these types happened; `when` makes a further condition of the event."""
    event = _event.alias()
    more = [] if when is None else [when(event.c)]
    return (
        select(func.min(event.c.at))
        .where(event.c.sid == sid, *([event.c.type.in_(types)] if types else []), *more)
        .correlate_except(event)
        .scalar_subquery()
    )


def happened(kind: str, *types: str, until: ColumnElement[Any] | None = None) -> tuple[Rows, Any]:
    """Evidence is an event of the ticket, of one of these types; also returns the event's columns."""
    event: Any = _event.alias()
    e, t = event.c, columns(kind)
    on = and_(e.sid == t.sid, e.type.in_(types), *([] if until is None else [e.at <= until]))
    return rows(kind, on, e.at, table=event, stated_by_unit=True), e


def asleep(kind: str, at: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say whether the ticket waited for somebody else at that instant."""
    pause: Any = metadata.tables[f"{kind}_pauses"].alias()
    p = pause.c
    within = (p.sid == columns(kind).sid, p.from_ <= at, or_(p.to.is_(None), p.to > at))
    return exists().where(*within, or_(p.reason.is_(None), p.reason.in_(PENDING))).correlate_except(pause)


def put_away(kind: str, at: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say whether the ticket was solved at that instant, though it was taken up again later."""
    again: Any = metadata.tables[f"{kind}_reopens"].alias()
    r = again.c
    return exists().where(r.sid == columns(kind).sid, r.resolved_at <= at, r.reopened_at > at).correlate_except(again)
