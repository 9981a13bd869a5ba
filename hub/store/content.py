"""What a store holds, table by table, in a form that is the same on every engine: counts and hashes.

Rows come in the order of their key, columns in the order of their names; truth values are 0 and 1,
JSON is the text that was written. Tables are looked up in the database, not in this program, so that a
store of an older schema can be copied and compared too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, inspect

from hub.errors import StoreError

__all__ = ["MANIFEST", "Row", "StoredTable", "TableContent", "Tally", "contents", "read_rows", "stored_tables"]

MANIFEST = "backup_content"
"""Table of a backup that says what the other tables hold; never part of a store's content."""
Row = tuple[Any, ...]
_WORDS: tuple[tuple[type[sa.types.TypeEngine[Any]], str], ...] = (
    (sa.SmallInteger, "int2"),
    (sa.BigInteger, "int8"),
    (sa.Integer, "int4"),
    (sa.Boolean, "bool"),
    (sa.JSON, "json"),
    (sa.Float, "float8"),
    (sa.LargeBinary, "bytea"),
    (sa.String, "text"),
)
_SPOKEN = {
    "sqlite": {"json": "CAST({} AS TEXT)"},
    "postgresql": {"json": "{}::text", "bool": "{}::int4"},
}
"""How a column is read where its plain value would depend on the engine."""
_READ_AS = {"json": "text", "bool": "int4"}


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table as it stands in the database."""

    name: str
    columns: tuple[str, ...]
    """Sorted by name."""
    types: tuple[str, ...]
    """PostgreSQL's name of each column's type in this database."""
    key: tuple[str, ...]
    """Primary key, in its order."""


@dataclass(frozen=True, slots=True)
class TableContent:
    """What one table holds."""

    name: str
    rows: int
    digest: str
    """SHA-256 over all rows, hexadecimal."""


class Tally:
    """Counts and hashes the rows that go through it."""

    def __init__(self, table: StoredTable) -> None:
        self._name = table.name
        self._count = 0
        self._hash = hashlib.sha256("\0".join(table.columns).encode())
        self._encode = msgspec.msgpack.Encoder().encode

    def through(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Hand on rows, one after the other."""
        count, update, encode = 0, self._hash.update, self._encode
        for row in rows:
            update(encode(row))
            count += 1
            yield row
        self._count += count

    def content(self) -> TableContent:
        """Tell what went through."""
        return TableContent(self._name, self._count, self._hash.hexdigest())


def stored_tables(conn: Connection) -> list[StoredTable]:
    """List the tables of a store, sorted by name; views and the manifest of a backup are none."""
    look = inspect(conn)
    keys = {name: found["constrained_columns"] for (_, name), found in look.get_multi_pk_constraint().items() if found}
    tables = []
    for (_, name), columns in sorted(look.get_multi_columns().items(), key=lambda item: item[0][1]):
        if name == MANIFEST:
            continue
        chosen = sorted((column["name"], _word(column["type"], name)) for column in columns)
        names = tuple(name for name, _ in chosen)
        tables.append(StoredTable(name, names, tuple(word for _, word in chosen), tuple(keys.get(name, ())) or names))
    return tables


def _word(kind: sa.types.TypeEngine[Any], table: str) -> str:
    for base, word in _WORDS:
        if isinstance(kind, base):
            return word
    raise StoreError(f"table {table} has a column of type {kind}, which the hub does not use")


def read_rows(conn: Connection, table: StoredTable) -> Iterator[Row]:
    """Yield all rows in the order of their key, one at a time, as int, float, str, bytes or None.

    Uses the driver's connection: no row is held longer than it takes to hand it on.
    """
    quote = conn.dialect.identifier_preparer.quote
    spoken = _SPOKEN[conn.dialect.name]
    columns = ", ".join(
        spoken.get(word, "{}").format(quote(name)) for name, word in zip(table.columns, table.types, strict=True)
    )
    query = f"SELECT {columns} FROM {quote(table.name)} ORDER BY {', '.join(map(quote, table.key))}"
    driver: Any = conn.connection.driver_connection
    if conn.dialect.name == "sqlite":
        yield from driver.execute(query)
        return
    with driver.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)") as copy:
        copy.set_types([_READ_AS.get(word, word) for word in table.types])
        yield from copy.rows()


def contents(conn: Connection, tables: Sequence[StoredTable] | None = None) -> list[TableContent]:
    """Count and hash every table, or those given."""
    found = []
    for table in stored_tables(conn) if tables is None else tables:
        tally = Tally(table)
        for _ in tally.through(read_rows(conn, table)):
            pass
        found.append(tally.content())
    return found
