"""Which ticket belongs to an alert or an outage: the one it names, else the only one of its service at that time.

Nothing is matched silently: the rule stands in the record (`ticket_basis`, `incident_basis`), and where several
tickets fit none is chosen. No rule looks at titles.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["LAG_MS", "LEAD_MS", "LONGEST_MS", "Basis", "Match", "Ticket", "Tickets", "by_reference", "by_time"]

LEAD_MS = 30 * 60_000
"""A customer may call this much before the monitor notices."""
LAG_MS = 30 * 60_000
"""A ticket may be recorded this much after it was over."""
LONGEST_MS = 24 * 3_600_000
"""Whatever lasts longer: a ticket reported later than this after its start is not about it by time alone."""

Basis = Literal["reference", "service_and_time", "ambiguous"]


@dataclass(frozen=True, slots=True)
class Ticket:
    """An incident, request or security incident that may belong."""

    id: str
    reported_at: int
    recorded_at: int
    """When the tool recorded it: no link to it is older."""
    over_at: int | None
    """When it was resolved or closed; None = it is not."""


@dataclass(frozen=True, slots=True)
class Match:
    """What was found."""

    ticket: Ticket | None = None
    basis: Basis | None = None
    unread: bool = False
    """A ticket is named that was never read: which one belongs cannot be known."""

    @property
    def unknown(self) -> bool:
        """Tell whether there is a ticket, and only which one is not known."""
        return self.unread or self.basis == "ambiguous"


class Tickets:
    """The tickets of one service, to be found by time."""

    def __init__(self, tickets: Collection[Ticket]) -> None:
        self._all = sorted(tickets, key=lambda one: (one.reported_at, one.id))
        self._reported = [one.reported_at for one in self._all]

    def near(self, started_at: int, ended_at: int | None) -> list[Ticket]:
        """Return those reported around a time, which were not over before it."""
        last = started_at + LONGEST_MS
        if ended_at is not None:
            last = min(last, ended_at + LAG_MS)
        first, after = bisect_left(self._reported, started_at - LEAD_MS), bisect_right(self._reported, last)
        return [one for one in self._all[first:after] if one.over_at is None or one.over_at >= started_at]


def by_reference(named: Sequence[str], found: Collection[Ticket]) -> Match | None:
    """Choose among the tickets that are named; None = nothing is named. `found` are those that were read."""
    if not named:
        return None
    tickets = {one.id: one for one in found}
    if len(tickets) == 1:
        return Match(next(iter(tickets.values())), "reference")
    return Match(None, "ambiguous") if tickets else Match(unread=True)


def by_time(near: Collection[Ticket]) -> Match:
    """Choose the only ticket of the service at that time."""
    tickets = {one.id: one for one in near}
    if len(tickets) == 1:
        return Match(next(iter(tickets.values())), "service_and_time")
    return Match(None, "ambiguous") if tickets else Match()
