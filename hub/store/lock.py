"""Locks between processes that share a PostgreSQL store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from hub.errors import Locked
from hub.store.store import Store

__all__ = ["hold_advisory"]


_WHO = text(
    "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
    " WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND ((l.classid::bigint << 32) | l.objid::bigint) = :key"
)


@contextmanager
def hold_advisory(store: Store, name: str, holder: str) -> Iterator[None]:
    """Hold the advisory lock `name` on a connection of its own; the server drops it with the connection.

    `holder` says who and since when, in words; a second process reads it (cut to 63 bytes) from the
    connection's name. Raises Locked at once when the lock is taken.
    """
    key = int.from_bytes(hashlib.sha256(f"itsm-hub {name}".encode()).digest()[:8], "big", signed=True)
    with store.faults(), store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        if not conn.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar_one():
            other = conn.execute(_WHO, {"key": key}).scalar()
            raise Locked(f"{name}: held by {other or 'another process'}")
        # Not given back to the pool: the name belongs to this connection, and closing it frees the lock.
        conn.detach()
        conn.execute(text("SELECT set_config('application_name', :holder, false)"), {"holder": holder})
        yield
