"""What event reports are owed for: major incidents and changes, releases, services gone live, clusters of breaches.

Works in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from hub.store.schema import kind_tables
from hub.store.tables import link, record, sla_clock

__all__ = ["CLUSTER", "Occasion", "occasions"]

CLUSTER = "breach_cluster"
_CLUSTER_TICKETS, _CLUSTER_MS = 3, 7 * 86_400_000
"""So many tickets of one service and customer that miss a target within so long are a cluster."""
_EVENTS = (
    ("major_incident", "incident", "reported_at", "resolved_at", "major"),
    ("major_change", "change", "actual_start", "actual_end", "major"),
    ("post_release", "release", "released_at", "released_at", None),
    ("implementation", "service", "live_at", "live_at", None),
)
"""Report type, kind of record, when it began, when it was over, what must be true of it."""


class Occasion(NamedTuple):
    """Something that a report is owed for."""

    type: str
    """Report type."""
    id: str
    name: str
    title: str
    begun_at: int
    at: int
    """When it was over."""
    customer: str | None
    services: tuple[str, ...]
    about: tuple[str, ...]
    """Records it consists of."""


def occasions(conn: Connection, types: Collection[str], *, at: int) -> list[Occasion]:
    """List what event reports of these types are owed for, that was over at an instant."""
    found: list[Occasion] = []
    for type_, kind, begun, over, only in _EVENTS:
        if type_ not in types:
            continue
        table, customer = kind_tables[kind], record.alias()
        c = table.c
        asked = (
            select(record.c.id, c.sid, c.key, c.title, c[begun], c[over], customer.c.id)
            .select_from(table.join(record, record.c.sid == c.sid).outerjoin(customer, customer.c.sid == c.customer_id))
            .where(c[over].is_not(None), c.vanished_at.is_(None))
            .order_by(c[over], record.c.id)
        )
        for id_, sid, key, title, since, ended, owner in conn.execute(asked.where(c[only]) if only else asked):
            name = key or id_.rpartition("/")[2]
            services = (id_,) if kind == "service" else tuple(conn.scalars(_services(sid)))
            found.append(Occasion(type_, id_, name, title or "", since or ended, ended, owner, services, (id_,)))
    if CLUSTER in types:
        found += _clusters(conn, at)
    return found


def _services(sid: int) -> Any:
    of = record.alias()
    asked = select(of.c.id).join(link, link.c.target == of.c.sid)
    return asked.where(link.c.sid == sid, link.c.type == "service_ids").order_by(of.c.id)


def _clusters(conn: Connection, at: int) -> Iterator[Occasion]:
    """Find the clusters whose days are over: each begins with a breach that is in no earlier one."""
    for (customer, service), rows in groupby(_breaches(conn, at), key=lambda row: (row.customer, row.service)):
        first: dict[str, int] = {}
        for row in rows:
            first.setdefault(row.ticket, row.breached_at)
        left = sorted(first.items(), key=lambda pair: (pair[1], pair[0]))
        name = service.rpartition("/")[2]
        while left:
            begun = left[0][1]
            together = [ticket for ticket, when in left if when < begun + _CLUSTER_MS]
            whole = len(together) >= _CLUSTER_TICKETS
            if whole and begun + _CLUSTER_MS <= at:
                title = f"{len(together)} tickets missed a target"
                over = begun + _CLUSTER_MS
                yield Occasion(CLUSTER, service, name, title, begun, over, customer, (service,), tuple(together))
            left = left[len(together) if whole else 1 :]


def _breaches(conn: Connection, at: int) -> Any:
    """Select ticket, customer, service and instant of each promise that was not kept, by customer, service and instant."""
    c, ticket, service, owner = sla_clock.c, record.alias(), record.alias(), record.alias()
    incident, request = (kind_tables[kind] for kind in ("incident", "request"))
    asked = (
        select(
            ticket.c.id.label("ticket"),
            owner.c.id.label("customer"),
            service.c.id.label("service"),
            c.due_at.label("breached_at"),
        )
        .select_from(sla_clock)
        .join(ticket, ticket.c.sid == c.sid)
        .join(link, (link.c.sid == c.sid) & (link.c.type == "service_ids"))
        .join(service, service.c.sid == link.c.target)
        .outerjoin(incident, incident.c.sid == c.sid)
        .outerjoin(request, request.c.sid == c.sid)
        .outerjoin(owner, owner.c.sid == func.coalesce(incident.c.customer_id, request.c.customer_id))
        .where(c.excluded.is_(None), c.lacks.is_(None), c.due_at < func.coalesce(c.stopped_at, at))
        .order_by(func.coalesce(owner.c.id, ""), service.c.id, c.due_at, ticket.c.id)
    )
    return conn.execute(asked)
