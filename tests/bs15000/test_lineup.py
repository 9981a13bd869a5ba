"""What stands in line: wherever incidents move, clusters and repeats are those of looking at everything."""

from __future__ import annotations

from random import Random

import pytest

from hub.records import ConfigurationItem, ImprovementAction, Incident, NoAction, Problem, Record, Service
from hub.records.base import Link
from hub.records.support import Reopen
from hub.store.store import Store
from hub.testing.factory import at
from hub_bs15000.catalogue import load_pack
from tests.bs15000.desk import LINED_UP, MAIL, PAY, SERVICES, holds, incident
from tests.conformance.kit import House, prepare
from tests.conformance.scoped import choice


def drawn(chance: Random, native: str) -> Incident:
    """An incident of few services, items and categories, reported and resolved on any day of a quarter, or never."""
    day = chance.randrange(0, 90)
    resolved = None if chance.random() < 0.2 else at(day + chance.choice((-1, 0, 0, 1, 30, 45)))
    return incident(
        native,
        day,
        *chance.choice(((MAIL,), (PAY,), (MAIL, PAY))),
        category=chance.choice(("disk", "Disk", "net", "", None)),
        ci_ids=chance.choice(([], ["cmdb:ci/1"], ["cmdb:ci/1", "cmdb:ci/2"])),
        resolved_at=resolved,
        reported_at=chance.choice((at(day), at(day), None)),
        status_category=chance.choice((None, None, None, "cancelled")),
        reopens=chance.choice(([], [], [], [Reopen(reopened_at=at(day + 2))])),
        links=chance.choice(([], [], [], [Link(type="caused_by", target=some_problem(chance), at=at(day))])),
    )


def some_problem(chance: Random) -> str:
    return f"desk:problem/{chance.randrange(5)}"


def some_incidents(chance: Random) -> list[str]:
    return [f"desk:incident/{number}" for number in chance.sample(range(40), k=chance.randrange(4))]


def beside(chance: Random) -> Record:
    """Something else that 7.2-c reads: a problem, a decision to do nothing, an item or a service."""
    named = some_incidents(chance)
    day = chance.randrange(0, 90)
    gone = chance.choice((None, None, None, at(95)))
    kind = chance.randrange(5)
    if kind < 2:
        links = [Link(type="causes", target=one, at=chance.choice((None, at(day)))) for one in some_incidents(chance)]
        native = some_problem(chance)
        return Problem(id=native, source="desk", scope="PRB", incident_ids=named, links=links, vanished_at=gone)
    if kind == 2:
        decided = chance.choice((None, NoAction(approver="desk:user/ann", at=at(day))))
        sources = chance.choice((named, [MAIL], ["cmdb:ci/1"], [some_problem(chance)]))
        return ImprovementAction(
            id="desk:action/1", source="desk", scope="IMP", source_ids=sources, no_action=decided, vanished_at=gone
        )
    scope = chance.choice(("a", "b"))
    if kind == 3:
        owned = chance.choice(([], [MAIL], [PAY]))
        return ConfigurationItem(id="cmdb:ci/1", source="cmdb", scope=scope, service_ids=owned)
    return Service(id=MAIL, source="register", scope=scope, in_scope_from=at(-60), created_at=at(-60))


def test_a_decision_counts_as_long_as_what_it_names_is_like_the_others(any_store: Store) -> None:
    """It may name an incident that was called off and forms no cluster itself."""
    house = House(any_store, [one for one in load_pack().requirements({}) if one.id == "BS15000-7.2-c"])
    with any_store.begin() as conn:
        prepare(conn)
    decided = NoAction(approver="desk:user/ann", at=at(5))
    house.write(
        *SERVICES,
        *(incident(f"desk:incident/{day}", day) for day in (3, 4, 5)),
        incident("desk:incident/9", 4, status_category="cancelled"),
        ImprovementAction(id="desk:action/1", source="desk", source_ids=["desk:incident/9"], no_action=decided),
    )
    found = []
    for category in ("disk", "net", "disk"):
        house.write(incident("desk:incident/9", 4, status_category="cancelled", category=category))
        holds(house)
        ((_, _, _, owed),) = house.current()
        found.append(owed.lacks)
    assert found == ["when the improvement_action was made is not recorded", None, found[0]]


PROFILES = {
    "as shipped": [],
    "one service asks otherwise, one is left out": [
        choice(
            0,
            service=MAIL,
            parameters={
                "BS15000-7.2-c": {"k": 2, "window_days": 10, "decision_days": 3},
                "CMP-07": {"window_days": 3},
                "SLM-15": {"mean_minutes": 2},
            },
        ),
        choice(1, service=PAY, disabled=["SLM-15"]),
    ],
    "any incident is looked after": [choice(0, service=PAY, parameters={"BS15000-7.2-c": {"k": 1}})],
}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("seed", range(2))
def test_what_follows_whom_is_known_wherever_incidents_move(any_store: Store, seed: int, profile: str) -> None:
    chance = Random(seed)
    asked = load_pack().requirements({}, PROFILES[profile])
    house = House(any_store, [one for one in asked if one.id in LINED_UP | {"SLM-15"}])
    with any_store.begin() as conn:
        prepare(conn)
    house.write(*SERVICES, *(drawn(chance, f"desk:incident/{number}") for number in range(40)))
    house.derive()
    moved = dict.fromkeys(LINED_UP, 0)
    for _ in range(12):
        before = house.current()
        for number in chance.sample(range(40), k=chance.choice((0, 1, 1, 2, 5))):
            house.write(drawn(chance, f"desk:incident/{number}"))
        for _ in range(chance.choice((0, 1, 2))):
            house.write(beside(chance))
        holds(house)
        after = house.current()
        for rid in moved:
            moved[rid] += [one for one in before if one[0] == rid] != [one for one in after if one[0] == rid]
    assert all(moved.values())
