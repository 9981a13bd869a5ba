"""Changes by type and outcome, what is scheduled, and what came after releases."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, func, or_, select, union

from hub.conformance.named import Subject
from hub.conformance.situation.audience import Audience
from hub.conformance.situation.control import MOST
from hub.conformance.situation.flow import CALLED_OFF
from hub.conformance.situation.tie import id_of
from hub.conformance.subject import subjects
from hub.sla.open_time import Span
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = [
    "WATCH_MS",
    "Ended",
    "Released",
    "Scheduled",
    "beside_of",
    "caused_by",
    "ended_changes",
    "released",
    "scheduled",
]

WATCH_MS = 14 * 86_400_000
"""So long after a release incidents are watched for: section 2 of the report process."""
_change: Any = kind_tables["change"].c
_release: Any = kind_tables["release"].c
_incident: Any = kind_tables["incident"].c
_record, _link = metadata.tables["record"], metadata.tables["link"]


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of one type that ended in a period with one outcome."""

    type: str | None
    outcome: str | None
    """None = not recorded."""
    number: int


class Scheduled(msgspec.Struct, frozen=True, kw_only=True):
    """A change that is planned to begin soon."""

    subject: Subject
    type: str | None
    starts_at: int
    ends_at: int | None
    published: bool
    """It stands in the published schedule."""


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """A release that went live, and the incidents of the 14 days after it."""

    subject: Subject
    version: str | None
    released_at: int
    watched_until: int
    """End of the 14 days, or as-of if that is earlier."""
    over: bool
    """The 14 days have passed."""
    changes: int
    caused: int
    """Incidents said to be caused by it or by one of its changes."""
    beside: int
    """Incidents on its services, whatever their cause."""


def ended_changes(conn: Connection, period: Span, as_of: int, audience: Audience | None = None) -> list[Ended]:
    """Count changes that ended in a period, up to as-of, in one query."""
    c, instant = _change, min(period[1], as_of)
    asked = (
        select(c.type, c.outcome, func.count())
        .where(c.actual_end >= period[0], c.actual_end < instant, c.vanished_at.is_(None), *_of(audience, c.sid))
        .group_by(c.type, c.outcome)
    )
    rows = sorted(conn.execute(asked).all(), key=lambda row: tuple((v is None, v or "") for v in row[:2]))
    return [Ended(type=type_, outcome=outcome, number=n) for type_, outcome, n in rows]


def scheduled(
    conn: Connection, instant: int, until: int, known_at: int | None, audience: Audience | None = None
) -> tuple[list[Scheduled], int]:
    """List changes planned to begin in [instant, until) that have not begun, and count them; at most `MOST` are listed."""
    c = _change
    rows = conn.execute(
        select(
            c.sid,
            c.type,
            c.planned_start,
            c.planned_end,
            (c.schedule_published_at < instant).label("published"),
            func.count().over().label("number"),
        )
        .where(c.planned_start >= instant, c.planned_start < until, c.vanished_at.is_(None), *_of(audience, c.sid))
        .where(or_(c.actual_start.is_(None), c.actual_start >= instant), func.coalesce(c.outcome, "") != "cancelled")
        .where(func.coalesce(c.status_category, "").not_in(CALLED_OFF))
        .order_by(c.planned_start, id_of(c.sid))
        .limit(MOST)
    ).all()
    named = subjects(conn, [row.sid for row in rows], known_at)
    found = [
        Scheduled(
            subject=named[row.sid],
            type=row.type,
            starts_at=row.planned_start,
            ends_at=row.planned_end,
            published=bool(row.published),
        )
        for row in rows
    ]
    return found, rows[0].number if rows else 0


