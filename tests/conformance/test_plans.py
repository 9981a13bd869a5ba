"""What SQLite would do with large tables: nothing that depends on few records reads all of them."""

from __future__ import annotations

import re
import shutil
import sqlite3 as python_sqlite3  # noqa: TID251 - in memory
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.dialects import sqlite

from hub.conformance.append import append, empty, settle
from hub.conformance.decision import best_first
from hub.conformance.dirty import Dirty, Few
from hub.conformance.expression import narrow
from hub.conformance.judge import judge
from hub.conformance.lineup import SLOT, slots
from hub.conformance.part import OBLIGATION_COLUMNS, Part
from hub.conformance.rollup import roll_up
from hub.conformance.tally import recount, tallied, with_tally
from hub.store.sqlite import sqlite3
from hub.store.store import Store
from hub_bs15000.catalogue import load_pack
from tests.conformance.kit import small_pack
from tests.conformance.planner import (
    SMALL,
    TEMPORARY,
    compared_each_with_each,
    large_store,
    scanned,
    steps,
    tables_read,
)

EVERY_PART = [part for one in load_pack().requirements({}) for part in one.parts]
PARTS = [part for part in EVERY_PART if any(reach != "all" for reach in part.reads.values())]


@pytest.fixture(scope="module", params=[sqlite3, python_sqlite3], ids=["the hub's SQLite", "Python's"])
def large(request: pytest.FixtureRequest) -> Iterator[sqlite3.Connection]:
    """A large store, planned for by the newest SQLite, which the hub brings, and by that of this system's Python."""
    conn = large_store(request.param)
    yield conn
    conn.close()


def ways(part: Part, units: str = "") -> list[str]:
    """Write a part as it is explained, and as it is derived where there is something to choose from."""
    written = part.sql(sqlite.dialect(), units=units)
    return [
        one
        for one in (
            written,
            best_first(written, "1", "coalesce(r.place, 0)", "LEFT JOIN record r ON r.sid = chosen.unit"),
        )
        if one
    ]


def sent(template: Path, folder: Path, act: Callable[[Connection], Any]) -> list[str]:
    """Return what `act` asks of a store's obligations."""
    shutil.copy(template, folder / "hub.db")
    store = Store.open("sqlite:///hub.db", base_dir=folder)
    statements: list[str] = []
    with store.begin() as conn:
        conn.exec_driver_sql(f"CREATE TEMPORARY TABLE dirty_0 ({TEMPORARY['dirty_0']})")
        event.listen(conn, "before_cursor_execute", lambda *given: statements.append(given[2]))
        act(conn)
    store.close()
    return [one for one in statements if re.search(r"\bobligation\b", one)]


@pytest.mark.parametrize("part", EVERY_PART, ids=lambda part: f"{part.requirement}-{part.name}")
def test_all_units_are_derived_without_comparing_each_with_each(part: Part, large: sqlite3.Connection) -> None:
    found = [names for sql in ways(part) for names in compared_each_with_each(large, sql)]
    if part.unit_kind == "organisation":  # one unit: its periods are few
        found = [names for names in found if names != ["owed", "whole"]]
    assert found == []


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("r.type = 'sla_review' AND r.held_at >= c.actual_end", [["c", "r"]]),
        ("r.type IN ('sla_review') AND r.held_at >= c.actual_end", [["c", "r"]]),
        ("r.held_at >= c.actual_end", [["c", "r"]]),
        ("r.type = 'sla_review' AND r.sla_id = c.owner", []),
        ("r.type = c.type", []),
    ],
)
def test_what_is_sought_by_a_constant_alone_is_compared_with_each(
    sought: str, found: list[list[str]], large: sqlite3.Connection
) -> None:
    """What SLM-04 once did: it took all reviews of agreements for every change."""
    sql = f"SELECT c.sid, r.sid FROM change AS c LEFT JOIN review AS r ON {sought}"
    assert compared_each_with_each(large, sql) == found


CLOCKED = [part for part in EVERY_PART if re.search(r"\bsla_clock\b", part.sql(sqlite.dialect()))]


def test_many_parts_ask_for_clocks() -> None:
    assert {part.requirement for part in CLOCKED} > {"BS15000-5.1-h", "BS15000-7.1-f", "BS15000-7.1-g", "SLM-10"}


