"""Evidence that must not lapse, against counting every day by hand."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, StaticPool, create_engine, insert, literal, select

from hub.clock import parse_instant
from hub.conformance.continuous import holding, in_force, periodic
from hub.conformance.evidence import rows
from hub.conformance.expression import CALENDAR, hours_after
from hub.conformance.part import Words
from hub.conformance.unit import ORGANISATION, organisation, unit
from hub.records import Record, Review, Service
from hub.sla.calendar import BUILT_IN, Calendar
from hub.sla.materialise import materialise
from hub.store import tables
from hub.store.schema import kind_tables, metadata
from hub.store.writer import Write, write_records

DAY = 86_400_000
WORDS = Words("It is held.", "It was not held.", "Hold it.")
review: Any = kind_tables["review"].c
service: Any = kind_tables["service"].c
START = 1_767_225_600_000  # 2026-01-01T00:00Z
MONTHS = {0: 31, 31: 59, 59: 90, 90: 120}
"""First day -> day after the last, counted from 2026-01-01."""


@pytest.fixture(scope="module")
def conn() -> Iterator[Connection]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    with engine.connect() as one:
        calendar = Calendar(id=CALENDAR, zone="UTC", weekly=BUILT_IN["7x24"])
        materialise(one, [calendar], "UTC", date(2025, 12, 1), date(2026, 12, 31))
        one.execute(insert(tables.record), {"id": ORGANISATION, "kind": "organisation", "source": "hub", "scope": ""})
        one.commit()
        yield one
    engine.dispose()


def day(number: float) -> int:
    return START + int(number * DAY)


def held(number: int, at: float, **fields: Any) -> Review:
    values = {"subject_id": "r:service/1", "type": "service_review"} | fields
    return Review(id=f"r:review/{number}", source="r", created_at=day(at), held_at=day(at), **values)


def obligations(conn: Connection, part: Any, records: list[Record]) -> dict[int, Any]:
    write_records(conn, [Write(one) for one in records], known_at=1)
    found = conn.exec_driver_sql(part.sql(conn.dialect)).all()
    names = {row.sid: row.id for row in conn.execute(select(tables.record.c.sid, tables.record.c.id))}
    conn.rollback()
    assert len({(row.unit, row.anchor) for row in found}) == len(found)
    judged = [SimpleNamespace(**(dict(row._mapping) | {"evidence": names.get(row.evidence)})) for row in found]
    return {(row.anchor - START) // DAY: row for row in judged}


def reviews() -> Any:
    return rows("review", review.subject_id == service.sid, review.held_at).where(review.type == "service_review")


def lasting(hours: int) -> Any:
    until = hours_after(review.held_at, hours)
    return in_force("T", "held", WORDS, unit=unit("service"), evidence=reviews(), until=until)


def covered_to(spans: list[tuple[float, float]], start: float) -> float:
    """Follow evidence that meets or overlaps from an instant on."""
    reached = start
    for begins, ends in sorted(spans):
        if begins <= reached < ends:
            reached = ends
    return reached


@pytest.mark.parametrize("seed", range(60))
def test_every_period_is_judged_as_counting_by_hand_says(conn: Connection, seed: int) -> None:
    draw = random.Random(seed)
    lasts = draw.choice([5, 20, 40])
    instants = [draw.randrange(-60, 130) + draw.choice([0, 0, 0.5]) for _ in range(draw.randrange(12))]
    records: list[Record] = [Service(id="r:service/1", source="r", created_at=day(-100))]
    records += [held(number, at) for number, at in enumerate(instants)]
    found = obligations(conn, lasting(24 * lasts), records)
    spans = [(at, at + lasts) for at in instants]
    for first, after in MONTHS.items():
        row = found[first]
        reached = covered_to(spans, first)
        if reached >= after:
            assured = min(at for at, end in spans if end >= after and covered_to(spans, first) >= at)
            assert (row.due_at, row.met_at) == (day(after) - 1, day(max(first, assured))), (first, instants)
        else:
            late = [at for at in instants if at >= reached]
            assert row.due_at == day(reached), (first, instants)
            assert row.met_at == (day(min(late)) if late else None), (first, instants)
            assert row.met_at is None or row.met_at >= row.due_at


def test_what_may_count_leaves_the_period_open_to_doubt(conn: Connection) -> None:
    evidence = reviews().doubtful(review.conclusions.is_(None), "its conclusions are not recorded")
    part = in_force("T", "held", WORDS, unit=unit("service"), evidence=evidence, until=hours_after(review.held_at, 960))
    owner = Service(id="r:service/1", source="r", created_at=day(-100))
    found = obligations(conn, part, [owner, held(1, -1)])
    assert (found[0].met_at, found[0].lacks) == (None, "its conclusions are not recorded")
    assert found[59].lacks is None
    found = obligations(conn, part, [owner, held(1, -1), held(2, -1, conclusions="none")])
    assert (found[0].met_at, found[0].lacks, found[0].evidence) == (day(0), None, "r:review/2")


def test_a_declaration_that_expires_is_no_longer_known(conn: Connection) -> None:
    owner = Service(id="r:service/1", source="r", created_at=day(-100))
    lasts = lasting(24 * 90)
    declared = held(1, -1, declared_by="r:person/1", expires_at=day(40))
    found = obligations(conn, lasts, [owner, declared])
    assert (found[0].met_at, found[0].declared) == (day(0), True)
    assert (found[31].due_at, found[31].met_at) == (day(40), None)
    assert found[31].lacks == "what was declared for it has expired"
    assert found[90].lacks is None
    assert found[90].due_at == day(90)


def test_the_first_is_owed_some_days_after_the_unit_came_into_being(conn: Connection) -> None:
    part = periodic("T", "held", WORDS, unit=unit("service"), evidence=reviews(), at=review.held_at, days=40)
    owner = Service(id="r:service/1", source="r", created_at=day(0.5))
    found = obligations(conn, part, [owner])
    assert min(found) == 31, "January ends before the first is owed"
    assert (found[31].opened_at, found[31].due_at) == (day(0.5), day(41) - 1)
    found = obligations(conn, part, [owner, held(1, 10)])
    assert found[31].due_at == day(51) - 1
    assert found[31].lacks is None
    found = obligations(conn, part, [owner, held(1, 10), held(2, 45)])
    assert (found[31].met_at, found[31].due_at) == (day(45), day(59) - 1)


def test_who_has_gone_owes_nothing_more(conn: Connection) -> None:
    part = periodic(
        "T", "held", WORDS, unit=unit("service"), evidence=reviews(), at=review.held_at, days=40, end=service.live_at
    )
    owner = Service(id="r:service/1", source="r", created_at=day(0), live_at=day(45))
    assert max(obligations(conn, part, [owner])) == 31
    found = obligations(conn, part, [owner, held(1, 10)])
    assert list(found) == [31]
    assert (found[31].met_at, found[31].due_at) == (day(10), day(45))
    early = Service(id="r:service/1", source="r", created_at=day(0), live_at=day(35))
    assert obligations(conn, part, [early]) == {}


def test_the_organisation_owes_from_the_first_day(conn: Connection) -> None:
    part = periodic(
        "T",
        "held",
        WORDS,
        unit=organisation(),
        evidence=rows("review", review.type == "service_review", review.held_at, reach="all"),
        at=review.held_at,
        days=40,
    )
    found = obligations(conn, part, [held(1, 0), held(2, 22)])
    assert (found[0].met_at, found[31].met_at) == (day(0), day(31))
    assert (found[59].due_at, found[59].met_at) == (day(63) - 1, None)
    assert (found[-31].due_at, found[-31].met_at) == (day(-31), day(0))


def test_a_limit_on_the_last_day_of_a_month_holds_to_its_end(conn: Connection) -> None:
    part = periodic("T", "held", WORDS, unit=unit("service"), evidence=reviews(), at=review.held_at, days=30)
    owner = Service(id="r:service/1", source="r", created_at=day(-100))
    found = obligations(conn, part, [owner, held(1, -20), held(2, 0.5)])
    assert (found[0].due_at, found[0].met_at) == (day(31) - 1, day(0.5))
    assert (found[31].due_at, found[31].met_at) == (day(31), None)


@pytest.mark.parametrize(
    ("last", "days", "grace", "good_through"),
    [
        ("2027-03-01", 365, 0, "2028-03-01"),  # C08: a leap day lies between
        ("2026-11-22", 365, 0, "2027-11-22"),  # C09
        ("2028-02-29", 365, 0, "2029-02-28"),
        ("2027-03-01", 365, 31, "2028-04-01"),
        ("2027-03-01", 364, 0, "2028-02-28"),
        ("2027-03-01", 366, 0, "2028-03-01"),
    ],
)
def test_a_limit_of_a_year_is_the_same_date(last: str, days: int, grace: int, good_through: str) -> None:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    with engine.connect() as one:
        calendar = Calendar(id=CALENDAR, zone="Europe/Berlin", weekly=BUILT_IN["7x24"])
        materialise(one, [calendar], "Europe/Berlin", date(2026, 1, 1), date(2029, 12, 31))
        noon, end = parse_instant(f"{last}T12:00:00+01:00"), date.fromisoformat(good_through) + timedelta(days=1)
        for limit in (days, literal(days)):  # of a parameter, and of a column
            found = one.scalar(select(holding(literal(noon), limit, grace)))
            assert found is not None
            shown = datetime.fromtimestamp((found + 1) / 1000, ZoneInfo("Europe/Berlin"))
            assert (shown.date(), shown.hour) == (end, 0)
    engine.dispose()
