"""What is counted is remembered record by record: whatever becomes of a ticket, the sums are those of counting everything."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from sqlalchemy import insert, select

from hub.records import (
    Change,
    ConfigurationItem,
    Contact,
    ImprovementAction,
    Incident,
    NoAction,
    Problem,
    Record,
    Request,
    SatisfactionSurvey,
    Service,
)
from hub.records.base import Link
from hub.records.support import Reopen
from hub.store.store import Store
from hub.store.tables import change_log, record, sla_clock
from hub.testing.factory import at
from hub_bs15000.catalogue import load_pack
from tests.conformance.kit import House, prepare
from tests.conformance.scoped import choice

COUNTING = {"CMP-07", "SD-09", "SD-13", "SLM-13", "SLM-14", "SLM-15"}
LINED_UP = {"BS15000-7.2-c", "CMP-07"}
OTHERS = {"BS15000-8.3-h"}
"""What looks at all tickets of a service without remembering them."""
REQUIREMENTS = [one for one in load_pack().requirements({}) if one.id in COUNTING | LINED_UP | OTHERS]
MAIL, PAY = "register:service/mail", "register:service/pay"
TOP = "desk:incident/1"
SERVICES = [Service(id=one, source="register", in_scope_from=at(-60), created_at=at(-60)) for one in (MAIL, PAY)]


def incident(native: str = TOP, day: int = 3, *services: str, none: bool = False, **more: Any) -> Incident:
    """An incident of a day that was answered and resolved on it and closed on the next."""
    values = {
        "reported_at": at(day),
        "created_at": at(day),
        "first_response_at": at(day) + 60_000,
        "resolved_at": at(day) + 7_200_000,
        "closed_at": at(day + 1),
        "category": "disk",
    }
    named = [] if none else list(services or [MAIL])
    return Incident(id=native, source="desk", scope="OPS", service_ids=named, **values | more)


def request(native: str, day: int, *services: str, **more: Any) -> Request:
    return Request(
        id=native, source="desk", scope="OPS", service_ids=list(services), closed_at=at(day), created_at=at(day), **more
    )


def change(native: str, day: int, outcome: str | None, *services: str) -> Change:
    return Change(
        id=native, source="desk", scope="OPS", service_ids=list(services), actual_end=at(day), outcome=outcome
    )


def contact(native: str, day: int, *, answered: bool | None) -> Contact:
    return Contact(
        id=native, source="desk", scope="OPS", service_ids=[MAIL], at=at(day), direction="in", answered=answered
    )


def survey(ticket: str, day: int) -> SatisfactionSurvey:
    return SatisfactionSurvey(id="desk:survey/1", source="desk", scope="OPS", ticket_id=ticket, sent_at=at(day))


BEGINNING: list[Record] = [
    *SERVICES,
    *(
        incident(f"desk:incident/{n}", day, MAIL if n % 2 else PAY)
        for n, day in enumerate((3, 4, 5, 33, 34, 36, 62), 1)
    ),
    *(request(f"desk:request/{n}", day, MAIL) for n, day in enumerate((3, 8, 40), 1)),
    change("desk:change/1", 4, "successful", MAIL),
    change("desk:change/2", 9, "failed", MAIL),
    contact("desk:contact/1", 5, answered=True),
    contact("desk:contact/2", 6, answered=False),
]
HISTORY: dict[str, list[Record]] = {
    "begins": BEGINNING,
    "moves to another month": [
        incident(day=35),
        request("desk:request/1", 44, MAIL),
        change("desk:change/1", 40, "failed", MAIL),
    ],
    "moves to another service": [incident(TOP, 35, PAY), request("desk:request/1", 44, PAY)],
    "moves to both at once": [incident(TOP, 6, MAIL, PAY), change("desk:change/1", 4, None, MAIL, PAY)],
    "names none": [incident(TOP, 6, none=True), request("desk:request/2", 8)],
    "is reopened": [
        incident(TOP, 6, MAIL, resolved_at=None, closed_at=None, reopens=[Reopen(resolved_at=at(6), reopened_at=at(7))])
    ],
    "is resolved again, months later": [incident(TOP, 6, MAIL, resolved_at=at(64), closed_at=at(64))],
    "is answered by nobody": [incident(TOP, 6, MAIL, first_response_at=None)],
    "was answered before it came in": [incident(TOP, 6, MAIL, first_response_at=at(5))],
    "could not be read": [incident(TOP, 6, MAIL, first_response_at=None, unknown_fields=["first_response_at"])],
    "is called off": [incident(TOP, 6, MAIL, status_category="cancelled")],
    "is called for after all": [incident(TOP, 6, MAIL)],
    "is a duplicate": [incident(TOP, 6, MAIL, links=[Link(type="duplicate_of", target="desk:incident/3")])],
    "is none": [incident(TOP, 6, MAIL)],
    "is asked after": [survey(TOP, 8)],
    "was another that was asked after": [survey("desk:request/3", 41)],
    "becomes a request": [Request(id=TOP, source="desk", scope="OPS", service_ids=[MAIL], closed_at=at(8))],
    "becomes an incident again": [incident(TOP, 6, MAIL)],
    "is deleted": [incident(TOP, 6, MAIL, vanished_at=at(70)), contact("desk:contact/2", 6, answered=None)],
    "comes back": [incident(TOP, 6, PAY), contact("desk:contact/2", 36, answered=True)],
    "its service was in scope later": [Service(id=MAIL, source="register", in_scope_from=at(28), created_at=at(-60))],
    "its service is retired": [
        Service(id=PAY, source="register", in_scope_from=at(-60), lifecycle="retired", updated_at=at(40))
    ],
    "and moves there": [incident(TOP, 6, PAY), incident("desk:incident/2", 4, MAIL)],
}


def run_clock(store: Store, native: str, **times: Any) -> None:
    """Let a ticket have another resolution clock, as the room of service levels writes it."""
    with store.begin() as conn:
        sid = conn.scalar(select(record.c.sid).where(record.c.id == native))
        conn.execute(sla_clock.delete().where(sla_clock.c.sid == sid))
        conn.execute(insert(sla_clock), [{"sid": sid, "metric": "resolution", **times}])
        conn.execute(insert(change_log), [{"kind": "clock", "sid": sid, "touched": sid}])


def holds(house: House) -> bool:
    """Derive what changed, then everything, and see that nothing differs; return whether something had changed."""
    before = house.remembered()
    house.derive()
    little = house.remembered()
    owed = house.current()
    whole = house.derive(whole=True)
    assert (whole.closed, whole.written) == (0, 0)
    assert house.current() == owed
    assert house.remembered() == little
    return little != before


def test_whatever_becomes_of_a_ticket(any_store: Store) -> None:
    house = House(any_store, REQUIREMENTS)
    with any_store.begin() as conn:
        prepare(conn)
    changed = {}
    for name, records in HISTORY.items():
        house.write(*records)
        changed[name] = holds(house)
    for number in range(1, 8):
        run_clock(any_store, f"desk:incident/{number}", started_at=at(3), due_at=at(5 + number), stopped_at=at(9))
    assert holds(house)
    for name, times in {
        "stops in another month": {"due_at": at(66), "stopped_at": at(65)},
        "never stops": {"due_at": at(66)},
        "cannot be computed": {"lacks": "no agreement"},
        "is left out": {"due_at": at(66), "excluded": "rule"},
    }.items():
        run_clock(any_store, TOP, **times)
        changed[name] = holds(house)
    unmoved = {name for name, found in changed.items() if not found}
    assert unmoved == {"its service was in scope later", "its service is retired"}  # what is counted is none of theirs
    asked = {requirement for requirement, *_ in house.current()}
    assert asked >= COUNTING


def test_what_is_no_longer_asked_is_forgotten(any_store: Store) -> None:
    house = House(any_store, REQUIREMENTS)
    with any_store.begin() as conn:
        prepare(conn)
    house.write(*BEGINNING)
    house.derive()
    assert all(house.remembered())
    House(any_store, [one for one in REQUIREMENTS if one.id in OTHERS], now=house.now).derive()
    assert not any(house.remembered())
    house.write(incident(TOP, 40, PAY))
    assert holds(house)


@pytest.mark.parametrize("rid", sorted(COUNTING))
def test_a_requirement_counts_what_it_is_to_count(any_store: Store, rid: str) -> None:
    """Each of them has an obligation here, so that what is above says something about all."""
    house = House(any_store, [one for one in REQUIREMENTS if one.id == rid])
    with any_store.begin() as conn:
        prepare(conn)
    house.write(*BEGINNING)
    for number in range(1, 8):
        run_clock(any_store, f"desk:incident/{number}", started_at=at(3), due_at=at(5 + number), stopped_at=at(9))
    house.derive()
    counted, sums, line = house.remembered()
    assert counted
    assert sums
    assert bool(line) == (rid in LINED_UP)


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
    house = House(any_store, [one for one in REQUIREMENTS if one.id == "BS15000-7.2-c"])
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
