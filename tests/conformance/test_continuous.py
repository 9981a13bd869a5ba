"""Evidence that must not lapse, against counting every day by hand."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, StaticPool, create_engine, insert, literal, select

from hub.clock import parse_instant
from hub.conformance.continuous import holding, in_force, periodic
from hub.conformance.evidence import any_of, rows
from hub.conformance.expression import CALENDAR, hours_after, year_after
from hub.conformance.owed import NEVER
from hub.conformance.part import Words
from hub.conformance.unit import ORGANISATION, organisation, unit
from hub.conformance.verdict import EXPIRED
from hub.records import Record, Review, Service
from hub.records.base import Period
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


def test_of_several_that_cover_a_period_the_earliest_decides(conn: Connection) -> None:
    """In whatever order they were read."""
    owner = Service(id="r:service/1", source="r", created_at=day(-100))
    for records in ([held(1, -3), held(2, -5)], [held(2, -5), held(1, -3)]):
        assert obligations(conn, lasting(24 * 90), [owner, *records])[0].evidence == "r:review/2"


def test_a_gap_is_certain_whatever_is_doubtful_after_it(conn: Connection) -> None:
    """Nothing covers January's first days: a declaration made later, which has expired since, does not change that."""
    owner = Service(id="r:service/1", source="r", created_at=day(-100))
    late = held(1, 5, declared_by="r:person/1", expires_at=day(20))
    found = obligations(conn, lasting(24 * 90), [owner, late])
    assert (found[0].due_at, found[0].met_at, found[0].lacks) == (day(0), day(5), None)
    doubtful = reviews().doubtful(review.conclusions.is_(None), "its conclusions are not recorded")
    part = in_force("T", "held", WORDS, unit=unit("service"), evidence=doubtful, until=hours_after(review.held_at, 960))
    found = obligations(conn, part, [owner, held(1, 5)])
    assert (found[0].due_at, found[0].met_at, found[0].lacks) == (day(0), None, None)
    assert found[31].lacks == "its conclusions are not recorded"


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
        end = date.fromisoformat(good_through) + timedelta(days=1)
        for hour in ("00:00", "12:00"):
            at = literal(parse_instant(f"{last}T{hour}:00+01:00"))
            limits = [holding(at, days, grace), holding(at, literal(days), grace)]  # of a parameter, and of a column
            for limit in [*limits, year_after(at)] if (days, grace) == (365, 0) else limits:
                found = one.scalar(select(limit))
                assert found is not None
                shown = datetime.fromtimestamp((found + 1) / 1000, ZoneInfo("Europe/Berlin"))
                assert (shown.date(), shown.time()) == (end, time())
    engine.dispose()


def owner(**fields: Any) -> Service:
    return Service(**{"id": "r:service/1", "source": "r", "created_at": day(-100)} | fields)


def until(end: float | None, lost: float | None = None) -> Any:
    """Give the period looked back at; here its ends stand for when evidence ends, and when it is lost."""
    return Period(start=None if lost is None else day(lost), end=None if end is None else day(end))


def ending() -> Any:
    """Held from `held_at` to the end of the period named, but lost at its start."""
    evidence = replace(reviews(), lost=review.period_start)
    return in_force("T", "held", WORDS, unit=unit("service"), evidence=evidence, until=review.period_end)


@pytest.mark.parametrize(
    ("ends_at", "lost", "expires", "ends", "lacks"),
    [
        (31, None, None, None, None),
        (90, 20, 40, 20, None),
        (15, 20, 40, 15, None),
        (90, 40, 20, 20, EXPIRED),
        (15, 40, 20, 15, None),
        (90, 10, 20, 10, None),  # what is lost has not expired
    ],
)
def test_evidence_ends_with_the_first_of_its_ends(  # noqa: PLR0917 - columns of the table
    conn: Connection, ends_at: int, lost: int | None, expires: int | None, ends: int | None, lacks: str | None
) -> None:
    one = held(
        1,
        -1,
        period=until(ends_at, lost),
        declared_by="r:person/1",
        expires_at=None if expires is None else day(expires),
    )
    january = obligations(conn, ending(), [owner(), one])[0]
    assert (january.met_at, january.due_at) == ((day(0), day(31) - 1) if ends is None else (None, day(ends)))
    assert (january.lacks, january.declared) == (lacks, ends is None)


