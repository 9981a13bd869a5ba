"""Tickets as clocks see them: instants, pauses, reopenings and changes of priority, read in slices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, func, null, or_, select

from hub.sla.clock import Pause
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata

__all__ = ["METRICS", "TICKET_KINDS", "Ticket", "read_tickets"]

METRICS: Mapping[str, tuple[str, ...]] = {
    "incident": ("response", "resolution", "onsite"),
    "request": ("response", "resolution", "onsite"),
    "problem": ("problem_response", "problem_resolution"),
    "complaint": ("complaint_response", "complaint_resolution"),
}
"""Kind -> the clocks it may have. The last word of a name says what stops it."""
TICKET_KINDS = tuple(METRICS)
_SLICE = 5000
_record = metadata.tables["record"]
_event = metadata.tables["event"]
_link = metadata.tables["link"]
_unknown = metadata.tables["unknown_field"]
_TAKEN_UP = ("accepted", "responded")
"""Events of a problem that answer it: somebody works on it, or has said something."""
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
)
_RANK = {"P1": 1, "P2": 2, "P3": 3, "P4": 4}


class Ticket(NamedTuple):
    """One ticket; instants in UTC ms, None = not known or not yet."""

    sid: int
    kind: str
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

    pauses: dict[int, list[Any]] = {}
    if (kind, "pauses") in child_tables:
        p: Any = child_tables[kind, "pauses"].c
        asked = (p.sid, p.from_, p.to, p.customer_asked_at, p.customer_replied_at)
        pauses = grouped(conn.execute(select(*asked).where(among(p.sid)).order_by(p.sid, p.from_)))
        r: Any = child_tables[kind, "reopens"].c
        again = select(r.sid, r.resolved_at, r.reopened_at).where(among(r.sid)).order_by(r.sid, r.reopened_at)
    else:
        again = _reopenings(among(_event.c.sid))
    reopens = grouped(conn.execute(again))
    e = _event.c
    changes = grouped(
        conn.execute(
            select(e.sid, e.at, e.from_, e.to).where(among(e.sid), e.field == "priority").order_by(e.sid, e.at, e.pos)
        )
    )
    tied = (_link.c.type == "service_ids", _link.c.type == "duplicate_of")
    links = grouped(conn.execute(select(_link.c.sid, _link.c.target, tied[1]).where(among(_link.c.sid), or_(*tied))))
    unread = grouped(conn.execute(select(_unknown.c.sid, _unknown.c.field).where(among(_unknown.c.sid))))
    rows = conn.execute(select(*_columns(kind)).where(and_(among(table.c.sid), table.c.vanished_at.is_(None))))
    beside = (pauses, reopens, changes, links, unread)
    return [_ticket(kind, row, *(found.get(row.sid, []) for found in beside)) for row in rows if row.sid in wanted]


def _columns(kind: str) -> list[Any]:
    """Name what a clock reads of a kind by the words of an incident."""
    c: Any = kind_tables[kind].c
    own = {
        "problem": {
            "reported_at": c.get("detected_at"),
            "first_response_at": _first_event(c.sid),
            "resolved_at": func.coalesce(c.get("resolved_at"), c.get("closed_at")),
        },
        "complaint": {
            "reported_at": c.get("received_at"),
            "first_response_at": c.get("first_reply_at"),
            "resolved_at": func.coalesce(c.get("customer_informed_at"), c.get("closed_at")),
        },
    }.get(kind, {"resolved_at": func.coalesce(c.get("resolved_at"), c.get("closed_at"))})
    return [own.get(name, c.get(name, null())).label(name) for name in _COLUMNS]


def _first_event(sid: Any) -> Any:
    event = _event.alias()
    found = select(func.min(event.c.at)).where(event.c.sid == sid, event.c.type.in_(_TAKEN_UP))
    return found.correlate_except(event).scalar_subquery()


def _reopenings(among: Any) -> Any:
    """Give what was resolved and reopened as events tell it, for kinds that keep no list."""
    earlier = _event.alias()
    resolved = select(func.max(earlier.c.at)).where(
        earlier.c.sid == _event.c.sid, earlier.c.type == "resolved", earlier.c.at <= _event.c.at
    )
    columns = (_event.c.sid, resolved.correlate_except(earlier).scalar_subquery().label("resolved"), _event.c.at)
    return select(*columns).where(among, _event.c.type == "reopened").order_by(_event.c.sid, _event.c.at)


def _ticket(kind: str, row: Any, *beside: list[Any]) -> Ticket:
    pauses, reopens, changes, links, unread = beside
    p1_needs_reply = row.priority == "P1"
    moves = tuple((at, new) for _, at, _, new in changes if new in _RANK)
    first = changes[0][2] if changes and changes[0][2] in _RANK else None
    if first is None and moves:  # the first event set it
        first, moves = moves[0][1], moves[1:]
    return Ticket(
        sid=row.sid,
        kind=kind,
        customer=row.customer_id,
        priority=row.priority,
        cancelled=row.status_category in ("cancelled", "rejected"),
        reported_at=row.reported_at,
        first_response_at=row.first_response_at,
        onsite_confirmed_at=row.onsite_confirmed_at,
        onsite_at=row.onsite_at,
        resolved_at=row.resolved_at,
        services=frozenset(target for _, target, duplicate in links if not duplicate),
        duplicate=any(duplicate for _, _, duplicate in links),
        pauses=tuple(
            Pause(begins, ends, asked, replied, agreed=not p1_needs_reply or replied is not None)
            for _, begins, ends, asked, replied in pauses
        ),
        reopens=tuple((resolved, again) for _, resolved, again in reopens if None not in (resolved, again)),
        priorities=moves,
        first_priority=first or row.priority,
        unread=frozenset([*(name for _, name in unread), *("reopens" for row in reopens if row[2] is None)]),
    )
