"""Take a store from one engine to the other: every row, checked on both sides, and the source left as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from hub.errors import StoreError
from hub.store import migration
from hub.store.content import TableContent
from hub.store.file import new_file
from hub.store.fill import fill
from hub.store.store import Store, sqlite_path

__all__ = ["move"]


def move(source: Store, url: str, *, base_dir: Path, told: Callable[[str], None]) -> tuple[str, list[TableContent]]:
    """Copy the store into the empty database at `url`; return where that is and what every table holds.

    Whoever calls holds the locks of all readings; writers without a lock wait until it is done. The copy
    is there whole or not at all: killed in between, PostgreSQL undoes it and SQLite leaves a `.part`
    that the next call begins anew. Raises StoreError when the target holds something, may not be written,
    or differs at the end.
    """
    # The first keeps writers out, the second sees one snapshot; only this order leaves nothing between them.
    with source.begin(), source.connect() as reader:
        migration.require_current(migration.state(reader), source.place)
        with _empty(url, base_dir) as (target, writer):
            return target.place.removesuffix(".part"), fill(source, reader, target, writer, told)


@contextmanager
def _empty(url: str, base_dir: Path) -> Iterator[tuple[Store, Connection]]:
    path = sqlite_path(url, base_dir)
    if path is not None:
        if path.exists() and path.stat().st_size:
            raise StoreError(f"{path} is there already; name a file that does not exist")
        with new_file(path) as target, target.begin() as writer:
            yield target, writer
        return
    target = Store.attach(url, base_dir=base_dir)
    try:
        with target.begin() as writer:
            require_empty(target, writer)
            yield target, writer
    finally:
        target.close()


def require_empty(target: Store, conn: Connection) -> None:
    """Raise StoreError unless a database of PostgreSQL has no table and can hold every text."""
    if migration.state(conn) != "empty":
        raise StoreError(f"{target.place} holds tables already; name an empty database (createdb)")
    if (encoding := conn.exec_driver_sql("SHOW server_encoding").scalar_one()) != "UTF8":
        raise StoreError(f"{target.place} is encoded in {encoding}; make one with: createdb --encoding UTF8")
