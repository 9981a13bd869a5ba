"""Targets that rest on other agreements: which stand behind a promise, and whether they are as strict.

A supporting agreement is the one the target names (its id, or the id within its own source), or one that says
it supports the agreement. Times are compared in seconds; other figures only where the units are the same.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Float,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
)

from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import in_use

__all__ = ["as_strict", "calendar_of", "counts_time", "never_open", "open_time_within", "same_matter", "supported"]

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


def supported(
    owner: str, kind: str, dependency: str, promised: Any, at: ColumnElement[Any], *conditions: Any
) -> ColumnElement[bool]:
    """Say whether a target of an agreement in use at an instant stands behind `promised`, a target of the unit.

    `owner` is the kind of the unit, `kind` that of the supporting agreement, `dependency` the field that
    names it. Each condition gets the columns of the supporting agreement and of its target.
    """
    a: Any = kind_tables[owner].c

    def found(*ties: Any, **tables: Any) -> ColumnElement[bool]:
        support, target = tables["support"], tables["target"]
        return (
            exists()
            .where(
                *ties,
                target.c.sid == support.c.sid,
                same_matter(target.c, promised),
                in_use(support.c, at),
                *(one(support.c, target.c) for one in conditions),
            )
            .correlate_except(*tables.values())
        )

    def aliases() -> dict[str, Any]:
        return {"support": kind_tables[kind].alias(), "target": child_tables[kind, "targets"].alias()}

    own, named, link = _record.alias(), _record.alias(), _link.alias()
    by_name, by_link = aliases(), aliases()
    name = promised[dependency]
    ids = or_(named.c.id == name, named.c.id == own.c.source.concat(":").concat(name))
    return or_(
        found(own.c.sid == a.sid, ids, by_name["support"].c.sid == named.c.sid, **by_name, own=own, named=named),
        found(
            link.c.target == a.sid,
            link.c.type == "supports_sla",
            link.c.sid == by_link["support"].c.sid,
            **by_link,
            link=link,
        ),
    )


def calendar_of(a: Any, t: Any) -> ColumnElement[Any]:
    """Name the calendar a target counts on: its own, else the only one of its agreement; NULL = not known."""
    link, calendar = _link.alias(), _record.alias()
    only = (
        select(case((func.count() == 1, func.min(calendar.c.id))))
        .where(link.c.sid == a.sid, link.c.type == "calendar_ids", calendar.c.sid == link.c.target)
        .correlate_except(link, calendar)
        .scalar_subquery()
    )
    return func.coalesce(t.calendar, only)


def never_open(calendar: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say whether no such calendar is known."""
    span = _open.alias()
    return ~exists().where(span.c.calendar == calendar).correlate_except(span)


def _open_until(calendar: ColumnElement[Any], at: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the calendar's open milliseconds before an instant."""
    span = _open.alias()
    inside = case((span.c.closes < at, span.c.closes), else_=at) - span.c.opens
    found = (
        select(span.c.seconds_before * 1000 + inside)
        .where(span.c.calendar == calendar, span.c.opens <= at)
        .order_by(span.c.opens.desc())
        .limit(1)
        .correlate_except(span)
        .scalar_subquery()
    )
    return func.coalesce(found, cast(literal(0), BigInteger))


def open_time_within(inner: ColumnElement[Any], outer: ColumnElement[Any], start: Any, end: Any) -> ColumnElement[bool]:
    """Say whether `outer` is open whenever `inner` is, from `start` to `end`; both name calendars."""
    span = _open.alias()
    opens = case((span.c.opens < start, start), else_=span.c.opens)
    closes = case((span.c.closes > end, end), else_=span.c.closes)
    beyond = exists().where(
        span.c.calendar == inner,
        span.c.opens < end,
        span.c.closes > start,
        _open_until(outer, closes) - _open_until(outer, opens) < closes - opens,
    )
    return or_(inner == outer, ~beyond.correlate_except(span))
