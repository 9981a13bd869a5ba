"""Who owes, from when, and for which periods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, literal

from hub.conformance.unit import ORGANISATION, Unit, each, each_month, organisation, unit
from hub.records import Record, Service
from hub.store.schema import kind_tables
from hub.store.tables import metadata, record
from hub.store.writer import Write, write_records
from tests.conformance.laid import opened, told

START = 1_767_225_600_000  # 2026-01-01T00:00Z
DAY = 86_400_000
period: Any = metadata.tables["period"].c
service: Any = kind_tables["service"].c
JANUARY, FEBRUARY, MARCH = START, START + 31 * DAY, START + 59 * DAY


@pytest.fixture(scope="module")
def conn() -> Iterator[Connection]:
    with opened() as one:
        yield one


def shop(**fields: Any) -> Service:
    return Service(**{"id": "r:service/1", "source": "r", "created_at": JANUARY} | fields)


def owing(conn: Connection, of: Unit, *records: Record) -> list[tuple[Any, ...]]:
    write_records(conn, [Write(one) for one in records], known_at=1)
    found = told(conn, of.select(of.anchor, of.opened))
    conn.rollback()
    return sorted(tuple(row) for row in found)


def test_every_record_owes_once_from_when_it_was_recorded(conn: Connection) -> None:
    several = shop(), shop(id="r:service/2", created_at=None)
    assert owing(conn, unit("service"), *several) == [(0, 0), (0, JANUARY)]
    assert owing(conn, unit("service").opening(literal(7)), shop()) == [(0, 7)]
    assert owing(conn, unit("service").where(service.created_at < JANUARY), *several) == []


def test_only_the_organisation_is_the_organisation(conn: Connection) -> None:
    owner = organisation()
    write_records(conn, [Write(shop())], known_at=1)
    found = told(conn, owner.select(record.c.id, joined=owner.rows.join(record, record.c.sid == owner.sid)))
    conn.rollback()
    assert [tuple(row) for row in found] == [(ORGANISATION,)]
    assert owing(conn, owner, shop()) == [(0, 0)]
    assert (owner.has_envelope, unit("service").has_envelope) == (False, True)


@pytest.mark.parametrize(
    ("created", "start", "end", "expected"),
    [
        (JANUARY, "own", None, [JANUARY, FEBRUARY, MARCH]),
        (JANUARY + 1, "own", None, [FEBRUARY, MARCH]),
        (FEBRUARY, "own", None, [FEBRUARY, MARCH]),
        (MARCH, None, None, [JANUARY, FEBRUARY, MARCH]),
        (JANUARY, FEBRUARY, None, [FEBRUARY, MARCH]),
        (JANUARY, "own", MARCH, [JANUARY, FEBRUARY]),
        (JANUARY, "own", MARCH - 1, [JANUARY]),
    ],
)
def test_a_period_is_owed_where_it_lies_whole_within(
    conn: Connection, created: int, start: Any, end: int | None, expected: list[int]
) -> None:
    limits: dict[str, Any] = {"end": service.live_at}
    if start != "own":
        limits["start"] = service.updated_at
    one = shop(created_at=created, live_at=end, updated_at=None if start == "own" else start)
    of = each(unit("service"), **limits)
    found = [row for row in owing(conn, of, one) if row[0] <= MARCH]
    assert [anchor for anchor, _ in found] == expected
    assert all(opens == {JANUARY: FEBRUARY, FEBRUARY: MARCH}.get(anchor, opens) > anchor for anchor, opens in found)


def test_periods_of_other_lengths(conn: Connection) -> None:
    assert owing(conn, each(unit("service"), "half_year"), shop()) == [(JANUARY, START + 181 * DAY)]
    assert len(owing(conn, each_month())) == 6
