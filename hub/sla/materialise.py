"""Keep the store's tables of open time, local days and periods in step with the calendars.

Every due is then an index look-up. Rows are written again only where the fingerprint (definition,
tz database, range) differs; the change log says which calendar changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from hub.errors import ConfigurationError, Fault
from hub.sla.calendar import Calendar, calendar_faults, local_days, open_intervals, periods
from hub.sla.open_time import OpenTime, Span
from hub.sla.zone import load_zone, tz_version
from hub.store import tables

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Table

__all__ = ["FIRST_DAY", "OpenTimes", "horizon", "materialise", "open_times"]

OpenTimes = Callable[[], Mapping[str, OpenTime]]
"""Gives the calendars by name, where they are needed."""

FIRST_DAY = date(2000, 1, 1)
"""Nothing before it is judged."""
_HORIZON_YEARS = 5
_FORM = 1
"""Raised when the rules in this package change, so that every store computes its rows again."""
_BATCH = 1000
_PERIODS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
"""Periods something may be owed for, in months."""

Rows = list[dict[str, Any]]


def horizon(now_ms: int, zone: str) -> date:
    """Give the last materialised day: the end of the local year five years from now."""
    today = datetime.fromtimestamp(now_ms // 1000, tz=UTC).astimezone(load_zone(zone)).date()
    return date(today.year + _HORIZON_YEARS, 12, 31)


def materialise(conn: Connection, calendars: Iterable[Calendar], zone: str, first: date, last: date) -> str:
    """Bring the tables up to date inside the caller's transaction and give the fingerprint of them all.

    `zone` is the organisation's: months, quarters, half-years and years are its own; the days of a calendar are local days of the
    calendar's own zone. Calendars that are no longer given lose their rows. Every change is a row of
    the change log (`calendar` or `period`). Raises ConfigurationError for a calendar that cannot be used.
    """
    chosen = sorted(calendars, key=lambda calendar: calendar.id)
    _refuse_faults(chosen)
    wanted = {f"calendar:{calendar.id}": _fingerprint(_definition(calendar), first, last) for calendar in chosen}
    wanted |= {f"period:{name}": _fingerprint([zone, months], first, last) for name, months in _PERIODS.items()}
    known = {
        name: value
        for name, value in conn.execute(select(tables.fingerprint.c.name, tables.fingerprint.c.value))
        if name.startswith(("calendar:", "period:"))
    }
    makers: dict[str, Callable[[], list[tuple[Table, Rows]]]] = {
        f"calendar:{calendar.id}": partial(_calendar_rows, calendar, first, last) for calendar in chosen
    }
    makers |= {
        f"period:{name}": partial(_period_rows, name, months, zone, first, last) for name, months in _PERIODS.items()
    }
    for name in sorted(known.keys() | wanted.keys()):
        if known.get(name) != wanted.get(name):
            _replace(conn, name, wanted.get(name), makers[name]() if name in makers else [])
    return _digest(sorted(wanted.items()))


def _refuse_faults(calendars: list[Calendar]) -> None:
    faults = [Fault(text, key=calendar.id) for calendar in calendars for text in calendar_faults(calendar)]
    names = [calendar.id for calendar in calendars]
    faults += [Fault("two calendars of this id", key=name) for name in sorted({n for n in names if names.count(n) > 1})]
    if faults:
        raise ConfigurationError(faults)


def _replace(conn: Connection, name: str, value: str | None, content: list[tuple[Table, Rows]]) -> None:
    kind, _, key = name.partition(":")
    if kind == "calendar":
        conn.execute(delete(tables.open_interval).where(tables.open_interval.c.calendar == key))
        conn.execute(delete(tables.local_day).where(tables.local_day.c.calendar == key))
    else:
        conn.execute(delete(tables.period).where(tables.period.c.unit == key))
    conn.execute(delete(tables.fingerprint).where(tables.fingerprint.c.name == name))
    for table, rows in content:
        for start in range(0, len(rows), _BATCH):
            conn.execute(insert(table), rows[start : start + _BATCH])
    if value is not None:
        conn.execute(insert(tables.fingerprint), {"name": name, "value": value})
    conn.execute(insert(tables.change_log), {"kind": kind, "sid": None, "touched": None})


def _calendar_rows(calendar: Calendar, first: date, last: date) -> list[tuple[Table, Rows]]:
    spans = open_intervals(calendar, first, last)
    before = accumulate(((closes - opens) // 1000 for opens, closes in spans), initial=0)
    intervals = [
        {"calendar": calendar.id, "opens": opens, "closes": closes, "seconds_before": seconds}
        for (opens, closes), seconds in zip(spans, before, strict=False)
    ]
    days = [
        {
            "calendar": calendar.id,
            "starts_at": day.starts_at,
            "ends_at": day.ends_at,
            "date": day.date,
            "day_no": day.day_no,
            "business": day.is_business,
            "business_no": day.business_no,
        }
        for day in local_days(calendar.zone, calendar, first, last)
    ]
    return [(tables.open_interval, intervals), (tables.local_day, days)]


def _period_rows(name: str, length: int, zone: str, first: date, last: date) -> list[tuple[Table, Rows]]:
    rows = [
        {"unit": name, "label": one.label, "starts_at": one.starts_at, "ends_at": one.ends_at}
        for one in periods(zone, first, last, length)
    ]
    return [(tables.period, rows)]


def _definition(calendar: Calendar) -> list[Any]:
    return [
        calendar.zone,
        sorted(calendar.weekly),
        sorted(day.isoformat() for day in calendar.closed),
        sorted((day.isoformat(), hours) for day, hours in calendar.extra_open),
        calendar.valid_from and calendar.valid_from.isoformat(),
        calendar.valid_to and calendar.valid_to.isoformat(),
    ]


def _fingerprint(definition: object, first: date, last: date) -> str:
    return _digest([_FORM, tz_version(), definition, first.isoformat(), last.isoformat()])


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def open_times(conn: Connection) -> dict[str, OpenTime]:
    """Read the materialised calendars by name."""
    spans: dict[str, list[Span]] = {}
    row = tables.open_interval.c
    rows = conn.execute(select(row.calendar, row.opens, row.closes).order_by(row.calendar, row.opens))
    for calendar, opens, closes in rows:
        spans.setdefault(calendar, []).append((opens, closes))
    return {calendar: OpenTime(intervals) for calendar, intervals in spans.items()}
