"""Findings that stand open and actions that were to be done: each is told until it is closed."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, and_, func, null, or_, select

from hub.conformance.finding_past import states_known
from hub.conformance.named import Subject
from hub.conformance.situation.audience import Audience
from hub.conformance.situation.tie import id_of
from hub.conformance.subject import subjects
from hub.sla.open_time import Span
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata

__all__ = ["ActionPoint", "Improvement", "OpenFinding", "action_points", "improvements", "judged", "open_findings"]

_finding, _part = metadata.tables["finding"], metadata.tables["part"]
_state = metadata.tables["requirement_state"]
_record, _link = metadata.tables["record"], metadata.tables["link"]
_action: Any = kind_tables["improvement_action"].c


class OpenFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A nonconformity that stands, as known."""

    requirement: str
    subject: Subject
    action: Subject | None
    """Improvement action that names the same record as its source; None = none is recorded."""
    owner: Subject | None
    breached_at: int
    due_at: int | None
    reopened: int


class ActionPoint(msgspec.Struct, frozen=True, kw_only=True):
    """An improvement action that was open when the period began, or came in it."""

    subject: Subject
    owner: Subject | None
    due_at: int | None
    closed_at: int | None
    """None = it is open."""
    left: bool
    """It was decided to do nothing."""
    vanished: bool
    """It was deleted at its source while it was open."""
    carried: bool
    """It was open when the period began: it stood in the report before."""


class Improvement(msgspec.Struct, frozen=True, kw_only=True):
    """A step or aim of an improvement plan for the time after the period."""

    plan: Subject
    name: str
    target: str | None
    due_at: int | None


def judged(conn: Connection) -> bool:
    """Say whether any requirement was ever judged: before that nobody knows of findings."""
    return conn.execute(select(_state.c.requirement).limit(1)).first() is not None


def open_findings(conn: Connection, known_at: int | None, audience: Audience | None = None) -> list[OpenFinding]:
    """List findings that are open as known, the longest overdue first, in three queries and the titles."""
    f, p = _finding.c, _part.c
    asked = select(_finding, p.requirement).join(_part, p.part == f.part)
    if audience is not None:
        asked = asked.where(or_(audience.holds(f.unit), audience.holds(f.owner)))
    if known_at is None:
        asked = asked.where(f.state == "open")
    rows = conn.execute(asked).all()
    found = [row for row in (rows if known_at is None else states_known(conn, rows, known_at)) if row.state == "open"]
    actions = _actions_on(conn, known_at)
    named = subjects(conn, [sid for row in found for sid in (row.unit, row.owner, actions.get(row.unit))], known_at)
    ordered = sorted(
        found,
        key=lambda row: (
            row.due_at is None,
            row.due_at or 0,
            row.requirement,
            named[row.unit].id,
            row.breached_at or 0,
        ),
    )
    return [
        OpenFinding(
            requirement=row.requirement,
            subject=named[row.unit],
            action=named.get(actions.get(row.unit, -1)),
            owner=named.get(row.owner),
            breached_at=row.breached_at,
            due_at=row.due_at,
            reopened=row.reopened,
        )
        for row in ordered
    ]


def _actions_on(conn: Connection, known_at: int | None) -> dict[int, int]:
    """Return record -> the open action that came of it, of several that of the least id."""
    a = _action
    closed = func.coalesce(a.closed_at, a.no_action_at)
    running = closed.is_(None) if known_at is None else or_(closed.is_(None), closed > known_at)
    rows = conn.execute(
        select(_link.c.target, _link.c.sid)
        .join(a.sid.table, a.sid == _link.c.sid)
        .where(_link.c.type.in_(("source_ids", "raised_from")), running, a.vanished_at.is_(None))
        .order_by(id_of(_link.c.sid).desc())
    )
    return dict(rows.all())


def action_points(
    conn: Connection, period: Span, as_of: int, known_at: int | None, audience: Audience | None = None
) -> list[ActionPoint]:
    """List actions that were open at some time of the period, those still open first, then by due day.

    What was open in the report before is among them until a later period begins after its closure.
    """
    a, begin, instant = _action, period[0], min(period[1], as_of)
    closed = func.coalesce(a.closed_at, a.no_action_at)
    asked = select(
        a.sid,
        func.coalesce(a.owner, a.assignee).label("who"),
        a.due_at,
        a.created_at,
        closed.label("closed"),
        and_(a.closed_at.is_(None), a.no_action_at.is_not(None)).label("left"),
        a.vanished_at,
    ).where(
        or_(a.created_at.is_(None), a.created_at < instant),
        or_(closed.is_(None), closed >= begin),
        or_(a.vanished_at.is_(None), a.vanished_at >= begin),
    )
    if audience is not None:
        came_of = select(_link.c.sid).where(
            _link.c.type.in_(("source_ids", "raised_from")), audience.holds(_link.c.target)
        )
        asked = asked.where(or_(audience.holds(a.sid), a.sid.in_(came_of)))
    rows = conn.execute(asked).all()
    named = subjects(conn, [sid for row in rows for sid in (row.sid, row.who)], known_at)
    found = [
        ActionPoint(
            subject=named[row.sid],
            owner=named.get(row.who),
            due_at=row.due_at,
            closed_at=row.closed if row.closed is not None and row.closed < instant else None,
            left=bool(row.left) and row.closed < instant,
            vanished=row.vanished_at is not None and row.vanished_at < instant,
            carried=row.created_at is None or row.created_at < begin,
        )
        for row in rows
    ]
    return sorted(
        found, key=lambda one: (one.closed_at is not None, one.due_at is None, one.due_at or 0, one.subject.id)
    )


def improvements(
    conn: Connection, after: Span, known_at: int | None, audience: Audience | None = None
) -> list[Improvement]:
    """List steps and aims of improvement plans that are due in a span, in two queries and the titles."""
    plan: Any = kind_tables["plan"].c
    step: Any = child_tables["plan", "milestones"].c
    aim: Any = child_tables["plan", "aims"].c
    found: list[tuple[int, str, str | None, int | None]] = []
    for part, target, open_still in ((step, null(), [step.done_at.is_(None)]), (aim, aim.target, [])):
        columns = [part.sid, part.name, target, part.due_at]
        asked = (
            select(*columns)
            .join(plan.sid.table, plan.sid == part.sid)
            .where(plan.plan_type == "service_improvement", plan.vanished_at.is_(None), plan.withdrawn_at.is_(None))
            .where(part.due_at >= after[0], part.due_at < after[1], *open_still)
        )
        if audience is not None:
            asked = asked.where(audience.holds(plan.sid))
        found += [tuple(row) for row in conn.execute(asked)]
    named = subjects(conn, [row[0] for row in found], known_at)
    ordered = sorted(found, key=lambda row: (row[3] or 0, named[row[0]].id, row[1], row[2] or ""))
    return [Improvement(plan=named[sid], name=name, target=target, due_at=due) for sid, name, target, due in ordered]
