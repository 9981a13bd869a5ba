"""A store in memory with the organisation's days, and what evidence lays beside a unit, read by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, StaticPool, create_engine, insert, select

from hub.conformance.evidence import Evidence
from hub.conformance.expression import CALENDAR, narrow, write
from hub.conformance.unit import ORGANISATION, Unit
from hub.records import Record
from hub.sla.calendar import BUILT_IN, Calendar
from hub.sla.materialise import materialise
from hub.store import tables
from hub.store.schema import metadata
from hub.store.writer import Write, write_records

FIRST, LAST = date(2026, 1, 1), date(2026, 6, 30)


@contextmanager
def opened() -> Iterator[Connection]:
    """Office hours of the organisation in UTC; another calendar whose days begin at other instants and never close."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    with engine.connect() as conn:
        own = Calendar(id=CALENDAR, zone="UTC", weekly=BUILT_IN["5x8"])
        other = Calendar(id="other", zone="Asia/Tokyo", weekly=BUILT_IN["7x24"])
        materialise(conn, [own, other], "UTC", FIRST, LAST)
        conn.execute(insert(tables.record), {"id": ORGANISATION, "kind": "organisation", "source": "hub", "scope": ""})
        conn.commit()
        yield conn
    engine.dispose()


def told(conn: Connection, rows: Select[Any]) -> list[Any]:
    """Return what a select of units finds, as it is run when all of them are derived."""
    return list(conn.exec_driver_sql(narrow(write(rows, conn.dialect))).all())


def beside(conn: Connection, owing: Unit, evidence: Evidence, *records: Record, every: bool = True) -> list[Any]:
    """Write the records, return (unit, record, at, lacks, counts …) with ids for numbers, and forget them again."""
    write_records(conn, [Write(one) for one in records], known_at=1)
    found = [row for rows in evidence.beside(owing, [owing.sid.label("unit")], every=every) for row in told(conn, rows)]
    ids = dict(conn.execute(select(tables.record.c.sid, tables.record.c.id)).all())
    conn.rollback()
    named = [row._asdict() | {"unit": ids[row.unit], "record": ids.get(row.record)} for row in found]
    return sorted(named, key=lambda row: (row["unit"], row["record"] or ""))
