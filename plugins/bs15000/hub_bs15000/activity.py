"""How long ago an improvement action was last opened or changed: a check of the store by Python.

The actions of years are many; the part that asks must not read them all whenever one changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, func, select

from hub.conformance.probe import Finding, Probe
from hub.store.schema import kind_tables

__all__ = ["ACTIVE", "PROBES"]

ACTIVE = "improvement_activity"
"""Name of the check; it counts the whole days since then."""
_DAY_MS = 86_400_000


def _look(conn: Connection, now: int) -> Iterator[Finding]:
    a: Any = kind_tables["improvement_action"].c
    moved = conn.execute(select(func.max(a.created_at), func.max(a.updated_at))).one()
    known = [at for at in moved if at is not None and at <= now]
    if known:
        yield Finding(passed=True, counted=(now - max(known)) // _DAY_MS, detail="days since the last change")
    else:
        yield Finding(passed=False, detail="there is no improvement action")


PROBES = (Probe(ACTIVE, _look),)
"""Looks at the instants of all improvement actions."""
