"""Rows put in bulk come back as they went in, the same on both engines."""

from __future__ import annotations

import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    select,
)
from sqlalchemy.exc import DBAPIError

from hub.records.base import Event
from hub.store.bulk import among, put, remove
from hub.store.fault import as_store_error
from hub.store.revision import read_record
from hub.store.schema import kind_tables
from hub.store.store import Store
from hub.store.tables import Text, record, since
from hub.store.writer import Write, write_records
from hub.testing import factory

ODD = Table(
    "odd",
    MetaData(),
    Column("sid", BigInteger, primary_key=True, autoincrement=False),
    Column("small", SmallInteger),
    Column("plain", Integer),
    Column("share", Float),
    Column("told", Text),
    Column("to", Text),
    Column("body", LargeBinary),
    Column("sure", Boolean),
    Column("open", JSON(none_as_null=True)),
)
WRITTEN = [
    (1, None, None, None, None, None, None, None, None),
    (2, -32768, -(2**31), 1.5, "", "\\N", b"", False, "{}"),
    (
        2**63 - 1,
        32767,
        2**31 - 1,
        1e-300,
        "\t\r\n\\.\"'\x7f\u2028",
        "Grüße 😀 \ufffd",
        b"\0\xff\\",
        True,
        '["\\u00e9", null]',
    ),
]


def test_every_type_of_column(store: Store) -> None:
    with store.begin() as conn:
        ODD.create(conn)
        put(conn, ODD, WRITTEN)
        put(conn, ODD, [])
        put(conn, ODD, [(3, "told only")], columns="sid told")
        found = [tuple(row) for row in conn.execute(select(ODD).order_by(ODD.c.sid))]
    read = {"{}": {}, '["\\u00e9", null]': ["é", None], None: None}
    assert [found[0], found[1], found[3]] == [(*row[:-1], read[row[-1]]) for row in WRITTEN]
    assert [type(value) for value in found[3]] == [int, int, int, float, str, str, bytes, bool, list]
    assert found[2] == (3, None, None, None, "told only", None, None, None, None)


@pytest.mark.parametrize("number", [1, 29, 30, 31, 60, 100])
def test_as_many_rows_come_back_as_went_in(store: Store, number: int) -> None:
    given = [(n, f"desk:{n}", "change") for n in range(1, number + 1)]
    with store.begin() as conn:
        put(conn, record, given, columns="sid id kind")
        asked = select(record.c.sid, record.c.id, record.c.kind).order_by(record.c.sid)
        assert [tuple(row) for row in conn.execute(asked)] == given
        renamed = [(sid, f"{one}'", kind) for sid, one, kind in given[::-1]]
        put(conn, record, renamed, columns="sid id kind", key="sid")
        assert [tuple(row) for row in conn.execute(asked)] == renamed[::-1]


def test_a_row_of_the_same_key_gets_what_is_given(store: Store) -> None:
    with store.begin() as conn:
        put(conn, record, [(7, "desk:a", "change", "desk"), (8, "desk:b", None, None)], columns="sid id kind source")
        put(conn, record, [(8, "desk:b", "incident"), (9, "desk:c", None)], columns="sid id kind", key="sid")
        rows = conn.execute(select(record.c.sid, record.c.id, record.c.kind, record.c.source).order_by(record.c.sid))
        assert [tuple(row) for row in rows] == [
            (7, "desk:a", "change", "desk"),
            (8, "desk:b", "incident", None),
            (9, "desk:c", None, None),
        ]


def test_many_are_found_and_removed_by_one_parameter(store: Store) -> None:
    with store.begin() as conn:
        put(conn, record, [(n, f"desk:{n}") for n in range(1, 2001)], columns="sid id")
        put(conn, since, [(n, "owner", n) for n in range(1, 2001)])
        asked = select(record.c.sid).where(among(conn, record.c.id, [f"desk:{n}" for n in (5, 1999, 4000)]))
        assert sorted(conn.execute(asked).scalars()) == [5, 1999]
        asked = select(record.c.sid).where(among(conn, record.c.sid, range(10, 1500)))
        assert len(conn.execute(asked).all()) == 1490
        remove(conn, (since,), range(1, 2000))
        remove(conn, (since,), ())
        assert conn.execute(select(since.c.sid)).scalars().all() == [2000]


def test_a_refused_row_is_a_fault_of_the_database(store: Store) -> None:
    with pytest.raises(DBAPIError) as caught, store.engine.begin() as conn:
        put(conn, since, [(1, "owner", 1), (1, "owner", 2)])
    assert as_store_error(caught.value, "here") is None  # two of a key are a defect of ours
    with store.begin() as conn:  # and the connection is sound
        assert conn.execute(select(since)).all() == []


def test_text_no_database_holds(store: Store) -> None:
    odd = factory.incident(
        "issue/1",
        title="a\0b \ud83d\ude00 \ud83d.",
        events=[Event(at=1, type="status", to="x\0")],
        custom={"k\0": ["\udc00"]},
    )
    with store.begin() as conn:
        assert write_records(conn, [Write(odd)], 5).repaired == 1
        found = read_record(conn, odd.id)
    assert found is not None
    assert (found.title, found.events[0].to) == ("a\ufffdb 😀 \ufffd.", "x\ufffd")
    with store.connect() as conn:
        assert conn.execute(select(kind_tables["incident"].c.title, kind_tables["incident"].c.custom)).one() == (
            "a\ufffdb 😀 \ufffd.",
            {"k\ufffd": ["\ufffd"]},
        )