@pytest.mark.parametrize(
    ("spans", "due", "met"),
    [
        ([(-1, 25), (5, 10), (20, 70)], day(31) - 1, day(20)),  # a short one within a long one breaks nothing
        ([(-1, 25), (10, 20), (25, 70)], day(31) - 1, day(25)),
        ([(-1, 25), (30, 30)], day(25), None),  # what ends as it begins cures nothing
        ([(40, 70)], day(0), day(40)),
    ],
)
def test_a_chain_is_as_long_as_its_longest(conn: Connection, spans: list[Any], due: int, met: int | None) -> None:
    records = [held(no, at, period=until(end)) for no, (at, end) in enumerate(spans)]
    january = obligations(conn, ending(), [owner(), *records])[0]
    assert (january.due_at, january.met_at, january.lacks) == (due, met, None)


UNSURE = "its conclusions are not recorded"
UNDATED = "when the review was made is not recorded"


@pytest.mark.parametrize(
    ("at", "ends_at", "lost", "lacks"),
    [
        (-1, 39, None, UNSURE),
        (-1, None, None, UNSURE),
        (-40, 0, None, None),  # it would have ended as the period began
        (-40, 1, None, UNSURE),
        (-40, 20, -5, None),
        (-40, -5, 20, None),
        (0, 39, None, UNSURE),  # it would have begun with the gap
        (40, 70, None, None),  # it would have begun too late
    ],
)
def test_what_is_in_doubt_matters_where_it_would_have_filled_the_gap(
    conn: Connection, at: float, ends_at: float | None, lost: float | None, lacks: str | None
) -> None:
    part = in_force(
        "T",
        "held",
        WORDS,
        unit=unit("service"),
        until=review.period_end,
        evidence=replace(reviews(), lost=review.period_start).doubtful(review.conclusions.is_(None), UNSURE),
    )
    january = obligations(conn, part, [owner(), held(1, at, period=until(ends_at, lost))])[0]
    assert (january.due_at, january.met_at, january.lacks, january.declared) == (day(0), None, lacks, False)


def test_what_has_no_date_may_have_been_there(conn: Connection) -> None:
    undated = Review(id="r:review/1", source="r", subject_id="r:service/1", type="service_review", declared_by="r:p/1")
    january = obligations(conn, lasting(24), [owner(), undated])[0]
    assert (january.due_at, january.met_at, january.lacks, january.declared) == (day(0), None, UNDATED, False)
    assert obligations(conn, lasting(24), [owner()])[0].declared == 0


def test_any_of_several_kinds_of_evidence_holds(conn: Connection) -> None:
    other = rows("review", review.subject_id == service.sid, review.held_at).where(review.type == "interim")
    lasts = hours_after(review.held_at, 24 * 40)
    part = in_force("T", "held", WORDS, unit=unit("service"), evidence=any_of(reviews(), other), until=lasts)
    found = obligations(conn, part, [owner(), held(1, -1), held(2, 30, type="interim")])
    assert [found[first].met_at for first in (0, 31)] == [day(0), day(31)]


@pytest.mark.parametrize(
    ("hidden", "lacks"), [(None, None), (9, "it is no longer visible at its source"), (10, None), (11, None)]
)
def test_who_was_seen_until_it_lapsed_is_not_in_doubt(conn: Connection, hidden: int | None, lacks: str | None) -> None:
    gone = owner(invisible_at=None if hidden is None else day(hidden))
    january = obligations(conn, ending(), [gone, held(1, -1, period=until(10))])[0]
    assert (january.due_at, january.lacks) == (day(10), lacks)


def test_warned_thirty_days_before_but_never_before_it_is_owed(conn: Connection) -> None:
    part = periodic("T", "held", WORDS, unit=unit("service"), evidence=reviews(), at=review.held_at, days=40)
    found = obligations(conn, part, [owner(created_at=day(0.5))])
    assert (found[31].due_at, found[31].warn_at) == (day(41) - 1, day(11) - 1)
    held_on = obligations(conn, ending(), [owner(), held(1, -1, period=until(120))])
    assert [(held_on[first].due_at, held_on[first].warn_at) for first in (0, 31)] == [
        (day(31) - 1, day(1) - 1),
        (day(59) - 1, day(31)),
    ]


