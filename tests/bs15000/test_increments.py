"""The pack keeps the promise of its `reads`: judged step by step or at once, the obligations are the same."""

from __future__ import annotations

import random
from datetime import date

import pytest

from hub.conformance.derive import derive
from hub.conformance.expression import CALENDAR
from hub.records import Record
from hub.sla.calendar import BUILT_IN, Calendar
from hub.sla.materialise import materialise
from hub.store.writer import Write, write_records
from hub_bs15000.catalogue import load_pack
from tests.bs15000 import test_changes, test_problems  # the examples are the raw material

ZONE = "Europe/Berlin"


def versions() -> list[Record]:
    """The records of all examples: most are versions of the same few, so that a walk over them is a history."""
    tables = [*test_changes.CASES, *test_changes.MONTHS, *test_problems.CASES]
    mixed = [one for _, _, _, records in tables for one in records]
    return [*test_changes.PEOPLE, *test_problems.GONE, *mixed]


@pytest.mark.parametrize("seed", range(2))
def test_step_by_step_is_the_same_as_at_once(any_store, seed):
    chance = random.Random(seed)
    pool = versions()
    requirements = load_pack().requirements({})
    with any_store.begin() as conn:
        calendar = Calendar(id=CALENDAR, zone=ZONE, weekly=BUILT_IN["5x8"])
        materialise(conn, [calendar], ZONE, date(2025, 10, 1), date(2026, 12, 31))
    now = 1
    for _ in range(2):
        for _ in range(3):
            now += 10
            with any_store.begin() as conn:
                write_records(conn, [Write(one) for one in unique(chance.sample(pool, 12))], now)
            derive(any_store, requirements, now=now)
        now += 10
        again = derive(any_store, requirements, now=now, whole=True)
        assert (again.closed, again.written) == (0, 0)


def unique(records: list[Record]) -> list[Record]:
    return list({one.id: one for one in records}.values())
