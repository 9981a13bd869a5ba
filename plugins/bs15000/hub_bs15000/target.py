"""Targets that rest on other agreements: which stand behind a promise, and whether they are as strict.

A supporting agreement is the one the target names (its id, or the id within its own source), or one that says
it supports the agreement. Times are compared in seconds; other figures only where the units are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Float,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
)

from hub.conformance.expression import earlier_of, later_of
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import in_use

__all__ = ["Way", "as_strict", "calendar_of", "closed_while_open", "counts_time", "never_open", "same_matter", "ways"]

_record = metadata.tables["record"]
_link = metadata.tables["link"]
_open = metadata.tables["open_interval"]
_SECONDS = {"s": 1, "min": 60, "h": 3600}


def counts_time(t: Any) -> ColumnElement[bool]:
    """Say whether a target promises a time."""
    found: ColumnElement[bool] = t.unit.in_(tuple(_SECONDS))
    return found


def _seconds(t: Any) -> ColumnElement[Any]:
    return case(*((t.unit == name, t.value * cast(literal(factor), Float)) for name, factor in _SECONDS.items()))


def same_matter(support: Any, promised: Any) -> ColumnElement[bool]:
    """Say whether one target stands behind the other: the same metric, for all priorities or the same one."""
    metric = [func.replace(one.metric, "_", "") for one in (support, promised)]
    priority = or_(support.priority.is_(None), support.priority == promised.priority)
    return and_(metric[0] == metric[1], priority, or_(support.grade.is_(None), support.grade == promised.grade))


def as_strict(support: Any, promised: Any, margin_pct: float = 0) -> ColumnElement[Any]:
    """Say whether a target is at least as strict as another, by a margin where less is better; NULL = not comparable."""
    timed = and_(counts_time(support), counts_time(promised))
    alike = support.unit == promised.unit
    mine, theirs = (
        case((timed, _seconds(one)), (alike, one.value), else_=cast(null(), Float)) for one in (support, promised)
    )
    less = mine * 100 <= theirs * (100 - margin_pct)
    return case(
        (support.operator != promised.operator, cast(null(), Boolean)),
        (promised.operator == "<=", less),
        else_=mine >= theirs,
    )


@dataclass(frozen=True, slots=True)
class Way:
    """One way in which a target stands behind another: what ties the two, and the tables that takes."""

    support: Any
    """Columns of the supporting agreement."""
    target: Any
    """Columns of its target."""
    ties: tuple[Any, ...]
    tables: tuple[Any, ...]


def ways(owner: str, kind: str, dependency: str, promised: Any, at: ColumnElement[Any]) -> list[Way]:
    """List the ways in which targets of agreements in use at an instant stand behind `promised`, a target of the unit.

    `owner` is the kind of the unit, `kind` that of the supporting agreement, `dependency` the field that names it.
    """
    a: Any = kind_tables[owner].c
    own, named, link = _record.alias(), _record.alias(), _link.alias()
    name = promised[dependency]
    ids = or_(named.c.id == name, named.c.id == own.c.source.concat(":").concat(name))
    found = []
    for by_name in (True, False):
        support, target = kind_tables[kind].alias(), child_tables[kind, "targets"].alias()
        x = support.c
        tie = (own.c.sid == a.sid, ids, x.sid == named.c.sid)
        if not by_name:
            tie = (link.c.target == a.sid, link.c.type == "supports_sla", link.c.sid == x.sid)
        same = (target.c.sid == x.sid, same_matter(target.c, promised), in_use(x, at))
        found.append(Way(x, target.c, (*tie, *same), (support, target, *((own, named) if by_name else (link,)))))
    return found


def calendar_of(a: Any, t: Any) -> ColumnElement[Any]:
    """Name the calendar a target counts on: its own, else the only one of its agreement; NULL = not known.

    Its own stands as it was written: a name, an id, or the id within the agreement's own source.
    """
    link, calendar, own, named = _link.alias(), _record.alias(), _record.alias(), _record.alias()
    only = (
        select(case((func.count() == 1, func.min(calendar.c.id))))
        .where(link.c.sid == a.sid, link.c.type == "calendar_ids", calendar.c.sid == link.c.target)
        .correlate_except(link, calendar)
        .scalar_subquery()
    )
    within = (
        select(named.c.id)
        .where(own.c.sid == a.sid, named.c.id == own.c.source.concat(":").concat(t.calendar))
        .correlate_except(own, named)
        .scalar_subquery()
    )
    return func.coalesce(within, t.calendar, only)


def never_open(calendar: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say whether no such calendar is known."""
    span = _open.alias()
    return ~exists().where(span.c.calendar == calendar).correlate_except(span)


def _closing(calendar: Any, at: Any) -> ColumnElement[Any]:
    """Return when the calendar closes that is open at an instant; something earlier where it is closed."""
    span = _open.alias()
    found = (
        select(span.c.closes)
        .where(span.c.calendar == calendar, span.c.opens <= at)
        .order_by(span.c.opens.desc())
        .limit(1)
        .correlate_except(span)
        .scalar_subquery()
    )
    return func.coalesce(found, 0)


def closed_while_open(outer: Any, inner: Any, start: Any, end: Any) -> ColumnElement[bool]:
    """Say whether `outer` is ever closed while `inner` is open, from `start` to `end`; both name calendars.

    Open intervals of a calendar neither touch nor overlap, so that one of `outer` must hold each of `inner`.
    """
    span, first = _open.alias(), _open.alias()
    begin = (
        select(func.max(first.c.opens))
        .where(first.c.calendar == inner, first.c.opens <= start)
        .correlate_except(first)
        .scalar_subquery()
    )
    beyond = exists().where(
        span.c.calendar == inner,
        span.c.opens >= func.coalesce(begin, 0),
        span.c.opens < end,
        span.c.closes > start,
        _closing(outer, later_of(span.c.opens, start)) < earlier_of(span.c.closes, end),
    )
    # most are the same, or open day and night: only the others are worth a look at each interval
    return case(
        (inner == outer, false()), (_closing(outer, start) >= end, false()), else_=beyond.correlate_except(span)
    )