@pytest.mark.parametrize("part", CLOCKED, ids=lambda part: f"{part.requirement}-{part.name}")
def test_clocks_are_found_by_their_tickets_or_read_in_one_go(part: Part, large: sqlite3.Connection) -> None:
    """An index that began with the metric would look as if few clocks had it, and all tickets be walked in its order."""
    sql = part.sql(sqlite.dialect())
    names = {"sla_clock", *re.findall(r"\bsla_clock AS (\w+)", sql)}
    found = [step for step in steps(large, sql) if re.match(rf"(SCAN|SEARCH) ({'|'.join(names)})\b", step)]
    assert found
    assert [step for step in found if "INDEX" in step] == []


@pytest.mark.parametrize("part", PARTS, ids=lambda part: f"{part.requirement}-{part.name}")
def test_few_units_are_derived_from_few_rows(part: Part, large: sqlite3.Connection) -> None:
    assert set().union(*(scanned(large, sql) for sql in ways(part, units="dirty_0"))) == set()


COUNTING = [part for part in EVERY_PART if tallied(part.written(sqlite.dialect()))]


def test_what_is_counted_month_by_month_is_remembered() -> None:
    assert {part.requirement for part in COUNTING} == {"CMP-07", "SD-09", "SD-13", "SLM-13", "SLM-14", "SLM-15"}


@pytest.mark.parametrize("part", COUNTING, ids=lambda part: f"{part.requirement}-{part.name}")
def test_a_changed_ticket_is_counted_anew_and_no_other_of_its_service_is_read(
    part: Part, large: sqlite3.Connection
) -> None:
    written = part.written(sqlite.dialect())
    noted = Noting(large)
    recount(noted, written, 1, "dirty_0")  # type: ignore[arg-type]
    assert [scanned(large, one) for one in noted.said] == [set()] * len(noted.said)
    ticket = next(one for one in noted.said if "JOIN" in one)  # rows of tickets, before anything is made of them
    first, second, *_ = (
        step for step in steps(large, ticket) if re.match(r"(SCAN|SEARCH) (?!CONSTANT|both|[rc]$)", step)
    )
    by_number = r"SEARCH \w+ USING (INTEGER )?PRIMARY KEY \((rowid=\?|sid=\? AND type=\?)\)"
    assert re.fullmatch(by_number, first)
    assert re.fullmatch(by_number, second)
    sums = narrow(with_tally(written, "tally", 1), "dirty_0")
    assert tables_read(sums) <= SMALL | {"tally", "unknown_field", "since"}
    assert any(step.startswith("SEARCH tally USING PRIMARY KEY (part=? AND unit=?") for step in steps(large, sums))


LINED_UP = [part for part in EVERY_PART if part.lined]


def test_what_stands_in_line_is_remembered() -> None:
    assert [(part.requirement, part.name) for part in LINED_UP] == [
        ("BS15000-7.2-c", "by_service"),
        ("BS15000-7.2-c", "by_item"),
    ]


@pytest.mark.parametrize("part", LINED_UP, ids=lambda part: f"{part.requirement}-{part.name}")
@pytest.mark.parametrize(("records", "units"), [("dirty_0", ""), ("", "dirty_0"), ("dirty_0", "dirty_0")])
def test_a_changed_ticket_is_looked_at_with_its_neighbours_alone(
    part: Part, records: str, units: str, large: sqlite3.Connection
) -> None:
    noted = Noting(large)
    near = slots(noted, part.written(sqlite.dialect()), 1, records, units)  # type: ignore[arg-type]
    assert [scanned(large, one) for one in noted.said] == [set()] * len(noted.said)
    assert "FROM line_near" in near
    assert scanned(large, narrow(near, SLOT)) == set()


