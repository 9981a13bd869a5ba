"""How the store is: its schema, its size, what it holds, and whether judging has caught up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select, text

from hub.store import migration
from hub.store.store import Store
from hub.store.tables import change_log, raw_document, record, requirement_state, revision

__all__ = ["StoreStatus", "lag", "status"]


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What `hub db status` shows."""

    place: str
    dialect: str
    schema: str | None
    """Revision of its schema, None where there is none."""
    state: migration.State
    size: int
    """Bytes on disk, SQLite's write-ahead log included."""
    records: Mapping[str, int]
    """Records by kind."""
    documents: int
    revisions: int
    lag: int
    """Changes that judging has not worked off yet."""


def lag(conn: Connection) -> int:
    """Count the changes that the slowest requirement has not worked off; all of them where nothing was judged yet."""
    seen = select(func.coalesce(func.min(requirement_state.c.watermark), 0)).scalar_subquery()
    return conn.execute(select(func.count()).select_from(change_log).where(change_log.c.seq > seen)).scalar_one()


def status(store: Store) -> StoreStatus:
    """Look at a store, migrated or not."""
    with store.connect() as conn:
        state = migration.state(conn)
        schema = migration.revision_of(conn)
        size = _size(store, conn)
        if state != "current":
            return StoreStatus(store.place, store.dialect, schema, state, size, {}, 0, 0, 0)
        kinds = conn.execute(
            select(record.c.kind, func.count())
            .where(record.c.kind.is_not(None))
            .group_by(record.c.kind)
            .order_by(record.c.kind)
        ).all()
        return StoreStatus(
            store.place,
            store.dialect,
            schema,
            state,
            size,
            {str(kind): int(number) for kind, number in kinds},
            conn.execute(select(func.count()).select_from(raw_document)).scalar_one(),
            conn.execute(select(func.count()).select_from(revision)).scalar_one(),
            lag(conn),
        )


def _size(store: Store, conn: Connection) -> int:
    if store.dialect == "postgresql":
        return int(conn.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    path = Path(store.place)
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
