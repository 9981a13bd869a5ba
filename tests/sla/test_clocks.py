"""Clocks of tickets in the store: by which agreement, on which calendar, and only where something changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, StaticPool, create_engine, select, text

from hub.records import Complaint, Incident, Problem, Record, Request, Service, Sla, Target
from hub.records.base import Event, Link
from hub.records.support import Pause, Reopen
from hub.sla.calendar import Calendar, Hours, built_in
from hub.sla.clocks import refresh_clocks
from hub.sla.materialise import materialise, open_times
from hub.store import tables
from hub.store.schema import metadata
from hub.store.writer import Write, write_records
from hub.testing.factory import at

ZONE = "Europe/Berlin"
HOUR = 3_600_000
MINUTE = 60_000


@pytest.fixture
def conn() -> Iterator[Connection]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    with engine.connect() as one:
        office, always = built_in(ZONE)
        own = Calendar(id="organisation", zone=ZONE, weekly=office.weekly)
        materialise(one, [office, always, own], ZONE, date(2025, 12, 1), date(2026, 12, 31))
        one.execute(text("DELETE FROM change_log"))
        yield one
    engine.dispose()


def target(metric: str, minutes: float, priority: Any = None, **fields: Any) -> Target:
    values: dict[str, Any] = {"calendar": "7x24", "operator": "<=", "unit": "min"} | fields
    return Target(id=f"{metric}-{priority}", metric=metric, value=minutes, priority=priority, **values)


def sla(name: str = "gold", **fields: Any) -> Sla:
    values: dict[str, Any] = {
        "service_ids": ["r:services/shop"],
        "valid_from": "2025-12-01",
        "signed_at": at(-40),
        "targets": [
            target("response", 15, "P1"),
            target("response", 60, "P3", calendar="5x8"),
            target("resolution", 240, "P1"),
            target("resolution", 960, "P3", calendar="5x8"),
            target("onsite", 120),
        ],
    }
    return Sla(id=f"r:slas/{name}", source="r", **(values | fields))


def incident(number: int = 1, **fields: Any) -> Incident:
    values: dict[str, Any] = {
        "service_ids": ["r:services/shop"],
        "priority": "P1",
        "reported_at": at(hours=9),
        "created_at": at(hours=9),
    }
    return Incident(id=f"desk:{number}", source="desk", **(values | fields))


SHOP = Service(id="r:services/shop", source="r")


def refreshed(conn: Connection, *records: Record) -> int:
    write_records(conn, [Write(one) for one in (SHOP, *records)], known_at=1)
    return refresh_clocks(conn, partial(open_times, conn), zone=ZONE)


def clocks(conn: Connection, number: int = 1) -> dict[str, Any]:
    record, clock = tables.record, tables.sla_clock
    rows = conn.execute(select(clock).join(record, record.c.sid == clock.c.sid).where(record.c.id == f"desk:{number}"))
    return {row.metric: row for row in rows}


def test_the_promise_of_the_priority_on_its_calendar(conn: Connection) -> None:
    refreshed(conn, sla(), incident(), incident(2, priority="P3", reported_at=at(hours=15)))
    first = clocks(conn)
    assert set(first) == {"response", "resolution"}
    assert (first["response"].started_at, first["response"].due_at) == (at(hours=9), at(hours=9) + 15 * MINUTE)
    assert first["resolution"].due_at == at(hours=13)
    # 16:00 in Berlin on Monday: an hour until closing
    assert clocks(conn, 2)["response"].due_at == at(hours=16)
    assert clocks(conn, 2)["resolution"].due_at == at(2, hours=15)


def test_marks_say_when_shares_are_used_up(conn: Connection) -> None:
    refreshed(conn, sla(), incident())
    marks = conn.execute(select(tables.sla_mark).where(tables.sla_mark.c.metric == "resolution")).all()
    assert {(row.percent, row.at) for row in marks} == {(50, at(hours=11)), (80, at(hours=12) + 12 * MINUTE)}


@pytest.mark.parametrize(
    ("agreement", "lacks"),
    [
        ({"signed_at": None}, "r:slas/gold: it is not signed"),
        ({"valid_from": None}, "r:slas/gold: it does not say from when it holds"),
        ({"targets": [target("response", 0)]}, "r:slas/gold: target response-None promises 0 min"),
        ({"targets": [target("response", 5, unit="d")]}, "r:slas/gold: target response-None counts in 'd'"),
        ({"targets": [target("response", 5, calendar="6x9")]}, "calendar '6x9', which does not exist"),
        ({"targets": [target("response", 5, calendar=None)]}, "names no calendar"),
        ({"clock_rules": {"priority_change": "kind"}}, "rule for changed priorities is 'kind'"),
    ],
)
def test_what_cannot_be_measured_says_why(conn: Connection, agreement: dict[str, Any], lacks: str) -> None:
    refreshed(conn, sla(**agreement), incident())
    row = clocks(conn)["response"]
    assert row.due_at is None
    assert lacks in row.lacks


@pytest.mark.parametrize(
    ("fields", "metric", "lacks"),
    [
        ({"priority": None}, "response", "its priority is not known"),
        ({"reported_at": None}, "response", "when it was reported is not known"),
        ({"first_response_at": at(hours=8)}, "response", "its clock stopped before it started"),
        ({"unknown_fields": ["resolved_at"]}, "resolution", "the source could not give resolved_at"),
        ({"pauses": [Pause(from_=at(1), to=at(0))]}, "resolution", "a pause ends before it begins"),
    ],
)
def test_a_ticket_with_impossible_or_missing_data_lacks_it(
    conn: Connection, fields: dict[str, Any], metric: str, lacks: str
) -> None:
    refreshed(conn, sla(), incident(**fields))
    assert clocks(conn)[metric].lacks == lacks


def test_pause_reopening_and_priority_change(conn: Connection) -> None:
    asked = Pause(from_=at(hours=10), to=at(hours=12), customer_asked_at=at(hours=10), customer_replied_at=at(hours=12))
    refreshed(
        conn,
        sla(),
        incident(1, pauses=[asked], resolved_at=at(hours=14)),
        incident(2, reopens=[Reopen(resolved_at=at(hours=10), reopened_at=at(hours=20))], resolved_at=at(hours=21)),
        incident(3, reopens=[Reopen(resolved_at=at(hours=10), reopened_at=at(20))], resolved_at=at(21)),
        incident(
            4, priority="P1", events=[Event(at=at(hours=10), type="prioritised", field="priority", from_="P3", to="P1")]
        ),
        incident(5, pauses=[Pause(from_=at(hours=10), customer_asked_at=at(hours=10))], priority="P3"),
        incident(6, status_category="cancelled"),
        incident(7, links=[Link(type="duplicate_of", target="desk:1")]),
    )
    assert clocks(conn, 1)["resolution"].due_at == at(hours=15)
    assert clocks(conn, 1)["resolution"].counted_s == 3 * 3600
    assert clocks(conn, 2)["resolution"].due_at == at(hours=23)
    assert clocks(conn, 3)["resolution"].stopped_at == at(hours=10), "it held for more than five business days"
    assert clocks(conn, 4)["resolution"].due_at == at(hours=14), "the full new target from the change"
    assert clocks(conn, 5)["resolution"].due_at is None, "paused"
    assert clocks(conn, 5)["resolution"].lacks is None
    assert clocks(conn, 6)["resolution"].excluded == "X1"
    assert clocks(conn, 7)["resolution"].excluded == "X2"


def test_a_visit_is_measured_from_its_confirmation(conn: Connection) -> None:
    refreshed(conn, sla(), incident(onsite_confirmed_at=at(hours=10), onsite_at=at(hours=12)), incident(2))
    visit = clocks(conn)["onsite"]
    assert (visit.started_at, visit.due_at, visit.stopped_at) == (at(hours=10), at(hours=12), at(hours=12))
    assert "onsite" not in clocks(conn, 2)


def test_p1_pauses_only_with_the_customers_answer(conn: Connection) -> None:
    asked = {"from_": at(hours=10), "to": at(hours=12), "customer_asked_at": at(hours=10)}
    refreshed(
        conn,
        sla(),
        incident(1, pauses=[Pause(**asked)], resolved_at=at(hours=14)),
        incident(2, pauses=[Pause(**asked, customer_replied_at=at(hours=11))], resolved_at=at(hours=14)),
        incident(3, pauses=[Pause(**asked | {"customer_asked_at": at(hours=10) - 16 * MINUTE})], priority="P3"),
    )
    assert clocks(conn, 1)["resolution"].due_at == at(hours=13)
    assert clocks(conn, 2)["resolution"].due_at == at(hours=14)
    assert clocks(conn, 3)["resolution"].due_at == at(2, hours=9), "asked too early: it does not pause"


def test_a_changed_priority_counted_from_the_start(conn: Connection) -> None:
    raised = [Event(at=at(hours=10), type="prioritised", field="priority", from_="P3", to="P1")]
    refreshed(conn, sla(clock_rules={"priority_change": "from_start"}), incident(events=raised))
    assert clocks(conn)["resolution"].due_at == at(hours=13)


@pytest.mark.parametrize(("minutes", "met"), [(40, True), (60, True), (61, False)])
def test_a_response_counts_to_the_minute(conn: Connection, minutes: int, met: bool) -> None:  # noqa: FBT001 - a table
    answered = at(hours=8) + minutes * MINUTE  # 09:00 of a working day in Berlin
    refreshed(conn, sla(), incident(priority="P3", reported_at=at(hours=8), first_response_at=answered))
    response = clocks(conn)["response"]
    assert (response.counted_s, response.stopped_at <= response.due_at) == (minutes * 60, met)


def test_the_version_in_force_when_the_clock_started_judges(conn: Connection) -> None:
    old = sla("v1", valid_to="2026-01-05", targets=[target("response", 30)])
    new = sla("v2", valid_from="2026-01-05", targets=[target("response", 10)])
    before = incident(1, reported_at=at(hours=-1, days=0) - MINUTE)
    refreshed(conn, old, new, before, incident(2, reported_at=at()))
    assert clocks(conn, 1)["response"].due_at == before.reported_at + 30 * MINUTE  # type: ignore[operator]
    assert clocks(conn, 2)["response"].due_at == at() + 10 * MINUTE


def test_two_agreements_for_one_ticket_are_not_guessed_between(conn: Connection) -> None:
    refreshed(conn, sla("a"), sla("b"), incident())
    assert clocks(conn)["response"].lacks == "several agreements cover it: r:slas/a, r:slas/b"
    refreshed(conn, sla("a", customer_id="r:customers/x"), incident(customer_id="r:customers/x"))
    assert clocks(conn)["response"].lacks is None


def test_whose_ticket_is_not_known_is_judged_by_the_only_agreement(conn: Connection) -> None:
    theirs = sla("a", customer_id="r:customers/x")
    refreshed(conn, theirs, incident(), incident(2, customer_id="r:customers/y"))
    assert clocks(conn)["response"].due_at == at(hours=9) + 15 * MINUTE
    assert clocks(conn, 2) == {}, "somebody else's promise"
    refreshed(conn, theirs, sla("b", customer_id="r:customers/y"))
    said = "its customer is not known, and several agreements cover it: r:slas/a, r:slas/b"
    assert clocks(conn)["response"].lacks == said
    assert clocks(conn, 2)["response"].lacks is None


def test_a_target_names_calendar_and_service_as_its_own_source_does(conn: Connection) -> None:
    kept = Calendar(id="r:calendars/late", zone=ZONE, weekly=((1, Hours(12 * 60, 20 * 60)),))
    materialise(conn, [*built_in(ZONE), kept], ZONE, date(2025, 12, 1), date(2026, 12, 31))
    general = target("response", 30, calendar="calendars/late")
    ours = target("response", 20, calendar="calendars/late", service_ids=["services/shop"])
    refreshed(conn, sla(targets=[general, ours]), incident())
    assert clocks(conn)["response"].due_at == at(hours=11) + 20 * MINUTE  # noon in Berlin


def test_problems_and_complaints_have_clocks_where_they_were_promised(conn: Connection) -> None:
    common: dict[str, Any] = {"source": "desk", "service_ids": ["r:services/shop"]}
    taken = Event(at=at(hours=10), type="accepted", field="status")
    held = [Event(at=at(hours=11), type="resolved"), Event(at=at(1), type="reopened")]
    problem = Problem(id="desk:8", **common, priority="P3", detected_at=at(hours=9), events=[taken, *held])
    complaint = Complaint(id="desk:9", **common, received_at=at(hours=9), first_reply_at=at(hours=8))
    refreshed(conn, sla(), problem, complaint)
    assert clocks(conn, 8) == clocks(conn, 9) == {}, "nothing was promised on them"
    promised = [
        target("problem_response", 90, "P3"),
        target("problem_resolution", 600, "P3"),
        target("complaint_first_reply", 60),
        target("complaint_final", 120),
    ]
    refreshed(conn, sla(targets=promised), replace(complaint, customer_informed_at=at(hours=10)))
    assert set(clocks(conn, 8)) == {"problem_response", "problem_resolution"}
    assert clocks(conn, 8)["problem_response"].stopped_at == at(hours=10)
    assert clocks(conn, 8)["problem_resolution"].due_at == at(1) + 8 * HOUR, "the night it was resolved does not count"
    found = clocks(conn, 9)
    assert found["complaint_response"].lacks == "its clock stopped before it started"
    assert (found["complaint_resolution"].due_at, found["complaint_resolution"].counted_s) == (at(hours=11), 3600)


def test_nothing_promised_no_clock(conn: Connection) -> None:
    refreshed(conn, sla(service_ids=["r:services/other"]), incident())
    assert clocks(conn) == {}


def test_only_what_changed_is_worked_out_and_noted(conn: Connection) -> None:
    assert refreshed(conn, sla(), incident(1), incident(2)) == 2
    conn.execute(text("DELETE FROM change_log"))
    assert refresh_clocks(conn, partial(open_times, conn), zone=ZONE) == 0
    assert refreshed(conn, incident(2, first_response_at=at(hours=10))) == 1
    noted = conn.execute(select(tables.change_log.c.sid).where(tables.change_log.c.kind == "clock")).scalars().all()
    assert len(noted) == 1
    before = conn.execute(select(tables.sla_clock)).all()
    conn.execute(text("DELETE FROM fingerprint WHERE name = 'clocks'"))
    assert refresh_clocks(conn, partial(open_times, conn), zone=ZONE) == 0, "all of them again: the same"
    assert conn.execute(select(tables.sla_clock)).all() == before
    assert refreshed(conn, sla(targets=[target("response", 99)])) == 2
    assert refreshed(conn, Request(id="desk:1", source="desk", vanished_at=at(1))) == 1
    assert clocks(conn, 1) == {}
