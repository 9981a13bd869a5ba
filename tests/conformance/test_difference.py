"""What differs between two states of knowledge is listed with its cause; what does not is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from hub.conformance.difference import Difference, differences
from hub.conformance.judge import judge
from hub.conformance.pack import Requirement
from hub.records import Period, Record
from hub.store.store import Store
from hub.store.tables import obligation
from hub.testing.factory import account, approval, at, change, incident, person, review, role_assignment, waiver
from tests.conformance.kit import House, analysed, approved, authorised, cover, needed, requirement, small_pack

START, END = at(-4), at(27)
ALICE = person()
LOGIN = account("user/alice")
TIED = msgspec.structs.replace(LOGIN, same_as=[ALICE.id])
CHANGE = change(actual_start=at(10), actual_end=at(11))
APPROVAL = approval(CHANGE, LOGIN, decided_at=at(5))
BOB = person("people/bob")
IMPLEMENTED = msgspec.structs.replace(CHANGE, implementer=BOB.id)
ROLE = role_assignment(ALICE, "change_authority")
OTHER = change("issue/50", actual_start=at(10))
"""Never approved; nothing ever changes about it."""


def corrected(one: Record, **fields: Any) -> Record:
    return msgspec.structs.replace(one, **fields)


def unread(house: House) -> None:
    read(house, at(5))


def read(house: House, through: int = at(400)) -> None:
    with house.store.begin() as conn:
        cover(conn, "desk", "CHG", needed(house.requirements), through=through, known_at=house.tick())


def twice(house: House) -> None:
    house.requirements = [approved(nth=2)]


@dataclass
class Case:
    cause: str
    before: str | None
    after: str | None
    told: str
    """Stands in the detail."""
    first: Sequence[Record] = ()
    then: Sequence[Record] = ()
    pack: Callable[[], Sequence[Requirement]] = field(default=lambda: [approved()])
    at_first: Callable[[House], None] = lambda _: None
    at_last: Callable[[House], None] = lambda _: None
    more: tuple[str, ...] = ()


def quiet() -> Sequence[Requirement]:
    """A requirement with the part alone that no incident was caused by a change."""
    (one,) = [one for one in small_pack() if one.id == "T-linked"]
    return [requirement(one.id, one.parts[1])]


CASES = {
    "evidence read late": Case(
        "late_data", "not_met", "met", "approval", first=[LOGIN, CHANGE], then=[APPROVAL, corrected(CHANGE, title="x")]
    ),
    "unit read late": Case("late_data", None, "not_met", "CHG-5 was first read", then=[CHANGE]),
    "record beside it read late": Case(
        "late_data",
        "met",
        "not_met",
        "incident OPS-1",
        first=[corrected(CHANGE, outcome="successful")],
        then=[incident(caused_by_change_id=CHANGE.id)],
        pack=quiet,
    ),
    "unit corrected": Case(
        "corrected",
        "met",
        "not_met",
        "change CHG-5: actual_start (",
        first=[LOGIN, CHANGE, APPROVAL],
        then=[corrected(CHANGE, actual_start=at(4), title="x")],
    ),
    "evidence corrected": Case(
        "corrected",
        "met",
        "not_met",
        ": decided_at (",
        [LOGIN, CHANGE, APPROVAL],
        [corrected(APPROVAL, decided_at=at(12))],
    ),
    "role deleted": Case(
        "deleted",
        "met",
        "not_met",
        "role assignment",
        first=[ALICE, TIED, BOB, IMPLEMENTED, APPROVAL, ROLE],
        then=[corrected(ROLE, vanished_at=at(3))],
        pack=lambda: [authorised()],
    ),
    "no longer visible": Case(
        "not_visible", "not_met", "not_provable", "CHG-5", first=[CHANGE], then=[corrected(CHANGE, invisible_at=at(6))]
    ),
    "login tied": Case(
        "identity",
        "not_provable",
        "met",
        "user/alice: tied",
        first=[
            ALICE,
            LOGIN,
            account("user/bob"),
            ROLE,
            IMPLEMENTED,
            BOB,
            APPROVAL,
        ],
        then=[TIED],
        pack=lambda: [authorised()],
    ),
    "role given late": Case(
        "late_data",
        "not_met",
        "met",
        "role assignment",
        first=[ALICE, TIED, BOB, IMPLEMENTED, APPROVAL],
        then=[ROLE],
        pack=lambda: [authorised()],
    ),
    "read further": Case("coverage", "not_provable", "not_met", "2026-01-10", [CHANGE], at_first=unread, at_last=read),
    "waiver given": Case(
        "waiver", "not_met", "waived", "given: register:waivers/1", [CHANGE], [waiver("T-approved", subject=CHANGE.id)]
    ),
    "waiver ended": Case(
        "waiver",
        "waived",
        "not_met",
        "ended: register:waivers/1",
        first=[CHANGE, waiver("T-approved", subject=CHANGE.id)],
        then=[waiver("T-approved", subject=CHANGE.id, valid_to=at(20))],
    ),
    "rules changed": Case(
        "definition", "met", "not_met", "pack: other rules", first=[LOGIN, CHANGE, APPROVAL], at_last=twice
    ),
    "read further and waived": Case(
        "coverage",
        "not_provable",
        "waived",
        "2026-01-10",
        [CHANGE],
        [waiver("T-approved", subject=CHANGE.id)],
        at_first=unread,
        at_last=read,
        more=("waiver",),
    ),
    "corrected while the rules changed": Case(
        "corrected",
        "met",
        "not_met",
        "actual_start",
        [LOGIN, CHANGE, APPROVAL],
        [corrected(CHANGE, actual_start=at(4))],
        at_last=twice,
        more=("definition",),
    ),
}


def compare(house: House, known: tuple[int, int], **more: Any) -> list[Difference]:
    with house.store.connect() as conn:
        before, after = (
            judge(conn, house.requirements, as_of=END, known_at=one, judge_from=0, stale_ms=0, slot=slot)
            for one, slot in zip(known, ("_x", "_y"), strict=True)
        )
        catalogue = [one.entry for one in house.requirements]
        return differences(before, after, catalogue, start=START, end=END, **more)


def live(case: Case, store: Store) -> tuple[House, tuple[int, int]]:
    house = House(store, case.pack()).open()
    case.at_first(house)
    house.write(person())
    house.write(OTHER, *case.first)
    house.derive()
    known = house.tick()
    case.at_last(house)
    if case.then:
        house.write(*case.then)
    house.derive()
    return house, (known, house.tick())


@pytest.mark.parametrize("name", CASES)
def test_a_difference_is_told_with_its_cause(name: str, store: Store) -> None:
    case = CASES[name]
    house, known = live(case, store)
    (requirement,) = {one.id for one in house.requirements}
    found = [one for one in compare(house, known) if one.unit is not None and one.unit.id != OTHER.id]
    assert [(one.requirement, one.before, one.after) for one in found] == [(requirement, case.before, case.after)]
    causes = found[0].causes
    assert tuple(one.name for one in causes) == (case.cause, *case.more)
    assert case.told in causes[0].detail
    assert compare(house, (known[1], known[1] + 1)) == []


def test_both_sides_are_what_was_seen_then(store: Store) -> None:
    house, (known, now) = live(CASES["unit corrected"], store)
    (line, one) = compare(house, (known, now))
    assert (line.unit, line.before, line.after, line.obligations) == (None, "not_met", "not_met", 1)
    assert [cause.name for cause in line.causes] == ["corrected"]
    assert one.before == house.verdict("T-approved", CHANGE.id, END, known)
    assert one.after == house.verdict("T-approved", CHANGE.id, END, now)
    assert compare(house, (known, now), requirement="T-other") == []


def test_what_was_read_before_and_judged_after_says_so(store: Store) -> None:
    house = House(store, [approved()]).open()
    house.write(LOGIN, CHANGE)
    house.derive()
    house.write(APPROVAL)
    known = house.tick()
    house.derive()
    (one,) = [one for one in compare(house, (known, house.tick())) if one.unit]
    assert [cause.name for cause in one.causes] == ["late_data"]
    assert "before the first instant but judged after it" in one.causes[0].detail


def test_what_the_organisation_owes_is_found_by_kind(store: Store) -> None:
    house = House(store, [analysed()]).open()
    house.write(CHANGE)
    house.derive()
    known = house.tick()
    held = review("reviews/1", type="change_analysis", held_at=at(-2), period=Period(start=at(-40), end=at(-3)))
    house.write(held)
    house.derive()
    (one,) = [one for one in compare(house, (known, house.tick())) if one.unit]
    assert (one.before, one.after) == ("not_met", "met")
    assert [cause.name for cause in one.causes] == ["late_data"]
    assert "review" in one.causes[0].detail


def test_a_place_that_could_not_be_read_is_told_of_the_requirement(store: Store) -> None:
    house = House(store, [approved()]).open()
    unread(house)
    house.write(LOGIN, corrected(CHANGE, actual_start=at(4)), approval(CHANGE, LOGIN, decided_at=at(3)))
    house.derive()
    known = house.tick()
    read(house)
    (line,) = compare(house, (known, house.tick()))
    assert (line.unit, line.before, line.after, line.obligations) == (None, "not_provable", "met", 0)
    assert [cause.name for cause in line.causes] == ["coverage"]


def test_what_nothing_explains_is_told_so(store: Store) -> None:
    house, (_, known) = live(CASES["unit corrected"], store)
    now = house.tick()
    with store.begin() as conn:  # nobody's doing: a hand in the store
        live_rows = update(obligation).where(obligation.c.known_to.is_(None), obligation.c.evidence.is_not(None))
        assert conn.execute(live_rows.values(known_to=now)).rowcount == 1
    (one,) = [one for one in compare(house, (known, now)) if one.unit]
    assert [cause.name for cause in one.causes] == ["unexplained"]
