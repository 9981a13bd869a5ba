"""Copy a whole store into an empty database of either engine, and prove that the copy is the same."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from hub.errors import StoreError
from hub.store import migration
from hub.store.content import Row, StoredTable, TableContent, Tally, contents, read_rows, stored_tables
from hub.store.counter import counters, set_counters
from hub.store.store import Store
from hub.store.verify import verify_chain, verify_revisions

__all__ = ["fill", "prove"]


def fill(
    source: Store, reader: Connection, target: Store, writer: Connection, told: Callable[[str], None]
) -> list[TableContent]:
    """Make the schema of `source` in an empty database and copy every row, in one snapshot and one transaction.

    Memory does not grow with the store: rows go from one driver to the other one by one. Then all is
    read again and compared, see `prove`. `told` hears the name of each table before it is copied.
    Returns what every table holds.
    """
    migration.upgrade(writer, migration.revision_of(reader) or "head")
    tables, landing = stored_tables(reader), {table.name: table for table in stored_tables(writer)}
    if [(one.name, one.columns) for one in tables] != [(one.name, one.columns) for one in landing.values()]:
        raise StoreError(f"{source.place} does not have the tables of its schema {migration.revision_of(reader)}")
    sent = []
    for table in tables:
        told(table.name)
        tally = Tally(table)
        _write(writer, target, landing[table.name], tally.through(_rows(source, reader, table)))
        sent.append(tally.content())
    set_counters(writer, counters(reader))
    if writer.dialect.name == "sqlite":
        writer.exec_driver_sql("PRAGMA analysis_limit = 400")
    writer.exec_driver_sql("ANALYZE")
    prove(writer, target.place, sent)
    return sent


def _rows(source: Store, reader: Connection, table: StoredTable) -> Iterator[Row]:
    with source.faults():
        yield from read_rows(reader, table)


def _write(writer: Connection, target: Store, table: StoredTable, rows: Iterator[Row]) -> None:
    quote = writer.dialect.identifier_preparer.quote
    name, columns = quote(table.name), ", ".join(map(quote, table.columns))
    driver: Any = writer.connection.driver_connection
    # What the migrations wrote themselves, such as the number of the schema, comes with the rows.
    writer.exec_driver_sql(f"DELETE FROM {name}")
    try:
        if target.dialect == "sqlite":
            driver.executemany(f"INSERT INTO {name} ({columns}) VALUES ({', '.join('?' * len(table.columns))})", rows)
            return
        with driver.cursor() as cursor, cursor.copy(f"COPY {name} ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
            # JSON travels as the text it is: parsed and written again it might be another.
            copy.set_types(["text" if word == "json" else word for word in table.types])
            for row in rows:
                copy.write_row(row)
    except (writer.dialect.loaded_dbapi.DataError, struct.error, OverflowError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise StoreError(f"{target.place}: table {table.name} cannot hold what the store has: {reason}") from error


def prove(conn: Connection, place: str, expected: Sequence[TableContent]) -> None:
    """Read everything and raise StoreError unless it is what is expected and documents and revisions verify.

    The chain of a store of an older schema is left to `hub verify` after its upgrade.
    """
    found = {one.name: one for one in contents(conn)}
    for one in expected:
        if (present := found.pop(one.name, None)) != one:
            rows = "no such table" if present is None else f"{present.rows} rows"
            raise StoreError(f"{place} is not as it was written: table {one.name} had {one.rows} rows, found {rows}")
    if found:
        raise StoreError(f"{place} is not as it was written: it also has the table {next(iter(found))}")
    if migration.state(conn) == "current":
        for checked in (*verify_chain(conn), verify_revisions(conn)):
            if checked.broken:
                raise StoreError(f"{place} does not verify: {checked.broken[0]}; look with: hub verify")
