"""What customers said in a period: complaints and surveys, counted."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select

from hub.conformance.situation.audience import Audience
from hub.conformance.situation.fact import Opinion, Score
from hub.sla.open_time import Span
from hub.store.schema import kind_tables

__all__ = ["LOW", "opinion"]

_complaint: Any = kind_tables["complaint"].c
_survey: Any = kind_tables["satisfaction_survey"].c
LOW = 0.4
"""Scores up to two fifths of the scale are low; ours."""


def opinion(conn: Connection, period: Span, as_of: int, audience: Audience | None = None) -> Opinion:
    """Count complaints and surveys of a period, as they stood at its end or at as-of if earlier.

    Scores are those that came in the period; replies are those to surveys sent in it, up to as-of, so that their rate
    is that of compiled reports.
    """
    begins, instant = period[0], min(period[1], as_of)
    c, s = _complaint, _survey
    received = func.coalesce(c.received_at, c.recorded_at, c.created_at)
    open_then = and_(received < instant, or_(c.closed_at.is_(None), c.closed_at >= instant))
    complaints = conn.execute(
        select(
            _count(received >= begins, received < instant),
            _count(c.closed_at >= begins, c.closed_at < instant),
            _count(open_then),
            _count(open_then, c.due_at < instant),
        ).where(c.vanished_at.is_(None), *_of(audience, c.sid))
    ).one()
    asked = (s.sent_at >= begins, s.sent_at < instant)
    sent, replied = conn.execute(
        select(_count(*asked), _count(*asked, s.replied_at <= as_of)).where(
            s.vanished_at.is_(None), *_of(audience, s.sid)
        )
    ).one()
    spread = s.scale_max - s.scale_min
    scores = conn.execute(
        select(
            s.scale_min,
            s.scale_max,
            func.count(),
            func.sum(s.score),
            _count(s.score <= s.scale_min + spread * LOW),
        )
        .where(s.replied_at >= begins, s.replied_at < instant, s.score.is_not(None), s.vanished_at.is_(None))
        .where(*_of(audience, s.sid))
        .group_by(s.scale_min, s.scale_max)
        .order_by(func.count().desc(), s.scale_min, s.scale_max)
    ).all()
    return Opinion(
        received=complaints[0] or 0,
        closed=complaints[1] or 0,
        open=complaints[2] or 0,
        late=complaints[3] or 0,
        sent=sent or 0,
        replied=replied or 0,
        scores=[Score(lowest=a, highest=b, replies=n, total=total, low=low or 0) for a, b, n, total, low in scores],
    )


def _count(*conditions: Any) -> Any:
    return func.sum(case((and_(*conditions), 1), else_=0))


def _of(audience: Audience | None, sid: Any) -> list[Any]:
    return [] if audience is None else [audience.holds(sid)]
