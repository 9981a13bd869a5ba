"""Keep the clocks of all tickets in step with their events, agreements and calendars.

Only tickets that changed are worked out again; all of them where an agreement, a calendar or these rules
changed. What comes out the same is not written. A ticket whose clock changed is noted in the change log as
`clock`, so that its obligations are derived again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, exists, insert, not_, or_, select

from hub.records import Agreement
from hub.sla.agreement import Promises, load_promises, read_agreements
from hub.sla.materialise import OpenTimes
from hub.sla.ticket import TICKET_KINDS, read_tickets
from hub.sla.ticket_clock import ClockRow, MarkRow, clock_rows
from hub.store.bulk import among, put, remove
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["refresh_clocks"]

_FORM = 3
"""Raised when the rules in this package change, so that every clock is worked out again."""
_GAPS = 4
_clock, _mark = metadata.tables["sla_clock"], metadata.tables["sla_mark"]
_log = metadata.tables["change_log"]
_fingerprint = metadata.tables["fingerprint"]


def refresh_clocks(conn: Connection, open_times: OpenTimes, *, zone: str) -> int:
    """Bring the clocks up to date inside the caller's transaction; return how many tickets' clocks changed.

    `zone` is the organisation's, for agreements that name none; `open_times` gives the calendars where they
    are needed.
    """
    agreements = read_agreements(conn)
    mark = _digest(conn, agreements, zone)
    known = conn.scalar(select(_fingerprint.c.value).where(_fingerprint.c.name == "clocks"))
    only = None if known != mark else select(_log.c.sid).where(_log.c.kind.in_(TICKET_KINDS), _log.c.sid.is_not(None))
    changed = 0
    if agreements or known is not None:
        promises: Promises | None = None
        for kind in TICKET_KINDS:
            for tickets in read_tickets(conn, kind, only):
                promises = promises or load_promises(conn, agreements, open_times(), zone)
                rows, marks = clock_rows(tickets, promises.terms, promises.office)
                changed += _write(conn, [ticket.sid for ticket in tickets], rows, marks)
        changed += _forget(conn)
    if known != mark and (agreements or known is not None):
        conn.execute(delete(_fingerprint).where(_fingerprint.c.name == "clocks"))
        conn.execute(insert(_fingerprint), {"name": "clocks", "value": mark})
    return changed


def _digest(conn: Connection, agreements: Sequence[Agreement], zone: str) -> str:
    digest = hashlib.sha256(f"{_FORM} {zone}".encode())
    named = _fingerprint.c.name.like("calendar:%")
    for row in conn.execute(select(_fingerprint).where(named).order_by(_fingerprint.c.name)):
        digest.update(f"{row.name}={row.value}".encode())
    digest.update(msgspec.json.encode(agreements))
    return digest.hexdigest()


def _write(conn: Connection, sids: Sequence[int], rows: list[ClockRow], marks: list[MarkRow]) -> int:
    """Replace the clocks of those of the tickets where anything differs."""
    before = _held(conn, _clock, sids)
    now: dict[int, list[Any]] = {}
    for row in rows:
        now.setdefault(row[0], []).append(row)
    marked: dict[int, list[Any]] = {}
    for mark in marks:
        marked.setdefault(mark[0], []).append(mark)
    marks_before = _held(conn, _mark, sids)
    changed = [
        sid
        for sid in sids
        if sorted(now.get(sid, ()), key=str) != sorted(before.get(sid, ()), key=str)
        or sorted(marked.get(sid, ())) != sorted(marks_before.get(sid, ()))
    ]
    remove(conn, (_clock, _mark), [sid for sid in changed if sid in before or sid in marks_before])
    put(conn, _clock, [row for sid in changed for row in now.get(sid, ())])
    put(conn, _mark, [row for sid in changed for row in marked.get(sid, ())])
    put(conn, _log, [("clock", sid, sid) for sid in changed], columns="kind sid touched")
    return len(changed)


def _held(conn: Connection, table: Any, sids: Sequence[int]) -> Mapping[int, list[Any]]:
    if not sids:
        return {}
    found: dict[int, list[Any]] = {}
    wanted = set(sids)
    first, last = min(sids), max(sids)
    close = last - first < _GAPS * len(wanted)  # a range is cheaper to read than a list, unless it is mostly of others
    chosen = table.c.sid.between(first, last) if close else among(conn, table.c.sid, sids)
    for row in conn.execute(select(table).where(chosen)):
        if row.sid in wanted:
            found.setdefault(row.sid, []).append(tuple(row))
    return found


def _forget(conn: Connection) -> int:
    """Drop the clocks of what is no longer a ticket or has vanished."""
    logged = select(_log.c.sid).where(_log.c.kind != "clock", _log.c.sid.is_not(None))
    tables: list[Any] = [kind_tables[kind] for kind in TICKET_KINDS]
    there = (exists().where(one.c.sid == _clock.c.sid, one.c.vanished_at.is_(None)) for one in tables)
    gone = select(_clock.c.sid).where(_clock.c.sid.in_(logged), not_(or_(*there))).distinct()
    lost = list(conn.scalars(gone))
    remove(conn, (_clock, _mark), lost)
    put(conn, _log, [("clock", sid, sid) for sid in lost], columns="kind sid touched")
    return len(lost)
