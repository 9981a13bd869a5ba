"""Availability of a service over a period: up / known, within agreed time.

Agreed time is the calendar's open time without maintenance that was announced in time; what runs over the
announced window is downtime. Overlapping outages count once; time nobody watched is unknown: neither up nor
down, shown as coverage. Instants are UTC milliseconds, spans half-open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hub.sla.open_time import OpenTime, Span, merged

__all__ = ["LEAST_COVERAGE", "NOTICE_MS", "Availability", "Maintenance", "Sample", "floored", "measure", "unwatched"]

NOTICE_MS = 48 * 3_600_000
"""How long before its start maintenance must be announced to be taken out."""

LEAST_COVERAGE = 0.98
"""Share of agreed time that must be known; below it a period is not provable."""


class Maintenance(NamedTuple):
    """A window in which the service may be down by announcement."""

    begins: int
    ends: int
    announced_at: int | None


class Availability(NamedTuple):
    """Open milliseconds of a period."""

    agreed: int
    known: int
    up: int
    outages: int
    """How many outages touched known, agreed time."""

    @property
    def down(self) -> int:
        """Milliseconds of downtime."""
        return self.known - self.up

    @property
    def unknown(self) -> int:
        """Milliseconds nobody watched."""
        return self.agreed - self.known

    @property
    def coverage(self) -> float | None:
        """Share of agreed time that is known; None where none was agreed."""
        return self.known / self.agreed if self.agreed else None

    @property
    def share(self) -> float | None:
        """Share of known time that was up; None where nothing is known."""
        return self.up / self.known if self.known else None

    @property
    def mean_time_to_restore(self) -> int | None:
        """Milliseconds of downtime an outage; None without one."""
        return self.down // self.outages if self.outages else None

    @property
    def mean_time_between_failures(self) -> int | None:
        """Milliseconds of uptime an outage; None without one."""
        return self.up // self.outages if self.outages else None


def measure(
    period: Span,
    open_time: OpenTime,
    *,
    outages: Iterable[Span],
    maintenance: Iterable[Maintenance] = (),
    unknown: Iterable[Span] = (),
) -> Availability:
    """Measure one service over one period."""
    begins, ends = period
    excused = [
        (one.begins, one.ends)
        for one in maintenance
        if one.announced_at is not None and one.announced_at <= one.begins - NOTICE_MS
    ]
    out = merged(excused)
    unseen = merged([*excused, *unknown])
    down = merged(outages)
    agreed = open_time.counted(begins, ends, out)
    known = open_time.counted(begins, ends, unseen)
    up = open_time.counted(begins, ends, merged([*unseen, *down]))
    touching = sum(
        open_time.counted(max(one[0], begins), min(one[1], ends), unseen) > 0
        for one in down
        if one[0] < ends and one[1] > begins
    )
    return Availability(agreed, known, up, touching)


class Sample(NamedTuple):
    """A stretch that was looked at."""

    at: int
    interval_s: int
    """Seconds it stands for."""
    every_s: int
    """Seconds between two looks."""
    known: bool
    """False = somebody looked, and could not tell."""


def unwatched(samples: Sequence[Sample], period: Span) -> list[Span]:
    """Return the time without samples for longer than two sampling periods; `samples` in order of time."""
    begins, ends = period
    gaps: list[Span] = []
    seen_to = begins
    for one in samples:
        through = one.at + one.interval_s * 1000
        if one.at - seen_to > 2 * one.every_s * 1000:
            gaps.append((seen_to, one.at))
        if not one.known:
            gaps.append((one.at, through))
        seen_to = max(seen_to, through)
    if seen_to < ends:
        last = samples[-1].every_s * 1000 if samples else 0
        if ends - seen_to > last or not samples:
            gaps.append((seen_to, ends))
    return merged(gaps)


def floored(part: int, whole: int, places: int = 4) -> str:
    """Write a share as a percentage, rounded down: 19 999 of 20 000 is 99.99, never 100.00."""
    scale = 10**places
    number = part * 100 * scale // whole
    return f"{number // scale}.{number % scale:0{places}d}"