def test_who_comes_in_between_owes_from_then_on(conn: Connection) -> None:
    found = obligations(conn, ending(), [owner(created_at=day(10)), held(1, -1, period=until(120))])
    assert (min(found), found[0].opened_at, found[31].opened_at, found[0].met_at) == (0, day(10), day(31), day(10))
    last = obligations(conn, ending(), [owner(created_at=day(31) - 1), held(1, 0, period=until(31))])
    assert last[0].met_at == day(31) - 1
    ends_as_it_opens = held(1, 0, period=until(31 - 1 / DAY))
    last = obligations(conn, ending(), [owner(created_at=day(31) - 1), ends_as_it_opens])
    assert (last[0].due_at, last[0].met_at) == (day(31) - 1, None)
    expired = held(1, 0, period=until(90), declared_by="r:person/1", expires_at=day(31) - 1)
    assert obligations(conn, ending(), [owner(created_at=day(31) - 1), expired])[0].lacks == EXPIRED
    covered = [owner(created_at=day(31)), held(1, 0, period=until(90))]
    assert min(obligations(conn, ending(), covered)) == 31, "nothing is owed of January"


def test_the_first_may_be_owed_on_the_last_day_of_a_month_or_the_first(conn: Connection) -> None:
    part = periodic("T", "held", WORDS, unit=unit("service"), evidence=reviews(), at=review.held_at, days=40)
    found = obligations(conn, part, [owner(created_at=day(-9.5))])
    assert (min(found), found[0].due_at, found[0].met_at) == (0, day(31) - 1, None)
    assert obligations(conn, part, [owner(created_at=day(-9.5)), held(1, 40)])[0].met_at == day(40)
    starting = in_force(
        "T", "held", WORDS, unit=unit("service"), evidence=reviews(), until=review.period_end, first=service.live_at
    )
    found = obligations(conn, starting, [owner(created_at=day(-20), live_at=day(31))])
    assert (min(found), found[31].opened_at, found[59].opened_at) == (31, day(-20), day(59))


@pytest.mark.parametrize(
    ("end", "dues"),
    [
        (None, [day(31) - 1, day(59) - 1, day(90) - 1]),
        (75, [day(31) - 1, day(59) - 1, day(75)]),
        (59, [day(31) - 1, day(59) - 1]),  # who goes as a period begins owes nothing in it
        (31, [day(31) - 1]),
    ],
)
def test_who_goes_owes_whole_periods_until_then(conn: Connection, end: int | None, dues: list[int]) -> None:
    part = in_force(
        "T", "held", WORDS, unit=unit("service"), evidence=reviews(), until=review.period_end, end=service.live_at
    )
    going = owner(live_at=None if end is None else day(end))
    found = obligations(conn, part, [going, held(1, -1, period=until(90))])
    assert [row.due_at for first, row in sorted(found.items()) if 0 <= first < 90] == dues


@pytest.mark.parametrize(
    ("at", "days", "grace", "expected"),
    [
        (0.5, 10, 0, day(11) - 1),
        (0.5, 10, 2, day(13) - 1),
        (-100.5, 10, 0, day(-90.5)),  # before the calendar days are counted
        (-100.5, 10, 2, day(-88.5)),
        (-40.5, 20, 0, day(-20) - 1),  # to the end of the day where it ends within
        (-36_700, 40_000, 0, day(-100)),  # somebody's slip, cut to a hundred years
    ],
)
def test_how_long_evidence_holds(conn: Connection, at: float, days: int, grace: int, expected: int) -> None:
    given = {"grace_days": grace} if grace else {}
    assert conn.scalar(select(holding(literal(day(at)), literal(days), **given))) == expected
    if days < 36_600:
        assert conn.scalar(select(holding(literal(day(at)), days, **given))) == expected


def test_what_must_be_given() -> None:
    everybody = in_force(
        "T",
        "held",
        WORDS,
        unit=organisation(),
        evidence=rows("review", review.held_at > 0, review.held_at),
        until=literal(NEVER),
    )
    fields = in_force(
        "T", "held", WORDS, unit=unit("service"), evidence=reviews(), until=literal(NEVER), fields=("owner",)
    )
    assert [[(need.kind, need.fields) for need in part.needs] for part in (everybody, ending(), fields)] == [
        [("review", frozenset())],
        [("service", frozenset()), ("review", frozenset())],
        [("service", frozenset({"owner"})), ("review", frozenset())],
    ]
    assert not ending().complete
