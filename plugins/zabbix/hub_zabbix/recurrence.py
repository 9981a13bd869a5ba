"""When a maintenance of Zabbix is: once, daily, weekly or monthly, by the wall clock of Zabbix's server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hub_zabbix.wire import number

if TYPE_CHECKING:
    from hub_zabbix.wire import Maintenance, TimePeriod

__all__ = ["windows"]

_MOST = 5000
"""Occurrences of one maintenance that are written out."""
_DAILY, _WEEKLY, _MONTHLY = 2, 3, 4
_LAST_WEEK = 5


def windows(one: Maintenance, zone: str, until: int) -> list[tuple[int, int]]:
    """Return (start, end) in UTC seconds of all that begins before `until`, each cut to when the maintenance is active."""
    since, till = number(one.active_since), number(one.active_till)
    found: set[tuple[int, int]] = set()
    for period in one.timeperiods:
        starts = _starts(period, since, min(till, until), ZoneInfo(zone))
        for start in islice(starts, _MOST):
            begins, ends = max(start, since), min(start + number(period.period), till)
            if begins < ends:
                found.add((begins, ends))
    return sorted(found)


def _starts(period: TimePeriod, since: int, until: int, zone: ZoneInfo) -> Iterator[int]:
    kind = number(period.timeperiod_type)
    if kind == 0:
        yield number(period.start_date)
        return
    first = datetime.fromtimestamp(since, tz=zone).date()
    try:
        for day in _days(first - timedelta(days=1), until, zone):  # one begun the day before may reach in
            if _falls_on(period, kind, day, first):
                midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
                yield int((midnight + timedelta(seconds=min(number(period.start_time), 86_399))).timestamp())
    except OverflowError:  # the year 9999 ends
        return


def _days(first: date, until: int, zone: ZoneInfo) -> Iterator[date]:
    last = datetime.fromtimestamp(until, tz=zone).date()
    day = first
    while day <= last:
        yield day
        day += timedelta(days=1)


def _falls_on(period: TimePeriod, kind: int, day: date, first: date) -> bool:
    every = max(number(period.every), 1)
    if kind == _DAILY:
        return (day - first).days % every == 0
    on_weekday = bool(number(period.dayofweek) >> day.weekday() & 1)
    if kind == _WEEKLY:
        weeks = (day - timedelta(days=day.weekday()) - (first - timedelta(days=first.weekday()))).days // 7
        return on_weekday and weeks % every == 0
    if kind != _MONTHLY or not number(period.month) >> (day.month - 1) & 1:
        return False
    if number(period.day):
        return day.day == number(period.day)
    last = (day + timedelta(days=7)).month != day.month
    return on_weekday and (last if every == _LAST_WEEK else (day.day - 1) // 7 + 1 == every)
