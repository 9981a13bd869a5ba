"""Instants and dates as people write them, read without guessing a zone."""

from __future__ import annotations

import re
from datetime import date, timedelta

from hub.clock import parse_instant
from hub.sla.zone import load_zone, wall_times, wall_to_utc

__all__ = ["read_date", "read_instant", "read_period"]

_OFFSET = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)", re.ASCII)
_LOCAL = re.compile(r"(\d{4}-\d\d-\d\d)[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_YEARS = range(1900, 2100)
_MONTH = re.compile(r"\d{4}-\d\d", re.ASCII)


def read_date(text: str) -> date:
    """Read `YYYY-MM-DD`. Raises ValueError."""
    if not _DATE.fullmatch(text):
        raise ValueError(f"{text!r} is not a date; write YYYY-MM-DD")
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a day of the calendar") from error
    if day.year not in _YEARS:
        raise ValueError(f"{text!r} is outside the years {_YEARS.start} to {_YEARS.stop - 1}")
    return day


def read_instant(text: str, zone: str) -> tuple[int, bool]:
    """Read an instant as UTC milliseconds, and whether it carried its own offset.

    With an offset it stands for itself; a local time or a date (its midnight) is of `zone`. Raises
    ValueError for anything else: no zone, a local time the clocks skipped, one they showed twice.
    """
    if _OFFSET.fullmatch(text):
        read_date(text[:10])
        try:
            return parse_instant(text), True
        except ValueError as error:
            raise ValueError(f"{text!r} is not an instant: {error}") from error
    local = _LOCAL.fullmatch(text)
    if not local and not _DATE.fullmatch(text):
        raise ValueError(f"{text!r} is not an instant; write 2026-10-05T14:30:00+02:00, 2026-10-05T14:30 or 2026-10-05")
    if not zone:
        raise ValueError(f"{text!r} has no offset and the file no zone; add `zone:` or an offset")
    if not local:
        return wall_to_utc(load_zone(zone), read_date(text), 0), False
    day, hour, minute, second = read_date(local[1]), int(local[2]), int(local[3]), int(local[4] or 0)
    instants = wall_times(load_zone(zone), day, hour * 60 + minute, second * 1000)
    if not instants:
        raise ValueError(f"{text!r} does not exist in {zone}: the clocks skip it; write it with an offset")
    if len(instants) > 1:
        raise ValueError(f"{text!r} happens twice in {zone}: the clocks go back; write it with an offset")
    return instants[0], False


def read_period(text: str, zone: str) -> tuple[int, int]:
    """Read `YYYY-MM` as that local month, half-open, UTC milliseconds. Raises ValueError."""
    if not _MONTH.fullmatch(text):
        raise ValueError(f"{text!r} is not a month; write YYYY-MM, or start and end")
    if not zone:
        raise ValueError(f"{text!r} is a local month and the file has no zone; add `zone:`")
    first = read_date(f"{text}-01")
    following = (first + timedelta(days=31)).replace(day=1)
    return wall_to_utc(load_zone(zone), first, 0), wall_to_utc(load_zone(zone), following, 0)
