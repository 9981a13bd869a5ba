"""The clocks of a ticket under its agreement: which promise, from when, and what stopped or held it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hub.records import Target
from hub.sla.clock import Case, Reading, Retarget, pauses_that_hold, read_clock
from hub.sla.open_time import Span, merged
from hub.sla.terms import Terms, in_force
from hub.sla.ticket import METRICS, Ticket

__all__ = ["MARKS", "BusinessDays", "ClockRow", "LaidOut", "MarkRow", "clock_rows", "lay_out"]

MARKS = (50, 80)
"""Shares of a target whose instants are kept, percent."""
_FIELDS = {
    "response": ("reported_at", "first_response_at", "priority"),
    "resolution": ("reported_at", "resolved_at", "pauses", "reopens", "priority"),
    "onsite": ("onsite_confirmed_at", "onsite_at", "priority"),
    "problem_response": ("detected_at", "events", "priority"),
    "problem_resolution": ("detected_at", "resolved_at", "events", "priority"),
    "complaint_response": ("received_at", "first_reply_at"),
    "complaint_resolution": ("received_at", "customer_informed_at", "closed_at"),
}
"""Clock -> what its source must be able to tell."""
_TICKETS = ("incident", "request")
_BEGINS = {"problem": "when it was noticed is not known", "complaint": "when it came in is not known"}

ClockRow = tuple[Any, ...]
"""A row of `sla_clock`, in the order of its columns."""
MarkRow = tuple[int, str, int, int]
"""A row of `sla_mark`."""


class BusinessDays:
    """How many business days lie between two instants, as the organisation's calendar counts them."""

    def __init__(self, days: Sequence[tuple[int, int]]) -> None:
        """Take (start of the local day, business days up to and including it), in order."""
        self._starts = [starts for starts, _ in days]
        self._numbers = [number for _, number in days]

    def between(self, begins: int, ends: int) -> int:
        """Count the business days after the day of `begins`, up to and including that of `ends`."""
        return self._number(ends) - self._number(begins)

    def _number(self, instant: int) -> int:
        at = bisect_right(self._starts, instant) - 1
        return self._numbers[at] if at >= 0 else 0


@dataclass(frozen=True, slots=True)
class LaidOut:
    """One clock of a ticket, laid out: what is promised, what happened, and what the clock shows."""

    metric: str
    terms: Terms | None = None
    """The version that judges it; None where none can be told."""
    target: Target | None = None
    """What was promised first."""
    case: Case | None = None
    reading: Reading | None = None
    warn_share: float = 0.8
    last_target: str = ""
    """Id of the target that holds in the end."""
    excluded: str | None = None
    """Rule by which it is left out of attainment."""
    lacks: str = ""
    """Why it cannot be computed."""


def lay_out(ticket: Ticket, terms: Sequence[Terms], office: BusinessDays) -> Iterator[LaidOut]:
    """Give the clocks of a ticket; none where nothing is promised."""
    begun = ticket.reported_at
    found = in_force(terms, begun, ticket.services, ticket.customer) if begun is not None else _unstarted(terms, ticket)
    if found is None:
        return
    for metric in METRICS[ticket.kind]:
        if metric == "onsite" and ticket.onsite_confirmed_at is None and "onsite_confirmed_at" not in ticket.unread:
            continue
        if not isinstance(found, str):
            if (one := _clocked(ticket, metric, found, office)) is not None:
                yield one
        elif ticket.kind in _TICKETS or _promised(terms, ticket, metric):
            yield LaidOut(metric, lacks=found)


def clock_rows(
    tickets: Sequence[Ticket], terms: Sequence[Terms], office: BusinessDays
) -> tuple[list[ClockRow], list[MarkRow]]:
    """Work out the clocks of tickets: rows of `sla_clock` and of `sla_mark`."""
    rows: list[ClockRow] = []
    marks: list[MarkRow] = []
    for ticket in tickets:
        for one in lay_out(ticket, terms, office):
            rows.append(_row(ticket, one))
            if one.case is not None and one.reading is not None:
                reached = ((percent, one.reading.mark(one.case, percent / 100)) for percent in MARKS)
                marks += [(ticket.sid, one.metric, percent, at) for percent, at in reached if at is not None]
    return rows, marks


