"""Copies of the store that can be trusted: taken while others read and write, checked before they count."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from sqlalchemy import inspect, text

from hub.errors import Locked, StoreError
from hub.store import migration
from hub.store.store import Store

__all__ = ["backup", "restore"]

_MARKER = b"PGDMP"
"""How a file of pg_dump's custom format begins."""


def backup(store: Store, target: Path, *, force: bool = False) -> int:
    """Write a checked copy of the store to a file only its owner may read; return its size in bytes.

    SQLite: a database file; PostgreSQL: a file of pg_dump's custom format. Raises StoreError when the
    file is there already and `force` is not set, or when the copy is not sound.
    """
    if target.exists() and not force:
        raise StoreError(f"{target} is there already; choose another name, or add --force to replace it")
    part = target.with_name(f"{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        if store.dialect == "sqlite":
            _copy_sqlite(Path(store.place), part)
            _check_sqlite(part)
        else:
            _run("pg_dump", "--format=custom", f"--file={part}", store=store)
            # Reading the table of contents fails on a cut file.
            _run("pg_restore", "--list", str(part))
        part.replace(target)
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size


def restore(url: str, source: Path, *, base_dir: Path, force: bool = False) -> str:
    """Put a backup in the place of the store at `url`; return where that is.

    The backup is checked before anything is touched. Raises StoreError when the store holds
    something and `force` is not set, or when another process uses it.
    """
    if not source.is_file():
        raise StoreError(f"there is no backup {source}")
    with source.open("rb") as stream:
        is_dump = stream.read(len(_MARKER)) == _MARKER
    store = Store.attach(url, base_dir=base_dir, create=True)
    try:
        if is_dump != (store.dialect == "postgresql"):
            kind = "PostgreSQL" if is_dump else "SQLite"
            raise StoreError(f"{source} is a backup of {kind}, the store is {store.dialect}")
        if _holds_something(store) and not force:
            raise StoreError(f"{store.place} holds a store already; add --force to replace it")
        if is_dump:
            _restore_postgresql(store, source)
        else:
            _restore_sqlite(store, source)
        return store.place
    finally:
        store.close()


def _holds_something(store: Store) -> bool:
    try:
        with store.connect() as conn:
            return migration.state(conn) != "empty"
    except Locked:
        raise
    except StoreError:
        if store.dialect == "postgresql":
            raise
        return True  # damaged: all the more reason to restore, and to be asked first


def _restore_sqlite(store: Store, source: Path) -> None:
    _check_sqlite(source)
    try:
        with store.begin():
            pass
    except Locked:
        raise
    except StoreError:
        # Damaged: SQLite cannot write into it. It is kept aside for whoever wants to look at it.
        store.close()
        path = Path(store.place)
        for ending in ("-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
        path.replace(path.with_name(f"{path.name}.damaged"))
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    _copy_sqlite(source, Path(store.place))


def _copy_sqlite(source: Path, target: Path) -> None:
    """Copy page by page with SQLite's own backup, which is right while others write."""
    try:
        with closing(sqlite3.connect(source)) as reader, closing(sqlite3.connect(target)) as writer:
            reader.backup(writer)
    except sqlite3.Error as error:
        raise StoreError(f"{source} cannot be copied to {target}: {error}") from error


def _check_sqlite(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path)) as conn:
            faults = [row[0] for row in conn.execute("PRAGMA integrity_check(5)")]
            has_schema = conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path} is no backup of the hub: {error}") from error
    if faults != ["ok"]:
        raise StoreError(f"{path} is damaged: {'; '.join(faults)}")
    if has_schema is None:
        raise StoreError(f"{path} is no backup of the hub: it holds no schema")


def _restore_postgresql(store: Store, source: Path) -> None:
    _run("pg_restore", "--list", str(source))
    with store.begin() as conn:
        quoted = conn.dialect.identifier_preparer.quote
        for name in inspect(conn).get_view_names():
            conn.execute(text(f"DROP VIEW {quoted(name)} CASCADE"))
        for name in inspect(conn).get_table_names():
            conn.execute(text(f"DROP TABLE {quoted(name)} CASCADE"))
    _run("pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", str(source), store=store)


def _run(program: str, *arguments: str, store: Store | None = None) -> None:
    """Run one of PostgreSQL's programs; the password goes by environment, where other users cannot read it."""
    found = shutil.which(program)
    if found is None:
        raise StoreError(
            f"{program} is not installed here; install PostgreSQL's client programs, or use the server's backup"
        )
    environment: Mapping[str, str] = os.environ
    connection: list[str] = []
    if store is not None:
        url = store.engine.url
        environment = {**os.environ, "PGPASSWORD": str(url.password)} if url.password else os.environ
        parts = {"host": url.host, "port": url.port, "username": url.username, "dbname": url.database}
        connection = [f"--{name}={value}" for name, value in parts.items() if value is not None]
    done = subprocess.run(  # noqa: S603 - a program found on PATH with arguments of ours
        [found, *connection, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        raise StoreError(f"{program} failed: {(done.stderr.strip().splitlines() or ['no reason given'])[0]}")
