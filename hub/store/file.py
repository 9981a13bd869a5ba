"""Files of SQLite stores: written beside their place and put there whole, copied page by page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool

from hub.errors import StoreError
from hub.store.fault import as_store_error
from hub.store.sqlite import OPENING, sqlite3
from hub.store.store import Store

__all__ = ["copy_pages", "new_file", "put_aside", "read_file"]

_SIDES = ("-wal", "-shm", "-journal")


@contextmanager
def new_file(path: Path) -> Iterator[Store]:
    """Make a store nobody sees before it is whole: `<name>.part`, only its owner's, takes its place at the end.

    Killed in between, the part stays behind; the next call begins anew. It is written without a
    journal: half a part is worth nothing.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        _forget(part)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        store = Store.attach("sqlite:///" + part.name, base_dir=part.parent)

        @event.listens_for(store.engine, "connect")
        def configure(driver: Any, _record: Any) -> None:
            driver.execute("PRAGMA journal_mode=OFF")
            driver.execute("PRAGMA synchronous=OFF")

        try:
            yield store
        finally:
            store.close()
        with part.open("rb") as stream:
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        _forget(part)


def _forget(part: Path) -> None:
    for ending in ("", *_SIDES):
        part.with_name(part.name + ending).unlink(missing_ok=True)


@contextmanager
def read_file(path: Path) -> Iterator[Store]:
    """Open a file nobody writes, without changing a byte of it or of its folder."""
    name = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"

    def opened() -> sqlite3.Connection:
        connection: sqlite3.Connection = sqlite3.connect(name, uri=True, **OPENING)
        return connection

    engine = create_engine("sqlite+pysqlite://", module=sqlite3, creator=opened, poolclass=NullPool)
    yield Store(engine, place=str(path))


def copy_pages(source: sqlite3.Connection, target: Path) -> None:
    """Copy a database into a file with SQLite's own backup, whole or not at all, while others read and write.

    A transaction open on `source` decides which state is copied.
    """
    try:
        with closing(sqlite3.connect(target, **OPENING)) as writer:
            source.backup(writer)
    except sqlite3.Error as error:
        raise as_store_error(error, str(target)) or StoreError(f"{target} cannot be written: {error}") from error


def put_aside(path: Path, aside: Path) -> None:
    """Rename a damaged file, with what SQLite keeps beside it, and leave an empty one in its place."""
    for ending in ("", *_SIDES):
        file = path.with_name(path.name + ending)
        if file.exists():
            file.replace(aside.with_name(aside.name + ending))
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
