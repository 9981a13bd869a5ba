from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hub.conformance.finding import list_findings, update_findings
from hub.conformance.judge import judge
from hub.store.store import Store
from hub.testing.factory import account, approval, at, change
from tests.conformance.kit import House, approved

ONE, OTHER, LATER, MISSED = (change(f"issue/{n}", actual_start=at(10)) for n in range(4))
LOGIN = account("user/a")
TWICE = {"nth": 2}


def told(house: House) -> dict[str, tuple[str, bool]]:
    with house.store.begin() as conn:
        judged = judge(conn, house.requirements, as_of=at(40), known_at=None, judge_from=0, stale_ms=0)
        update_findings(judged, now=house.tick())
        return {row.unit.id: (row.state, row.by_rules) for row in list_findings(judged)}


def _approvals() -> Iterator[object]:
    for one in (ONE, OTHER, LATER):
        yield approval(one, LOGIN, decided_at=at(5))


def test_what_a_changed_definition_opens_and_withdraws_is_ours(store: Store) -> None:
    house = House(store, [approved()]).open()
    house.write(LOGIN, ONE, OTHER, LATER, MISSED, *_approvals())
    house.derive()
    assert told(house) == {MISSED.id: ("open", False)}
    house.requirements = [approved(**TWICE)]
    # Read in the same run: this one may be a person's doing, and is not explained away.
    house.write(msgspec.structs.replace(OTHER, actual_start=at(9)))
    house.derive()
    twice = {ONE.id: ("open", True), OTHER.id: ("open", False), LATER.id: ("open", True), MISSED.id: ("open", False)}
    assert told(house) == twice
    house.write(msgspec.structs.replace(LATER, actual_start=at(11)))
    house.derive()
    assert told(house) == {**twice, LATER.id: ("open", False)}, "its record changed since"
    house.requirements = [approved()]
    house.derive()
    gone = ("withdrawn", True)
    assert told(house) == {ONE.id: gone, OTHER.id: gone, LATER.id: gone, MISSED.id: ("open", False)}
