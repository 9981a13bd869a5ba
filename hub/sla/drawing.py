"""Draws a month of a calendar, so that an admin sees what counts: one line a day, a mark for every half hour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hub.sla.calendar import Calendar, open_intervals
from hub.sla.zone import load_zone, wall_to_utc

__all__ = ["draw_month"]

OPEN, SHUT, GONE = "█", "·", " "
_HALF_HOURS = 48
_HALF_HOUR_MS = 1_800_000


def draw_month(calendar: Calendar, year: int, month: int, holidays: Mapping[date, str]) -> Iterator[str]:
    """Give a heading, a line for every day with its open hours, the month's sum, and the holidays by name.

    Every sign is half an hour of local time, open if the calendar opens in it; where clocks jump, a half
    hour that does not exist is blank and one that comes twice shows its first.
    """
    first = date(year, month, 1)
    last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    spans = open_intervals(calendar, first, last)
    zone = load_zone(calendar.zone)
    yield f"{calendar.id}  {first:%B %Y}  {calendar.zone}"
    yield "           " + "".join(f"{hour:<6}" for hour in range(0, 24, 3)) + "hours"
    total = 0
    named = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        begins, ends = wall_to_utc(zone, day, 0), wall_to_utc(zone, day + timedelta(days=1), 0)
        worked = sum(
            min(closes, ends) - max(opens, begins) for opens, closes in spans if opens < ends and closes > begins
        )
        total += worked
        signs = "".join(_sign(spans, zone, day, half) for half in range(_HALF_HOURS))
        said = ["holiday"] if day in holidays else ["closed"] if day in calendar.closed else []
        if day in holidays:
            named.append(f"{day:%a %d.%m.}  {holidays[day]}")
        if (ends - begins) != 24 * 3_600_000:
            said.append(f"{(ends - begins) // 3_600_000} h")
        yield f"{day:%a %d.%m.} {signs} {_hours(worked)}  {', '.join(said)}".rstrip()
    yield f"open {_hours(total)} h in the month"
    yield from named


def _sign(spans: list[tuple[int, int]], zone: ZoneInfo, day: date, half: int) -> str:
    begins = wall_to_utc(zone, day, half * 30)
    wall = datetime.fromtimestamp(begins / 1000, UTC).astimezone(zone)
    if (wall.hour * 60 + wall.minute, wall.date()) != (half * 30, day):
        return GONE
    return OPEN if any(opens < begins + _HALF_HOUR_MS and closes > begins for opens, closes in spans) else SHUT


def _hours(milliseconds: int) -> str:
    return f"{milliseconds / 3_600_000:5.2f}".rstrip("0").rstrip(".").rjust(5)
