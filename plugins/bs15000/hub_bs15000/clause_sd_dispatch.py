"""Service desk: who takes a call over, who is tried next, who it is handed up to, what was promised (05, 06, 20, 21)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select

from hub.conformance.evidence import any_of, at, fields_filled, rows
from hub.conformance.expression import counted, earlier_of, minutes_after, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.shape import completeness, deadline, precondition
from hub.conformance.unit import Unit
from hub.store.schema import child_tables
from hub.store.tables import metadata
from hub_bs15000.message import told
from hub_bs15000.ticket import (
    KINDS_OF_TICKET,
    calendar_minutes_after,
    columns,
    first_event,
    over,
    priority_unknown,
    recorded,
    tickets,
    with_facts,
)

__all__ = ["DECLARATIONS"]

i = columns("incident")
_event = metadata.tables["event"]
_escalations = child_tables["incident", "escalations"]
_TAKEN = ("accepted", "resolved", "closed")


def _assigned() -> ColumnElement[Any]:
    """When it was first given to somebody: at its creation, if the first change of hands took it from somebody."""
    event = _event.alias()
    first = (
        select(case((func.coalesce(event.c.from_, "") == "", event.c.at), else_=recorded("incident")))
        .where(event.c.sid == i.sid, event.c.field == "assignee")
        .order_by(event.c.pos)
        .limit(1)
        .correlate_except(event)
        .scalar_subquery()
    )
    return func.coalesce(first, first_event(i.sid, "assigned"), since_when(i.sid, "assignee"))


def _handed_out() -> tuple[Unit, Any]:
    """Every incident that was given to somebody, with when that was, and when it was taken over."""
    units, fact = with_facts(tickets("incident"), given=_assigned(), taken=first_event(i.sid, *_TAKEN))
    return units.where(or_(fact.given.is_not(None), i.assignee.is_not(None))), fact


def _sd_05(rid: str, q: Parameters) -> list[Part]:
    units, fact = _handed_out()
    minutes = ", ".join(f"{name} {count}" for name, count in q.minutes.items())
    return [
        deadline(
            rid,
            "taken_over",
            Words(
                f"Whoever is given an incident takes it over within so many minutes of its hours: {minutes}.",
                "Nobody took the incident over in time.",
                "Take the incident over, or give it to somebody who can.",
            ),
            unit=units.opening(func.coalesce(fact.given, i.created_at, 0)),
            due=calendar_minutes_after("incident", fact.given, q.minutes),
            evidence=at(case((and_(i.priority.is_not(None), fact.given.is_not(None)), fact.taken))),
            fields=("assignee", "events", "priority"),
            doubts=[
                priority_unknown("incident"),
                (fact.given.is_(None), "when it was given to somebody is not known"),
            ],
        )
    ]


def _next_step(instant: ColumnElement[Any]) -> ColumnElement[Any]:
    """When somebody was tried next, or the incident was taken over."""
    entry = _escalations.alias()
    tried = (
        select(func.min(entry.c.at))
        .where(entry.c.sid == i.sid, entry.c.at > instant)
        .correlate_except(entry)
        .scalar_subquery()
    )
    taken = first_event(i.sid, *_TAKEN, when=lambda e: e.at > instant)
    return earlier_of(tried, taken)


def _sd_06(rid: str, q: Parameters) -> list[Part]:
    given, taken = _assigned(), first_event(i.sid, *_TAKEN)
    grave = tickets("incident").where(or_(i.priority.in_(tuple(q.limits)), i.priority.is_(None)))
    limit = case(*((i.priority == name, minutes_after(given, literal(count))) for name, count in q.limits.items()))
    units, fact = with_facts(grave, given=given, taken=taken, limit_at=limit)
    late = units.where(
        fact.given.is_not(None), or_(fact.taken.is_(None), fact.limit_at.is_(None), fact.taken > fact.limit_at)
    )
    e: Any = _escalations.c
    tried = rows("incident", and_(e.sid == i.sid, e.at >= fact.given), e.at, table=_escalations, stated_by_unit=True)
    due = minutes_after(fact.limit_at, q.minutes)
    entry, before = _escalations.alias(), _escalations.alias()
    tries = counted(before, before.c.sid == i.sid, before.c.at >= fact.given, before.c.at <= entry.c.at)
    further = replace(
        late,
        rows=late.rows.join(entry, entry.c.sid == i.sid),
        anchor=entry.c.at,
        opened=entry.c.at,
        conditions=(
            *late.conditions,
            entry.c.at >= fact.given,
            func.coalesce(entry.c.reached, literal(value=False)) == literal(value=False),
            or_(fact.taken.is_(None), fact.taken > entry.c.at),
            tries < q.levels,
            ~_same_instant(entry),
        ),
    )
    return [
        deadline(
            rid,
            "first",
            Words(
                f"If nobody takes a grave incident over in time, the next in the list is called within {q.minutes} minutes.",
                "Nobody took the grave incident over, and the next in the list was not called in time.",
                "Call the next in the list, and note each attempt with its time.",
            ),
            unit=late.opening(func.coalesce(fact.limit_at, fact.given)),
            due=due,
            evidence=any_of(tried.where(fact.limit_at.is_not(None)), at(case((fact.taken <= due, fact.taken)))),
            fields=("assignee", "events", "priority", "escalations"),
            doubts=[priority_unknown("incident")],
        ),
        deadline(
            rid,
            "further",
            Words(
                f"Whoever cannot be reached is followed within {q.minutes} minutes by the next in the list.",
                "One of the list was not reached, and the next was not called in time.",
                "Call the next in the list, and note each attempt with its time.",
            ),
            unit=further,
            due=minutes_after(entry.c.at, q.minutes),
            evidence=at(_next_step(entry.c.at)),
            fields=("events", "priority", "escalations"),
            doubts=[
                (entry.c.reached.is_(None), "whether the one called was reached is not recorded"),
                priority_unknown("incident"),
            ],
        ),
    ]


def _same_instant(entry: Any) -> ColumnElement[bool]:
    """Say whether another attempt of the same instant stands before this one; both are one step."""
    twin = _escalations.alias()
    return (
        exists()
        .where(twin.c.sid == entry.c.sid, twin.c.at == entry.c.at, twin.c.pos < entry.c.pos)
        .correlate_except(twin)
    )


def _raised() -> ColumnElement[Any]:
    """When the first line passed it up: its support line rose, or it was handed to other skills."""
    entry = _escalations.alias()
    rose = first_event(i.sid, when=lambda e: and_(e.field == "support_line", e.from_ == "1", e.to.in_(("2", "3", "4"))))
    handed = (
        select(func.min(entry.c.at))
        .where(entry.c.sid == i.sid, entry.c.kind == "functional")
        .correlate_except(entry)
        .scalar_subquery()
    )
    return earlier_of(rose, handed)


def _sd_20(rid: str, q: Parameters) -> list[Part]:
    units, fact = with_facts(tickets("incident"), raised=_raised())
    passed = units.where(fact.raised.is_not(None))
    minutes = ", ".join(f"{name} {count}" for name, count in q.minutes.items())
    event: Any = _event.alias()
    e = event.c
    note = rows("incident", and_(e.sid == i.sid, e.at <= fact.raised), e.at, table=event, stated_by_unit=True).where(
        or_(e.field.in_(("comment", "worklog")), e.type.in_(("responded", "customer_informed")))
    )
    return [
        deadline(
            rid,
            "in_time",
            Words(
                f"What the first line cannot solve is passed up within so many minutes of its hours: {minutes}.",
                "The incident was passed up to the next line too late.",
                "Find out what held the incident back.",
            ),
            unit=passed,
            due=calendar_minutes_after("incident", recorded("incident"), q.minutes),
            evidence=at(case((i.priority.is_not(None), fact.raised))),
            fields=("support_line", "priority", "events", "escalations"),
            doubts=[priority_unknown("incident")],
        ),
        completeness(
            rid,
            "informed",
            Words(
                "Description, service, impact and urgency are filled when an incident is passed up.",
                "The incident was passed up without description, service, impact or urgency.",
                "Fill what is missing, so that the next line need not ask again.",
            ),
            unit=passed,
            fields=("description", "service_ids", "impact", "urgency"),
            by=fact.raised,
        ),
        precondition(
            rid,
            "noted",
            Words(
                "The first line notes what it did before it passes an incident up.",
                "The incident was passed up without a note of the first line.",
                "Write down what the first line did.",
            ),
            unit=passed,
            before=fact.raised,
            evidence=note,
            fields=("events",),
        ),
    ]


def _sd_21(rid: str, q: Parameters) -> list[Part]:
    parts = []
    for kind in KINDS_OF_TICKET:
        t = columns(kind)
        ended = over(kind)
        answered = tickets(kind).where(t.first_response_at.is_not(None)).opening(t.first_response_at)
        still = answered.where(or_(ended.is_(None), ended > t.first_response_at))
        units, fact = with_facts(
            tickets(kind).where(t.promised_reply_at.is_not(None)),
            given=func.coalesce(since_when(t.sid, "promised_reply_at"), t.first_response_at, t.created_at),
        )
        parts += [
            deadline(
                rid,
                f"{kind}_promised",
                Words(
                    f"Whoever is not helped at once is told when the answer to the {kind} will come.",
                    f"The caller got no time for the answer to the {kind}.",
                    "Tell the caller when the answer will come, and record that time.",
                ),
                unit=still,
                due=minutes_after(t.first_response_at, q.minutes),
                evidence=fields_filled("promised_reply_at"),
                fields=("first_response_at",),
            ),
            deadline(
                rid,
                f"{kind}_kept",
                Words(
                    f"The caller hears of the {kind} by the time that was promised.",
                    f"The caller heard nothing of the {kind} by the time that was promised.",
                    "Tell the caller where it stands, and keep the next promise.",
                ),
                unit=units.opening(func.coalesce(fact.given, 0)),
                due=t.promised_reply_at,
                evidence=told(kind, fact.given),
                fields=("promised_reply_at", "customer_updates"),
            ),
        ]
    return parts


DECLARATIONS: dict[str, Declare] = {"SD-05": _sd_05, "SD-06": _sd_06, "SD-20": _sd_20, "SD-21": _sd_21}
"""Requirement -> what makes its parts."""
