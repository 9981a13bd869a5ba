"""Promised levels over a period, and the tickets that missed them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select

from hub.conformance.situation.audience import Audience
from hub.conformance.situation.control import MOST
from hub.conformance.situation.fact import Breach, Kept, Level
from hub.conformance.situation.measured import Measured, availability_of
from hub.conformance.situation.tie import id_of
from hub.conformance.subject import subjects
from hub.records import Target
from hub.sla.attainment import NOT_KNOWN, decided_condition
from hub.sla.open_time import Span
from hub.sla.statement import Line
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["breaches", "kept_of", "levels"]

_record = metadata.tables["record"]
_clock: Any = metadata.tables["sla_clock"].c
_service: Any = kind_tables["service"].c


def levels(
    conn: Connection, lines: Sequence[Line], period: Span, before: Span, audience: Audience | None = None
) -> list[Level]:
    """List every target of every agreement, then availability by service: the one count all parts of a report tell.

    `lines` are those of `statement`, of which an audience is told its own agreements. A target without an agreed
    share is kept where no case missed it. A result that cases not to be measured could turn is not provable.
    """
    if audience is not None:
        own = set(conn.scalars(select(_record.c.id).where(audience.holds(_record.c.sid))))
        lines = [line for line in lines if line.agreement in own]
    return [_promised(line) for line in lines] + _availability(conn, period, before, audience)


def breaches(
    conn: Connection, period: Span, as_of: int, known_at: int | None, audience: Audience | None = None
) -> tuple[int, list[Breach]]:
    """Return how many clocks of tickets missed their target in a period, and the first of them by due instant."""
    instant = min(as_of, period[1])
    decided, at, in_time = decided_condition(instant)
    conditions = [decided, ~in_time, at >= period[0], at < period[1], _clock.lacks.is_(None), _clock.excluded.is_(None)]
    if audience is not None:
        conditions.append(audience.holds(_clock.sid))
    number = conn.scalar(select(func.count()).select_from(metadata.tables["sla_clock"]).where(*conditions)) or 0
    rows = conn.execute(
        select(_clock.sid, _clock.metric, _clock.due_at, _clock.stopped_at)
        .where(*conditions)
        .order_by(_clock.due_at, id_of(_clock.sid), _clock.metric)
        .limit(MOST)
    ).all()
    named = subjects(conn, [row.sid for row in rows], known_at)
    return number, [
        Breach(
            subject=named[row.sid],
            metric=row.metric.replace("_", " "),
            due_at=row.due_at,
            stopped_at=row.stopped_at if row.stopped_at is not None and row.stopped_at <= instant else None,
        )
        for row in rows
    ]


def _promised(line: Line) -> Level:
    now = line.now
    promise = f"{line.metric.replace('_', ' ')} {line.promise}".strip()
    return Level(
        agreement=line.agreement,
        title=line.title or line.agreement,
        promise=promise,
        previous=_figure(line.previous),
        current=_figure(now.rate()),
        goal=line.goal,
        kept=kept_of(line),
        missed=now.missed,
        lacking=now.lacking,
        critical=line.promise.startswith("P1 "),
        metric=line.metric.replace("_", " "),
        target=_share(line.agreed),
        restated=_figure(line.restated),
        stood=_figure(line.stood),
        met=now.met,
        decided=now.decided,
        excluded=now.excluded,
        open=now.open,
        at_risk=now.at_risk,
        unknown_before=line.previous == NOT_KNOWN,
    )


def kept_of(line: Line) -> Kept:
    """Say whether a level was kept; a target without an agreed share is kept where no case missed it."""
    now = line.now
    if line.kept == "not met" or (not line.kept and now.missed):
        return "missed"
    if now.lacking:
        return "not_provable"
    return "no_cases" if line.kept == "not applicable" or not now.decided else "met"


def _share(target: Target | None) -> str:
    """Return a share to be reached, in percent."""
    if target is None or target.operator != ">=" or target.unit != "%":
        return ""
    return f"{Decimal(str(target.value)):f}"


def _figure(rate: str) -> str:
    return rate if rate[:1].isdigit() else ""


def _availability(conn: Connection, period: Span, before: Span, audience: Audience | None) -> list[Level]:
    now, earlier = availability_of(conn, period, period[1]), availability_of(conn, before, before[1])
    s = _service
    asked = (
        select(
            s.sid,
            _record.c.id,
            func.coalesce(s.title, s.key, _record.c.id).label("name"),
            s.availability_target,
            s.criticality,
        )
        .join(_record, _record.c.sid == s.sid)
        .order_by(_record.c.id)
    )
    if audience is not None:
        asked = asked.where(audience.holds(s.sid))
    return [_available(row, now[row.sid], earlier.get(row.sid)) for row in conn.execute(asked) if row.sid in now]


def _available(service: Any, now: Measured, before: Measured | None) -> Level:
    goal = service.availability_target
    target = now.promised(goal)
    previous = "" if before is None else _told(before)
    kept: Kept = "not_provable"
    if now.proven and now.actual is not None:
        kept = "no_cases" if target is None else "met" if now.actual >= target else "missed"
    return Level(
        agreement=service.id,
        title=service.name,
        promise="availability" + ("" if target is None else f" >= {target:g} %"),
        previous=previous,
        unknown_before=not previous,
        current=_told(now),
        goal="" if goal is None else f">= {goal:g} %",
        kept=kept,
        missed=0,
        lacking=0,
        critical=service.criticality in ("critical", "high"),
        metric="availability",
        target="" if target is None else _percent(target),
    )


def _told(one: Measured) -> str:
    """Write the figure of the period; that of a part of it is none."""
    return _percent(one.actual) if one.whole and one.actual is not None else ""


def _percent(value: float) -> str:
    return f"{Decimal(str(value)):f}"