def _unstarted(terms: Sequence[Terms], ticket: Ticket) -> str | None:
    covered = any(one.services & ticket.services for one in terms)
    return _BEGINS.get(ticket.kind, "when it was reported is not known") if covered else None


def _promised(terms: Sequence[Terms], ticket: Ticket, metric: str) -> bool:
    """Say whether an agreement on its services promises this: most promise nothing on problems or complaints."""
    return any(one.promises(metric) for one in terms if one.services & ticket.services)


def _row(ticket: Ticket, one: LaidOut) -> ClockRow:
    agreement = None if one.terms is None else one.terms.sid
    if one.case is None or one.reading is None:
        started = ticket.onsite_confirmed_at if one.metric == "onsite" else ticket.reported_at
        target = None if one.target is None else one.target.id
        return (ticket.sid, one.metric, target, agreement, started, None, None, None, None, None, None, one.lacks)
    case, reading = one.case, one.reading
    counted = None if case.stop is None else reading.counted(case, case.stop) // 1000
    warned = reading.mark(case, one.warn_share)
    promised = (one.last_target, agreement, case.start, reading.due, warned, case.stop, reading.promise.target_s)
    return (ticket.sid, one.metric, *promised, counted, one.excluded, None)


def _clocked(ticket: Ticket, metric: str, terms: Terms, office: BusinessDays) -> LaidOut | None:
    first = terms.target(metric, ticket.first_priority, ticket.services)
    if first is None:
        unknown = ticket.first_priority is None and terms.by_priority(metric)
        return LaidOut(metric, terms, lacks="its priority is not known") if unknown else None
    if missing := [name for name in _FIELDS[metric] if name in ticket.unread]:
        return LaidOut(metric, terms, first, lacks=f"the source could not give {', '.join(missing)}")
    targets = [first, *(terms.target(metric, new, ticket.services) or first for _, new in ticket.priorities)]
    if wrong := [terms.faults[one.id] for one in targets if one.id in terms.faults]:
        return LaidOut(metric, terms, first, lacks=f"{terms.id}: {wrong[0]}")
    case, impossible = _case(ticket, metric, targets, terms, office)
    if impossible:
        return LaidOut(metric, terms, first, lacks=impossible)
    excluded = "X2" if ticket.duplicate else "X1" if ticket.cancelled and ticket.first_response_at is None else None
    reading = read_clock(case, terms.promise(first))
    share, last = targets[-1].warn_share, targets[-1].id
    return LaidOut(metric, terms, first, case, reading, share, last, excluded)


def _case(
    ticket: Ticket, metric: str, targets: Sequence[Target], terms: Terms, office: BusinessDays
) -> tuple[Case, str]:
    """Lay out one clock; the text says what cannot be (R13)."""
    ends = metric.rpartition("_")[2]
    stops = {"response": ticket.first_response_at, "resolution": ticket.resolved_at, "onsite": ticket.onsite_at}
    start = (ticket.onsite_confirmed_at if ends == "onsite" else ticket.reported_at) or 0
    stop = stops[ends]
    off: list[Span] = []
    if ends == "resolution":
        if any(pause.ends is not None and pause.ends < pause.begins for pause in ticket.pauses):
            return Case(start, stop), "a pause ends before it begins"
        off = pauses_that_hold(ticket.pauses)
        gaps, stop = _reopened(ticket.reopens, terms.reopen_days, office, stop)
        off = merged([*off, *gaps])
    if stop is not None and stop < start:
        return Case(start, stop), "its clock stopped before it started"
    rank = [ticket.first_priority or "", *(new for _, new in ticket.priorities)]
    retargets = tuple(
        Retarget(at, rank[number + 1] < rank[number], terms.promise(targets[number + 1]))
        for number, (at, _) in enumerate(ticket.priorities)
        if targets[number + 1].id != targets[number].id and (stop is None or at <= stop)
    )
    return Case(start, stop, off, retargets, terms.rule), ""


def _reopened(
    reopens: Sequence[Span], days: int, office: BusinessDays, stop: int | None
) -> tuple[list[Span], int | None]:
    """Leave out the time between a resolution and its reopening; one that held long enough stands (R6)."""
    gaps: list[Span] = []
    for resolved, reopened in reopens:
        if office.between(resolved, reopened) > days:
            return gaps, resolved
        gaps.append((resolved, reopened))
    return gaps, stop
