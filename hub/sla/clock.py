"""The service level clock of one ticket: when its promised time is used up, and how much is.

The rules R1 to R9 of the domain; pure. Instants are UTC milliseconds, targets seconds of open time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from hub.sla.open_time import OpenTime, Span, merged

__all__ = [
    "FOREVER",
    "Case",
    "ClockState",
    "Pause",
    "Promise",
    "Reading",
    "Retarget",
    "pauses_that_hold",
    "read_clock",
    "state_at",
]

FOREVER = 9_000_000_000_000_000
"""End of a pause that is still open."""
ASK_WINDOW_MS = 15 * 60_000
"""A pause holds only if the customer was asked within this time either side of its start."""
ClockState = Literal["met", "missed", "breached", "paused", "at_risk", "running"]
PriorityRule = Literal["fair", "from_start"]


class Promise(NamedTuple):
    """So many seconds of a calendar's open time."""

    target_s: int
    open_time: OpenTime


class Retarget(NamedTuple):
    """The priority changed, and with it what is promised."""

    at: int
    upgrade: bool
    promise: Promise


class Pause(NamedTuple):
    """A time the ticket waited for the customer, as its source tells it."""

    begins: int
    ends: int | None
    asked_at: int | None
    replied_at: int | None
    agreed: bool = True
    """False where the priority needs the customer's consent and there is none."""


@dataclass(frozen=True, slots=True)
class Case:
    """What happened to a ticket, as far as one clock cares."""

    start: int
    stop: int | None
    off: Sequence[Span] = ()
    """Time that does not count, merged: pauses that hold, and time between a resolution and its reopening."""
    retargets: Sequence[Retarget] = field(default_factory=tuple)
    """In order of time."""
    rule: PriorityRule = "fair"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a clock shows."""

    due: int | None
    """Earliest instant at which the promised time is used up; None while a pause is open."""
    promise: Promise
    """What is promised in the end."""
    off: Sequence[Span]

    def mark(self, case: Case, share: float) -> int | None:
        """Return when `share` of the promised time is used up; never after it is all used up."""
        at = self.promise.open_time.after(case.start, round(self.promise.target_s * 1000 * share), self.off)
        return at if at is None or self.due is None else min(at, self.due)

    def counted(self, case: Case, end: int) -> int:
        """Return the milliseconds counted from the start to `end`."""
        return self.promise.open_time.counted(case.start, end, self.off)


def pauses_that_hold(pauses: Sequence[Pause]) -> list[Span]:
    """Return the time that does not count (R5): asked in time, up to leaving the status or the reply."""
    return merged(
        (one.begins, min(one.ends or FOREVER, one.replied_at or FOREVER))
        for one in pauses
        if one.agreed and one.asked_at is not None and abs(one.asked_at - one.begins) <= ASK_WINDOW_MS
    )


def read_clock(case: Case, promise: Promise) -> Reading:
    """Work out when the promised time is used up (R7, R8)."""
    if case.off and case.off[-1][1] >= FOREVER and (case.stop is None or case.off[-1][0] < case.stop):
        due = promise.open_time.after(case.start, promise.target_s * 1000, case.off)
        early = due is not None and due <= case.off[-1][0]
        return Reading(due if early else None, _last(case, promise), case.off)
    due = promise.open_time.after(case.start, promise.target_s * 1000, case.off)
    for change in case.retargets:
        if due is None or change.at > due:  # the breach stands
            break
        promise = change.promise
        afresh = promise.open_time.after(case.start, promise.target_s * 1000, case.off)
        if case.rule == "from_start" or not change.upgrade:
            due = afresh
        else:
            full = promise.open_time.after(change.at, promise.target_s * 1000, case.off)
            due = due if full is None else min(due, full)
    return Reading(due, promise, case.off)


def _last(case: Case, promise: Promise) -> Promise:
    return case.retargets[-1].promise if case.retargets else promise


def state_at(case: Case, reading: Reading, as_of: int, warn_share: float) -> ClockState:
    """Say how the clock stands (R9); equality is met."""
    if case.stop is not None and case.stop <= as_of:
        return "met" if reading.due is None or case.stop <= reading.due else "missed"
    if reading.due is None:
        return "paused"
    if as_of > reading.due:
        return "breached"
    used = reading.counted(case, as_of)
    return "at_risk" if used >= reading.promise.target_s * 1000 * warn_share else "running"
