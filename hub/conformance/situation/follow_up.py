"""Improvement actions as they stood: closed, late, without owner."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select

from hub.conformance.situation.audience import Audience
from hub.conformance.situation.control import MOST
from hub.conformance.situation.fact import ActionLine, FollowUp
from hub.conformance.situation.tie import id_of
from hub.conformance.subject import subjects
from hub.sla.open_time import Span
from hub.store.schema import kind_tables

__all__ = ["follow_up"]

_action: Any = kind_tables["improvement_action"].c
_NEVER = 9_000_000_000_000_000


def follow_up(
    conn: Connection, period: Span, as_of: int, known_at: int | None, audience: Audience | None = None
) -> FollowUp:
    """Count improvement actions; an action it was decided to leave is closed when that was decided."""
    a = _action
    own = [a.vanished_at.is_(None), *([] if audience is None else [audience.holds(a.sid)])]
    closed = func.coalesce(a.closed_at, a.no_action_at)
    begun = or_(a.created_at.is_(None), a.created_at <= as_of)
    running = and_(begun, or_(closed.is_(None), closed > as_of))
    late, ownerless = and_(running, a.due_at <= as_of), and_(running, a.owner.is_(None), a.assignee.is_(None))
    counted = conn.execute(
        select(
            _count(closed >= period[0], closed < min(period[1], as_of)),
            _count(running),
            _count(late),
            _count(ownerless),
        ).where(*own)
    ).one()
    rows = conn.execute(
        select(a.sid, func.coalesce(a.owner, a.assignee).label("who"), a.due_at)
        .where(*own, or_(late, ownerless))
        .order_by(func.coalesce(a.due_at, _NEVER), id_of(a.sid))
        .limit(MOST)
    ).all()
    named = subjects(conn, [sid for row in rows for sid in (row.sid, row.who)], known_at)
    lines = [
        ActionLine(subject=named[row.sid], owner=None if row.who is None else named.get(row.who), due_at=row.due_at)
        for row in rows
    ]
    return FollowUp(
        closed=counted[0] or 0, open=counted[1] or 0, late=counted[2] or 0, ownerless=counted[3] or 0, lines=lines
    )


def _count(*conditions: Any) -> Any:
    return func.sum(case((and_(*conditions), 1), else_=0))