def released(
    conn: Connection,
    span: Span,
    as_of: int,
    known_at: int | None,
    audience: Audience | None = None,
    *,
    only: Collection[str] | None = None,
) -> tuple[list[Released], int]:
    """List releases that went live in a span (or those of the ids `only`) with the incidents after each, and count them.

    At most `MOST` are listed, the latest first; four queries and the titles.
    """
    r = _release
    chosen = [r.released_at >= span[0], r.released_at < span[1]]
    if only is not None:
        chosen = [r.sid.in_(select(_record.c.sid).where(_record.c.id.in_(sorted(only)))), r.released_at.is_not(None)]
    rows = conn.execute(
        select(r.sid, r.version, r.released_at, func.count().over().label("number"))
        .where(*chosen, r.vanished_at.is_(None), *_of(audience, r.sid))
        .order_by(r.released_at.desc(), id_of(r.sid))
        .limit(MOST)
    ).all()
    sids = [row.sid for row in rows]
    changes: dict[int, int] = dict(
        conn.execute(
            select(_link.c.sid, func.count())
            .where(_link.c.sid.in_(sids), _link.c.type == "change_ids")
            .group_by(_link.c.sid)
        ).all()
    )
    caused, beside = (_after(conn, sids, as_of, ties) for ties in (caused_by(sids), beside_of(sids)))
    named = subjects(conn, sids, known_at)
    found = [
        Released(
            subject=named[row.sid],
            version=row.version,
            released_at=row.released_at,
            watched_until=min(as_of, row.released_at + WATCH_MS),
            over=as_of >= row.released_at + WATCH_MS,
            changes=changes.get(row.sid, 0),
            caused=caused.get(row.sid, 0),
            beside=beside.get(row.sid, 0),
        )
        for row in rows
    ]
    return found, rows[0].number if rows else 0


def _after(conn: Connection, sids: list[int], as_of: int, ties: Any) -> dict[int, int]:
    """Count incidents of the 14 days after each release, by pairs (release, incident)."""
    i, r, pair = _incident, _release, ties.subquery()
    begun = func.coalesce(i.reported_at, i.recorded_at, i.created_at)
    rows = conn.execute(
        select(r.sid, func.count())
        .select_from(pair)
        .join(r.sid.table, r.sid == pair.c.release)
        .join(i.sid.table, i.sid == pair.c.incident)
        .where(begun >= r.released_at, begun < r.released_at + WATCH_MS, begun < as_of, i.vanished_at.is_(None))
        .where(func.coalesce(i.status_category, "").not_in(CALLED_OFF))
        .group_by(r.sid)
    ).all()
    return {sid: n for sid, n in rows if sid in sids}


def caused_by(sids: list[int]) -> Any:
    """Select (release, incident) where the incident says what caused it, or the cause says so."""
    i, brings, tie = _incident, _link.alias(), _link.alias()
    cause = union(
        select(brings.c.sid.label("release"), brings.c.target.label("cause")).where(
            brings.c.sid.in_(sids), brings.c.type == "change_ids"
        ),
        select(_release.sid.label("release"), _release.sid.label("cause")).where(_release.sid.in_(sids)),
    ).subquery()
    return union(
        select(cause.c.release, i.sid.label("incident")).join(i.sid.table, i.caused_by_change_id == cause.c.cause),
        select(cause.c.release, tie.c.sid.label("incident")).join(
            tie, and_(tie.c.target == cause.c.cause, tie.c.type == "caused_by")
        ),
        select(cause.c.release, tie.c.target.label("incident")).join(
            tie, and_(tie.c.sid == cause.c.cause, tie.c.type == "causes")
        ),
    )


def beside_of(sids: list[int]) -> Any:
    """Select (release, incident) where both name the same service."""
    ours, theirs = _link.alias(), _link.alias()
    same = and_(theirs.c.target == ours.c.target, theirs.c.type == "service_ids")
    return (
        select(ours.c.sid.label("release"), theirs.c.sid.label("incident"))
        .join(theirs, same)
        .where(ours.c.sid.in_(sids), ours.c.type == "service_ids")
        .distinct()
    )


def _of(audience: Audience | None, sid: Any) -> list[Any]:
    return [] if audience is None else [audience.holds(sid)]
