"""Support-hours calendars: when a calendar is open, which days are business days, when months begin.

A calendar is data in local time; everything here turns it into UTC milliseconds by the rules of its
zone on each date. Pure: no clock, no store.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from hub.sla.holiday import holiday_dates
from hub.sla.zone import DAY_MINUTES, load_zone, wall_to_utc, zone_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hub import records

__all__ = [
    "BUILT_IN",
    "Calendar",
    "Hours",
    "LocalDay",
    "Month",
    "built_in",
    "calendar_faults",
    "from_record",
    "local_days",
    "months",
    "open_intervals",
    "periods",
]

WEEK = range(1, 8)
YEAR_MONTHS = 12
_DAY = timedelta(days=1)
_WALL = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Hours(NamedTuple):
    """One half-open local interval of a day, in minutes since its 00:00.

    `closes <= opens` means past midnight: the interval belongs to the day it opens.
    """

    opens: int
    closes: int

    @property
    def ends(self) -> int:
        """Closing in minutes since 00:00 of the opening day, above 1440 when past midnight."""
        return self.closes + DAY_MINUTES if self.closes <= self.opens else self.closes


@dataclass(frozen=True, slots=True)
class Calendar:
    """When support is given, in local time."""

    id: str
    """Record id, or the name of a built-in."""
    zone: str
    """IANA zone."""
    weekly: tuple[tuple[int, Hours], ...]
    """(ISO weekday 1-7, hours)."""
    closed: frozenset[date] = frozenset()
    """Dates on which nothing opens, though the week says so."""
    extra_open: tuple[tuple[date, Hours], ...] = ()
    """Openings on single dates beside the week (make-up workdays)."""
    valid_from: date | None = None
    """First date it holds; None = always did."""
    valid_to: date | None = None
    """First date it no longer holds; None = until further notice."""
    holiday_set: str | None = None
    """Country or region whose holidays are among the closed dates."""

    def hours(self, day: date) -> tuple[Hours, ...]:
        """Give the local intervals that open on a date."""
        if (self.valid_from and day < self.valid_from) or (self.valid_to and day >= self.valid_to):
            return ()
        week = () if day in self.closed else self.weekday_hours(day.isoweekday())
        return (*week, *(hours for extra, hours in self.extra_open if extra == day))

    def weekday_hours(self, weekday: int) -> tuple[Hours, ...]:
        """Give the hours of a usual Monday (1) … Sunday (7)."""
        return tuple(hours for one, hours in self.weekly if one == weekday)


class LocalDay(NamedTuple):
    """One local day `[starts_at, ends_at)` and its place in the count of days and business days."""

    date: str
    starts_at: int
    ends_at: int
    day_no: int
    """Rises by one a day that exists."""
    is_business: bool
    """The calendar opens on it."""
    business_no: int
    """Business days of the range up to and including this one."""


class Month(NamedTuple):
    """One local month, or period of whole months, `[starts_at, ends_at)`, labelled `YYYY-MM` (`periods`)."""

    label: str
    starts_at: int
    ends_at: int


_ALWAYS = tuple((weekday, Hours(0, 0)) for weekday in WEEK)
_OFFICE = tuple((weekday, hours) for weekday in WEEK[:5] for hours in (Hours(8 * 60, 12 * 60), Hours(13 * 60, 17 * 60)))
BUILT_IN = {"5x8": _OFFICE, "7x24": _ALWAYS}
"""Weekly hours of the calendars every organisation has, in its own zone (sla.md section 3)."""


def built_in(zone: str) -> list[Calendar]:
    """Make the calendars that need no configuration: `5x8` (one hour of lunch outside) and `7x24`."""
    return [Calendar(id=name, zone=zone, weekly=weekly) for name, weekly in BUILT_IN.items()]


def from_record(record: records.Calendar, zone: str, years: Iterable[int] = ()) -> Calendar:
    """Read a calendar record; `zone` is the organisation's, for a record that names none.

    The holidays of its set in `years` are closed beside its own closed dates; where the record itself opens
    on one, it opens. Raises ValueError, naming the value, for what is no time of day, no date or no set.
    """
    closed = frozenset(date.fromisoformat(day) for day in record.closed)
    if record.holiday_set:
        opened = {date.fromisoformat(one.date) for one in record.extra_open}
        closed |= holiday_dates(record.holiday_set, years).keys() - opened
    return Calendar(
        id=record.id,
        zone=record.zone or zone,
        weekly=tuple((_WEEKDAYS.index(one.day) + 1, _hours(one.opens, one.closes)) for one in record.weekly),
        closed=closed,
        holiday_set=record.holiday_set,
        extra_open=tuple((date.fromisoformat(one.date), _hours(one.opens, one.closes)) for one in record.extra_open),
        valid_from=date.fromisoformat(record.valid_from) if record.valid_from else None,
        valid_to=date.fromisoformat(record.valid_to) if record.valid_to else None,
    )


def _hours(opens: str, closes: str) -> Hours:
    """`24:00` is allowed as a closing: the midnight that ends the day."""
    return Hours(_minute(opens), 0 if closes == "24:00" else _minute(closes))


def _minute(text: str) -> int:
    if not _WALL.fullmatch(text):
        raise ValueError(f"{text!r} is not a time of day; write HH:MM, such as 08:00")
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def calendar_faults(calendar: Calendar) -> list[str]:
    """Say everything that is wrong with a calendar, one sentence each; empty = usable."""
    found = [*_zone_faults(calendar.zone), *_overlaps(calendar)]
    both = {day for day, _ in calendar.extra_open} & calendar.closed
    found += [f"{day.isoformat()} is both closed and extra_open; keep one" for day in sorted(both)]
    if calendar.valid_from and calendar.valid_to and calendar.valid_to <= calendar.valid_from:
        found.append(f"valid_to {calendar.valid_to} is not after valid_from {calendar.valid_from}")
    return found


def _zone_faults(zone: str) -> Iterator[str]:
    if zone not in zone_names():
        near = get_close_matches(zone, zone_names(), n=1)
        yield f"unknown time zone {zone!r}" + (f"; did you mean {near[0]!r}?" if near else "; write an IANA name")


def _overlaps(calendar: Calendar) -> Iterator[str]:
    """Compare wall times over one turn of the week, and around each extra opening."""
    week = 7 * DAY_MINUTES
    spans = _wall_spans(((weekday - 1), hours) for weekday, hours in calendar.weekly)
    if spans:
        spans.append((spans[0][0] + week, spans[0][1] + week))
    yield from (f"hours overlap: {_span(a)} and {_span(b)}" for a, b in pairwise(spans) if b[0] < a[1])
    for day in sorted({day for day, _ in calendar.extra_open}):
        near = _wall_spans((n, hours) for n in (-1, 0, 1) for hours in calendar.hours(day + n * _DAY))
        if any(b[0] < a[1] for a, b in pairwise(near)):
            yield f"extra_open on {day.isoformat()} overlaps other hours"


def _wall_spans(openings: Iterable[tuple[int, Hours]]) -> list[tuple[int, int]]:
    """Sort (day number, hours) as minutes on one line of wall time."""
    return sorted((day * DAY_MINUTES + one.opens, day * DAY_MINUTES + one.ends) for day, one in openings)


def _span(span: tuple[int, int]) -> str:
    return f"{_WEEKDAYS[span[0] // DAY_MINUTES % 7]} {_clock(span)}"


def _clock(span: tuple[int, int]) -> str:
    return "-".join(f"{minute // 60 % 24:02d}:{minute % 60:02d}" for minute in span)


def _opened(calendar: Calendar, first: date, last: date) -> Iterator[tuple[int, int]]:
    """Every non-empty interval that opens on the dates, in UTC ms; not merged, not clipped."""
    zone = load_zone(calendar.zone)
    for day in _dates(first, last):
        for hours in calendar.hours(day):
            opens = wall_to_utc(zone, day, hours.opens)
            closes = wall_to_utc(zone, day, hours.ends, closing=True)
            if opens < closes:
                yield opens, closes


def _dates(first: date, last: date) -> Iterator[date]:
    return (first + _DAY * n for n in range((last - first).days + 1))


def open_intervals(calendar: Calendar, first: date, last: date) -> list[tuple[int, int]]:
    """Give the open time of the local days `first` … `last` (both included) as `[opens, closes)`, UTC ms.

    Merged, sorted, disjoint, cut to the range; a night shift of the day before counts from the
    midnight it runs over.
    """
    zone = load_zone(calendar.zone)
    floor, ceiling = wall_to_utc(zone, first, 0), wall_to_utc(zone, last + _DAY, 0)
    merged: list[tuple[int, int]] = []
    for opens, closes in sorted(_opened(calendar, first - _DAY, last)):
        start, end = max(opens, floor), min(closes, ceiling)
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def local_days(zone: str, calendar: Calendar, first: date, last: date) -> list[LocalDay]:
    """Give the days of `zone` from `first` to `last` and whether the calendar opens on them.

    A day begins at its first 00:00, or at the jump where there is none; a date the zone never had
    (Samoa, 2011-12-30) has no row. `day_no` starts at the ordinal of `first`.
    """
    place = load_zone(zone)
    openings = sorted(opens for opens, _ in _opened(calendar, first - _DAY, last + _DAY))
    rows: list[LocalDay] = []
    number, business = first.toordinal(), 0
    starts = wall_to_utc(place, first, 0)
    for day in _dates(first, last):
        ends = wall_to_utc(place, day + _DAY, 0)
        if starts == ends:
            continue
        works = bisect.bisect_left(openings, starts) < bisect.bisect_left(openings, ends)
        business += works
        rows.append(LocalDay(day.isoformat(), starts, ends, number, works, business))
        number, starts = number + 1, ends
    return rows


def months(zone: str, first: date, last: date) -> list[Month]:
    """Give the whole local months that hold `first` … `last`."""
    return periods(zone, first, last, 1)


def periods(zone: str, first: date, last: date, length: int) -> list[Month]:
    """Give the whole local periods of `length` months (1, 3, 6, 12) that hold `first` … `last`.

    They begin with the calendar year; labels are `2026-01`, `2026-Q1`, `2026-H1`, `2026`.
    """
    place = load_zone(zone)
    rows: list[Month] = []
    begin = first.replace(month=(first.month - 1) // length * length + 1, day=1)
    while begin <= last:
        year, month = divmod(begin.year * 12 + begin.month - 1 + length, 12)
        following = date(year, month + 1, 1)
        rows.append(Month(_label(begin, length), wall_to_utc(place, begin, 0), wall_to_utc(place, following, 0)))
        begin = following
    return rows


def _label(begin: date, length: int) -> str:
    if length == YEAR_MONTHS:
        return f"{begin.year}"
    name = {3: "Q", 6: "H"}.get(length)
    return f"{begin:%Y-%m}" if name is None else f"{begin.year}-{name}{(begin.month - 1) // length + 1}"
