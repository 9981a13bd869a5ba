"""The only place that reads the time of day."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = [
    "FIRST_MS",
    "LAST_MS",
    "Clock",
    "FixedClock",
    "SystemClock",
    "format_instant",
    "monotonic_s",
    "parse_instant",
]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime.min.replace(tzinfo=UTC) - _EPOCH
_LAST = datetime.max.replace(tzinfo=UTC) - _EPOCH
FIRST_MS = _FIRST // timedelta(milliseconds=1)
"""First instant of the year 1 in UTC; nothing before it can be written as a date."""
LAST_MS = _LAST // timedelta(milliseconds=1)
"""Last instant of the year 9999 in UTC."""


class Clock(Protocol):
    """What needs the time is handed a clock."""

    def now_ms(self) -> int:
        """Return the present instant, UTC milliseconds since 1970."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Return the present instant, UTC milliseconds since 1970."""
        return time.time_ns() // 1_000_000


class FixedClock:
    """A clock that stands still until it is set: demo, tests, judging a past day."""

    def __init__(self, instant_ms: int) -> None:
        self.instant_ms = instant_ms

    def now_ms(self) -> int:
        """Return the instant it was set to."""
        return self.instant_ms


def monotonic_s() -> float:
    """Return seconds from anywhere, to measure how long something took; never an instant."""
    return time.monotonic()


def parse_instant(text: str) -> int:
    """Turn RFC 3339 text with an offset into UTC milliseconds.

    `+0800` and `Z` are accepted as offsets. A text without offset raises ValueError: a naive
    time is reported, never guessed. One that lies outside the years 1 to 9999 in UTC raises OverflowError.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        msg = f"time without zone: {text!r}"
        raise ValueError(msg)
    delta = moment - _EPOCH
    if not _FIRST <= delta <= _LAST:
        msg = f"no such day in UTC: {text!r}"
        raise OverflowError(msg)
    return delta.days * 86_400_000 + delta.seconds * 1000 + delta.microseconds // 1000


def format_instant(instant_ms: int) -> str:
    """Write UTC milliseconds as RFC 3339 with `Z`, milliseconds only where there are any.

    What lies beyond the years 1 to 9999 (a due date long after a date of a tool's mistake) is shown as their edge.
    """
    seconds, milliseconds = divmod(min(max(instant_ms, FIRST_MS), LAST_MS), 1000)
    moment = datetime.fromtimestamp(seconds, tz=UTC).replace(tzinfo=None)
    return f"{moment.isoformat()}.{milliseconds:03d}Z" if milliseconds else f"{moment.isoformat()}Z"
