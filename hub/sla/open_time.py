"""Counting only while a calendar is open: how much time has passed, and when so much will have passed.

Instants are UTC milliseconds. Both ways are one look-up by bisection, however long the time.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

__all__ = ["OpenTime", "Span", "merged"]

Span = tuple[int, int]
"""Half-open `[from, to)`, UTC milliseconds."""


class OpenTime:
    """The open intervals of a calendar, with the open time before each."""

    def __init__(self, intervals: Iterable[Span]) -> None:
        """Take sorted, disjoint intervals."""
        spans = list(intervals)
        self._opens = array("q", (opens for opens, _ in spans))
        self._closes = array("q", (closes for _, closes in spans))
        self._through = array("q", accumulate(closes - opens for opens, closes in spans))

    @property
    def bounds(self) -> Span:
        """First opening and last closing; (0, 0) where it never opens. Outside nothing is known."""
        return (self._opens[0], self._closes[-1]) if self._opens else (0, 0)

    def spans(self, start: int, end: int) -> Iterator[Span]:
        """Give the open intervals that touch `[start, end)`, cut to it."""
        for at in range(bisect_right(self._closes, start), bisect_left(self._opens, end)):
            yield max(self._opens[at], start), min(self._closes[at], end)

    def used(self, instant: int) -> int:
        """Return the open milliseconds before `instant`, from the calendar's first opening on."""
        at = bisect_right(self._opens, instant) - 1
        if at < 0:
            return 0
        return self._through[at] - max(self._closes[at] - instant, 0)

    def between(self, start: int, end: int) -> int:
        """Return the open milliseconds of `[start, end)`."""
        return self.used(end) - self.used(start)

    def reach(self, used: int) -> int | None:
        """Return the earliest instant at which `used` open milliseconds have passed; None = never.

        What is used up exactly at closing time is used up then, not at the next opening.
        """
        at = bisect_left(self._through, used)
        if at == len(self._through):
            return None
        return self._closes[at] - (self._through[at] - used)

    def after(self, start: int, need: int, off: Sequence[Span] = ()) -> int | None:
        """Return when `need` open milliseconds have passed since `start`, leaving out the merged spans `off`."""
        at = start
        for begins, ends in off:
            if ends <= at:
                continue
            passing = self.between(at, begins) if begins > at else 0
            if passing >= need:
                break
            need -= passing
            at = ends
        return self.reach(self.used(at) + need)

    def counted(self, start: int, end: int, off: Sequence[Span] = ()) -> int:
        """Return the open milliseconds of `[start, end)` that lie outside the merged spans `off`."""
        total = self.between(start, end) if end > start else 0
        for begins, ends in off:
            inside = max(begins, start), min(ends, end)
            if inside[0] < inside[1]:
                total -= self.between(*inside)
        return total


def merged(spans: Iterable[Span]) -> list[Span]:
    """Sort spans and join what meets or overlaps; empty ones vanish."""
    joined: list[Span] = []
    for begins, ends in sorted(span for span in spans if span[0] < span[1]):
        if joined and begins <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], ends)
        else:
            joined.append((begins, ends))
    return joined
