"""How services performed: availability with its coverage, outages, other measured levels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, func, or_, select

from hub.conformance.named import Subject
from hub.conformance.situation.audience import Audience
from hub.conformance.situation.measured import UNMEASURED, Measured, availability_of
from hub.conformance.situation.tie import id_of
from hub.conformance.subject import subjects
from hub.sla.open_time import Span
from hub.sla.reported import METRIC as BY_TOOL
from hub.sla.service_availability import METRIC
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["OutageLine", "Reading", "ServiceTime", "latest_readings", "outages", "readings", "service_times"]

_record = metadata.tables["record"]
_measured: Any = kind_tables["measurement"].c
_service: Any = kind_tables["service"].c
_outage: Any = kind_tables["outage"].c


class ServiceTime(msgspec.Struct, frozen=True, kw_only=True):
    """Availability of one service over a period."""

    service: Subject
    critical: bool
    goal: float | None
    """In force now, per cent."""
    measured: Measured

    @property
    def target(self) -> float | None:
        """In force when it was measured, per cent; None = none."""
        return self.measured.promised(self.goal)


class OutageLine(msgspec.Struct, frozen=True, kw_only=True):
    """A time a service could not be used."""

    service: Subject
    started_at: int
    ended_at: int | None
    planned: bool
    incident: Subject | None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A figure some source measured."""

    id: str
    """Of the measurement."""
    metric_id: str
    subject: Subject | None
    start: int | None
    end: int | None
    target: float | None
    actual: float | None
    unit: str
    numerator: float | None
    denominator: float | None
    coverage: float | None
    missing: str
    formula: str


def service_times(
    conn: Connection, period: Span, instant: int, known_at: int | None, audience: Audience | None
) -> list[ServiceTime]:
    """Give the availability of every service in scope, those nobody watches too."""
    s = _service
    asked = select(s.sid, s.availability_target, s.criticality).where(s.in_scope, s.vanished_at.is_(None))
    asked = asked.where(or_(s.lifecycle.is_(None), s.lifecycle.in_(("live", "retiring"))))
    services = conn.execute(asked if audience is None else asked.where(audience.holds(s.sid))).all()
    measured = availability_of(conn, period, instant)
    named = subjects(conn, [row.sid for row in services], known_at)
    found = [
        ServiceTime(
            service=named[row.sid],
            critical=row.criticality in ("critical", "high"),
            goal=row.availability_target,
            measured=measured.get(row.sid, UNMEASURED),
        )
        for row in services
    ]
    return sorted(found, key=lambda one: (one.service.title or one.service.key, one.service.id))


def outages(
    conn: Connection, period: Span, instant: int, known_at: int | None, audience: Audience | None, *, most: int
) -> tuple[int, list[OutageLine]]:
    """Count the outages of services in a period, and give the first of them."""
    o, ends = _outage, min(period[1], instant)
    wanted = [o.started_at < ends, or_(o.ended_at.is_(None), o.ended_at > period[0]), o.service_id.is_not(None)]
    wanted += [o.vanished_at.is_(None), *([] if audience is None else [audience.holds(o.service_id)])]
    number = conn.scalar(select(func.count()).select_from(kind_tables["outage"]).where(*wanted)) or 0
    columns = (o.service_id, o.started_at, o.ended_at, o.planned, o.incident_id)
    rows = conn.execute(select(*columns).where(*wanted).order_by(o.started_at, id_of(o.sid)).limit(most)).all()
    named = subjects(conn, [sid for row in rows for sid in (row.service_id, row.incident_id)], known_at)
    return number, [
        OutageLine(
            service=named[row.service_id],
            started_at=row.started_at,
            ended_at=row.ended_at if row.ended_at is not None and row.ended_at <= instant else None,
            planned=bool(row.planned),
            incident=named.get(row.incident_id) if row.incident_id is not None else None,
        )
        for row in rows
    ]


def readings(conn: Connection, period: Span, known_at: int | None, audience: Audience | None) -> list[Reading]:
    """List what sources measured for times within a period, availability apart."""
    m = _measured
    wanted = [m.metric_id.not_in((METRIC, BY_TOOL)), m.period_start >= period[0], m.period_end <= period[1]]
    if audience is not None:
        wanted.append(or_(audience.holds(m.subject), audience.holds(m.sid)))
    return _readings(conn, wanted, known_at)


def latest_readings(
    conn: Connection, metrics: Collection[str], instant: int, known_at: int | None
) -> dict[tuple[str, str], Reading]:
    """Return (metric, id of what it is about or nothing) -> the last reading that was over by an instant.

    Of several that ended together one that is known counts before one that is not, then that of the lesser id.
    """
    wanted = [_measured.metric_id.in_(sorted(metrics)), _measured.period_end <= instant]
    found = sorted(_readings(conn, wanted, known_at), key=lambda one: (-(one.end or 0), one.actual is None, one.id))
    return {(one.metric_id, one.subject.id if one.subject else ""): one for one in reversed(found)}


def _readings(conn: Connection, wanted: Sequence[Any], known_at: int | None) -> list[Reading]:
    m = _measured
    rows = conn.execute(
        select(*m, _record.c.id.label("name"))
        .join(_record, _record.c.sid == m.sid)
        .where(*wanted, m.vanished_at.is_(None))
        .order_by(m.metric_id, m.period_end, id_of(m.subject), _record.c.id)
    ).all()
    named = subjects(conn, [row.subject for row in rows], known_at)
    return [
        Reading(
            id=row.name,
            metric_id=row.metric_id,
            subject=named.get(row.subject) if row.subject is not None else None,
            start=row.period_start,
            end=row.period_end,
            target=row.target,
            actual=row.actual,
            unit=row.unit or "",
            numerator=row.numerator,
            denominator=row.denominator,
            coverage=row.coverage,
            missing=row.missing_reason or "",
            formula=row.formula_version or "",
        )
        for row in rows
    ]
