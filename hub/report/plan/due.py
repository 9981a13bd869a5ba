"""When a report is due, and the periods it is made for: local days of the customer's zone, by a calendar."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from hub.sla.calendar import Calendar, Month, local_days, periods
from hub.sla.zone import load_zone, wall_to_utc

__all__ = ["FREQUENCIES", "due_instant", "local_date", "minute_of", "periods_between", "plus_days"]

FREQUENCIES = {
    "month": 1,
    "monthly": 1,
    "quarter": 3,
    "quarterly": 3,
    "half_year": 6,
    "half-yearly": 6,
    "year": 12,
    "yearly": 12,
    "annual": 12,
}
"""How a register calls a rhythm -> its length in months."""
_LONGEST_CLOSED_DAYS = 400
_DAY = timedelta(days=1)


def due_instant(ends_at: int, *, days: int, business: bool, minute: int, calendar: Calendar, zone: str) -> int:
    """Return the last instant, UTC ms, at which a report on what ended at `ends_at` (exclusive) is on time.

    `days` business days, or plain days, after the local day that ended; a closed day moves to the next business
    day. ValueError where the calendar opens on no day within a year.
    """
    last = local_date(ends_at - 1, zone)
    step = days if business else 1
    first = last + _DAY if business else last + days * _DAY
    reach = first + (2 * step + 30) * _DAY
    while True:
        open_days = [
            date.fromisoformat(one.date) for one in local_days(zone, calendar, first, reach) if one.is_business
        ]
        wanted = max(step, 1) - 1
        if wanted < len(open_days):
            return wall_to_utc(load_zone(zone), open_days[wanted], minute)
        if (reach - first).days > _LONGEST_CLOSED_DAYS + 2 * step:
            raise ValueError(f"{calendar.id} opens on no day in the year after {last}")
        reach += _LONGEST_CLOSED_DAYS * _DAY


def plus_days(instant: int, days: int, zone: str) -> int:
    """Return the end of the local day `days` days after that of an instant, UTC ms."""
    return wall_to_utc(load_zone(zone), local_date(instant, zone) + (days + 1) * _DAY, 0)


def periods_between(frequency: str, zone: str, first: date, last: date) -> list[Month]:
    """Return the whole local periods of a rhythm that begin between two dates, both included."""
    found = periods(zone, first, last, FREQUENCIES[frequency])
    floor = wall_to_utc(load_zone(zone), first, 0)
    return [one for one in found if one.starts_at >= floor]


def local_date(instant: int, zone: str) -> date:
    """Return the local day of an instant."""
    return datetime.fromtimestamp(instant // 1000, tz=UTC).astimezone(load_zone(zone)).date()


def minute_of(text: str) -> int:
    """Return `17:00` in minutes since 00:00; ValueError for anything else."""
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text, re.ASCII):
        raise ValueError(f"{text!r} is no time of day; write HH:MM, such as 17:00")
    return int(text[:2]) * 60 + int(text[3:])
