"""Instants as the files of a report show them: in the organisation's zone, sortable."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hub.clock import FIRST_MS, LAST_MS

__all__ = ["day_text", "local_time", "minute_text"]

_DAY_MS = 86_400_000


def local_time(instant: int, zone: str) -> datetime:
    """Return local date and time without a zone, as a spreadsheet holds them."""
    shown = min(max(instant, FIRST_MS + _DAY_MS), LAST_MS - _DAY_MS)  # where no zone leaves the calendar
    return datetime.fromtimestamp(shown // 1000, tz=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def minute_text(instant: int | None, zone: str) -> str:
    """Write `2026-11-03 09:00`; empty for None."""
    return "" if instant is None else local_time(instant, zone).isoformat(" ", "minutes")


def day_text(instant: int | None, zone: str) -> str:
    """Write `2026-11-03`; empty for None."""
    return minute_text(instant, zone)[:10]
