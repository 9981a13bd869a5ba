"""What a period's results were when it ended, where a ticket counted in it was reopened since.

Clocks are kept as they are; how they stood follows from the events before the end. Only tickets reopened
later on are laid out anew. Instants are UTC milliseconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, exists, select

from hub.sla.agreement import load_promises, read_agreements
from hub.sla.materialise import open_times
from hub.sla.open_time import Span
from hub.sla.ticket import TICKET_KINDS, Ticket, read_tickets
from hub.sla.ticket_clock import LaidOut, lay_out
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata

__all__ = ["Key", "changed_since"]

Key = tuple[str, str, str]
"""Agreement, target and metric."""
_event = metadata.tables["event"]


def changed_since(
    conn: Connection, period: Span, as_of: int, zone: str, service: int | None = None
) -> Mapping[Key, tuple[int, int]]:
    """Count by how many (met, missed) a period's results changed from its end to `as_of`; what did not is left out.

    `zone` is the organisation's; `service` (a record's number) narrows to its tickets.
    """
    changed: dict[Key, list[int]] = defaultdict(lambda: [0, 0])
    promises = None
    for kind in TICKET_KINDS:
        for tickets in read_tickets(conn, kind, _reopened_since(kind, period[1], as_of)):
            promises = promises or load_promises(conn, read_agreements(conn), open_times(conn), zone)
            for ticket in tickets:
                if service is not None and service not in ticket.services:
                    continue
                for seen, instant, sign in ((ticket, as_of, 1), (_as_it_was(ticket, period[1]), period[1], -1)):
                    for one in lay_out(seen, promises.terms, promises.office):
                        kept = _result(one, period, instant)
                        if kept is not None and one.terms is not None:
                            changed[one.terms.id, one.last_target, one.metric][0 if kept else 1] += sign
    return {key: (met, missed) for key, (met, missed) in changed.items() if met or missed}


def _reopened_since(kind: str, ended: int, as_of: int) -> Any:
    """Choose the tickets that were resolved before an instant and reopened after it."""
    if (kind, "reopens") in child_tables:
        r: Any = child_tables[kind, "reopens"].c
        return select(r.sid).where(r.resolved_at < ended, r.reopened_at >= ended, r.reopened_at <= as_of)
    table, again, before = kind_tables[kind], _event.alias(), _event.alias()
    resolved = exists().where(before.c.sid == table.c.sid, before.c.type == "resolved", before.c.at < ended)
    reopened = exists().where(again.c.sid == table.c.sid, again.c.type == "reopened", again.c.at.between(ended, as_of))
    return select(table.c.sid).where(resolved, reopened)


def _as_it_was(ticket: Ticket, ended: int) -> Ticket:
    """Leave out what happened from an instant on."""
    undone = [resolved for resolved, reopened in ticket.reopens if reopened >= ended > resolved]
    resolved_at = undone[0] if undone else ticket.resolved_at
    return ticket._replace(
        resolved_at=None if resolved_at is not None and resolved_at >= ended else resolved_at,
        reopens=tuple(span for span in ticket.reopens if span[1] < ended),
        pauses=tuple(pause for pause in ticket.pauses if pause.begins < ended),
        priorities=tuple(change for change in ticket.priorities if change[0] < ended),
    )


def _result(one: LaidOut, period: Span, as_of: int) -> bool | None:
    """Say whether a clock was met; None where it is not decided as of the instant, or in another period."""
    if one.case is None or one.reading is None or one.excluded is not None:
        return None
    due, stop = one.reading.due, one.case.stop
    stopped = stop is not None and stop <= as_of
    met = stopped and (due is None or (stop or 0) <= due)
    if not met and (due is None or (due >= as_of and not stopped)):
        return None
    at = stop if met else due
    return met if at is not None and period[0] <= at < period[1] else None
