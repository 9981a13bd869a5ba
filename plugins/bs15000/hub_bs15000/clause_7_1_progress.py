"""Clause 7.1, incident management: incidents move, are escalated, and customers hear of it (e, f, i, j)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, true

from hub.conformance.clock import Clock, clock
from hub.conformance.evidence import Rows, any_of, at, rows
from hub.conformance.expression import business_hours_after, filled, hours_after, minutes_after, no_instant
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.shape import obligations
from hub.sla.ticket_clock import MARKS
from hub.store.schema import child_tables
from hub_bs15000.message import mails, messages
from hub_bs15000.silence import events_of, never_silent
from hub_bs15000.ticket import ROUND_THE_CLOCK, columns, entered, happened, recorded, tickets

__all__ = ["DECLARATIONS"]

i = columns("incident")
_HUB_EVENTS = ("sla_warned", "sla_breached")


def _7_1_e(rid: str, q: Parameters) -> list[Part]:
    hours = ", ".join(f"{name} {count}" for name, count in q.hours.items())
    return [
        never_silent(
            rid,
            "updated",
            Words(
                f"Something happens to an open incident at least every so many hours: {hours}.",
                "Nothing happened to the open incident for longer than its priority allows.",
                "Say in the incident where it stands, even if nothing is new.",
            ),
            kind="incident",
            start=recorded("incident"),
            moments=[events_of("incident", lambda e: e.type.not_in(_HUB_EVENTS))],
            limit=lambda began, priority: hours_after(began, q.hours[priority]),
            priorities=tuple(q.hours),
            pausing=True,
            fields=("pauses", "reopens"),
        )
    ]


def _7_1_i(rid: str, q: Parameters) -> list[Part]:
    hours = ", ".join(f"{name} {count}" for name, count in q.hours.items())

    def limit(began: ColumnElement[Any], priority: str) -> ColumnElement[Any]:
        if q.clock == "service_calendar" and priority not in ROUND_THE_CLOCK:
            return business_hours_after(began, q.hours[priority])
        return hours_after(began, q.hours[priority])

    by_customer = tickets("incident").where(func.coalesce(i.channel, "") != "alert")
    return [
        never_silent(
            rid,
            "told",
            Words(
                f"A customer hears about the incident at least every so many hours until it is resolved: {hours}.",
                "The customer heard nothing about the incident for longer than its priority allows.",
                "Tell the customer where the incident stands and when the next news will come.",
            ),
            kind="incident",
            start=func.coalesce(i.reported_at, recorded("incident")),
            moments=messages("incident"),
            limit=limit,
            priorities=tuple(q.hours),
            pausing=False,
            units=by_customer,
            fields=("reported_at", "customer_updates", "channel", "reopens"),
            doubts=[
                (and_(i.channel.is_(None), i.reporter.is_(None)), "whether a customer reported it is not recorded")
            ],
        )
    ]


def _escalated(kind: str, roles: tuple[str, ...]) -> Rows:
    """Entries of that kind, to one of the roles; without roles, to anybody who is named."""
    entry = child_tables["incident", "escalations"]
    e: Any = entry.c
    found = rows("incident", e.sid == i.sid, e.at, table=entry, stated_by_unit=True)
    found = found.where(or_(e.kind == kind, e.kind.is_(None)))
    if roles:
        wanted = func.lower(func.trim(e.to)).in_(tuple(role.lower() for role in roles))
        found = found.where(or_(wanted, ~filled(e.to)))
    return found.doubtful(
        e.kind.is_(None), "whether it was handed to other skills or to higher rank is not recorded"
    ).doubtful(~filled(e.to), "to whom it was escalated is not recorded")


def _when_used(
    rid: str, name: str, words: Words, k: Clock, *, reached: Any, kind: str, roles: Sequence[str], minutes: int
) -> Part:
    """An escalation is owed once the clock reaches an instant before the incident is resolved; None = nobody keeps it."""
    doubts = list(k.doubts)
    if reached is None:
        reached = no_instant()
        doubts.append((true(), "when that share of the time is used is not worked out; 50 and 80 per cent are"))
        owed: ColumnElement[bool] = true()
    else:
        owed = and_(reached.is_not(None), or_(k.c.stopped_at.is_(None), k.c.stopped_at > reached))
    owing = k.unit.where(k.c.excluded.is_(None), or_(k.c.lacks.is_not(None), owed))
    return obligations(
        "deadline",
        rid,
        name,
        words,
        unit=owing.reading(calendar="all"),
        due=minutes_after(reached, minutes),
        evidence=_escalated(kind, tuple(roles)).where(reached.is_not(None)),
        fields=("escalations", "resolved_at"),
        doubts=doubts,
    )


def _7_1_f(rid: str, q: Parameters) -> list[Part]:
    k = clock(tickets("incident"), "resolution")
    grace = q.grace_minutes

    def words(when: str, whom: str) -> Words:
        return Words(
            f"When {when}, the incident is escalated to {whom} within {grace} minutes.",
            f"The incident was not escalated to {whom} within {grace} minutes after {when}.",
            f"Escalate the incident to {whom}, and note to whom it went.",
        )

    used = "per cent of the agreed time is used"
    skills, rank = "people with other skills", "somebody of higher rank"
    return [
        _when_used(
            rid,
            "functional",
            words(f"{q.functional_pct} {used}", skills),
            k,
            reached=k.mark(q.functional_pct) if q.functional_pct in MARKS else None,
            kind="functional",
            roles=q.functional_to,
            minutes=grace,
        ),
        _when_used(
            rid,
            "hierarchical",
            words(f"{q.hierarchical_pct} {used}", rank),
            k,
            reached=k.mark(q.hierarchical_pct) if q.hierarchical_pct in MARKS else None,
            kind="hierarchical",
            roles=q.hierarchical_to,
            minutes=grace,
        ),
        _when_used(
            rid,
            "breached",
            words("the agreed time is over", rank),
            k,
            reached=k.due,
            kind="hierarchical",
            roles=q.hierarchical_to,
            minutes=grace,
        ),
    ]


def _7_1_j(rid: str, q: Parameters) -> list[Part]:
    return [
        _warned(rid, "resolution", "resolved", q.grace_minutes),
        _warned(rid, "onsite", "attended on site", q.grace_minutes),
    ]


def _warned(rid: str, metric: str, done: str, grace: int) -> Part:
    """Not of the response clock: a person's word to the customer stops that one."""
    k = clock(tickets("incident"), metric)
    late = or_(k.c.stopped_at.is_(None), k.c.stopped_at > k.due)
    event, e = happened("incident", "breach_notified", "sla_warned", "sla_breached")
    seen = event.where(or_(e.type == "breach_notified", e.visible_to_customer == literal(value=True)))
    mail, _ = mails("incident", "customer_notice")
    notified = case((i.breach_notified_at.is_not(None), entered("incident", "breach.notified_at")))
    return obligations(
        "deadline",
        rid,
        metric,
        Words(
            f"A customer whose incident will not be {done} in the agreed time is told so before the time is over.",
            f"The incident was not {done} in the agreed time, and the customer was not told in time.",
            "Tell the customer that the agreed time is missed, and when the incident will be dealt with.",
        ),
        unit=k.unit.where(k.c.excluded.is_(None), late),
        due=minutes_after(k.due, grace),
        evidence=any_of(at(notified), seen, mail),
        fields=("breach.notified_at",),
        doubts=k.doubts,
    )


DECLARATIONS: dict[str, Declare] = {
    "BS15000-7.1-e": _7_1_e,
    "BS15000-7.1-f": _7_1_f,
    "BS15000-7.1-i": _7_1_i,
    "BS15000-7.1-j": _7_1_j,
}
"""Requirement -> what makes its parts."""
