"""The clocks of a ticket under its agreement: which promise, from when, and what stopped or held it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from hub.records import Target
from hub.sla.clock import Case, Retarget, pauses_that_hold, read_clock
from hub.sla.open_time import Span, merged
from hub.sla.terms import Terms, in_force
from hub.sla.ticket import Ticket

__all__ = ["MARKS", "BusinessDays", "ClockRow", "MarkRow", "clock_rows"]

MARKS = (50, 80)
"""Shares of a target whose instants are kept, percent."""
METRICS = ("response", "resolution", "onsite")
_FIELDS = {
    "response": ("reported_at", "first_response_at", "priority"),
    "resolution": ("reported_at", "resolved_at", "pauses", "reopens", "priority"),
    "onsite": ("onsite_confirmed_at", "onsite_at", "priority"),
}

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


def clock_rows(
    tickets: Sequence[Ticket], terms: Sequence[Terms], office: BusinessDays
) -> tuple[list[ClockRow], list[MarkRow]]:
    """Work out the clocks of tickets: rows of `sla_clock` and of `sla_mark`."""
    rows: list[ClockRow] = []
    marks: list[MarkRow] = []
    for ticket in tickets:
        begun = ticket.reported_at
        found = (
            in_force(terms, begun, ticket.services, ticket.customer) if begun is not None else _unstarted(terms, ticket)
        )
        if found is None:
            continue
        for metric in METRICS:
            if metric == "onsite" and ticket.onsite_confirmed_at is None and "onsite_confirmed_at" not in ticket.unread:
                continue
            if isinstance(found, str):
                rows.append(_lacking(ticket, metric, found))
                continue
            row, marked = _clocked(ticket, metric, found, office)
            if row is not None:
                rows.append(row)
                marks += [(ticket.sid, metric, percent, at) for percent, at in marked]
    return rows, marks


def _unstarted(terms: Sequence[Terms], ticket: Ticket) -> str | None:
    covered = any(one.services & ticket.services for one in terms)
    return "when it was reported is not known" if covered else None


def _lacking(ticket: Ticket, metric: str, why: str, terms: Terms | None = None, target: str | None = None) -> ClockRow:
    agreement = None if terms is None else terms.sid
    started = ticket.onsite_confirmed_at if metric == "onsite" else ticket.reported_at
    return (ticket.sid, metric, target, agreement, started, None, None, None, None, None, None, why)


def _clocked(
    ticket: Ticket, metric: str, terms: Terms, office: BusinessDays
) -> tuple[ClockRow | None, list[tuple[int, int]]]:
    first = terms.target(metric, ticket.first_priority, ticket.services)
    if first is None:
        unknown = ticket.first_priority is None and terms.by_priority(metric)
        return (_lacking(ticket, metric, "its priority is not known", terms) if unknown else None), []
    if missing := [name for name in _FIELDS[metric] if name in ticket.unread]:
        return _lacking(ticket, metric, f"the source could not give {', '.join(missing)}", terms, first.id), []
    targets = [first, *(terms.target(metric, new, ticket.services) or first for _, new in ticket.priorities)]
    if wrong := [terms.faults[one.id] for one in targets if one.id in terms.faults]:
        return _lacking(ticket, metric, f"{terms.id}: {wrong[0]}", terms, first.id), []
    case, impossible = _case(ticket, metric, targets, terms, office)
    if impossible:
        return _lacking(ticket, metric, impossible, terms, first.id), []
    reading = read_clock(case, terms.promise(first))
    excluded = "X2" if ticket.duplicate else "X1" if ticket.cancelled and ticket.first_response_at is None else None
    counted = None if case.stop is None else reading.counted(case, case.stop) // 1000
    warned = reading.mark(case, targets[-1].warn_share)
    reached = ((percent, reading.mark(case, percent / 100)) for percent in MARKS)
    promised = (targets[-1].id, terms.sid, case.start, reading.due, warned, case.stop, reading.promise.target_s)
    return (ticket.sid, metric, *promised, counted, excluded, None), [(p, at) for p, at in reached if at is not None]


def _case(
    ticket: Ticket, metric: str, targets: Sequence[Target], terms: Terms, office: BusinessDays
) -> tuple[Case, str]:
    """Lay out one clock; the text says what cannot be (R13)."""
    starts = {"response": ticket.reported_at, "resolution": ticket.reported_at, "onsite": ticket.onsite_confirmed_at}
    stops = {"response": ticket.first_response_at, "resolution": ticket.resolved_at, "onsite": ticket.onsite_at}
    start, stop = starts[metric] or 0, stops[metric]
    off: list[Span] = []
    if metric == "resolution":
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
