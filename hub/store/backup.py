"""Backups: one SQLite file from either engine, with what it has to hold written inside, loaded into either engine.

The file is a store; `backup_content` in it says how many rows each table has and what they hash to, so
that a single altered byte is noticed before anything is restored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError

from hub.clock import format_instant
from hub.errors import Locked, StoreError
from hub.store import migration
from hub.store.content import MANIFEST, TableContent, contents
from hub.store.file import copy_pages, new_file, put_aside, read_file
from hub.store.fill import fill, prove
from hub.store.sqlite import OPENING, sqlite3
from hub.store.store import Store
from hub.store.undone import Undone, undone_by
from hub.store.views import drop_views

__all__ = ["Restored", "backup", "restore"]


@dataclass(frozen=True, slots=True)
class Restored:
    """A backup that is in the place of a store now."""

    place: str
    former: str | None
    """Where the former store was put; None = there was none."""
    undone: Undone | None
    """What had been taken out since and is there again; None = there was no store to compare, or a damaged one."""


def backup(store: Store, target: Path, *, force: bool = False) -> int:
    """Write a proven copy of the store to a file only its owner may read; return its size in bytes.

    The copy is one state of the store, whatever others write meanwhile; its schema may be older than
    this program. Raises StoreError when the file is there already and `force` is not set, or when the
    copy is not sound; then the file is as it was.
    """
    if target.exists() and not force:
        raise StoreError(f"{target} is there already; choose another name, or add --force to replace it")
    with store.connect() as reader:
        _require_known(migration.state(reader), store.place)
        with new_file(target) as copy:
            if store.dialect == "sqlite":
                found = contents(reader)
                copy_pages(_driver(reader), Path(copy.place))
                with copy.connect() as conn:
                    prove(conn, copy.place, found)
            else:
                with copy.begin() as writer:
                    found = fill(store, reader, copy, writer, lambda _: None)
            with copy.begin() as writer:
                _write_manifest(writer, found)
            _close_file(copy)
    return target.stat().st_size


def _driver(conn: Connection) -> Any:
    return conn.connection.driver_connection


def _close_file(copy: Store) -> None:
    """Make it one file that can be read from where nothing may be written, and look at every page once more."""
    copy.close()
    with sqlite3.connect(copy.place, **OPENING) as conn:
        conn.execute("PRAGMA journal_mode=DELETE")
    conn.close()
    with read_file(Path(copy.place)) as file, file.connect() as reader:
        _check_pages(reader, copy.place)


def _write_manifest(conn: Connection, found: Sequence[TableContent]) -> None:
    conn.exec_driver_sql(f"DROP TABLE IF EXISTS {MANIFEST}")
    conn.exec_driver_sql(
        f"CREATE TABLE {MANIFEST} (name TEXT PRIMARY KEY, rows_ INTEGER NOT NULL, digest TEXT NOT NULL)"
    )
    conn.exec_driver_sql(
        f"INSERT INTO {MANIFEST} VALUES (?, ?, ?)", [(one.name, one.rows, one.digest) for one in found]
    )


def restore(url: str, source: Path, *, base_dir: Path, now: int, force: bool = False) -> Restored:
    """Put a backup in the place of the store at `url`; tell where the former store is and what came back.

    All of the backup is read and proven before anything is touched. A former store is kept: on SQLite
    in a file beside it, on PostgreSQL in a schema of its own. Whoever calls holds the locks of all
    readings. Raises StoreError when the store holds something and `force` is not set, when it holds
    tables of another program, or when the backup is not sound.
    """
    if not source.is_file():
        raise StoreError(f"there is no backup {source}")
    with read_file(source) as file:
        found = _prove_backup(file, source)
        store = Store.attach(url, base_dir=base_dir, create=True)
        try:
            held = _held(store)
            if held == "foreign":
                migration.require_current("foreign", store.place)
            if held != "empty" and not force:
                raise StoreError(f"{store.place} holds a store already; add --force to replace it")
            undone = None if held in ("empty", None) else _undone(file, store)
            name = f"before-{format_instant(now).replace(':', '').replace('-', '').lower()}"
            if store.dialect == "sqlite":
                aside = None if held == "empty" else Path(f"{store.place}.{name}")
                _restore_file(store, file, found, aside, damaged=held is None)
                return Restored(store.place, None if aside is None else str(aside), undone)
            schema = None if held == "empty" else name.replace("-", "_")
            _restore_database(store, file, found, schema)
            return Restored(store.place, None if schema is None else f"schema {schema}", undone)
        finally:
            store.close()


def _undone(file: Store, store: Store) -> Undone | None:
    """Compare the logs; None = the store is too damaged for it, and no less to be replaced."""
    try:
        with file.connect() as kept, store.connect() as former:
            return undone_by(kept, former)
    except StoreError:
        if store.dialect == "postgresql":
            raise
        return None


def _prove_backup(file: Store, source: Path) -> list[TableContent]:
    """Check that it is a backup, whole, and of a schema this program knows; return what it holds."""
    with source.open("rb") as stream:
        if stream.read(5) == b"PGDMP":
            raise StoreError(f"{source} was written by pg_dump; load it with pg_restore")
    try:
        with file.engine.connect() as conn:
            _check_pages(conn, str(source))
            if not inspect(conn).has_table(MANIFEST):
                raise StoreError(f"{source} is no backup of the hub: `hub db backup` did not write it")
            _require_known(migration.state(conn), str(source))
            rows = conn.exec_driver_sql(f"SELECT name, rows_, digest FROM {MANIFEST}")
            found = sorted(
                (TableContent(str(name), int(count), str(digest)) for name, count, digest in rows),
                key=lambda one: one.name,
            )
            prove(conn, str(source), found)
    except (sqlite3.Error, DBAPIError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise StoreError(f"{source} is damaged or no backup of the hub: {reason}") from error
    return found


def _check_pages(conn: Connection, place: str) -> None:
    faults = [str(row[0]) for row in conn.exec_driver_sql("PRAGMA integrity_check(5)")]
    if faults != ["ok"]:
        raise StoreError(f"{place} is damaged: {'; '.join(' '.join(fault.split()) for fault in faults)}")


def _require_known(state: migration.State, place: str) -> None:
    if state != "older":
        migration.require_current(state, place)


def _held(store: Store) -> migration.State | None:
    """Tell what the store is; None = a damaged file of SQLite."""
    try:
        with store.begin() as conn:
            return migration.state(conn)
    except Locked:
        raise
    except StoreError:
        if store.dialect == "postgresql":
            raise
        return None


def _restore_file(
    store: Store, file: Store, found: Sequence[TableContent], former: Path | None, *, damaged: bool
) -> None:
    """Copy pages into the file in one transaction of SQLite: who has it open sees the old or the new."""
    path = Path(store.place)
    if damaged:
        store.close()
        put_aside(path, Path(str(former)))
    elif former is not None:
        with store.connect() as reader, new_file(former) as copy:
            copy_pages(_driver(reader), Path(copy.place))
    with file.connect() as reader:
        copy_pages(_driver(reader), path)
    with store.begin() as conn:
        conn.exec_driver_sql(f"DROP TABLE {MANIFEST}")
        prove(conn, store.place, found)


def _restore_database(store: Store, file: Store, found: Sequence[TableContent], schema: str | None) -> None:
    """Load the backup in one transaction; the former tables go to a schema of their own."""
    with file.connect() as reader, store.begin() as writer:
        if schema is not None:
            quote = writer.dialect.identifier_preparer.quote
            drop_views(writer)
            writer.exec_driver_sql(f"CREATE SCHEMA {quote(schema)}")
            for name in inspect(writer).get_table_names():
                writer.exec_driver_sql(f"ALTER TABLE {quote(name)} SET SCHEMA {quote(schema)}")
        if fill(file, reader, store, writer, lambda _: None) != list(found):
            raise StoreError(f"{file.place} was changed while it was read; the store is as it was")
