"""Keep the tickets of alerts and the outages of services in step with what was read.

Both rest on several documents, so no plugin can say them: they are worked out before each derivation, for the
alerts and services that anything changed of; all of them where these rules changed. What comes out the same is
not written, so that a little at a time gives what everything at once would.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, or_, select, union

from hub.monitoring.match import Match, Ticket, Tickets, by_reference, by_time
from hub.monitoring.outage import Raised, Window, outage_record, outages
from hub.records import Alert, Outage
from hub.store.bulk import among
from hub.store.matched import with_match
from hub.store.revision import current_records
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub.store.writer import Write, write_records

__all__ = ["TICKET_KINDS", "refresh_outages"]

TICKET_KINDS = ("incident", "request", "security_incident")
"""Kinds an alert may lead to."""
_FORM = 1
"""Raised when the rules in this package change, so that everything is worked out again."""
_BATCH = 2000
_record, _log, _link = (metadata.tables[name] for name in ("record", "change_log", "link"))
_alias, _since, _unknown = (metadata.tables[name] for name in ("alias", "since", "unknown_field"))
_fingerprint, _provision = metadata.tables["fingerprint"], metadata.tables["provision"]
_alert: Any = kind_tables["alert"].c
_outage: Any = kind_tables["outage"].c
_window: Any = kind_tables["maintenance_window"].c
_named: Any = child_tables["alert", "references"].c
_READ = (*TICKET_KINDS, "alert", "maintenance_window", "outage")


def refresh_outages(conn: Connection, *, now: int, whole: bool = False) -> int:
    """Bring matches and outages up to date inside the caller's transaction; return how many records changed."""
    windows_known = conn.scalar(select(func.count()).where(_provides("maintenance_window"))) or 0
    mark = f"{_FORM} windows={bool(windows_known)}"
    known = conn.scalar(select(_fingerprint.c.value).where(_fingerprint.c.name == "outages"))
    seen = conn.scalar(select(func.count()).where(_record.c.kind == "alert")) if known != mark or whole else 1
    if not seen or (
        known == mark and not whole and conn.scalar(select(_log.c.kind).where(_log.c.kind.in_(_READ)).limit(1)) is None
    ):
        return 0
    everything = whole or known != mark
    alerts = sorted(conn.scalars(_every_alert() if everything else _concerned()))
    changed = 0
    for start in range(0, len(alerts), _BATCH):
        changed += _match(conn, alerts[start : start + _BATCH], now)
    for service, sid in _services(conn, alerts, everything=everything):
        changed += _refresh_service(conn, service, sid, now, windows_known=bool(windows_known))
    if known != mark:
        conn.execute(delete(_fingerprint).where(_fingerprint.c.name == "outages"))
        conn.execute(insert(_fingerprint), {"name": "outages", "value": mark})
    return changed


# -- what is concerned ------------------------------------------------------------------------


def _provides(kind: str) -> Any:
    return (_provision.c.kind == kind) & (_provision.c.field == "") & _provision.c.known_to.is_(None)


def _every_alert() -> Select[Any]:
    return select(_alert.sid)


def _concerned() -> Any:
    """Alerts that changed, that name or have a ticket that changed, or that a service of such a ticket has."""
    ticket = select(_log.c.sid).where(_log.c.kind.in_(TICKET_KINDS), _log.c.sid.is_not(None))
    service = select(_log.c.touched).where(_log.c.kind.in_(TICKET_KINDS), _log.c.touched.is_not(None))
    return union(
        select(_alert.sid).where(_alert.sid.in_(select(_log.c.sid).where(_log.c.kind == "alert"))),
        select(_named.sid).where(_named.key.in_(select(_alias.c.key).where(_alias.c.sid.in_(ticket)))),
        select(_alert.sid).where(_alert.ticket_id.in_(ticket)),
        select(_link.c.sid)
        .join(_record, _record.c.sid == _link.c.sid)
        .where(_link.c.type == "service_ids", _record.c.kind == "alert", _link.c.target.in_(service)),
    )


def _services(conn: Connection, alerts: Collection[int], *, everything: bool) -> list[tuple[str, int]]:
    """List the services whose outages may differ now, by id and sid."""
    ours = select(_outage.service_id).join(_record, _record.c.sid == _outage.sid).where(_record.c.source == "hub")
    found = set(conn.scalars(ours.where(_outage.service_id.is_not(None)))) if everything else set()
    of_alerts = select(_link.c.target).where(_link.c.type == "service_ids", among(conn, _link.c.sid, alerts))
    found |= set(conn.scalars(of_alerts.distinct()))
    if not everything:  # a service an alert no longer names, or whose planned work or incidents changed
        touched = select(_log.c.touched).where(_log.c.kind.in_(_READ)).distinct()
        watched = select(_link.c.target).where(_link.c.type.in_(("service_ids", "service_id")))
        found |= set(conn.scalars(touched.where(_log.c.touched.in_(watched))))
    rows = conn.execute(select(_record.c.id, _record.c.sid).where(among(conn, _record.c.sid, found)))
    return sorted((row.id, row.sid) for row in rows)


