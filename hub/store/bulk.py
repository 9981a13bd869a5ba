"""Many rows at once, past everything that costs something a row: how the writer fills its tables.

SQLite takes them by the driver's `executemany`, several a statement; PostgreSQL by binary COPY, or, where rows may be there
already, as one array a column in a single upsert (one round trip; a temporary table would be three).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Float,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    any_,
    bindparam,
    func,
    literal,
    select,
)
from sqlalchemy import Text as AnyText
from sqlalchemy.exc import DBAPIError

__all__ = ["Row", "among", "as_listed", "listed", "put", "remove"]

V = TypeVar("V", int, str)

_TOGETHER = 30
"""Rows a statement of SQLite, if they are narrow; more gain nothing."""
_PARAMETERS = 900
"""Values a statement of SQLite."""
Row = tuple[Any, ...]
"""Values in the order of the columns, as both drivers take them: None, bool, int, float, str, bytes; JSON as text."""
_COPIED: tuple[tuple[type, str, str], ...] = (
    (BigInteger, "int8", "bigint"),
    (SmallInteger, "int2", "smallint"),
    (Integer, "int4", "integer"),
    (Boolean, "bool", "boolean"),
    (Float, "float8", "double precision"),
    (LargeBinary, "bytea", "bytea"),
    (JSON, "text", "json"),
    (AnyText, "text", "text"),
)
"""Type of a column (subclasses first) -> how COPY sends its values, what an array of them is cast to."""


def put(conn: Connection, table: Table, rows: Sequence[Row], *, columns: str = "", key: str = "") -> None:
    """Insert rows; with `key`, a row of the same key gets the other columns given instead.

    `columns` names what a row holds, apart by blanks; empty = all columns of the table, in order.
    """
    if not rows:
        return
    names = tuple(columns.split()) or tuple(table.c.keys())
    if conn.dialect.name == "sqlite":
        _put_together(conn, table, names, key, rows)
    elif key:
        conn.exec_driver_sql(_upsert_arrays(table, names, key), tuple(map(list, zip(*rows, strict=True))))
    else:
        _copy(conn, table, names, rows)


def remove(conn: Connection, tables: Iterable[Table], sids: Collection[int]) -> None:
    """Delete the rows of records from tables that have a `sid`."""
    if not sids:
        return
    if conn.dialect.name == "sqlite":
        listed = msgspec.json.encode(list(sids)).decode()
        for table in tables:
            conn.exec_driver_sql(f'DELETE FROM "{table.name}" WHERE sid IN (SELECT value FROM json_each(?))', (listed,))
    else:
        conn.exec_driver_sql(_deletes(tuple(tables)), (list(sids),))


def among(conn: Connection, column: ColumnElement[V], values: Collection[V]) -> ColumnElement[bool]:
    """Say that a column is one of many values, by one parameter however many there are."""
    if conn.dialect.name == "sqlite":
        each = func.json_each(msgspec.json.encode(list(values)).decode()).table_valued("value")
        return column.in_(select(each.c.value))
    return column == any_(literal(list(values), ARRAY(column.type)))


def listed(engine: str, column: ColumnElement[V]) -> ColumnElement[bool]:
    """Say that a column is one of the values which `as_listed` hands over.

    For queries that are made once an engine and kept: making one takes several times as long as running it.
    """
    if engine == "sqlite":
        return column.in_(select(func.json_each(bindparam("listed")).table_valued("value").c.value))
    return column == any_(bindparam("listed", type_=ARRAY(column.type)))


def as_listed(conn: Connection, values: Iterable[V]) -> dict[str, Any]:
    """Give the parameter of a query that asks for what is `listed`."""
    found = list(values)
    return {"listed": msgspec.json.encode(found).decode() if conn.dialect.name == "sqlite" else found}


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _into(table: Table, names: Sequence[str]) -> str:
    return f'INSERT INTO "{table.name}" ({_quoted(names)})'


def _on_conflict(names: Sequence[str], key: str) -> str:
    if not key:
        return ""
    changed = ", ".join(f'"{name}" = excluded."{name}"' for name in names if name != key)
    return f' ON CONFLICT ("{key}") DO UPDATE SET {changed}'


def _put_together(conn: Connection, table: Table, names: tuple[str, ...], key: str, rows: Sequence[Row]) -> None:
    """Insert as many rows a statement as it takes, and what is left over one by one.

    A row costs half, and at each statement the driver lets go of Python's lock, which those that read ahead may keep.
    """
    most = max(1, min(_TOGETHER, _PARAMETERS // len(names)))
    whole = len(rows) - len(rows) % most
    if whole:
        several = [tuple(chain.from_iterable(rows[first : first + most])) for first in range(0, whole, most)]
        conn.exec_driver_sql(_insert(table, names, key, most), several)
    if whole < len(rows):
        conn.exec_driver_sql(_insert(table, names, key, 1), list(rows[whole:]))


@cache
def _insert(table: Table, names: tuple[str, ...], key: str, rows: int) -> str:
    row = f"({', '.join('?' * len(names))})"
    return f"{_into(table, names)} VALUES {', '.join([row] * rows)}{_on_conflict(names, key)}"


@cache
def _upsert_arrays(table: Table, names: tuple[str, ...], key: str) -> str:
    arrays = ", ".join(f"%s::{_type(table, name)[1]}[]" for name in names)
    return f"{_into(table, names)} SELECT * FROM unnest({arrays}){_on_conflict(names, key)}"


@cache
def _deletes(tables: tuple[Table, ...]) -> str:
    """Delete from all tables in one statement: a round trip each is what costs."""
    deletes = ", ".join(
        f'd{n} AS (DELETE FROM "{one.name}" WHERE sid = ANY((SELECT sids FROM given)::bigint[]))'
        for n, one in enumerate(tables)
    )
    return f"WITH given AS (SELECT %s::bigint[] AS sids), {deletes} SELECT 1"


@cache
def _copied(table: Table, names: tuple[str, ...]) -> tuple[str, list[str]]:
    return (
        f'COPY "{table.name}" ({_quoted(names)}) FROM STDIN (FORMAT BINARY)',
        [_type(table, name)[0] for name in names],
    )


def _type(table: Table, name: str) -> tuple[str, str]:
    return next((sent, cast) for kind, sent, cast in _COPIED if isinstance(table.c[name].type, kind))


def _copy(conn: Connection, table: Table, names: tuple[str, ...], rows: Sequence[Row]) -> None:
    statement, types = _copied(table, names)
    driver: Any = conn.connection.driver_connection
    faults = conn.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
    except faults as error:
        raise DBAPIError.instance(statement, None, error, faults, hide_parameters=True) from error
