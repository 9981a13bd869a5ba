"""How long nobody did or said anything: the first pause in a ticket's history that was too long for its priority.

One obligation a ticket: met when it ends without such a pause, due where the first one went on too long, or,
while it is open, where the present one will. The priority of a past instant comes from the events that changed
it; where their values are not priorities, only the strictest limit proves that a pause was short enough.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Text, and_, case, cast, false, func, or_, select, union_all
from sqlalchemy import literal as value

from hub.conformance.evidence import at
from hub.conformance.expression import earlier_of, touched
from hub.conformance.owed import NEVER
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need, Reads
from hub.conformance.shape import obligations
from hub.conformance.unit import Unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.ticket import asleep, columns, over, put_away, tickets

__all__ = ["Moments", "events_of", "never_silent"]

_event = metadata.tables["event"]
_DIGITS = 13
"""Of an instant, so that their texts sort like the numbers."""
Limit = Callable[[ColumnElement[Any], str], ColumnElement[Any]]
"""Returns when a pause that began at an instant is too long, for a priority."""


@dataclass(frozen=True)
class Moments:
    """Rows at which something was done or said."""

    rows: FromClause
    on: ColumnElement[bool]
    """What makes them rows of the ticket."""
    at: ColumnElement[Any]
    reads: Reads = field(default_factory=dict)
    needs: tuple[Need, ...] = ()
    """What must have been read before their absence is silence."""


def events_of(kind: str, *conditions: Callable[[Any], ColumnElement[bool]]) -> Moments:
    """Every event of such a ticket for which the conditions hold."""
    event = _event.alias()
    return Moments(event, and_(event.c.sid == columns(kind).sid, *(one(event.c) for one in conditions)), event.c.at)


def never_silent(
    rid: str,
    name: str,
    words: Words,
    *,
    kind: str,
    start: ColumnElement[Any],
    moments: Sequence[Moments],
    limit: Limit,
    priorities: Sequence[str],
    pausing: bool,
    units: Unit | None = None,
    fields: Sequence[str],
    doubts: Sequence[Any] = (),
) -> Part:
    """Between `start` and the end of work no pause between `moments` was too long; `priorities` strictest first.

    `pausing`: time in which the ticket waited for somebody else does not count.
    """
    gap = _first_gap(kind, start, moments, limit, priorities, pausing=pausing)
    base = tickets(kind) if units is None else units
    table = kind_tables[kind]
    owing = Unit(
        kind=kind,
        rows=gap.join(table, table.c.sid == gap.c.sid),
        sid=table.c.sid,
        anchor=base.anchor,
        opened=func.coalesce(start, 0),
        conditions=base.conditions,
        reads=base.reads,
    )
    for one in moments:
        owing = owing.reading(**one.reads)
    ended = over(kind)
    unsure = and_(gap.c.broken.is_(None), gap.c.unsure.is_not(None))
    return obligations(
        "deadline",
        rid,
        name,
        words,
        unit=owing.reading(calendar="all"),
        due=func.coalesce(gap.c.broken, ended),
        evidence=at(case((and_(gap.c.broken.is_(None), gap.c.unsure.is_(None)), ended))),
        fields=("events", "priority", "resolved_at", *fields),
        doubts=[(unsure, "which priority it had then is not known"), *doubts],
        needs=[need for one in moments for need in one.needs],
    )


def _first_gap(
    kind: str,
    start: ColumnElement[Any],
    moments: Sequence[Moments],
    limit: Limit,
    priorities: Sequence[str],
    *,
    pausing: bool,
) -> FromClause:
    """Select (sid, broken, unsure): when the first pause was too long, and when one was that may have been."""
    table = kind_tables[kind]
    laid = _laid(kind, start, moments)
    within: dict[str, Any] = {
        "partition_by": laid.c.sid,
        "order_by": (laid.c.at.desc(), laid.c.said.desc()),
        "rows": (None, -1),
    }
    following = func.min(case((laid.c.said == 1, laid.c.at))).over(**within)
    # instant and text in one, because no engine has the first value that is there among those to come
    was = func.min(cast(laid.c.at, Text) + " " + laid.c.was).over(**within)
    seen = select(laid.c.sid, laid.c.at, laid.c.said, following.label("following"), was.label("was")).subquery("seen")
    ended, s = over(kind), seen.c
    priority = case((s.was.is_(None), table.c.priority), else_=func.substr(s.was, _DIGITS + 2))
    known = func.coalesce(priority, "").in_(priorities)
    stated = [(priority == one, limit(s.at, one)) for one in priorities]
    until = earlier_of(s.following, ended)
    waiting = asleep(kind, s.at) if pausing else false()
    counted = and_(s.said == 1, ~waiting, ~put_away(kind, s.at))
    spans = (
        select(
            s.sid,
            until.label("until"),
            known.label("known"),
            case(*stated, else_=limit(s.at, priorities[0])).label("due"),
        )
        .select_from(seen.outerjoin(table, table.c.sid == s.sid))  # from what was seen: it comes ticket by ticket
        .where(counted)
        .limit(NEVER)  # a fence: behind it an instant on a calendar is looked up once
        .subquery("span")
    )
    p = spans.c
    late = or_(p.until.is_(None), p.until > p.due)
    broken = func.min(case((and_(late, p.known), p.due)))
    unsure = func.min(case((and_(late, ~p.known), p.due), (p.due.is_(None), value(0))))
    return select(p.sid, broken.label("broken"), unsure.label("unsure")).group_by(p.sid).subquery("gap")


def _laid(kind: str, start: ColumnElement[Any], moments: Sequence[Moments]) -> FromClause:
    """Lay everything that happened side by side: (sid, at, said, was), `was` = the priority an event took away.

    What was said when work had ended cuts no pause short; a priority taken away then still tells what it was before.
    """
    t, event = columns(kind), _event.alias()
    table, ended = kind_tables[kind], over(kind)

    def said(rows: FromClause, at: ColumnElement[Any]) -> Select[Any]:
        working = or_(ended.is_(None), at < ended)
        laid = select(t.sid, at.label("at"), value(1).label("said"), cast(None, Text).label("was"))
        return laid.select_from(rows).where(touched(t.sid), working)

    moved = (
        select(event.c.sid, event.c.at, value(0), func.coalesce(event.c.from_, ""))
        .select_from(table.join(event, event.c.sid == t.sid))
        .where(touched(t.sid), event.c.field == "priority")
    )
    every = [said(table.join(one.rows, one.on), one.at) for one in moments]
    return union_all(said(table, start).where(start.is_not(None)), moved, *every).subquery("laid")