# -- tickets ----------------------------------------------------------------------------------


def _tickets(conn: Connection, condition: Any) -> Iterator[tuple[int, Ticket]]:
    """Yield (sid, ticket) of those for which `condition(sid)` holds."""
    for kind in TICKET_KINDS:
        t: Any = kind_tables[kind].c
        recorded = func.coalesce(t.recorded_at, t.created_at, t.reported_at)
        rows = (
            select(
                t.sid, _record.c.id, func.coalesce(t.reported_at, t.recorded_at, t.created_at), recorded,
                func.coalesce(t.resolved_at, t.closed_at),
            )
            .join(_record, _record.c.sid == t.sid)
            .where(t.vanished_at.is_(None), recorded.is_not(None), condition(t.sid))
        )  # fmt: skip
        for sid, name, reported, recorded_at, over in conn.execute(rows):
            yield sid, Ticket(name, reported, recorded_at, over)


def _of_services(conn: Connection, services: Collection[int]) -> dict[int, Tickets]:
    if not services:
        return {}
    tied = select(_link.c.sid, _link.c.target).where(
        _link.c.type == "service_ids", among(conn, _link.c.target, services)
    )
    pairs = conn.execute(tied).all()
    tickets = dict(_tickets(conn, lambda sid: sid.in_(select(tied.subquery().c.sid))))
    found: dict[int, list[Ticket]] = defaultdict(list)
    for sid, service in pairs:
        if sid in tickets:
            found[service].append(tickets[sid])
    return {service: Tickets(found[service]) for service in services}


def _match(conn: Connection, alerts: Sequence[int], now: int) -> int:
    """Find the tickets of some alerts and write those that differ."""
    rows = conn.execute(
        select(_alert.sid, _record.c.id, _alert.started_at, _alert.ended_at, _alert.ticket_id, _alert.ticket_basis)
        .join(_record, _record.c.sid == _alert.sid)
        .where(among(conn, _alert.sid, alerts))
        .where(or_(_alert.ticket_id.is_(None), _alert.ticket_basis.is_not(None)))
    ).all()
    sids = [row.sid for row in rows]
    services = _grouped(
        conn, select(_link.c.sid, _link.c.target).where(_link.c.type == "service_ids", among(conn, _link.c.sid, sids))
    )
    keys = _grouped(conn, select(_named.sid, _named.key).where(among(conn, _named.sid, sids)))
    bearing = select(_named.sid, _alias.c.sid).join(_alias, _alias.c.key == _named.key)
    bearers = _grouped(conn, bearing.where(among(conn, _named.sid, sids)))
    wanted = {one for found in bearers.values() for one in found}
    named = dict(_tickets(conn, lambda sid: among(conn, sid, wanted))) if wanted else {}
    by_service = _of_services(conn, {one for found in services.values() for one in found})
    before = _before(conn, sids)
    found: dict[str, Match] = {}
    for row in rows:
        match = by_reference(keys[row.sid], [named[one] for one in bearers[row.sid] if one in named])
        if match is None and row.started_at is not None:
            near = [one for sid in services[row.sid] for one in by_service[sid].near(row.started_at, row.ended_at)]
            match = by_time(near)
        match = match or Match()
        if _stated(match, row.started_at) != before.get(row.sid, (None, None, None, False)):
            found[row.id] = match
    starts = {row.id: row.started_at for row in rows}
    writes = []
    for alert in current_records(conn, list(found)):
        if isinstance(alert, Alert):
            ticket, basis, linked_at, unknown = _stated(found[alert.id], starts[alert.id])
            writes.append(Write(with_match(alert, ticket, basis, linked_at, unknown=unknown)))
    return write_records(conn, writes, now).changed


def _stated(match: Match, started_at: int | None) -> tuple[str | None, str | None, int | None, bool]:
    """Say what a match writes into a record: ticket, rule, since when, and whether there is one that is not known."""
    ticket = match.ticket
    if ticket is None:
        return None, match.basis, None, match.unknown
    return ticket.id, match.basis, max(ticket.recorded_at, started_at or 0), False


