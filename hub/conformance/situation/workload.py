"""The work of a period: what was open, came, came back and went; contacts; visits; how old the backlog is."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, and_, case, exists, func, or_, select, union_all

from hub.conformance.situation.audience import Audience
from hub.conformance.situation.flow import KINDS, per_record, units
from hub.conformance.subject import subjects
from hub.sla.open_time import Span
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata

__all__ = ["AGE_DAYS", "Contacts", "Flow", "Uncounted", "Visits", "Workload", "workload"]

AGE_DAYS = (1, 7, 30, 90)
"""Limits of the classes of age, in days; the last class has no end."""
_DAY_MS = 86_400_000
_contact: Any = kind_tables["contact"].c
_visit: Any = kind_tables["onsite_visit"].c
_link = metadata.tables["link"]
_SUMS = ("opening", "opened", "reopened", "resolved", "cancelled", "gone", "closing")


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """What one group of records did; opening + opened + reopened - resolved - cancelled = closing."""

    kind: str
    group: str | None
    """Priority (of a change its type), channel, or title of a service; None = not recorded."""
    opening: int
    opened: int
    reopened: int
    resolved: int
    cancelled: int
    gone: int
    """Of the cancelled, those that were deleted at their source while they were open."""
    closing: int
    service: str | None = None
    """Id of the service, where the group is one."""
    ages: tuple[int, ...] = ()
    """Of the closing, by class of age since they were opened first."""
    oldest: int | None = None
    """When the oldest of the closing was opened."""


class Contacts(msgspec.Struct, frozen=True, kw_only=True):
    """Calls, mails and chats from the customer's side, by way; spam and duplicates are left out."""

    channel: str | None
    number: int
    answered: int
    unanswered: int
    seconds: int
    """Spoken or written, of those whose duration is recorded."""
    timed: int
    """How many that is."""


class Visits(msgspec.Struct, frozen=True, kw_only=True):
    """Work at customers' places that began in the period."""

    number: int
    confirmed: int
    """By the customer, up to the instant asked for."""
    seconds: int
    """Of those whose end is recorded."""
    timed: int


class Uncounted(msgspec.Struct, frozen=True, kw_only=True):
    """Records of a kind whose way through the period nobody can tell."""

    kind: str
    unopened: int
    """Nobody knows when they came: they are in no figure."""
    unended: int
    """They are done, nobody knows since when: they are in no figure."""
    unreopened: int
    """They are open again, nobody knows since when: they count as done."""
    unseen: int
    """The hub sees them no longer: they count as they were last seen."""


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """The work of a period."""

    flows: list[Flow]
    """One a kind."""
    by_class: list[Flow]
    by_channel: list[Flow]
    by_service: list[Flow]
    """A record of two services stands in both."""
    contacts: list[Contacts]
    visits: Visits
    uncounted: list[Uncounted]


def workload(
    conn: Connection, period: Span, as_of: int, known_at: int | None, audience: Audience | None = None
) -> Workload:
    """Count the work of a period up to as-of, in five queries and the titles of services.

    Records count under the priority, channel and services they have now, for the whole period: so each group balances.
    """
    begin, instant = period[0], min(period[1], as_of)
    cross = _grouped(conn, begin, instant, audience)
    return Workload(
        flows=_summed(cross, lambda row: (row.kind, None)),
        by_class=_summed(cross, lambda row: (row.kind, row.class_)),
        by_channel=_summed([row for row in cross if row.kind != "change"], lambda row: (row.kind, row.channel)),
        by_service=_by_service(conn, begin, instant, known_at, audience),
        contacts=_contacts(conn, begin, instant, audience),
        visits=_visits(conn, begin, instant, audience),
        uncounted=_uncounted(conn, instant, audience),
    )


def _grouped(conn: Connection, begin: int, instant: int, audience: Audience | None) -> list[Any]:
    """Sum by kind, class and channel, with the ages of what is open."""
    f = per_record(begin, instant, audience).c
    age, limits = instant - f.begun, [days * _DAY_MS for days in AGE_DAYS]
    bounds = zip([None, *limits], [*limits, None], strict=True)
    ages = [
        func.sum(case((and_(f.closing == 1, *_between(age, low, high)), 1), else_=0)).label(f"age{number}")
        for number, (low, high) in enumerate(bounds)
    ]
    sums = [func.sum(f[name]).label(name) for name in _SUMS]
    oldest = func.min(case((f.closing == 1, f.begun))).label("oldest")
    asked = select(f.kind, f["class_"], f.channel, *sums, *ages, oldest)
    return list(conn.execute(asked.group_by(f.kind, f["class_"], f.channel)))


def _between(age: Any, low: int | None, high: int | None) -> list[Any]:
    return [*([] if low is None else [age >= low]), *([] if high is None else [age < high])]


