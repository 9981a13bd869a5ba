"""When people of the simulated organisation work: Monday to Friday, 08-12 and 13-17, Europe/Berlin."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

__all__ = ["DAY_MS", "HISTORY_END", "HISTORY_START", "HOUR_MS", "MINUTE_MS", "ZONE", "OfficeHours", "month_of"]

ZONE = ZoneInfo("Europe/Berlin")
HISTORY_START = date(2025, 10, 1)
HISTORY_END = date(2026, 10, 31)
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
_FIRST_DAY = date(2025, 8, 1)
_DAYS = 900


def month_of(instant_ms: int) -> int:
    """Return the month of the history an instant lies in, local time: 0 = October 2025."""
    local = datetime.fromtimestamp(instant_ms / 1000, tz=ZONE)
    return (local.year - HISTORY_START.year) * 12 + local.month - HISTORY_START.month


class OfficeHours:
    """Working time as a line: an instant has a position on it, and a position an instant (UTC ms)."""

    def __init__(self) -> None:
        self._opens: list[int] = []
        self._before: list[int] = []
        worked = 0
        for offset in range(_DAYS):
            day = _FIRST_DAY + timedelta(days=offset)
            if day.weekday() < 5:  # noqa: PLR2004 - Saturday
                for opens in (8, 13):
                    self._opens.append(self.local(day, opens))
                    self._before.append(worked)
                    worked += 4 * HOUR_MS

    @staticmethod
    def local(day: date, hour: float) -> int:
        """Return the instant of a local wall time (hours, with fraction) of a day."""
        moment = datetime.combine(day, time(), ZONE) + timedelta(seconds=round(hour * 3600))
        return int(moment.astimezone(UTC).timestamp() * 1000)

    @classmethod
    def end_of_day(cls, instant_ms: int) -> int:
        """Return the last instant of the local day an instant lies in."""
        day = datetime.fromtimestamp(instant_ms / 1000, tz=ZONE).date()
        return cls.local(day + timedelta(days=1), 0) - 1

    def position(self, instant_ms: int) -> int:
        """Return the working time before an instant, ms."""
        index = bisect_right(self._opens, instant_ms) - 1
        return self._before[index] + min(instant_ms - self._opens[index], 4 * HOUR_MS)

    def instant(self, position: int) -> int:
        """Return the instant at which that much working time has passed."""
        index = bisect_right(self._before, position) - 1
        return self._opens[index] + position - self._before[index]

    def later(self, instant_ms: int, hours: float) -> int:
        """Move an instant by working hours; negative = earlier."""
        return self.instant(self.position(instant_ms) + round(hours * HOUR_MS))

    def elapsed(self, start_ms: int, stop_ms: int) -> int:
        """Return the working time between two instants, ms."""
        return max(0, self.position(stop_ms) - self.position(start_ms))