def _before(conn: Connection, alerts: Sequence[int]) -> dict[int, tuple[str | None, str | None, int | None, bool]]:
    """Return what the records of some alerts say already."""
    ticket = _record.alias()
    since, unknown = _since.alias(), _unknown.alias()
    rows = conn.execute(
        select(_alert.sid, ticket.c.id, _alert.ticket_basis, since.c.at, unknown.c.field)
        .select_from(kind_tables["alert"])
        .outerjoin(ticket, ticket.c.sid == _alert.ticket_id)
        .outerjoin(since, (since.c.sid == _alert.sid) & (since.c.field == "ticket_id"))
        .outerjoin(unknown, (unknown.c.sid == _alert.sid) & (unknown.c.field == "ticket_id"))
        .where(among(conn, _alert.sid, alerts))
    )
    return {sid: (name, basis, at, field is not None) for sid, name, basis, at, field in rows}


def _grouped(conn: Connection, pairs: Select[Any]) -> Mapping[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for sid, value in conn.execute(pairs):
        found[sid].append(value)
    return found


# -- outages ----------------------------------------------------------------------------------


def _refresh_service(conn: Connection, service: str, sid: int, now: int, *, windows_known: bool) -> int:
    """Work out the outages of one service from its alerts; those that are none any more are crossed out."""
    ours = (
        select(_record.c.id)
        .join(kind_tables["outage"], _outage.sid == _record.c.sid)
        .where(_record.c.source == "hub", _outage.service_id == sid, _outage.vanished_at.is_(None))
    )
    stale = set(conn.scalars(ours))
    tickets = _of_services(conn, [sid])[sid]
    windows = _windows(conn, sid)
    changed = 0
    batch: list[Write] = []
    for alerts in outages(_raised(conn, sid)):
        made = outage_record(service, alerts, tickets, windows, windows_known=windows_known)
        stale.discard(made.id)
        batch.append(Write(made))
        if len(batch) == _BATCH:
            changed += write_records(conn, batch, now).changed
            batch = []
    batch += [Write(Outage(id=one, source="hub", planned=True, vanished_at=now)) for one in sorted(stale)]
    return changed + write_records(conn, batch, now).changed


def _raised(conn: Connection, service: int) -> Iterator[Raised]:
    unknown = _unknown.alias()
    rows = conn.execute(
        select(
            _record.c.id,
            _record.c.source,
            _alert.title,
            _alert.started_at,
            _alert.ended_at,
            _alert.ended_after,
            _alert.acknowledged_at,
            _alert.ticket_id,
            _alert.ticket_basis,
            unknown.c.field.label("unsure"),
            _alert.sid.in_(select(_named.sid)).label("names"),
        )
        .select_from(kind_tables["alert"])
        .join(_link, (_link.c.sid == _alert.sid) & (_link.c.type == "service_ids") & (_link.c.target == service))
        .join(_record, _record.c.sid == _alert.sid)
        .outerjoin(unknown, (unknown.c.sid == _alert.sid) & (unknown.c.field == "ticket_id"))
        .where(_alert.outage, _alert.started_at.is_not(None), _alert.vanished_at.is_(None))
        .order_by(_alert.started_at, _record.c.id)
    ).all()
    named = {row.ticket_id for row in rows if row.ticket_id is not None and row.ticket_basis != "service_and_time"}
    tickets = dict(_tickets(conn, lambda sid: among(conn, sid, named))) if named else {}
    for row in rows:
        ticket = tickets.get(row.ticket_id) if row.ticket_id in named else None
        match = Match(ticket, "reference")
        if ticket is None:  # which of several tickets it names, or of which no one was read, nobody can tell
            open_question = row.unsure is not None and bool(row.names)
            ambiguous = open_question and row.ticket_basis == "ambiguous"
            match = Match(None, "ambiguous") if ambiguous else Match(unread=open_question)
        yield Raised(
            row.id,
            row.source,
            row.title or "",
            row.started_at,
            row.ended_at,
            row.ended_after,
            row.acknowledged_at,
            match,
        )


def _windows(conn: Connection, service: int) -> list[Window]:
    rows = conn.execute(
        select(_record.c.id, _window.start, _window.end, _window.announced_at)
        .select_from(kind_tables["maintenance_window"])
        .join(_link, (_link.c.sid == _window.sid) & (_link.c.type == "service_ids") & (_link.c.target == service))
        .join(_record, _record.c.sid == _window.sid)
        .where(_window.start.is_not(None), _window.end.is_not(None), _window.vanished_at.is_(None))
        .order_by(_window.start, _record.c.id)
    )
    return [Window(*row) for row in rows]
