"""Tickets as clocks see them: instants, pauses, reopenings and changes of priority, read in slices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, or_, select

from hub.sla.clock import Pause
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata

__all__ = ["TICKET_KINDS", "Ticket", "read_tickets"]

TICKET_KINDS = ("incident", "request")
_SLICE = 5000
_record = metadata.tables["record"]
_event = metadata.tables["event"]
_link = metadata.tables["link"]
_unknown = metadata.tables["unknown_field"]
_COLUMNS = (
    "sid",
    "customer_id",
    "priority",
    "status_category",
    "reported_at",
    "first_response_at",
    "onsite_confirmed_at",
    "onsite_at",
    "resolved_at",
    "closed_at",
)
_RANK = {"P1": 1, "P2": 2, "P3": 3, "P4": 4}


class Ticket(NamedTuple):
    """One ticket; instants in UTC ms, None = not known or not yet."""

    sid: int
    customer: int | None
    priority: str | None
    cancelled: bool
    reported_at: int | None
    first_response_at: int | None
    onsite_confirmed_at: int | None
    onsite_at: int | None
    resolved_at: int | None
    services: frozenset[int]
    duplicate: bool
    pauses: tuple[Pause, ...]
    reopens: tuple[tuple[int, int], ...]
    """(resolved, reopened), in order of time."""
    priorities: tuple[tuple[int, str], ...]
    """(instant, new priority), in order of time; without the first."""
    first_priority: str | None
    unread: frozenset[str]
    """Fields its source could not give."""


def read_tickets(conn: Connection, kind: str, only: Any = None) -> Iterator[list[Ticket]]:
    """Give the tickets of a kind in slices by number; `only` narrows to those of a subquery of `sid`."""
    table = kind_tables[kind]
    chosen = select(table.c.sid).where(table.c.vanished_at.is_(None))
    if only is not None:
        chosen = chosen.where(table.c.sid.in_(only))
    last = -1
    while sids := conn.scalars(chosen.where(table.c.sid > last).order_by(table.c.sid).limit(_SLICE)).all():
        yield _slice(conn, kind, table, sids, whole=only is None)
        last = sids[-1]


def _slice(conn: Connection, kind: str, table: Any, sids: Sequence[int], *, whole: bool) -> list[Ticket]:
    wanted = set(sids)

    def among(column: Any) -> Any:
        return column.between(sids[0], sids[-1]) if whole else column.in_(sids)

    def grouped(rows: Any) -> dict[int, list[Any]]:
        found: dict[int, list[Any]] = defaultdict(list)
        for row in rows:
            if row[0] in wanted:
                found[row[0]].append(row)
        return found

    pause, reopen = child_tables[kind, "pauses"], child_tables[kind, "reopens"]
    p = pause.c
    asked = (p.sid, p.from_, p.to, p.customer_asked_at, p.customer_replied_at)
    pauses = grouped(conn.execute(select(*asked).where(among(p.sid)).order_by(p.sid, p.from_)))
    r = reopen.c
    reopens = grouped(
        conn.execute(select(r.sid, r.resolved_at, r.reopened_at).where(among(r.sid)).order_by(r.sid, r.reopened_at))
    )
    e = _event.c
    changes = grouped(
        conn.execute(
            select(e.sid, e.at, e.from_, e.to).where(among(e.sid), e.field == "priority").order_by(e.sid, e.at, e.pos)
        )
    )
    tied = (_link.c.type == "service_ids", _link.c.type == "duplicate_of")
    links = grouped(conn.execute(select(_link.c.sid, _link.c.target, tied[1]).where(among(_link.c.sid), or_(*tied))))
    unread = grouped(conn.execute(select(_unknown.c.sid, _unknown.c.field).where(among(_unknown.c.sid))))
    columns = [table.c[name] for name in _COLUMNS]
    rows = conn.execute(select(*columns).where(and_(among(table.c.sid), table.c.vanished_at.is_(None))))
    beside = (pauses, reopens, changes, links, unread)
    return [_ticket(row, *(found[row.sid] for found in beside)) for row in rows if row.sid in wanted]


def _ticket(row: Any, *beside: list[Any]) -> Ticket:
    pauses, reopens, changes, links, unread = beside
    p1_needs_reply = row.priority == "P1"
    moves = tuple((at, new) for _, at, _, new in changes if new in _RANK)
    first = changes[0][2] if changes and changes[0][2] in _RANK else None
    if first is None and moves:  # the first event set it
        first, moves = moves[0][1], moves[1:]
    return Ticket(
        sid=row.sid,
        customer=row.customer_id,
        priority=row.priority,
        cancelled=row.status_category in ("cancelled", "rejected"),
        reported_at=row.reported_at,
        first_response_at=row.first_response_at,
        onsite_confirmed_at=row.onsite_confirmed_at,
        onsite_at=row.onsite_at,
        resolved_at=row.resolved_at if row.resolved_at is not None else row.closed_at,
        services=frozenset(target for _, target, duplicate in links if not duplicate),
        duplicate=any(duplicate for _, _, duplicate in links),
        pauses=tuple(
            Pause(begins, ends, asked, replied, agreed=not p1_needs_reply or replied is not None)
            for _, begins, ends, asked, replied in pauses
        ),
        reopens=tuple((resolved, reopened) for _, resolved, reopened in reopens if resolved is not None),
        priorities=moves,
        first_priority=first or row.priority,
        unread=frozenset(name for _, name in unread),
    )
