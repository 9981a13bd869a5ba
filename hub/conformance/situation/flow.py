"""When tickets and changes were open: moments at which each came, came back, and went, so that a backlog balances.

The moments of one record are put in order of time, and only those count that change whether it is open: what is
resolved is not resolved again by its closure. So opening + opened + reopened - resolved - cancelled = closing, of
every record and of every sum over records.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, case, exists, func, literal, or_, select, union_all
from sqlalchemy import cast as as_type
from sqlalchemy import types as sql

from hub.conformance.situation.audience import Audience
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata

__all__ = ["CALLED_OFF", "KINDS", "per_record", "units"]

KINDS = ("incident", "security_incident", "request", "change")
CALLED_OFF = ("cancelled", "rejected")
_OPEN = ("new", "in_progress", "pending_customer", "pending_supplier", "pending_internal")
_DONE = ("resolved", "closed", *CALLED_OFF)
_OPENED, _REOPENED, _RESOLVED, _CANCELLED, _GONE = 1, 2, 3, 4, 5
_event = metadata.tables["event"]
_LAST, _AFTER = 1_000_000_000, 1_000_000_001
"""Places of a record's last end, and of its disappearance, among moments of one millisecond."""


def units(kind: str, audience: Audience | None) -> Select[Any]:
    """Select the records of a kind with what groups them and when they came and went (`ended`, `how`)."""
    t: Any = kind_tables[kind].c
    if kind == "change":
        begun, group, channel = t.created_at, t.type, literal(None, sql.Text())
        off = or_(t.outcome == "cancelled", t.status_category.in_(CALLED_OFF))
        ended = func.coalesce(t.actual_end, case((or_(off, t.status_category.in_(_DONE)), _last_end(t.sid))))
    else:
        noticed = (t.detected_at,) if kind == "security_incident" else ()
        begun = func.coalesce(t.reported_at, *noticed, t.recorded_at, t.created_at)
        group, channel = t.priority, t.channel
        off = t.status_category.in_(CALLED_OFF)
        ended = func.coalesce(
            case((off, func.coalesce(t.closed_at, t.resolved_at)), else_=func.coalesce(t.resolved_at, t.closed_at)),
            case((t.status_category.in_(_DONE), _last_end(t.sid))),
        )
    asked = select(
        literal(kind).label("kind"),
        t.sid.label("sid"),
        group.label("class_"),
        channel.label("channel"),
        begun.label("begun"),
        case((ended < begun, begun), else_=ended).label("ended"),
        case((off, _CANCELLED), else_=_RESOLVED).label("how"),
        t.vanished_at.label("vanished"),
        t.invisible_at.label("invisible"),
        case((t.status_category.in_(_DONE), 1), else_=0).label("done"),
        case((t.status_category.in_(_OPEN), 1), else_=0).label("still_open"),
    )
    return asked if audience is None else asked.where(audience.holds(t.sid))


