"""Which services records are about, and which services there are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection, select

from hub.conformance.answer import Subject
from hub.conformance.scope import SERVICE_FIELDS
from hub.conformance.subject import subjects
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["ServiceMap", "service_map"]

_finding, _link, _record = (metadata.tables[name] for name in ("finding", "link", "record"))


@dataclass(frozen=True, slots=True)
class ServiceMap:
    """Services by name, and by the records findings are about."""

    services: list[Subject]
    """All of the catalogue, by id; those that vanished are not among them."""
    of_unit: dict[str, list[str]]
    """Record id -> ids of the services it names, as known now; a record that names none is absent."""


def service_map(conn: Connection) -> ServiceMap:
    """Say it for every record a finding was ever about: two questions, however many there are."""
    table = kind_tables["service"]
    sids = conn.scalars(select(table.c.sid).where(table.c.vanished_at.is_(None))).all()
    target = _record.alias()
    named = (
        select(_record.c.id, target.c.id.label("service"))
        .join(_link, _link.c.sid == _record.c.sid)
        .join(target, target.c.sid == _link.c.target)
        .where(_link.c.type.in_(SERVICE_FIELDS), _record.c.sid.in_(select(_finding.c.unit)))
        .distinct()
        .order_by(_record.c.id, target.c.id)
    )
    of_unit: dict[str, list[str]] = defaultdict(list)
    for row in conn.execute(named):
        of_unit[row.id].append(row.service)
    return ServiceMap(sorted(subjects(conn, sids).values(), key=lambda one: one.id), dict(of_unit))
