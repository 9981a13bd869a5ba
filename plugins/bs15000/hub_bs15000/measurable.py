"""Whether what the targets of an agreement are computed from is read at all: a check of the store by Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from hub.conformance.probe import Finding, Probe
from hub.store.reading import coverage_rows
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata

__all__ = ["PROBES", "SUPPLIED"]

SUPPLIED = "sla_inputs"
"""Name of the check; its subject is the agreement."""
_record = metadata.tables["record"].c
_provision = metadata.tables["provision"].c


def _supplied(conn: Connection) -> set[tuple[str, str]]:
    """Return (kind, field) of everything that a source gives and that was read completely from every scope."""
    reached: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for row in coverage_rows(conn):
        reached[row.source, row.kind].append(row.through is not None and row.reason is None)
    offered = select(_provision.source, _provision.kind, _provision.field).where(_provision.known_to.is_(None))
    return {
        (row.kind, row.field)
        for row in conn.execute(offered)
        if (scopes := reached.get((row.source, row.kind))) and all(scopes)
    }


def _inputs(conn: Connection) -> dict[str, list[Any]]:
    """Return metric -> its definitions: from when, until when, and what they are computed from."""
    d: Any = kind_tables["metric_definition"].c
    asked = select(d.metric_id, d.valid_from, d.valid_to, d.inputs).where(d.vanished_at.is_(None))
    found: dict[str, list[Any]] = defaultdict(list)
    for row in conn.execute(asked):
        found[row.metric_id].append(row)
    return found


def _look(conn: Connection, _now: int) -> Iterator[Finding]:
    supplied, definitions = _supplied(conn), _inputs(conn)
    t: Any = child_tables["sla", "targets"].c
    a: Any = kind_tables["sla"].c
    asked = (
        select(_record.id, a.valid_from, t.metric)
        .select_from(kind_tables["sla"])
        .join(metadata.tables["record"], _record.sid == a.sid)
        .join(child_tables["sla", "targets"], t.sid == a.sid)
        .where(a.vanished_at.is_(None), a.valid_from.is_not(None))
        .order_by(_record.id, t.pos)
    )
    wanted: dict[str, dict[str, bool]] = defaultdict(dict)
    for row in conn.execute(asked):
        wanted[row.id] |= {
            named: tuple(named.split(".", 1)) in supplied
            for one in definitions.get(row.metric, ())
            if (one.valid_from or "") <= row.valid_from and (one.valid_to is None or one.valid_to > row.valid_from)
            for named in one.inputs or ()
        }
    for agreement, inputs in wanted.items():
        lost = sorted(named for named, there in inputs.items() if not there)
        yield Finding(
            not lost if inputs else None,
            subject=agreement,
            counted=len(inputs) - len(lost),
            out_of=len(inputs),
            detail=f"not read: {', '.join(lost)}" if lost else None,
        )


PROBES = (Probe(SUPPLIED, _look),)
"""Looks at every agreement: is each input of its metrics read completely? Without inputs nothing can be said."""