def per_record(begin: int, instant: int, audience: Audience | None) -> Any:
    """Select each record that was open at some time of [begin, instant) with its part in every sum, 0 or more.

    A record of which nobody knows when it came, or when it went, is left out.
    """
    told = union_all(*(_alive(kind, begin, instant, audience) for kind in KINDS)).cte("told")
    moment = union_all(*_moments(told)).cte("moment")
    m = moment.c
    entering = case((m.what.in_((_OPENED, _REOPENED)), 1), else_=0)
    # What is told of a time before the record came happened when it came.
    at = case((m.at < told.c.begun, told.c.begun), else_=m.at)
    order = (at, case((m.what == _OPENED, 0), else_=1), m.at, m.seq)
    ordered = (
        select(
            m.sid,
            m.what,
            at.label("at"),
            entering.label("entering"),
            func.coalesce(func.lag(entering).over(partition_by=m.sid, order_by=order), 0).label("before"),
        )
        .join(told, told.c.sid == m.sid)
        .cte("ordered")
    )
    o = ordered.c
    sign = case((o.entering == 1, 1), else_=-1)
    within = and_(o.at >= begin, o.at < instant)
    sums = (
        select(
            o.sid,
            func.sum(case((o.at < begin, sign), else_=0)).label("opening"),
            *(
                func.sum(case((and_(within, o.what == what), 1), else_=0)).label(name)
                for name, what in (("opened", _OPENED), ("reopened", _REOPENED), ("resolved", _RESOLVED))
            ),
            func.sum(case((and_(within, o.what.in_((_CANCELLED, _GONE))), 1), else_=0)).label("cancelled"),
            func.sum(case((and_(within, o.what == _GONE), 1), else_=0)).label("gone"),
            func.sum(case((o.at < instant, sign), else_=0)).label("closing"),
        )
        .where(o.entering != o.before)
        .group_by(o.sid)
        .cte("sums")
    )
    names = ("opening", "opened", "reopened", "resolved", "cancelled", "gone", "closing")
    return (
        select(told.c.kind, told.c.sid, told.c.class_, told.c.channel, told.c.begun, *(sums.c[name] for name in names))
        .join(sums, sums.c.sid == told.c.sid)
        .cte("flow")
    )


def _alive(kind: str, begin: int, instant: int, audience: Audience | None) -> Any:
    """Leave out what went before `begin` and did not come back: it adds nothing."""
    u = units(kind, audience).subquery()
    back = _came_back(kind, u)
    known = and_(u.c.begun < instant, or_(u.c.ended.is_not(None), u.c.done == 0))
    return select(u).where(known, or_(u.c.ended.is_(None), u.c.ended >= begin, back))


def _came_back(kind: str, unit: Any) -> Any:
    if (kind, "reopens") in child_tables:
        again: Any = child_tables[kind, "reopens"].alias()
        return exists().where(again.c.sid == unit.c.sid, again.c.reopened_at > unit.c.ended).correlate(unit)
    event = _event.alias()
    found = exists().where(event.c.sid == unit.c.sid, event.c.type == "reopened", event.c.at > unit.c.ended)
    return found.correlate(unit)


def _moments(told: Any) -> list[Any]:
    """Select (sid, at, place among those of one millisecond, what happened)."""

    def said(at: Any, seq: Any, what: Any, source: Any = told) -> Any:
        number = as_type(seq, sql.BigInteger)
        return select(source.c.sid, at.label("at"), number.label("seq"), what.label("what")).where(at.is_not(None))

    found = [
        said(told.c.begun, literal(0), literal(_OPENED)),
        said(told.c.ended, literal(_LAST), told.c.how),
        said(told.c.vanished, literal(_AFTER), literal(_GONE)),
    ]
    alive = select(told.c.sid)
    for kind in KINDS:
        if (kind, "reopens") in child_tables:
            again: Any = child_tables[kind, "reopens"]
            mine = again.c.sid.in_(alive)
            found.append(said(again.c.resolved_at, again.c.pos * 2 + 1, literal(_RESOLVED), again).where(mine))
            found.append(said(again.c.reopened_at, again.c.pos * 2 + 2, literal(_REOPENED), again).where(mine))
    e = _event.c
    what = case((e.type == "reopened", _REOPENED), (e.type.in_(CALLED_OFF), _CANCELLED), else_=_RESOLVED)
    events = said(e.at, e.pos + 1, what, _event).where(
        e.type.in_(("reopened", "resolved", "closed", "cancelled")),
        e.sid.in_(select(told.c.sid).where(told.c.kind == "change")),
    )
    return [*found, events]


def _last_end(sid: Any) -> Any:
    event = _event.alias()
    ends = ("resolved", "closed", *CALLED_OFF)
    found = select(func.max(event.c.at)).where(event.c.sid == sid, event.c.type.in_(ends))
    return found.correlate_except(event).scalar_subquery()
