"""What is counted is remembered record by record: whatever becomes of a ticket, the sums are those of counting everything."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select

from hub.records import (
    Change,
    Contact,
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
from tests.bs15000.desk import LINED_UP, MAIL, PAY, SERVICES, TOP, holds, incident
from tests.conformance.kit import House, prepare

COUNTING = {"CMP-07", "SD-09", "SD-13", "SLM-13", "SLM-14", "SLM-15"}
OTHERS = {"BS15000-8.3-h"}
"""What looks at all tickets of a service without remembering them."""
REQUIREMENTS = [one for one in load_pack().requirements({}) if one.id in COUNTING | LINED_UP | OTHERS]


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
