"""A closed month judged again with what was known then gives the same bytes, whatever was learnt since."""

from __future__ import annotations

import msgspec

from hub.conformance.finding import list_findings, update_findings
from hub.conformance.judge import judge
from hub.conformance.listing import list_obligations
from hub.conformance.query import answers
from hub.conformance.rollup import roll_up
from hub.store.store import Store
from hub.testing.factory import account, approval, at, change, incident, person, waiver
from tests.conformance.kit import House, cover, needed, small_pack

START, END = at(-4), at(27)
LOGIN = account("user/alice")
FIRST = change("issue/1", actual_start=at(10), actual_end=at(11))
MISSED = change("issue/2", actual_start=at(12), actual_end=at(13))
APPROVAL = approval(FIRST, LOGIN, decided_at=at(5))


def told(house: House, known_at: int) -> dict[str, bytes]:
    with house.store.connect() as conn:
        judged = judge(conn, house.requirements, as_of=END, known_at=known_at, judge_from=0, stale_ms=0)
        catalogue = [one.entry for one in house.requirements]
        found = {
            "roll-up": roll_up(judged, catalogue, start=START, end=END),
            "obligations": list_obligations(judged),
            "findings": list_findings(judged),
            "report": answers(judged, catalogue, start=START, end=END),
        }
        return {name: msgspec.json.encode(each) for name, each in found.items()}


def find(house: House) -> None:
    with house.store.begin() as conn:
        judged = judge(conn, house.requirements, as_of=END, known_at=None, judge_from=0, stale_ms=0)
        update_findings(judged, now=house.tick())


def test_what_was_known_then_stays_byte_for_byte(store: Store) -> None:
    house = House(store, small_pack()).open()
    with store.begin() as conn:
        cover(conn, "desk", "OPS", needed(house.requirements), through=at(3), known_at=house.tick())
    house.write(person(), LOGIN, FIRST, MISSED, APPROVAL, incident("issue/8"))
    house.derive()
    find(house)
    known = house.tick()
    then = told(house, known)
    assert b'"open"' in then["findings"]
    moved = {"key": "OTHER-1", "title": "renamed", "url": "https://desk.example.com/1"}
    with store.begin() as conn:
        cover(conn, "desk", "OPS", needed(house.requirements), known_at=house.tick())
    house.write(
        msgspec.structs.replace(FIRST, actual_start=at(4), **moved),
        msgspec.structs.replace(APPROVAL, title="second thoughts"),
        approval(MISSED, LOGIN, decided_at=at(6)),
        incident("issue/9", caused_by_change_id=FIRST.id),
        change("issue/10", actual_start=at(8)),
        waiver("T-reviewed"),
    )
    house.derive()
    find(house)
    now = told(house, house.tick())
    again = told(house, known)
    for name in then:
        assert now[name] != then[name], f"{name}: nothing happened"
        assert again[name] == then[name], name
