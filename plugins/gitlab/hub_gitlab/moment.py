"""Times as GitLab writes them, in its API, its events and its older versions."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hub.clock import parse_instant

__all__ = ["UnreadableTimeError", "begin_of_day", "end_of_day", "instant_of", "instant_or_none"]

_OFFSET_APART = re.compile(r"\s+([+-]\d\d:?\d\d)$")
_UTC = re.compile(r"\s*(?:UTC|GMT)$")
_LONGEST = 64
_DAY = re.compile(r"^\d{4}-\d\d-\d\d$")


class UnreadableTimeError(ValueError):
    """A time that says no instant; the message is short and stable, without the value."""


def instant_of(value: Any) -> int:
    """Turn `2026-01-31T10:00:00.000Z`, `… +0200`, `2026-01-31 10:00:00 UTC` into UTC milliseconds.

    Raises UnreadableTimeError for anything without zone, without time, or off the calendar.
    """
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise UnreadableTimeError("not a time")
    text = value
    if not value.endswith("Z") or " " in value:
        text = _UTC.sub("Z", _OFFSET_APART.sub(r"\1", value.strip()))
        if _DAY.match(text):
            raise UnreadableTimeError("day without time")
    try:
        return parse_instant(text)
    except (ValueError, OverflowError) as fault:
        reason = "time without zone" if "without zone" in str(fault) else "impossible time"
        raise UnreadableTimeError(reason) from None


def instant_or_none(value: Any) -> int | None:
    """Read a time; None where it says no instant."""
    try:
        return instant_of(value)
    except UnreadableTimeError:
        return None


def begin_of_day(day: date, zone: str) -> int:
    """Return the first instant of a local day. Raises UnreadableTimeError where the calendar ends."""
    try:
        return int(datetime.combine(day, time(), ZoneInfo(zone)).timestamp()) * 1000
    except (ValueError, OverflowError):
        raise UnreadableTimeError("impossible time") from None


def end_of_day(value: Any, zone: str) -> int:
    """Return the first instant after the local day a text names. Raises UnreadableTimeError."""
    if not isinstance(value, str):
        raise UnreadableTimeError("not a time")
    try:
        return begin_of_day(date.fromisoformat(value) + timedelta(days=1), zone)
    except (ValueError, OverflowError):
        raise UnreadableTimeError("impossible time") from None
