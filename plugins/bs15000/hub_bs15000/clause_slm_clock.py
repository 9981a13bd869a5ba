"""Service level management: how fast tickets are answered, attended, passed to suppliers and resolved (10 to 13)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select

from hub.conformance.clock import clock, kept
from hub.conformance.evidence import Rows, any_of, at
from hub.conformance.expression import (
    CALENDAR,
    earlier_of,
    filled,
    later_of,
    minutes_after,
    since_when,
)
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.ratio import ratio
from hub.conformance.reading import Need
from hub.conformance.shape import deadline
from hub.conformance.unit import Unit, each, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.message import mails
from hub_bs15000.monthly import of_service
from hub_bs15000.ticket import GRADE, calendar_minutes_after, columns, priority_unknown, tickets, tied, with_facts

__all__ = ["DECLARATIONS"]

i = columns("incident")
s = kind_tables["service"].c
_link = metadata.tables["link"]
_event = metadata.tables["event"]
_record = metadata.tables["record"]
_period = metadata.tables["period"].c
_open = metadata.tables["open_interval"]
_DAY_MS = 86_400_000
_NO_OTHER_PROMISE = Need("sla", evidence=True)
"""Whether an agreement promises something else, or anything at all, is known only where all of them could be read."""


def _without_clock(metric: str) -> ColumnElement[bool]:
    running = metadata.tables["sla_clock"].alias()
    return ~exists().where(running.c.sid == i.sid, running.c.metric == metric).correlate_except(running)


def _slm_10(rid: str, q: Parameters) -> list[Part]:
    minutes = ", ".join(f"{name} {count}" for name, count in q.minutes.items())
    reported = func.coalesce(i.reported_at, i.recorded_at, i.created_at)
    return [
        kept(
            rid,
            "agreed",
            Words(
                "A person answers the customer within the time the agreement promises for the priority.",
                "Nobody answered the customer within the agreed time.",
                "Answer the customer, and find out why nobody did in time.",
            ),
            of=clock(tickets("incident"), "response"),
            fields=("first_response_at",),
        ),
        deadline(
            rid,
            "by_grade",
            Words(
                f"Where no agreement says otherwise, a person answers within so many minutes: {minutes}; "
                "the graver grades day and night, the others in working hours.",
                "Nobody answered the customer in time.",
                "Answer the customer, and find out why nobody did in time.",
            ),
            unit=tickets("incident").where(_without_clock("response")).reading(clock="near").opening(reported),
            due=calendar_minutes_after("incident", reported, q.minutes),
            evidence=at(case((i.priority.is_not(None), i.first_response_at))),
            fields=("first_response_at", "priority"),
            doubts=[priority_unknown("incident")],
            needs=[_NO_OTHER_PROMISE],
            complete=True,
        ),
    ]


def _slm_11(rid: str, q: Parameters) -> list[Part]:
    hours = {name: 60 * q.hours[grade] for name, grade in GRADE.items()}
    told = ", ".join(f"grade {grade} {count}" for grade, count in q.hours.items())
    needed = tickets("incident").where(i.onsite_confirmed_at.is_not(None))
    return [
        kept(
            rid,
            "agreed",
            Words(
                "An engineer is on site within the agreed time once it is clear that a visit is needed.",
                "No engineer was on site within the agreed time.",
                "Send somebody, and find out why nobody came in time.",
            ),
            of=clock(tickets("incident"), "onsite"),
            fields=("onsite_at",),
        ),
        deadline(
            rid,
            "by_grade",
            Words(
                f"Where no agreement says otherwise, an engineer is on site within so many hours: {told}.",
                "No engineer was on site in time.",
                "Send somebody, and find out why nobody came in time.",
            ),
            unit=needed.where(_without_clock("onsite")).reading(clock="near").opening(i.onsite_confirmed_at),
            due=calendar_minutes_after("incident", i.onsite_confirmed_at, hours),
            evidence=at(case((i.priority.is_not(None), i.onsite_at))),
            fields=("onsite_confirmed_at", "onsite_at", "priority"),
            doubts=[priority_unknown("incident")],
            needs=[_NO_OTHER_PROMISE],
            complete=True,
        ),
    ]


def _first_priority() -> ColumnElement[Any]:
    """The priority that was set first, as far as events tell; else the present one."""
    event, earlier = _event.alias(), _event.alias()
    before = exists().where(earlier.c.sid == event.c.sid, earlier.c.field == "priority", earlier.c.pos < event.c.pos)
    first = (
        select(case((filled(event.c.from_), event.c.from_), else_=event.c.to))
        .where(event.c.sid == i.sid, event.c.field == "priority", ~before.correlate_except(earlier))
        .correlate_except(event)
        .scalar_subquery()
    )
    return func.coalesce(first, i.priority)


def _in_hours(instant: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say whether the organisation was open then; NULL outside its calendar."""
    span = _open.alias()
    closes = (
        select(span.c.closes)
        .where(span.c.calendar == CALENDAR, span.c.opens <= instant)
        .order_by(span.c.opens.desc())
        .limit(1)
        .correlate_except(span)
        .scalar_subquery()
    )
    return closes > instant


def _supplier_needed() -> ColumnElement[Any]:
    """When it was first noted that a supplier is needed; NULL = never."""
    pause, entry = metadata.tables["incident_pauses"].alias(), metadata.tables["incident_escalations"].alias()
    named, supplier = _record.alias(), kind_tables["supplier"].alias()
    waited = (
        select(func.min(pause.c.from_))
        .where(pause.c.sid == i.sid, pause.c.reason == "pending_supplier")
        .correlate_except(pause)
        .scalar_subquery()
    )
    by_id = exists().where(named.c.id == entry.c.to, named.c.kind == "supplier").correlate_except(named)
    by_name = exists().where(supplier.c.name == entry.c.to).correlate_except(supplier)
    asked = (
        select(func.min(entry.c.at))
        .where(entry.c.sid == i.sid, filled(entry.c.to), or_(by_id, by_name))
        .correlate_except(entry)
        .scalar_subquery()
    )
    return earlier_of(waited, asked)


