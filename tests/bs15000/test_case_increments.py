"""The records of every case file, told as a history: judged step by step or at once, the obligations are the same."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date

import pytest

from hub.conformance.derive import derive
from hub.conformance.expression import CALENDAR
from hub.records import Record
from hub.sla.calendar import BUILT_IN, Calendar
from hub.sla.materialise import materialise
from hub.store.writer import Write, write_records
from hub_bs15000.catalogue import load_pack
from tests.bs15000.case_file import CASES, Case, CaseFaultError, Draft, read_file
from tests.conformance.kit import House
from tests.store_fixtures import ENGINE

ZONE = "Europe/Berlin"
STEPS = {"sqlite": 6, "postgresql": 2}
"""What differs between the engines shows in the first steps already."""


def read(name: str) -> list[Case]:
    """Return the cases of a file that can be read; the others fail in `test_cases.py`."""
    found = []
    for draft in read_file(CASES / name):
        if isinstance(draft, Draft):
            try:
                found.append(draft.read())
            except CaseFaultError:
                continue
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in CASES.glob("*.yaml")))
def test_step_by_step_is_the_same_as_at_once(any_store, name):
    chance = random.Random(name)
    cases = read(name)
    asked = {case.requirement for case in cases}
    requirements = [one for one in load_pack().requirements({}) if one.id in asked]
    versions: dict[str, list[Record]] = defaultdict(list)
    for case in cases:
        for one in case.records:
            if one not in versions[one.id]:
                versions[one.id].append(one)
    with any_store.begin() as conn:
        calendar = Calendar(id=CALENDAR, zone=ZONE, weekly=BUILT_IN["5x8"])
        materialise(conn, [calendar], ZONE, date(2024, 12, 1), date(2026, 12, 31))
    now = 1
    for _ in range(STEPS[ENGINE]):
        now += 10
        some = chance.sample(sorted(versions), k=max(1, len(versions) // 3))
        with any_store.begin() as conn:
            write_records(conn, [Write(chance.choice(versions[one])) for one in some], now)
        derive(any_store, requirements, now=now)
        now += 10
        counted = House(any_store, requirements).remembered()
        again = derive(any_store, requirements, now=now, whole=True)
        assert (again.closed, again.written) == (0, 0), f"a part of {sorted(asked)} reads more than it says"
        assert House(any_store, requirements).remembered() == counted