def test_few_slots_are_compared_with_few_obligations(
    large: sqlite3.Connection, sqlite_template: Path, tmp_path: Path
) -> None:
    large.execute(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {SLOT} (unit INTEGER, anchor BIGINT, PRIMARY KEY (unit, anchor))"
    )

    def act(conn: Connection) -> None:
        conn.exec_driver_sql(f"CREATE TEMPORARY TABLE {SLOT} (unit INTEGER, anchor BIGINT, PRIMARY KEY (unit, anchor))")
        empty(conn)
        settle(conn, LINED_UP[0], 7, 1, units=SLOT)

    statements = sent(sqlite_template, tmp_path, act)
    assert [one.split()[0] for one in statements] == ["UPDATE", "INSERT"]
    plans = [step for one in statements for step in steps(large, one) if re.match(r"\w+ o ", step)]
    assert plans == ["SEARCH o USING PRIMARY KEY (part=? AND unit=? AND anchor=?)"] * 2


def test_what_changed_records_concern_is_found_in_few_rows(large: sqlite3.Connection) -> None:
    noted = Noting(large)
    dirty = Dirty(noted, 9)  # type: ignore[arg-type]
    for part in PARTS:
        dirty.few(part, 0)
    assert any("l.target FROM link" in one for one in noted.said)
    assert any("FROM incident k" in one for one in noted.said)
    assert [one for one in noted.said if scanned(large, one)] == []


class Noting:
    """Makes room for what is asked, and notes the rest."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self.said: list[str] = []

    def exec_driver_sql(self, sql: str) -> Answer:
        if sql.startswith("CREATE"):
            self._conn.execute(sql)
        elif not sql.startswith("ANALYZE"):
            self.said.append(sql)
        return Answer()


class Answer:
    """Says that there was something."""

    rowcount = 1

    def scalar_one(self) -> int:
        return 1

    def __iter__(self) -> Iterator[tuple[str]]:
        return iter([("incident",), ("change",)])


@pytest.mark.parametrize("part", EVERY_PART, ids=lambda part: f"{part.requirement}-{part.name}")
def test_a_part_is_not_too_deep_to_be_read_where_it_is_written(part: Part, large: sqlite3.Connection) -> None:
    """SQLite's parser gives up on what is nested too deep, and the select stands inside another statement."""
    names = ", ".join(OBLIGATION_COLUMNS)
    derived = part.sql(sqlite.dialect(), units="dirty_0")
    large.execute(
        f"EXPLAIN INSERT INTO fresh (part, {names}, place) SELECT 1, {names}, 0 FROM (SELECT * FROM ({derived}) s) t"
    )


def test_all_units_are_derived_in_one_go_through_them(large: sqlite3.Connection) -> None:
    part = next(one for one in PARTS if one.requirement == "BS15000-8.2-c")
    found = [
        step for step in steps(large, part.sql(sqlite.dialect())) if re.match(r"SCAN change\b|SCAN change_\d", step)
    ]
    assert found == ["SCAN change"]


def test_few_units_are_compared_with_few_obligations(
    large: sqlite3.Connection, sqlite_template: Path, tmp_path: Path
) -> None:
    statements = sent(sqlite_template, tmp_path, lambda conn: append(conn, PARTS[0], 7, 1, Few("dirty_0", "dirty_0")))
    assert [one.split()[0] for one in statements] == ["UPDATE", "INSERT"]
    plans = [step for one in statements for step in steps(large, one) if re.match(r"\w+ o ", step)]
    assert plans == [
        "SEARCH o USING PRIMARY KEY (part=? AND unit=?)",
        "SEARCH o USING PRIMARY KEY (part=? AND unit=? AND anchor=?)",
    ]


def test_the_counts_of_a_period_read_only_what_it_settled_or_left_open(
    large: sqlite3.Connection, sqlite_template: Path, tmp_path: Path
) -> None:
    requirements = small_pack()

    def ask(conn: Connection) -> None:
        parts = [(one.id, part.name) for one in requirements for part in one.parts]
        for number, (requirement, name) in enumerate(parts, start=1):
            conn.exec_driver_sql("INSERT INTO part VALUES (?, ?, ?)", (number, requirement, name))
        judgement = judge(conn, requirements, as_of=2_000, known_at=None, judge_from=0)
        roll_up(judgement, [one.entry for one in requirements], start=1_000, end=2_000)

    statements = sent(sqlite_template, tmp_path, ask)
    assert len(statements) == 2
    for one in statements:
        plan = [step for step in steps(large, one) if re.match(r"\w+ o ", step)]
        assert plan == ["SEARCH o USING INDEX obligation_settled_i (part=? AND settled_at>?)"]