def _summed(rows: list[Any], key: Any) -> list[Flow]:
    """Add up the rows of one key; groups in order, what is not recorded last."""
    groups: dict[tuple[str, str | None], list[Any]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    found = []
    for (kind, group), members in sorted(groups.items(), key=lambda one: _order(*one[0])):
        sums = [sum(int(getattr(row, name)) for row in members) for name in _SUMS]
        ages = [[int(getattr(row, f"age{n}")) for row in members] for n in range(len(AGE_DAYS) + 1)]
        oldest = min((row.oldest for row in members if row.oldest is not None), default=None)
        opening, opened, reopened, resolved, cancelled, gone, closing = sums
        found.append(
            Flow(
                kind=kind,
                group=group,
                opening=opening,
                opened=opened,
                reopened=reopened,
                resolved=resolved,
                cancelled=cancelled,
                gone=gone,
                closing=closing,
                ages=tuple(map(sum, ages)),
                oldest=oldest,
            )
        )
    return [one for one in found if one.opening or one.opened or one.reopened or one.closing]


def _order(kind: str, group: str | None) -> tuple[int, bool, str]:
    return (KINDS.index(kind), group is None, group or "")


def _by_service(
    conn: Connection, begin: int, instant: int, known_at: int | None, audience: Audience | None
) -> list[Flow]:
    flow = per_record(begin, instant, audience)
    f = flow.c
    mine = and_(_link.c.sid == f.sid, _link.c.type == "service_ids")
    sums = [func.sum(f[name]).label(name) for name in _SUMS]
    asked = select(f.kind, _link.c.target, *sums).select_from(flow.outerjoin(_link, mine))
    rows = list(conn.execute(asked.group_by(f.kind, _link.c.target)))
    named = subjects(conn, [row.target for row in rows], known_at)
    found = [
        Flow(
            kind=row.kind,
            group=None if row.target is None else named[row.target].title or named[row.target].key,
            opening=int(row.opening),
            opened=int(row.opened),
            reopened=int(row.reopened),
            resolved=int(row.resolved),
            cancelled=int(row.cancelled),
            gone=int(row.gone),
            closing=int(row.closing),
            service=None if row.target is None else named[row.target].id,
        )
        for row in rows
    ]
    moved = [one for one in found if one.opening or one.opened or one.reopened or one.closing]
    return sorted(moved, key=lambda one: _order(one.kind, one.group))


def _contacts(conn: Connection, begin: int, instant: int, audience: Audience | None) -> list[Contacts]:
    c = _contact
    asked = (
        select(
            c.channel,
            func.count(),
            func.sum(case((c.answered, 1), else_=0)),
            func.sum(case((~c.answered, 1), else_=0)),
            func.coalesce(func.sum(c.duration_s), 0),
            func.count(c.duration_s),
        )
        .where(c.at >= begin, c.at < instant, c.vanished_at.is_(None), func.coalesce(c.direction, "in") == "in")
        .where(or_(c.class_.is_(None), c.class_ == "service"))
        .group_by(c.channel)
    )
    if audience is not None:
        asked = asked.where(audience.holds(c.sid))
    found = [
        Contacts(channel=way, number=n, answered=yes or 0, unanswered=no or 0, seconds=int(spent), timed=timed)
        for way, n, yes, no, spent, timed in conn.execute(asked)
    ]
    return sorted(found, key=lambda one: (one.channel is None, one.channel or ""))


def _visits(conn: Connection, begin: int, instant: int, audience: Audience | None) -> Visits:
    v = _visit
    ended = and_(v.end >= v.start, v.end < instant)
    asked = select(
        func.count(),
        func.coalesce(func.sum(case((v.confirmed_at < instant, 1), else_=0)), 0),
        func.coalesce(func.sum(case((ended, v.end - v.start), else_=0)), 0),
        func.coalesce(func.sum(case((ended, 1), else_=0)), 0),
    ).where(v.start >= begin, v.start < instant, v.vanished_at.is_(None))
    if audience is not None:
        # A visit is one of the audience's where its ticket is.
        ticket = select(_link.c.sid).where(_link.c.type == "ticket_id", audience.holds(_link.c.target))
        asked = asked.where(or_(audience.holds(v.sid), v.sid.in_(ticket)))
    number, confirmed, spent, timed = conn.execute(asked).one()
    return Visits(number=number, confirmed=int(confirmed), seconds=int(spent) // 1000, timed=int(timed))


def _uncounted(conn: Connection, instant: int, audience: Audience | None) -> list[Uncounted]:
    parts = []
    for kind in KINDS:
        u = units(kind, audience).subquery()
        back = u.c.still_open == 1
        if (kind, "reopens") in child_tables:
            again: Any = child_tables[kind, "reopens"].alias()
            later = exists().where(again.c.sid == u.c.sid, again.c.reopened_at >= u.c.ended).correlate(u)
            back = and_(back, u.c.ended <= instant, ~later)
        else:
            back = and_(back, u.c.ended <= instant)
        tests = (u.c.begun.is_(None), and_(u.c.done == 1, u.c.ended.is_(None)), back, u.c.invisible <= instant)
        counted = [func.coalesce(func.sum(case((test, 1), else_=0)), 0).label(f"n{n}") for n, test in enumerate(tests)]
        alive = or_(u.c.vanished.is_(None), u.c.vanished > instant)
        parts.append(select(func.min(u.c.kind).label("kind"), *counted).where(alive))
    return [
        Uncounted(kind=kind, unopened=int(a), unended=int(b), unreopened=int(c), unseen=int(d))
        for kind, a, b, c, d in conn.execute(union_all(*parts))
        if a or b or c or d
    ]
