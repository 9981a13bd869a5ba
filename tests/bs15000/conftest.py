"""Judge a few records by one part of a requirement, straight from its SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, StaticPool, create_engine, insert, select

from hub.conformance.expression import CALENDAR
from hub.conformance.part import Part
from hub.conformance.unit import ORGANISATION
from hub.records import Record
from hub.sla.calendar import BUILT_IN, Calendar, built_in
from hub.sla.materialise import materialise
from hub.store import tables
from hub.store.schema import metadata
from hub.store.writer import Write, write_records
from hub_bs15000.catalogue import load_pack
from tests.store_fixtures import database_url

ZONE = "Europe/Berlin"
Judge = Callable[..., str]


@pytest.fixture(scope="session")
def parts() -> dict[tuple[str, str], Part]:
    """Every part of the pack with default parameters, by requirement and name."""
    return {(one.id, part.name): part for one in load_pack().requirements({}) for part in one.parts}


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def empty(request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A store with a calendar and months, without records; every test rolls back what it writes."""
    if request.param == "sqlite":
        engine = create_engine("sqlite://", poolclass=StaticPool)
    else:
        dsn = request.getfixturevalue("postgres_dsn")
        with psycopg.connect(dsn, autocommit=True) as server:
            server.execute("CREATE DATABASE hub_bs15000")
        engine = create_engine(database_url(dsn, "hub_bs15000"))
    metadata.create_all(engine)
    with engine.connect() as conn:
        calendar = Calendar(id=CALENDAR, zone=ZONE, weekly=BUILT_IN["5x8"])
        materialise(conn, [calendar, *built_in(ZONE)], ZONE, date(2025, 1, 1), date(2027, 12, 31))
        conn.execute(insert(tables.record), {"id": ORGANISATION, "kind": "organisation", "source": "hub", "scope": ""})
        conn.commit()
        yield conn
    engine.dispose()


@pytest.fixture
def judge(empty: Connection, parts: dict[tuple[str, str], Part]) -> Iterator[Judge]:
    """Say how a part stands for a unit: `met`, `not_met`, `lacking`, `pending`, or `none` where nothing is owed."""

    def judged(requirement: str, name: str, records: list[Record], unit: str, anchor: Any = None) -> str:
        write_records(empty, [Write(one) for one in records], known_at=1)
        sid = dict(empty.execute(select(tables.record.c.id, tables.record.c.sid)).all())
        wanted = sid.get(anchor, anchor) if isinstance(anchor, str) else anchor
        sql = parts[f"BS15000-{requirement}", name].sql(empty.dialect)
        rows = [row for row in empty.exec_driver_sql(sql) if row.unit == sid[unit]]
        assert len({row.anchor for row in rows}) == len(rows), "one obligation a unit and anchor"
        found = [row for row in rows if wanted is None or row.anchor == wanted]
        assert len(found) <= 1, f"say which anchor: {[row.anchor for row in rows]}"
        return _stands(found[0]) if found else "none"

    yield judged
    empty.rollback()


def _stands(row: Any) -> str:
    far = 9_000_000_000_000_000
    due = far if row.due_at is None else row.due_at
    if row.met_at is not None and row.met_at <= due and (row.lost_at is None or row.lost_at > due):
        return "met"
    if row.lacks:
        return "lacking"
    return "pending" if row.due_at is None else "not_met"
