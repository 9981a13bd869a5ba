"""Time zones from the pinned tz database, and the wall-clock rules at a DST change."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from importlib import metadata, resources
from zoneinfo import ZoneInfo

__all__ = ["DAY_MINUTES", "load_zone", "local_year", "tz_version", "wall_times", "wall_to_utc", "zone_names"]

DAY_MINUTES = 24 * 60
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAY_MS = 86_400_000
_MILLISECOND = timedelta(milliseconds=1)


@cache
def tz_version() -> str:
    """Name the release of the tz database all calendars are computed with, such as `2026.1`."""
    return metadata.version("tzdata")


@cache
def zone_names() -> frozenset[str]:
    """List every IANA zone name the pinned tz database knows."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


@cache
def load_zone(name: str) -> ZoneInfo:
    """Load a zone from the `tzdata` package, never from the machine, so that every machine agrees.

    Raises zoneinfo.ZoneInfoNotFoundError for a name the database does not have.
    """
    if name not in zone_names():
        raise zoneinfo.ZoneInfoNotFoundError(f"no time zone {name!r} in the tz database")
    with resources.files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def local_year(instant: int, zone: str) -> int:
    """Return the year of an instant on the clocks of a zone."""
    return datetime.fromtimestamp(instant // 1000, tz=UTC).astimezone(load_zone(zone)).year


def _naive(day: date, minute: int) -> tuple[datetime, int]:
    """Give a wall time as a naive datetime and as milliseconds since 1970 on that wall."""
    days, minute = divmod(minute, DAY_MINUTES)
    ordinal = day.toordinal() + days
    wall = datetime.fromordinal(ordinal).replace(hour=minute // 60, minute=minute % 60)
    return wall, (ordinal - _EPOCH_DAY) * _DAY_MS + minute * 60_000


def _offset(zone: ZoneInfo, wall: datetime, fold: int) -> int:
    """Milliseconds the clocks of `zone` are ahead of UTC."""
    offset = zone.utcoffset(wall.replace(fold=fold))
    assert offset is not None  # noqa: S101 - a ZoneInfo always has an offset
    return offset // _MILLISECOND


def wall_times(zone: ZoneInfo, day: date, minute: int, second_ms: int = 0) -> list[int]:
    """List the instants at which the clocks of `zone` show a wall time: none, one or two, UTC ms.

    The wall time is `minute` minutes and `second_ms` milliseconds after 00:00 of `day`.
    """
    wall, wall_ms = _naive(day, minute)
    wall, wall_ms = wall + second_ms * _MILLISECOND, wall_ms + second_ms
    before, after = _offset(zone, wall, 0), _offset(zone, wall, 1)
    if before == after:
        return [wall_ms - before]
    return [wall_ms - before, wall_ms - after] if before > after else []


@lru_cache(maxsize=100_000)  # calendars of one zone share their midnights and mornings
def wall_to_utc(zone: ZoneInfo, day: date, minute: int, *, closing: bool = False) -> int:
    """Turn a wall time (minutes since 00:00 of `day`, up to 48 h) into UTC milliseconds.

    A wall time the clocks skip means the instant of the jump; one they show twice means the first
    for an opening and the second for a closing (sla.md section 3).
    """
    instants = wall_times(zone, day, minute)
    return instants[-1 if closing else 0] if instants else _jump(zone, day, minute)


def _jump(zone: ZoneInfo, day: date, minute: int) -> int:
    """Find the instant at which the clocks jump over a wall time, by bisection to the second."""
    wall, wall_ms = _naive(day, minute)
    old, new = _offset(zone, wall, 0), _offset(zone, wall, 1)
    low, high = (wall_ms - new) // 1000, (wall_ms - old) // 1000  # at `low` still the old offset, at `high` the new
    while high - low > 1:
        middle = (low + high) // 2
        offset = datetime.fromtimestamp(middle, tz=zone).utcoffset()
        if offset == timedelta(milliseconds=old):
            low = middle
        else:
            high = middle
    return high * 1000
