"""Clause 7.2, problem management: problems are looked after, escalated and kept current (f, i)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, select, union

from hub.conformance.evidence import any_of, at, fields_filled, rows
from hub.conformance.expression import (
    business_days_after,
    days_after,
    earlier_of,
    filled,
    later_of,
    since_when,
    touched,
)
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.relation import link_instant
from hub.conformance.shape import deadline
from hub.conformance.unit import Unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.ownership import owner_left, without_owner
from hub_bs15000.problem import (
    FROM_INCIDENT,
    FROM_PROBLEM,
    incident_links,
    open_until,
    p,
    problems,
    target,
    worked_until,
)
from hub_bs15000.ticket import with_facts

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_event = metadata.tables["event"]
_problem = kind_tables["problem"]
_NEVER = 9_000_000_000_000_000


def _touches() -> Any:
    """Select (sid, at, next): every instant something happened to a problem, and the one after it."""
    event, created = _event.alias(), _problem.alias()
    born = select(created.c.sid, created.c.created_at.label("at")).where(created.c.created_at.is_not(None))
    moved = select(event.c.sid, event.c.at).select_from(event.join(created, created.c.sid == event.c.sid))
    every = union(born.where(touched(created.c.sid)), moved.where(touched(event.c.sid))).subquery("every")
    following = func.lead(every.c.at).over(partition_by=every.c.sid, order_by=every.c.at)
    return select(every.c.sid, every.c.at, following.label("next")).subquery("touch")


def _7_2_f(rid: str, q: Parameters) -> list[Part]:
    aim = target(q.days)
    due = p.created_at + (aim - p.created_at) * q.escalate_pct // 100
    event: Any = _event.alias()
    ends = event.c.type.in_(("escalated", "resolved", "closed", "cancelled"))
    touch = _touches()
    idle = Unit(
        kind="problem",
        rows=touch.join(_problem, p.sid == touch.c.sid),
        sid=p.sid,
        anchor=touch.c.at,
        opened=touch.c.at,
        conditions=(touch.c.at < open_until, *problems().conditions),
        reads={"problem": "near"},
    )
    return [
        deadline(
            rid,
            "escalated",
            Words(
                f"A problem that has used {q.escalate_pct} per cent of its time unsolved is escalated.",
                f"The problem used {q.escalate_pct} per cent of its time and was not escalated.",
                "Escalate the problem to somebody who can give it people or time.",
            ),
            unit=problems(),
            due=due,
            evidence=any_of(
                at(worked_until),
                rows("problem", event.c.sid == p.sid, event.c.at, table=event, stated_by_unit=True).where(ends),
            ),
            fields=("target_resolution_at", "priority", "events"),
        ),
        deadline(
            rid,
            "idle",
            Words(
                f"Something happens to an open problem at least every {q.idle_days} days.",
                f"Nothing happened to the open problem for more than {q.idle_days} days.",
                "Say in the problem where it stands, or close it.",
            ),
            unit=idle,
            due=days_after(touch.c.at, q.idle_days),
            evidence=at(earlier_of(touch.c.next, worked_until)),
            fields=("events", "closed_at"),
        ),
    ]


def _first_linked() -> Any:
    link: Any = _link.alias()
    ties, _which = incident_links(link)
    return select(func.min(link_instant(link))).where(ties).correlate_except(link).scalar_subquery()


def _has_incident() -> Any:
    link: Any = _link.alias()
    ties, which = incident_links(link)
    incident: Any = kind_tables["incident"].alias()
    found = select(incident.c.sid).where(ties, incident.c.sid == which)
    return found.correlate_except(link, incident).exists()


def _workaround_kept(rid: str, days: int) -> Part:
    units, fact = with_facts(problems().where(_has_incident()), first=_first_linked())
    return deadline(
        rid,
        "workaround",
        Words(
            f"A problem with incidents says within {days} working days how to work around it, or that there is no way.",
            "The problem has incidents and says nothing about a workaround.",
            "Write down the workaround, or `none`.",
        ),
        unit=units.where(func.coalesce(fact.first, 0) < open_until)
        .opening(func.coalesce(fact.first, p.created_at, 0))
        .reading(incident="near"),
        due=business_days_after(fact.first, days),
        evidence=any_of(fields_filled("workaround"), at(worked_until)),
        fields=("workaround", "links"),
        shape="completeness",
    )


def _pairs(*conditions: ColumnElement[bool]) -> Any:
    """Select (problem, incident, at) for every incident linked to a problem for which the conditions hold, each once."""
    ends = []
    for types, outward in ((FROM_PROBLEM, True), (FROM_INCIDENT, False)):
        link = _link.alias()
        here, there = (link.c.sid, link.c.target) if outward else (link.c.target, link.c.sid)
        stated = select(p.sid.label("problem"), there.label("incident"), link_instant(link).label("at"))
        tied = _problem.join(link, here == p.sid + 0)  # from the problems to their links, not from all links
        ends.append(stated.select_from(tied).where(touched(p.sid), link.c.type.in_(types), *conditions))
    every = union(*ends).subquery("stated")
    e = every.c
    return select(e.problem, e.incident, func.min(e.at).label("at")).group_by(e.problem, e.incident).subquery("pair")


def _note_kept(rid: str, days: int) -> Part:
    known = (filled(p.workaround), func.lower(func.trim(p.workaround)) != "none")
    pair, event = _pairs(*problems().conditions, *known), _event.alias()
    incident: Any = kind_tables["incident"].alias()
    i = incident.c
    start = later_of(since_when(p.sid, "workaround"), pair.c.at)
    solved = func.coalesce(i.resolved_at, i.closed_at)
    said = event.c.type.in_(("responded", "customer_informed")) | (func.coalesce(event.c.field, "") == "comment")
    note = (
        select(func.min(event.c.at))
        .where(event.c.sid == i.sid, said, event.c.at >= since_when(p.sid, "workaround"))
        .correlate_except(event)
        .scalar_subquery()
    )
    units = Unit(
        kind="problem",
        rows=pair.join(_problem, p.sid == pair.c.problem).join(incident, i.sid == pair.c.incident),
        sid=p.sid,
        anchor=i.sid,
        opened=func.coalesce(start, p.created_at, 0),
        conditions=(
            func.coalesce(solved, _NEVER) > func.coalesce(start, 0),
            func.coalesce(start, 0) < open_until,
        ),
        reads={"problem": "near", "incident": "near"},
    )
    return deadline(
        rid,
        "note",
        Words(
            f"Every open incident of a problem hears of its workaround within {days} working days.",
            "An open incident of the problem has no note since the workaround is known.",
            "Tell the workaround in the incident.",
        ),
        unit=units,
        due=business_days_after(start, days),
        evidence=at(earlier_of(note, earlier_of(solved, worked_until))),
        fields=("workaround", "links"),
        shape="completeness",
    )


def _7_2_i(rid: str, q: Parameters) -> list[Part]:
    days = q.business_days
    return [without_owner(rid, days), owner_left(rid, days), _workaround_kept(rid, days), _note_kept(rid, days)]


DECLARATIONS: dict[str, Declare] = {"BS15000-7.2-f": _7_2_f, "BS15000-7.2-i": _7_2_i}
"""Requirement -> what makes its parts."""
