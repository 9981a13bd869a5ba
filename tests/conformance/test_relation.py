"""Links as evidence: which count, from either end, and since when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from hub.conformance.relation import ends_at, link_instant, linked
from hub.conformance.unit import unit
from hub.records import KINDS, Record
from hub.records.base import Link
from hub.store import tables
from hub.store.schema import kind_tables
from hub.testing.factory import at, change, incident, problem
from tests.conformance.laid import beside, opened

CHANGE, PROBLEM, INCIDENT = change(), problem(), incident()
_change: Any = kind_tables["change"].c
UNREAD = "a linked record was not read"
UNDATED = "when the link was made is not known"


@pytest.fixture(scope="module")
def conn() -> Iterator[Connection]:
    with opened() as one:
        yield one


def link(kind: str, target: str, day: float | None = 1) -> Link:
    return Link(type=kind, target=target, at=None if day is None else at(day))


def known(records: list[Record]) -> list[Record]:
    """Return the records, and those beside them as they are where nothing is said of them."""
    return list({one.id: one for one in (PROBLEM, INCIDENT, *records)}.values())


@pytest.mark.parametrize(
    ("rows", "since", "expected"),
    [
        ([(1, "a", 2, 5)], [], 5),
        ([(1, "a", 2, 5), (1, "b", 2, 3), (2, "c", 1, 2)], [(1, "a", 1)], 5),  # as it says itself
        ([(1, "a", 2, None), (1, "b", 2, 5), (1, "c", 2, 4), (2, "d", 1, 6)], [(1, "a", 1)], 4),
        ([(1, "a", 2, None), (1, "b", 2, 6), (2, "d", 1, 5)], [], 5),
        ([(1, "a", 2, None), (2, "d", 1, 5), (2, "e", 1, 4)], [], 4),
        ([(1, "a", 2, None), (1, "a", 3, 2), (3, "a", 2, 2), (2, "a", 3, 2), (3, "a", 1, 2)], [], None),
        ([(1, "a", 2, None)], [(1, "a", 4), (1, "b", 3), (2, "a", 3)], 4),
    ],
)
def test_when_a_link_was_made(conn: Connection, rows: list[Any], since: list[Any], expected: int | None) -> None:
    conn.execute(insert(tables.link), [dict(zip(("sid", "type", "target", "at"), row, strict=True)) for row in rows])
    for sid, field, when in since:
        conn.execute(insert(tables.since), {"sid": sid, "field": field, "at": when})
    one = tables.link.alias()
    asked = select(link_instant(one)).where(one.c.sid == 1, one.c.type == "a", one.c.target == 2)
    assert conn.scalar(asked) == expected
    conn.rollback()


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([change(links=[link("resolves", PROBLEM.id)])], [(PROBLEM.id, at(1), None)]),
        ([change(), problem(links=[link("resolved_by", CHANGE.id)])], [(PROBLEM.id, at(1), None)]),
        # neither end may speak with the other's word, nor for another record
        ([change(links=[link("resolved_by", PROBLEM.id)])], []),
        ([change(), problem(links=[link("resolves", CHANGE.id)])], []),
        ([change(), problem(links=[link("resolved_by", INCIDENT.id)])], []),
        # another kind of record does not count, one that was not read may
        ([change(links=[link("resolves", INCIDENT.id)])], []),
        ([change(links=[link("resolves", "desk:issue/99")])], [("desk:issue/99", at(1), UNREAD)]),
        ([change(links=[link("resolves", PROBLEM.id, None)])], [(PROBLEM.id, None, UNDATED)]),
        ([change(links=[link("resolves", "desk:issue/99", None)])], [("desk:issue/99", None, UNREAD)]),
    ],
)
def test_links_of_types(conn: Connection, records: list[Any], expected: list[Any]) -> None:
    evidence = linked(_change.sid, ("problem",), outward=("resolves",), inward=("resolved_by",))
    found = beside(conn, unit("change"), evidence, *known(records), every=False)
    told = [
        (row["record"], row["at"], row["lacks"] or (row["undated"] if row["at"] is None else None)) for row in found
    ]
    assert told == expected


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([change(links=[link("any", PROBLEM.id)])], [PROBLEM.id]),
        ([change(links=[link("causes", PROBLEM.id)])], []),
        ([change(), problem(links=[link("causes", CHANGE.id)])], []),
        ([change(links=[link("same_as", PROBLEM.id)])], []),
        ([change(links=[link("any", INCIDENT.id)])], [INCIDENT.id]),
    ],
)
def test_links_of_any_type_but_some(conn: Connection, records: list[Any], expected: list[str]) -> None:
    evidence = linked(_change.sid, ("problem", "incident"), never=("causes",))
    found = beside(conn, unit("change"), evidence, *known(records), every=False)
    assert [row["record"] for row in found] == expected


def test_a_link_stands_in_the_unit_and_may_be_to_any_kind() -> None:
    evidence = linked(_change.sid, ("problem",))
    assert evidence.needs == ()
    assert evidence.reads == dict.fromkeys(KINDS, "near")


def test_both_ends_of_a_link(conn: Connection) -> None:
    stated = [(1, "resolves", 2), (1, "causes", 3), (6, "resolves", 7)]
    rows = [*stated, (4, "resolved_by", 1), (5, "causes", 1), (8, "resolved_by", 9)]
    conn.execute(insert(tables.link), [dict(zip(("sid", "type", "target"), row, strict=True)) for row in rows])
    one = tables.link.alias()
    numbers = select(tables.link.c.sid.label("sid")).where(tables.link.c.sid == 1).distinct().subquery()
    tied, other = ends_at(one, numbers.c.sid, outward=["resolves"], inward=["resolved_by"])
    found = conn.scalars(select(other).select_from(numbers.join(one, tied)).order_by(other)).all()
    conn.rollback()
    assert found == [2, 4]
