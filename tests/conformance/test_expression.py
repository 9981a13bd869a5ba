"""The expressions requirements are written in, at the instants where they turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import BigInteger, Connection, Integer, column, insert, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from hub.conformance.expression import (
    business_days_after,
    business_hours_after,
    counted,
    day_begins,
    days_after,
    earlier_of,
    exactly,
    filled,
    hours_after,
    later_of,
    minutes_after,
    narrow,
    no_instant,
    no_text,
    since_when,
    touched,
    write,
    year_after,
)
from hub.conformance.owed import NEVER
from hub.store import tables
from tests.conformance.laid import opened

HOUR = 3_600_000
DAY = 24 * HOUR
START = 1_767_225_600_000  # Thursday 2026-01-01T00:00Z
END = START + 181 * DAY  # 2026-07-01


@pytest.fixture(scope="module")
def conn() -> Iterator[Connection]:
    with opened() as one:
        yield one


def day(number: float, *, ms: int = 0) -> int:
    return START + int(number * DAY) + ms


def instant(value: int | None) -> Any:
    return no_instant() if value is None else literal(value, BigInteger)


@pytest.mark.parametrize(
    ("first", "second", "later", "earlier"),
    [(1, 2, 2, 1), (2, 1, 2, 1), (None, 1, None, 1), (1, None, None, 1), (None, None, None, None)],
)
def test_of_two_instants(
    conn: Connection, first: int | None, second: int | None, later: int | None, earlier: int | None
) -> None:
    two = instant(first), instant(second)
    assert tuple(conn.execute(select(later_of(*two), earlier_of(*two))).one()) == (later, earlier)


def test_what_stands_for_no_instant_is_the_largest_number_of_a_column() -> None:
    two = instant(1), instant(2)
    for expression, dialect in ((earlier_of(*two), sqlite.dialect()), (later_of(*two), postgresql.dialect())):
        assert write(select(expression), dialect).count("9223372036854775807") == 3


def test_elapsed_time(conn: Connection) -> None:
    expressions = hours_after(instant(1), 1.5), minutes_after(instant(1), 2), minutes_after(instant(1), literal(3))
    assert tuple(conn.execute(select(*expressions)).one()) == (5_400_001, 120_001, 180_001)


@pytest.mark.parametrize(
    ("at", "hours", "expected"),
    [
        (day(0, ms=8 * HOUR), 1, day(0, ms=9 * HOUR)),  # the first opening there is
        (day(0, ms=7 * HOUR), 1, None),  # before it, nobody knows
        (day(120, ms=8 * HOUR), 4, day(120, ms=12 * HOUR)),  # Friday 2026-05-01: to the last instant before lunch
        (day(120, ms=8 * HOUR + 1), 4, day(120, ms=13 * HOUR + 1)),
        (day(120, ms=8 * HOUR), 4.1, day(120, ms=int(13.1 * HOUR))),
        (day(120, ms=12 * HOUR), 1, day(120, ms=14 * HOUR)),
        (day(120, ms=16 * HOUR), 2, day(123, ms=9 * HOUR)),
        (day(121, ms=16 * HOUR), 2, day(123, ms=10 * HOUR)),
    ],
)
def test_open_hours(conn: Connection, at: int, hours: float, expected: int | None) -> None:
    assert conn.scalar(select(business_hours_after(instant(at), hours))) == expected


def test_open_hours_of_another_calendar(conn: Connection) -> None:
    assert conn.scalar(select(business_hours_after(instant(day(121)), 2, "other"))) == day(121, ms=2 * HOUR)


@pytest.mark.parametrize(
    ("at", "days", "expected"),
    [
        (day(3), 0, day(4) - 1),  # the first instant of a day is of that day
        (day(4) - 1, 0, day(4) - 1),
        (day(3.5), 2, day(6) - 1),
        (day(-0.5), 1, None),
        (day(180.5), 1, None),
    ],
)
def test_days(conn: Connection, at: int, days: int, expected: int | None) -> None:
    assert conn.scalar(select(days_after(instant(at), days))) == expected


@pytest.mark.parametrize(
    ("at", "days", "expected"),
    [
        (day(1.5), 0, day(2) - 1),  # Friday
        (day(1.5), 1, day(5) - 1),  # Monday
        (day(2.5), 1, day(5) - 1),  # from Saturday too
        (day(4), 2, day(7) - 1),  # the first instant of a Monday
    ],
)
def test_business_days(conn: Connection, at: int, days: int, expected: int) -> None:
    assert conn.scalar(select(business_days_after(instant(at), days))) == expected


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2026-01-01", day(0)),
        ("2026-01-02", day(1)),
        ("2025-11-11", day(0)),
        ("2026-06-30", END - DAY),
        ("2026-07-01", NEVER),
        (None, None),
    ],
)
def test_the_first_instant_of_a_date(conn: Connection, date: str | None, expected: int | None) -> None:
    assert conn.scalar(select(day_begins(no_text() if date is None else literal(date)))) == expected


def test_a_mark_is_narrowed_to_some_units_or_to_none() -> None:
    written = write(select(literal(7)).where(touched(column("sid", Integer))), sqlite.dialect())
    assert narrow(written) == "SELECT 7 AS anon_1 \nWHERE 1 = 1"
    assert narrow(written, "few") == "SELECT 7 AS anon_1 \nWHERE sid IN (SELECT unit FROM few)"


def test_a_text_is_written_once_an_engine() -> None:
    statement = select(literal(7))
    again = [write(statement, dialect) for dialect in (sqlite.dialect(), sqlite.dialect(), postgresql.dialect())]
    assert again[0] is again[1]
    assert again[0] is not again[2]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(literal(""), 0), (literal("  "), 0), (literal("x"), 1), (no_text(), 0), (literal(0), 1), (no_instant(), 0)],
)
def test_filled(conn: Connection, value: Any, expected: int) -> None:
    assert conn.scalar(select(filled(value))) == expected


def test_since_when_all_fields_have_been_filled(conn: Connection) -> None:
    told = [(7, "a", 10), (7, "b", 20), (7, "c", 30), (8, "a", 40)]
    conn.execute(insert(tables.since), [{"sid": sid, "field": field, "at": at} for sid, field, at in told])
    found = conn.execute(select(since_when(literal(7), "a", "b"), since_when(literal(7), "b", "a"))).one()
    assert tuple(found) == (20, 20)
    assert conn.scalar(select(since_when(literal(9), "a"))) is None
    conn.rollback()


def test_counting(conn: Connection) -> None:
    rows = tables.since
    given = [(7, "a", 10), (7, "b", 10), (8, "a", 40)]
    conn.execute(insert(rows), [{"sid": sid, "field": field, "at": at} for sid, field, at in given])
    expressions = (
        counted(rows),
        counted(rows, rows.c.sid == 7),
        counted(rows, rows.c.sid == 7, of=rows.c.at),
        exactly(2, rows, rows.c.sid == 7),
        exactly(2, rows, rows.c.sid == 7, of=rows.c.at),
        exactly(2, rows, of=rows.c.at),
    )
    assert tuple(conn.execute(select(*expressions)).one()) == (3, 2, 1, 1, 0, 1)
    conn.rollback()


def test_no_such_date_in_the_calendar_is_not_known(conn: Connection) -> None:
    assert conn.scalar(select(year_after(instant(day(3.5))))) is None
