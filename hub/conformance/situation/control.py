"""Changes, releases and deployments of a period, counted, with those that failed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, case, func, select

from hub.conformance.situation.audience import Audience
from hub.conformance.situation.fact import Control
from hub.conformance.situation.tie import id_of
from hub.conformance.subject import subjects
from hub.sla.open_time import Span
from hub.store.schema import kind_tables

__all__ = ["MOST", "control"]

MOST = 20
"""So many records are named; the rest is counted."""
_change: Any = kind_tables["change"].c
_release: Any = kind_tables["release"].c
_deployment: Any = kind_tables["deployment"].c
_FAILED = ("failed", "backed_out")
_UNDONE = ("failed", "rolled_back")


def control(
    conn: Connection, period: Span, as_of: int, known_at: int | None, audience: Audience | None = None
) -> Control:
    """Count what ended in a period, up to as-of; `known_at` is the instant whose titles are told."""
    begins, instant = period[0], min(period[1], as_of)
    c, r, d = _change, _release, _deployment
    ended = [c.actual_end >= begins, c.actual_end < instant, c.vanished_at.is_(None), *_of(audience, c.sid)]
    counted = conn.execute(
        select(
            func.count(),
            _count(c.outcome == "successful"),
            _count(c.type == "emergency"),
            _count(c.outcome.is_(None)),
            _count(c.outcome.in_(_FAILED)),
        ).where(*ended)
    ).one()
    failing = select(c.sid).where(*ended, c.outcome.in_(_FAILED))
    failing = failing.order_by(c.actual_end.desc(), id_of(c.sid)).limit(MOST)
    sids = list(conn.scalars(failing))
    named = subjects(conn, sids, known_at)
    released = conn.scalar(
        select(func.count()).where(
            r.released_at >= begins, r.released_at < instant, r.vanished_at.is_(None), *_of(audience, r.sid)
        )
    )
    deployed = conn.execute(
        select(func.count(), _count(d.deployment_status.in_(_UNDONE))).where(
            d.finished_at >= begins,
            d.finished_at < instant,
            d.tier == "production",
            d.vanished_at.is_(None),
            *_of(audience, d.sid),
        )
    ).one()
    return Control(
        ended=counted[0],
        successful=counted[1] or 0,
        emergency=counted[2] or 0,
        unknown=counted[3] or 0,
        failed=[named[sid] for sid in sids],
        failed_count=counted[4] or 0,
        released=released or 0,
        deployments=deployed[0],
        deployments_failed=deployed[1] or 0,
    )


def _count(*conditions: Any) -> Any:
    return func.sum(case((and_(*conditions), 1), else_=0))


def _of(audience: Audience | None, sid: Any) -> list[Any]:
    return [] if audience is None else [audience.holds(sid)]