def _called_supplier() -> Rows:
    """An outward call or mail in the contact log, of the incident, to a supplier or somebody who works for one."""
    found, contact = tied(
        "contact", "incident", lambda contact: func.coalesce(contact.at, contact.created_at), "direction", "party"
    )
    party, person, behind = _record.alias(), kind_tables["person"].alias(), _record.alias()
    found = (
        found.joining(party, party.c.sid == contact.party)
        .joining(person, person.c.sid == func.coalesce(party.c.canonical, party.c.sid))
        .joining(behind, behind.c.sid == person.c.party)
        .where(contact.direction == "out", or_(party.c.kind == "supplier", behind.c.kind == "supplier"))
    )
    return replace(found, reads={**found.reads, "person": "all", "supplier": "all", "identity": "all"})


def _slm_12(rid: str, q: Parameters) -> list[Part]:
    grave = tuple(name for name, grade in GRADE.items() if grade in {"A", "B"})
    units, fact = with_facts(
        tickets("incident"), first=since_when(i.sid, "priority"), noted=_supplier_needed(), priority=_first_priority()
    )
    called_for = later_of(fact.first, fact.noted)
    known = func.coalesce(fact.priority, "").in_(tuple(GRADE))
    concerned = and_(
        fact.noted.is_not(None),
        or_(~known, fact.priority.in_(grave)),
        func.coalesce(~_in_hours(fact.first), literal(value=True)),
    )
    notice, _ = mails("incident", "supplier_notice")
    return [
        deadline(
            rid,
            "told",
            Words(
                f"When a grave fault needs the supplier out of hours, the supplier is told within {q.minutes} minutes.",
                "The supplier was not told in time of the grave fault out of hours.",
                "Tell the supplier, and keep the message with the incident.",
            ),
            unit=units.where(concerned)
            .opening(func.coalesce(called_for, fact.noted))
            .reading(supplier="all", calendar="all"),
            due=minutes_after(called_for, q.minutes),
            evidence=any_of(*(one.where(fact.first.is_not(None)) for one in (notice, _called_supplier()))),
            fields=("priority", "events", "pauses", "escalations"),
            doubts=[
                (fact.first.is_(None), "since when it had its priority is not known"),
                (~known, "which priority it had first is not known"),
            ],
        )
    ]


def _decided_incidents(services: Unit) -> tuple[Rows, Any]:
    """Incidents of the service by the instant that decides their resolution clock, which no rule leaves out."""
    k = metadata.tables["sla_clock"].alias()
    incident, twin = kind_tables["incident"], _link.alias()
    duplicate = exists().where(twin.c.sid == i.sid, twin.c.type == "duplicate_of").correlate_except(twin)
    return of_service(
        services,
        "incident",
        # a look-up by ticket, not by metric: most clocks are of this one
        table=incident.join(k, and_(k.c.sid == i.sid, func.coalesce(k.c.metric, "") == "resolution")),
        sid=i.sid,
        at=func.coalesce(earlier_of(k.c.stopped_at, k.c.due_at), i.resolved_at, i.created_at),
        facts={
            "stopped": k.c.stopped_at,
            "lacks": k.c.lacks,
            "took": i.resolved_at - func.coalesce(i.reported_at, i.recorded_at, i.created_at),
        },
        where=(
            k.c.excluded.is_(None),
            or_(k.c.stopped_at.is_not(None), k.c.due_at.is_not(None), k.c.lacks.is_not(None)),
            ~duplicate,
            func.coalesce(i.status_category, "").not_in(("cancelled", "rejected")),
        ),
        declared=i.declared_by.is_not(None),
        reads={"incident": "near", "clock": "far"},
        fields=frozenset({"resolved_at"}),
    )


def _slm_13(rid: str, q: Parameters) -> list[Part]:
    owing = each(unit("service"), "month")
    whole, m = _decided_incidents(owing)
    whole = whole.doubtful(m.lacks.is_not(None), "its resolution clock cannot be computed")
    solved = and_(m.stopped.is_not(None), m.stopped < _period.ends_at)
    quick = m.took <= _DAY_MS
    share, soon = round(q.resolved_share * 100), round(q.within_24h_share * 100)
    return [
        ratio(
            rid,
            "resolved",
            Words(
                f"Of the incidents of a service whose time is over in a month, {share} per cent are resolved by its end.",
                f"Less than {share} per cent of the month's incidents were resolved by its end.",
                "Resolve what is overdue, and find out what holds it up.",
            ),
            unit=owing,
            of=whole,
            good=solved,
            share=q.resolved_share,
            needs=[_NO_OTHER_PROMISE],
        ),
        ratio(
            rid,
            "within_a_day",
            Words(
                f"Of the incidents of a service resolved in a month, {soon} per cent took a day at most.",
                f"Less than {soon} per cent of the incidents resolved in the month were resolved within a day.",
                "Find out what the slow ones have in common.",
            ),
            unit=owing,
            of=whole.where(solved),
            good=quick,
            share=q.within_24h_share,
            needs=[_NO_OTHER_PROMISE],
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"SLM-10": _slm_10, "SLM-11": _slm_11, "SLM-12": _slm_12, "SLM-13": _slm_13}
"""Requirement -> what makes its parts."""
