"""Incidents and what is behind them: major ones, repeats, categories that grow, problems, known errors."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, and_, case, exists, func, or_, select

from hub.conformance.named import Subject
from hub.conformance.situation.audience import Audience
from hub.conformance.situation.control import MOST
from hub.conformance.situation.flow import CALLED_OFF
from hub.conformance.situation.tie import id_of
from hub.conformance.subject import subjects
from hub.sla.open_time import Span
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["Category", "IncidentTrend", "KnownErrors", "Major", "Problems", "Recurring", "incident_trend"]

_incident: Any = kind_tables["incident"].c
_problem: Any = kind_tables["problem"].c
_error: Any = kind_tables["known_error"].c
_link = metadata.tables["link"]
_DONE = ("resolved", "closed", *CALLED_OFF)


class Major(msgspec.Struct, frozen=True, kw_only=True):
    """A major incident that was open at some time of the period."""

    subject: Subject
    begun_at: int
    resolved_at: int | None
    """None = it was open at the end."""
    cause_known: bool
    """How it came about is recorded."""
    steps: int
    """What was done against it, counted."""


class Category(msgspec.Struct, frozen=True, kw_only=True):
    """Incidents of one category that came in the period, beside the one before."""

    name: str | None
    now: int
    before: int


class Recurring(msgspec.Struct, frozen=True, kw_only=True):
    """A problem to which several incidents of the period belong."""

    problem: Subject
    incidents: int


class Problems(msgspec.Struct, frozen=True, kw_only=True):
    """Problems of a period; called-off ones are left out."""

    opened: int
    resolved: int
    closed: int
    open: int
    """Neither solved nor closed at the end."""
    caused: int
    """Of the open, with a known cause."""
    late: int
    """Of the open, past the day set for the solution."""
    unknown: int
    """Done, nobody knows since when: not among the open."""
    reviewed: dict[str, int]
    """Reviews of solutions in the period by result: effective, partly, ineffective, or empty for none recorded."""
    recurred: int
    """Incidents that came again after the solutions reviewed."""


class KnownErrors(msgspec.Struct, frozen=True, kw_only=True):
    """Known errors of a period."""

    published: int
    retired: int
    current: int
    """Published and not retired at the end."""
    without_workaround: int
    """Of these."""


class IncidentTrend(msgspec.Struct, frozen=True, kw_only=True):
    """What chapter 7 tells."""

    opened: int
    repeated: int
    """Of the opened, recorded as another's recurrence."""
    tied: int
    """Of the opened, belonging to a problem."""
    major: list[Major]
    """At most `MOST`, the latest first."""
    major_count: int
    categories: list[Category]
    """Those that grew most first, at most `MOST`."""
    recurring: list[Recurring]
    """At most `MOST`, those with most incidents first."""
    problems: Problems
    errors: KnownErrors


def incident_trend(
    conn: Connection,
    period: Span,
    as_of: int,
    known_at: int | None,
    audience: Audience | None = None,
    *,
    before: Span,
) -> IncidentTrend:
    """Count as of the period's end or as-of, in seven queries and the titles."""
    begin, instant = period[0], min(period[1], as_of)
    i = _incident
    begun = func.coalesce(i.reported_at, i.recorded_at, i.created_at)
    own = and_(_alive(i, instant), *_of(audience, i.sid), func.coalesce(i.status_category, "").not_in(CALLED_OFF))
    came = and_(own, begun >= begin, begun < instant)
    opened, repeated, tied = conn.execute(
        select(func.count(), _count(_again()), _count(_has_problem())).select_from(i.sid.table).where(came)
    ).one()
    major, number = _major(conn, own, begun, (begin, instant), known_at)
    return IncidentTrend(
        opened=opened,
        repeated=repeated or 0,
        tied=tied or 0,
        major=major,
        major_count=number,
        categories=_categories(conn, own, begun, (begin, instant), before),
        recurring=_recurring(conn, came, known_at),
        problems=_problems(conn, begin, instant, audience),
        errors=_errors(conn, begin, instant, audience),
    )


def _again() -> Any:
    twin = _link.alias()
    return exists().where(twin.c.sid == _incident.sid, twin.c.type == "recurrence_of").correlate_except(twin)


def _has_problem() -> Any:
    tie = _link.alias()
    forth = and_(tie.c.sid == _incident.sid, tie.c.type == "problem_ids")
    back = and_(tie.c.target == _incident.sid, tie.c.type == "incident_ids")
    return or_(
        exists().where(forth).correlate_except(tie),
        exists().where(back).correlate_except(tie),
    )


