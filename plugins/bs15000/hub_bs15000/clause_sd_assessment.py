"""Service desk: the first assessment, by the matrix of impact and urgency (03, 04)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, case, cast, exists, func, literal, or_, select, union

from hub.conformance.evidence import at, fields_filled
from hub.conformance.expression import filled, later_of, minutes_after, since_when, touched
from hub.conformance.owed import NEVER
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.shape import deadline
from hub.conformance.unit import Unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.ticket import columns, recorded, tickets

__all__ = ["DECLARATIONS"]

i = columns("incident")
_event = metadata.tables["event"]
_incident = kind_tables["incident"]
_ASSESSED = ("impact", "urgency", "priority")


def _sd_03(rid: str, q: Parameters) -> list[Part]:
    return [
        deadline(
            rid,
            "prioritised",
            Words(
                f"An incident gets its priority within {q.minutes} minutes of being recorded.",
                f"The incident had no priority {q.minutes} minutes after it was recorded.",
                "Assess the incident and set its priority.",
            ),
            unit=tickets("incident"),
            due=minutes_after(recorded("incident"), q.minutes),
            evidence=fields_filled("priority"),
        )
    ]


def _then(name: str, instant: ColumnElement[Any]) -> ColumnElement[Any]:
    """The value the field had at that instant: what the next change of it took away, else the present one."""
    event = _event.alias()
    taken = (
        select(func.coalesce(event.c.from_, ""))
        .where(event.c.sid == i.sid, event.c.field == name, event.c.at > instant)
        .order_by(event.c.pos)
        .limit(1)
        .correlate_except(event)
        .scalar_subquery()
    )
    return func.coalesce(taken, cast(i[name], Text))


def _assessments(settle_minutes: int) -> tuple[Unit, Any]:
    """Every incident from each instant at which its assessment changed, with what it was then."""
    event, later = _event.alias(), _event.alias()
    first = func.coalesce(since_when(i.sid, "priority"), recorded("incident"), 0)
    set_first = select(i.sid, first.label("at")).where(touched(i.sid), i.priority.is_not(None))
    changed = (
        select(event.c.sid, event.c.at)
        .select_from(_incident.join(event, event.c.sid == i.sid))
        .where(touched(i.sid), event.c.field.in_(_ASSESSED), event.c.at >= first)
    )
    moment = union(set_first, changed).subquery("moment")
    following = (
        select(func.min(later.c.at))
        .where(later.c.sid == i.sid, later.c.field.in_(_ASSESSED), later.c.at > moment.c.at)
        .correlate_except(later)
        .scalar_subquery()
    )
    settled = moment.c.at + settle_minutes * 60_000
    lasted = [] if settle_minutes == 0 else [func.coalesce(following, NEVER) > settled]
    found = (
        select(
            moment.c.sid,
            moment.c.at,
            settled.label("settled"),
            *(_then(name, moment.c.at).label(name) for name in _ASSESSED),
        )
        .select_from(moment.outerjoin(_incident, i.sid == moment.c.sid))
        .where(*lasted)
        .limit(NEVER)
        .subquery("assessment")
    )
    base = tickets("incident")
    rows = found.outerjoin(_incident, i.sid == found.c.sid)
    return replace(base, rows=rows, anchor=found.c.at, opened=found.c.at), found.c


def _own_matrix() -> ColumnElement[bool]:
    """Say whether the agreement of the incident brings a matrix of its own, which the pack does not read."""
    running, sla = metadata.tables["sla_clock"].alias(), kind_tables["sla"].alias()
    return (
        exists()
        .where(running.c.sid == i.sid, sla.c.sid == running.c.agreement, sla.c.priority_matrix.is_not(None))
        .correlate_except(running, sla)
    )


def _sd_04(rid: str, q: Parameters) -> list[Part]:
    units, then = _assessments(q.settle_minutes)
    known = and_(
        then.impact.in_(("1", "2", "3")), then.urgency.in_(("1", "2", "3")), then.priority.in_(("P1", "P2", "P3", "P4"))
    )
    by_matrix = or_(
        *(
            and_(then.impact == pair[0], then.urgency == pair[-1], then.priority == priority)
            for pair, priority in q.matrix.items()
        )
    )
    said = since_when(i.sid, "priority_override_reason")
    event = _event.alias()
    signed = exists().where(event.c.sid == i.sid, event.c.at == said, event.c.actor.is_not(None))
    who = or_(signed.correlate_except(event), and_(said <= recorded("incident"), i.creator.is_not(None)))
    excused = and_(filled(i.priority_override_reason), ~by_matrix)
    return [
        deadline(
            rid,
            "matrix",
            Words(
                "The priority of an incident follows from its impact and urgency, or it is recorded who chose another and why.",
                "The priority does not follow from impact and urgency, and no reason was recorded at that time.",
                "Set the priority that the matrix gives, or record why it is another.",
            ),
            unit=units.reading(sla="all", clock="near"),
            due=then.settled,
            evidence=at(
                case((and_(known, by_matrix), then.at), (and_(known, excused, who), later_of(then.at, said))),
                lacks=case(
                    (and_(known, excused, said.is_(None)), literal("since when there is a reason is not known")),
                    (and_(known, excused, ~who), literal("who chose another priority is not recorded")),
                ),
            ),
            fields=("impact", "urgency", "priority", "priority_override_reason", "events"),
            doubts=[
                (~func.coalesce(known, literal(value=False)), "its impact, urgency or priority then is not known"),
                (_own_matrix(), "its agreement has a matrix of its own"),
            ],
            shape="completeness",
        )
    ]


DECLARATIONS: dict[str, Declare] = {"SD-03": _sd_03, "SD-04": _sd_04}
"""Requirement -> what makes its parts."""
