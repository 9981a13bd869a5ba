"""How far promises were kept in a period: tickets decided, met, missed, left out, and those still open.

A ticket counts in the period that holds the earlier of its stop and its due instant. What is missing or
impossible counts for nobody; the conservative rate counts it as missed. Instants are UTC milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, case, func, literal, or_, select

from hub.sla.availability import floored
from hub.sla.clock import ClockState
from hub.sla.open_time import Span
from hub.store.tables import metadata

__all__ = ["NOT_KNOWN", "Attainment", "TicketClock", "attainment", "decided_condition", "ticket_clocks"]

_clock, _record, _link = metadata.tables["sla_clock"], metadata.tables["record"], metadata.tables["link"]
_NEVER = 9_000_000_000_000_000
NOT_KNOWN = "not known"
"""A rate of tickets none of which could be measured."""
c: Any = _clock.c


@dataclass(frozen=True, slots=True)
class Attainment:
    """How one target of one agreement stood in a period."""

    agreement: str
    """Id of the agreement's version."""
    target: str
    metric: str
    met: int
    missed: int
    excluded: int
    open: int
    """Running at the as-of instant, with time left."""
    at_risk: int
    """Of the open ones, those over their warning share."""
    paused: int
    lacking: int
    """Reported in the period, and not to be measured."""

    @property
    def decided(self) -> int:
        """How many tickets have a result."""
        return self.met + self.missed

    def rate(self, *, conservative: bool = False) -> str:
        """Percent met of what was decided, rounded down.

        `no cases` where nothing was, `not known` where there were tickets and none could be measured.
        """
        whole = self.decided + (self.lacking if conservative else 0)
        if whole:
            return floored(self.met, whole, 2)
        return NOT_KNOWN if self.lacking else "no cases"


@dataclass(frozen=True, slots=True)
class TicketClock:
    """One clock of one ticket as it stood."""

    sid: int
    id: str
    metric: str
    target: str
    started_at: int | None
    due_at: int | None
    stopped_at: int | None
    target_s: int | None
    counted_s: int | None
    state: ClockState | str
    """As of the clock, or `excluded (X2)`, or `not provable`."""
    lacks: str


def decided_condition(as_of: int) -> tuple[Any, Any, Any]:
    """Return whether a clock is decided as of an instant, when, and whether it was met."""
    stopped = and_(c.stopped_at.is_not(None), c.stopped_at <= as_of)
    due = func.coalesce(c.due_at, _NEVER)
    in_time = and_(stopped, c.stopped_at <= due)
    at = case((in_time, c.stopped_at), else_=due)
    return or_(in_time, due < as_of, and_(stopped, c.stopped_at > due)), at, in_time


def attainment(conn: Connection, period: Span, as_of: int, service: int | None = None) -> list[Attainment]:
    """Count every target over a period as of an instant; `service` (a record's number) narrows to its tickets."""
    decided, at, in_time = decided_condition(as_of)
    begins, ends = period
    measured = and_(c.lacks.is_(None), c.excluded.is_(None))
    inside = and_(decided, at >= begins, at < ends)
    running = and_(~decided, c.started_at < ends, c.started_at <= as_of)

    def count(*conditions: Any) -> Any:
        return func.sum(case((and_(*conditions), literal(1)), else_=0))

    found = (
        select(
            _record.c.id.label("agreement"),
            func.coalesce(c.target, "").label("target"),
            c.metric,
            count(measured, inside, in_time).label("met"),
            count(measured, inside, ~in_time).label("missed"),
            count(c.excluded.is_not(None), c.lacks.is_(None), or_(inside, running)).label("excluded"),
            count(measured, running, c.due_at.is_not(None)).label("open"),
            count(measured, running, c.due_at.is_not(None), c.warn_at <= as_of).label("at_risk"),
            count(measured, running, c.due_at.is_(None)).label("paused"),
            count(c.lacks.is_not(None), c.started_at >= begins, c.started_at < ends).label("lacking"),
        )
        .select_from(_clock.outerjoin(_record, _record.c.sid == c.agreement))
        .where(_of(service))
        .group_by(_record.c.id, c.target, c.metric)
        .order_by(_record.c.id, c.metric, c.target)
    )
    rows = (Attainment(**{**row, "agreement": row["agreement"] or ""}) for row in conn.execute(found).mappings())
    return [row for row in rows if row.decided or row.excluded or row.open or row.paused or row.lacking]


def _of(service: int | None) -> Any:
    if service is None:
        return literal(value=True)
    return c.sid.in_(select(_link.c.sid).where(_link.c.type == "service_ids", _link.c.target == service))


def ticket_clocks(conn: Connection, period: Span, as_of: int, service: int | None = None) -> list[TicketClock]:
    """List the clocks that count in a period, or run in it, by when they were or are due."""
    decided, at, _ = decided_condition(as_of)
    begins, ends = period
    unmeasured = and_(c.lacks.is_not(None), c.started_at >= begins, c.started_at < ends)
    concerned = or_(
        and_(decided, at >= begins, at < ends), and_(~decided, c.started_at < ends, c.started_at <= as_of), unmeasured
    )
    rows = conn.execute(
        select(_record.c.id, *c)
        .select_from(_clock.join(_record, _record.c.sid == c.sid))
        .where(concerned, _of(service))
        .order_by(func.coalesce(c.due_at, _NEVER), _record.c.id, c.metric)
    )
    return [
        TicketClock(
            sid=row.sid,
            id=row.id,
            metric=row.metric,
            target=row.target or "",
            started_at=row.started_at,
            due_at=row.due_at,
            stopped_at=row.stopped_at if _stopped(row, as_of) else None,
            target_s=row.target_s,
            counted_s=row.counted_s if _stopped(row, as_of) else None,
            state=_state(row, as_of),
            lacks=row.lacks or "",
        )
        for row in rows
    ]


def _stopped(row: Any, as_of: int) -> bool:
    return row.stopped_at is not None and row.stopped_at <= as_of


def _state(row: Any, as_of: int) -> ClockState | str:
    if row.lacks is not None:
        return "not provable"
    if row.excluded is not None:
        return f"excluded ({row.excluded})"
    if _stopped(row, as_of):
        return "met" if row.due_at is None or row.stopped_at <= row.due_at else "missed"
    if row.due_at is None:
        return "paused"
    if as_of > row.due_at:
        return "breached"
    return "at_risk" if row.warn_at is not None and row.warn_at <= as_of else "running"
