"""Meetings with customers and suppliers: when they were held, what was spoken about, who was there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_

from hub.conformance.evidence import Rows, rows
from hub.conformance.expression import filled, later_of, since_when
from hub.conformance.listed import lists
from hub.conformance.part import Part, Words
from hub.conformance.shape import threshold
from hub.conformance.unit import Unit, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.review import held, r

__all__ = ["RECORDED", "attended", "held_meetings", "meetings", "spoken_about"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
RECORDED = func.coalesce(held(), r.held_at)
"""When a meeting is judged: it was held, and that was recorded."""


def meetings(*types: str, of: Sequence[tuple[str, ColumnElement[Any]]], reach: Any = "near") -> tuple[Rows, Any]:
    """Evidence: a review of one of these types that names the unit; also returns its columns.

    `of` are fields of the review and the number each must hold. It counts from when it was held and recorded.
    """
    link, table = _link.alias(), kind_tables["review"].alias()
    m: Any = table.c
    numbers = {id(sid): sid for _, sid in of}  # those of one number together, so that an index serves
    fields = {key: tuple(field for field, sid in of if id(sid) == key) for key in numbers}
    named = or_(*(and_(link.c.target == sid, link.c.type.in_(fields[key])) for key, sid in numbers.items()))
    found = rows(
        "review",
        named,
        later_of(m.held_at, func.coalesce(since_when(m.sid, "held_at"), m.created_at, m.held_at)),
        fields=frozenset({"type", "held_at", *(field for field, _ in of)}),
        table=link,
        declared=m.declared_by.is_not(None),
        reach=reach,
    )
    found = found.joining(table, m.sid == link.c.sid).where(m.type.in_(types))
    return replace(found, expires=m.expires_at), m


def held_meetings(types: Iterable[str]) -> Unit:
    """Every review of one of these types that was held, owing from when that was recorded."""
    return unit("review").where(r.type.in_(tuple(types)), r.held_at.is_not(None)).opening(RECORDED)


def spoken_about(rid: str, topics: Sequence[str], types: Iterable[str]) -> Part:
    """The minutes of every such meeting show that each topic was spoken about."""
    told = ", ".join(topics)
    return threshold(
        rid,
        "topics",
        Words(
            f"The minutes of every meeting show that these were spoken about: {told}.",
            f"There are no minutes of the meeting, or they leave out one of: {told}.",
            "Complete the minutes, and put all topics on the agenda of the next meeting.",
        ),
        unit=held_meetings(types),
        holds=and_(filled(r.minutes_ref), *(lists(r.agenda, topic) for topic in topics)),
        at=RECORDED,
        fields=("type", "held_at", "agenda", "minutes_ref"),
    )


def attended(found: Rows, m: Any, customer: ColumnElement[Any]) -> Rows:
    """Keep meetings that people of the customer and people of the provider attended."""
    attendee: Any = child_tables["review", "attendees"].alias()
    login, party, human = _record.alias(), _record.alias(), kind_tables["person"].alias()
    t, h = attendee.c, human.c
    whose = func.coalesce(t.party, h.party)

    present = (
        attendee.outerjoin(login, login.c.sid == t.person)
        .outerjoin(human, h.sid == func.coalesce(login.c.canonical, login.c.sid))
        .outerjoin(party, party.c.sid == whose)
    )

    def came(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        some = exists().select_from(present).where(t.sid == m.sid, *conditions)
        return some.correlate_except(attendee, login, human, party)

    outsider = func.coalesce(party.c.kind, "").in_(("customer", "supplier"))
    theirs = or_(whose == customer, and_(whose.is_(None), h.employment == "customer"))
    ours = or_(and_(whose.is_not(None), ~outsider), and_(whose.is_(None), h.employment.in_(("employee", "external"))))
    unknown = and_(whose.is_(None), h.employment.is_(None))
    both = and_(came(theirs), came(ours))
    kept = found.where(or_(both, came(unknown))).doubtful(~both, "for whom somebody attended is not known")
    return replace(
        kept,
        reads={**kept.reads, "person": "all", "identity": "all"},
        needs=tuple(replace(need, fields=need.fields | {"attendees"}) for need in kept.needs),
    )
