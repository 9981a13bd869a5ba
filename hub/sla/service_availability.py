"""Measure the availability of every service in every month that ended, from outages and samples.

The figures are records of the kind `measurement`, from the source `hub`: requirements and reports read them
like any other. A month is measured when it has ended, and again where an outage, a sample, a maintenance
window, the service or its calendar changed; what comes out the same is not written. Without samples nothing
is known: silent monitoring is not health.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from hub.records import Measurement, Period
from hub.sla.availability import Availability, Maintenance, Sample, floored, measure, unwatched
from hub.sla.materialise import OpenTimes
from hub.sla.open_time import OpenTime, Span
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub.store.writer import Write, write_records

__all__ = ["METRIC", "availability_over", "refresh_availability"]

METRIC = "availability"
"""Metric id of the measurements."""
_FORMULA = "1"
"""Raised when the rules in this package change."""
_record, _log = metadata.tables["record"], metadata.tables["change_log"]
_link, _period = metadata.tables["link"], metadata.tables["period"]
_service: Any = kind_tables["service"].c
_outage: Any = kind_tables["outage"].c
_sample: Any = kind_tables["availability_sample"].c
_window: Any = kind_tables["maintenance_window"].c
_measured: Any = kind_tables["measurement"].c
_READ = ("outage", "availability_sample", "maintenance_window", "service", "calendar", "period")
_PLAIN = "7x24"
_LONGEST_SAMPLE_MS = 86_400_000
"""No sample stands for more than a day."""


@dataclass(frozen=True, slots=True)
class _Watched:
    """A service that something watches."""

    sid: int
    id: str
    calendar: str
    target: float | None
    since: int


def refresh_availability(conn: Connection, open_times: OpenTimes, *, now: int) -> int:
    """Bring the measurements up to date inside the caller's transaction; return how many changed.

    `open_times` gives the materialised calendars. Only months that ended by `now` are measured.
    """
    changed = set(conn.scalars(select(_log.c.kind).where(_log.c.kind.in_(_READ)).distinct()))
    written = 0
    for service in _watched(conn):
        months = _months(conn, service, now, anew=bool(changed))
        found = [one for month in months if (one := _measurement(conn, service, month, open_times()))]
        written += write_records(conn, [Write(one) for one in found], now).changed if found else 0
    return written


def _watched(conn: Connection) -> Iterator[_Watched]:
    """Give the services of which outages or samples were read."""
    seen = or_(
        select(_outage.sid).where(_outage.service_id == _service.sid).exists(),
        select(_sample.sid).where(_sample.service_id == _service.sid).exists(),
    )
    hours = _record.alias()
    begun = func.coalesce(_service.in_scope_from, _service.live_at, _service.created_at, 0)
    columns = (_service.sid, _record.c.id, hours.c.id, _service.availability_target, begun)
    owner = kind_tables["service"].join(_record, _record.c.sid == _service.sid)
    joined = owner.outerjoin(hours, hours.c.sid == _service.calendar_id)
    found = select(*columns).select_from(joined).where(_service.vanished_at.is_(None), seen)
    for sid, name, calendar, target, since in conn.execute(found.order_by(_service.sid)).all():
        yield _Watched(sid, name, calendar or _PLAIN, target, since)


def _months(conn: Connection, service: _Watched, now: int, *, anew: bool) -> list[Any]:
    """Return the ended months of a service that are to be measured: all of them, or those never measured."""
    first = select(func.min(func.coalesce(_sample.at, now))).where(_sample.service_id == service.sid).scalar_subquery()
    ended = and_(_period.c.unit == "month", _period.c.ends_at <= now, _period.c.starts_at >= service.since)
    wanted = select(_period.c.label, _period.c.starts_at, _period.c.ends_at).where(
        ended, _period.c.ends_at > func.coalesce(first, service.since)
    )
    if not anew:
        done = select(_measured.period_start).where(_measured.subject == service.sid, _measured.metric_id == METRIC)
        wanted = wanted.where(_period.c.starts_at.not_in(done))
    return list(conn.execute(wanted.order_by(_period.c.starts_at)))


def _measurement(
    conn: Connection, service: _Watched, month: Any, open_times: Mapping[str, OpenTime]
) -> Measurement | None:
    open_time = open_times.get(service.calendar)
    if open_time is None:
        return None
    return _told(service, month, _measured_over(conn, service.sid, (month.starts_at, month.ends_at), open_time))


def _measured_over(conn: Connection, service: int, period: Span, open_time: OpenTime) -> Availability:
    samples = _samples(conn, service, period)
    down = [*_outages(conn, service, period), *_spans(samples, "down")]
    seen = [Sample(at, interval, every, state != "unknown") for at, interval, every, state in samples]
    unknown = unwatched(seen, period)
    return measure(period, open_time, outages=down, maintenance=_maintenance(conn, service, period), unknown=unknown)


def availability_over(
    conn: Connection, period: Span, open_times: Mapping[str, OpenTime], service: int | None = None
) -> list[tuple[int, float | None, Availability]]:
    """Return (service, target in percent, what was measured) of every service that something watches.

    `service` (a record's number) narrows to one. A service of unknown hours is left out.
    """
    return [
        (one.sid, one.target, _measured_over(conn, one.sid, period, open_time))
        for one in _watched(conn)
        if service in (None, one.sid) and (open_time := open_times.get(one.calendar)) is not None
    ]


def _told(service: _Watched, month: Any, found: Availability) -> Measurement:
    missing = None
    if not found.agreed:
        missing = "no service time was agreed in the month"
    elif not found.known:
        missing = "nobody watched the service in the month"
    share = None if missing else float(floored(found.up, found.known))
    return Measurement(
        id=f"hub:measurement/{METRIC}/{service.id}/{month.label}",
        source="hub",
        title=f"Availability {month.label}",
        created_at=month.ends_at,
        metric_id=METRIC,
        formula_version=_FORMULA,
        subject=service.id,
        period=Period(start=month.starts_at, end=month.ends_at),
        target=service.target,
        actual=share,
        unit="%",
        numerator=found.up / 1000,
        denominator=found.known / 1000,
        coverage=None if found.coverage is None else float(floored(found.known, found.agreed)) / 100,
        missing_reason=missing,
        as_of=month.ends_at,
        service_ids=[service.id],
    )


def _samples(conn: Connection, service: int, period: Span) -> list[tuple[int, int, int, str]]:
    """Return (instant, seconds it stands for, seconds between two looks, state); one may have begun before the period."""
    interval = func.coalesce(_sample.interval_s, 60)
    rows = select(_sample.at, interval, func.coalesce(_sample.every_s, interval), _sample.state).where(
        _sample.service_id == service,
        _sample.at > period[0] - _LONGEST_SAMPLE_MS,
        _sample.at < period[1],
        _sample.vanished_at.is_(None),
    )
    return [tuple(row) for row in conn.execute(rows.order_by(_sample.at)) if row[0] + row[1] * 1000 > period[0]]


def _spans(samples: Sequence[tuple[int, int, int, str]], state: str) -> list[Span]:
    return [(at, at + interval * 1000) for at, interval, _, said in samples if said == state]


def _outages(conn: Connection, service: int, period: Span) -> list[Span]:
    rows = select(_outage.started_at, func.coalesce(_outage.ended_at, period[1])).where(
        _outage.service_id == service,
        _outage.started_at < period[1],
        func.coalesce(_outage.ended_at, period[1]) > period[0],
        _outage.vanished_at.is_(None),
    )
    return [(begins, ends) for begins, ends in conn.execute(rows)]


def _maintenance(conn: Connection, service: int, period: Span) -> list[Maintenance]:
    """Return the windows of the service: its own records, and those its outages name."""
    tied = select(_link.c.sid).where(_link.c.type == "service_ids", _link.c.target == service)
    named = select(_outage.maintenance_window).where(_outage.service_id == service)
    rows = select(_window.start, _window.end, _window.announced_at).where(
        or_(_window.sid.in_(tied), _window.sid.in_(named)),
        _window.start < period[1],
        _window.end > period[0],
        _window.vanished_at.is_(None),
    )
    windows = defaultdict[Span, list[int | None]](list)
    for begins, ends, announced in conn.execute(rows):
        windows[begins, ends].append(announced)
    return [Maintenance(*span, announced[0]) for span, announced in windows.items()]
