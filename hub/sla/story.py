"""The whole story of tickets' clocks: what was promised, what happened, and what did not count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from hub.sla.agreement import Promises, load_promises, read_agreements
from hub.sla.clock import FOREVER
from hub.sla.materialise import open_times
from hub.sla.ticket import TICKET_KINDS, Ticket, read_tickets
from hub.sla.ticket_clock import LaidOut, lay_out
from hub.store.bulk import among
from hub.store.tables import metadata

__all__ = ["Story", "load_stories"]

_record = metadata.tables["record"]
_SLICE = 5000


@dataclass(frozen=True, slots=True)
class Story:
    """One clock of one ticket."""

    ticket: Ticket
    laid: LaidOut

    @property
    def off(self) -> Sequence[tuple[int, int | None]]:
        """Time that did not count, pauses that hold and time between a resolution and its reopening; None = goes on."""
        if self.laid.case is None:
            return ()
        return [(begins, None if ends >= FOREVER else ends) for begins, ends in self.laid.case.off]

    @property
    def off_s(self) -> int:
        """Open seconds of it up to the clock's stop; what still goes on is left out."""
        case, reading = self.laid.case, self.laid.reading
        if case is None or reading is None:
            return 0
        open_time, stop = reading.promise.open_time, FOREVER if case.stop is None else case.stop
        spans = ((max(begins, case.start), min(ends, stop)) for begins, ends in case.off)
        return sum(open_time.between(*span) for span in spans if span[0] < span[1] < FOREVER) // 1000


def load_stories(conn: Connection, sids: Collection[int], zone: str) -> dict[tuple[int, str], Story]:
    """Lay out the clocks of these records anew, by ticket and metric; `zone` is the organisation's."""
    promises = load_promises(conn, read_agreements(conn), open_times(conn), zone)
    return {(ticket.sid, one.metric): Story(ticket, one) for ticket, one in _laid_out(conn, sids, promises)}


def _laid_out(conn: Connection, sids: Collection[int], promises: Promises) -> Iterator[tuple[Ticket, LaidOut]]:
    listed = sorted(set(sids))
    for begin in range(0, len(listed), _SLICE):
        part = listed[begin : begin + _SLICE]
        by_kind: dict[str, list[int]] = defaultdict(list)
        for row in conn.execute(select(_record.c.sid, _record.c.kind).where(among(conn, _record.c.sid, part))):
            by_kind[row.kind].append(row.sid)
        for kind in TICKET_KINDS:
            if kind in by_kind:
                for tickets in read_tickets(conn, kind, by_kind[kind]):
                    for ticket in tickets:
                        yield from ((ticket, one) for one in lay_out(ticket, promises.terms, promises.office))
