"""Which candidate decides, numbered by the engine or put in order and the first one kept."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from sqlalchemy import select

from hub.conformance.append import FRESH
from hub.conformance.decision import Choice, best_first, decision, laid_out
from hub.conformance.expression import narrow
from hub.conformance.part import OBLIGATION_COLUMNS
from hub.conformance.piped import given
from hub_bs15000.catalogue import load_pack

CANDIDATES = (
    "unit anchor opened_at due_at hidden_at doubt at record declared expires_at who lost_at lacks undated counts"
)
TYPES = {"doubt": "TEXT", "lacks": "TEXT", "undated": "TEXT", "declared": "BOOLEAN", "counts": "BOOLEAN"}


def candidates(seed: int) -> list[tuple[Any, ...]]:
    """Lay down up to six candidates for each of 60 units, of few instants, so that many are alike."""
    drawn = random.Random(seed)

    def instant() -> int | None:
        return drawn.choice([None, -5, 10, 20, 30, 40])

    rows = []
    for unit in range(60):
        due, hidden, doubt = instant(), drawn.choice([None, None, 25]), drawn.choice([None, None, "who knows"])
        for place in range(drawn.randint(1, 6)):
            lacks = drawn.choice([None, None, "by whom", "of what"])
            tail = (drawn.choice([True, False]), instant(), unit, instant(), lacks, "when", drawn.choice([True, True, False, None]))  # fmt: skip
            rows.append((unit, unit % 2, 1, due, hidden, doubt, instant(), 100 * unit + place, *tail))
    drawn.shuffle(rows)
    return rows


@pytest.mark.parametrize("choice", [Choice(1, None, complete=False), Choice(1, 800, complete=True)], ids=str)
@pytest.mark.parametrize("seed", range(5))
def test_the_first_of_each_unit_is_the_one_that_decides(store, choice: Choice, seed: int) -> None:
    laid = given("candidate", dict.fromkeys(CANDIDATES.split()))
    with store.begin() as conn:
        columns = ", ".join(f"{name} {TYPES.get(name, 'BIGINT')}" for name in CANDIDATES.split())
        conn.exec_driver_sql(f"CREATE TEMPORARY TABLE candidate ({columns})")
        conn.exec_driver_sql(f"CREATE TEMPORARY TABLE first ({FRESH}, PRIMARY KEY (part, unit, anchor))")
        mark = "?" if conn.dialect.name == "sqlite" else "%s"
        marks = ", ".join([mark] * len(CANDIDATES.split()))
        conn.exec_driver_sql(f"INSERT INTO candidate VALUES ({marks})", candidates(seed))
        written = decision(laid_out([select(*laid.c)]), choice)(conn.dialect)
        names = ", ".join(OBLIGATION_COLUMNS)
        ordered = best_first(written, "7", "chosen.unit + j.one", "JOIN (SELECT 1 AS one) j ON true")
        conn.exec_driver_sql(f"INSERT INTO first (part, {names}, place) {ordered} ON CONFLICT DO NOTHING")
        kept = conn.exec_driver_sql(f"SELECT {names} FROM first ORDER BY unit").all()
        numbered = conn.exec_driver_sql(f"SELECT {names} FROM ({written}) s ORDER BY unit").all()
        assert conn.exec_driver_sql("SELECT DISTINCT part, place - unit FROM first").all() == [(7, 1)]
    assert kept == numbered
    assert len(kept) == 60
    assert len({(row.met_at, row.lost_at, row.evidence, row.lacks) for row in kept}) > 10


def test_what_is_asked_of_changes_is_written_so(store) -> None:
    """Or deriving them would take a fifth longer, and nothing else would tell."""
    with store.connect() as conn:
        written = [
            narrow(part.written(conn.dialect)) for one in load_pack().requirements({}) for part in one.parts if one.entry.clause == "8.2"
        ]  # fmt: skip
    choosing = [one for one in written if re.search(r"graded\.anchor ORDER BY graded\.grade.*AS place", one)]
    assert len(choosing) >= 15
    assert all(best_first(one, "1", "2", "") for one in choosing)


@pytest.mark.parametrize("nth", [0, 2])
def test_another_form_is_left_as_it_is(store, nth: int) -> None:
    laid = given("candidate", dict.fromkeys(CANDIDATES.split()))
    with store.connect() as conn:
        written = decision(laid_out([select(*laid.c)]), Choice(nth, None, complete=False))(conn.dialect)
        plain = decision(laid_out([select(*laid.c)]), Choice(1, None, complete=False))(conn.dialect)
    assert best_first(written, "1", "2", "") == ""
    assert best_first(f"SELECT * FROM ({plain}) s", "1", "2", "") == "", "a profile narrows it further"