def _major(conn: Connection, own: Any, begun: Any, span: Span, known_at: int | None) -> tuple[list[Major], int]:
    i, step = _incident, metadata.tables["incident_major_steps"].alias()
    ended = func.coalesce(i.resolved_at, i.closed_at)
    steps = select(func.count()).where(step.c.sid == i.sid, func.coalesce(step.c.at, 0) < span[1])
    rows = conn.execute(
        select(
            i.sid,
            begun.label("begun"),
            case((ended < span[1], ended)).label("ended"),
            i.major_cause.is_not(None).label("caused"),
            steps.correlate_except(step).scalar_subquery().label("steps"),
            func.count().over().label("number"),
        )
        .where(own, i.major, begun < span[1], or_(ended.is_(None), ended >= span[0]))
        .order_by(begun.desc(), id_of(i.sid))
        .limit(MOST)
    ).all()
    named = subjects(conn, [row.sid for row in rows], known_at)
    found = [
        Major(
            subject=named[row.sid],
            begun_at=row.begun,
            resolved_at=row.ended,
            cause_known=bool(row.caused),
            steps=row.steps,
        )
        for row in rows
    ]
    return found, rows[0].number if rows else 0


def _categories(conn: Connection, own: Any, begun: Any, now: Span, before: Span) -> list[Category]:
    i = _incident
    fresh, old = and_(begun >= now[0], begun < now[1]), and_(begun >= before[0], begun < before[1])
    rows = conn.execute(
        select(i.category, _count(fresh), _count(old)).where(own, or_(fresh, old)).group_by(i.category)
    ).all()
    ranked = sorted(rows, key=lambda row: (row[2] - row[1], -row[1], row[0] is None, row[0] or ""))
    return [Category(name=name, now=n, before=was) for name, n, was in ranked[:MOST]]


def _recurring(conn: Connection, came: Any, known_at: int | None) -> list[Recurring]:
    """Find problems that several incidents of the period name, or that name several."""
    tie, record = _link, metadata.tables["record"]
    i = _incident
    forth = select(tie.c.target.label("problem"), i.sid).join(
        tie, and_(tie.c.sid == i.sid, tie.c.type == "problem_ids")
    )
    back = select(tie.c.sid.label("problem"), i.sid).join(
        tie, and_(tie.c.target == i.sid, tie.c.type == "incident_ids")
    )
    pairs = forth.where(came).union(back.where(came)).subquery()
    number = func.count().label("number")
    rows = conn.execute(
        select(pairs.c.problem, number)
        .join(record, record.c.sid == pairs.c.problem)
        .where(record.c.kind == "problem")
        .group_by(pairs.c.problem)
        .having(number > 1)
        .order_by(number.desc(), id_of(pairs.c.problem))
        .limit(MOST)
    ).all()
    named = subjects(conn, [row.problem for row in rows], known_at)
    return [Recurring(problem=named[row.problem], incidents=row.number) for row in rows]


def _problems(conn: Connection, begin: int, instant: int, audience: Audience | None) -> Problems:
    p = _problem
    begun, ended = func.coalesce(p.detected_at, p.created_at), func.coalesce(p.resolved_at, p.closed_at)
    category = func.coalesce(p.status_category, "")
    unknown = and_(category.in_(_DONE), ended.is_(None))
    running = and_(or_(begun.is_(None), begun < instant), or_(ended.is_(None), ended >= instant), ~unknown)
    row = conn.execute(
        select(
            _count(begun >= begin, begun < instant),
            _count(p.resolved_at >= begin, p.resolved_at < instant),
            _count(p.closed_at >= begin, p.closed_at < instant),
            _count(running),
            _count(
                running,
                or_(p.root_cause_known_at < instant, and_(p.root_cause_known_at.is_(None), p.root_cause.is_not(None))),
            ),
            _count(running, p.target_resolution_at < instant),
            _count(unknown),
        ).where(_alive(p, instant), *_of(audience, p.sid), category.not_in(CALLED_OFF))
    ).one()
    reviews = conn.execute(
        select(p.effectiveness_result, func.count(), func.sum(p.effectiveness_recurrence_count))
        .where(p.effectiveness_reviewed_at >= begin, p.effectiveness_reviewed_at < instant)
        .where(_alive(p, instant), *_of(audience, p.sid))
        .group_by(p.effectiveness_result)
    ).all()
    names = ("opened", "resolved", "closed", "open", "caused", "late", "unknown")
    return Problems(
        **{name: value or 0 for name, value in zip(names, row, strict=True)},
        reviewed={result or "": n for result, n, _ in reviews},
        recurred=sum(again or 0 for _, _, again in reviews),
    )


def _errors(conn: Connection, begin: int, instant: int, audience: Audience | None) -> KnownErrors:
    e = _error
    current = and_(e.published_at < instant, or_(e.retired_at.is_(None), e.retired_at >= instant))
    row = conn.execute(
        select(
            _count(e.published_at >= begin, e.published_at < instant),
            _count(e.retired_at >= begin, e.retired_at < instant),
            _count(current),
            _count(current, e.workaround.is_(None)),
        ).where(_alive(e, instant), *_of(audience, e.sid))
    ).one()
    published, retired, now, bare = (value or 0 for value in row)
    return KnownErrors(published=published, retired=retired, current=now, without_workaround=bare)


def _alive(columns: Any, instant: int) -> Any:
    return or_(columns.vanished_at.is_(None), columns.vanished_at >= instant)


def _count(*conditions: Any) -> Any:
    return func.sum(case((and_(*conditions), 1), else_=0))


def _of(audience: Audience | None, sid: Any) -> list[Any]:
    return [] if audience is None else [audience.holds(sid)]
