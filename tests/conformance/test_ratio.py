"""Shares with figures that are not all known, against trying every way the unknown could turn out."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import BigInteger, Connection, StaticPool, case, create_engine, literal, null, select

from hub.conformance.evidence import rows
from hub.conformance.expression import CALENDAR, business_hours_after
from hub.conformance.part import Words
from hub.conformance.ratio import ratio
from hub.conformance.unit import each, unit
from hub.records import Change, Record, Service
from hub.sla.calendar import BUILT_IN, Calendar
from hub.sla.materialise import materialise
from hub.store.schema import kind_tables, metadata
from hub.store.writer import Write, write_records

START = 1_767_225_600_000  # 2026-01-01T00:00Z
HOUR = 3_600_000
DAY = 24 * HOUR
WORDS = Words("Enough succeed.", "Too few succeed.", "Find out why.")
change: Any = kind_tables["change"].c
service: Any = kind_tables["service"].c
link: Any = metadata.tables["link"].c


@pytest.fixture(scope="module")
def conn() -> Iterator[Connection]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    with engine.connect() as one:
        calendar = Calendar(id=CALENDAR, zone="UTC", weekly=BUILT_IN["5x8"])
        materialise(one, [calendar], "UTC", date(2025, 12, 1), date(2026, 3, 31))
        one.commit()
        yield one
    engine.dispose()


def succeeding(share: float, **more: Any) -> Any:
    """Changes whose outcome is good count; without a status category a change might not count at all."""
    of = rows("change", change.customer_id == service.sid, change.actual_end, fields=frozenset({"outcome"}))
    return ratio(
        "T",
        "succeed",
        WORDS,
        unit=each(unit("service"), "month"),
        of=of.doubtful(change.status_category.is_(None), "whether it counts is not known"),
        good=case((change.outcome.is_(None), null()), else_=change.outcome == "successful"),
        share=share,
        **more,
    )


def judged(conn: Connection, part: Any, records: list[Record]) -> Any:
    write_records(conn, [Write(one) for one in records], known_at=1)
    found = [row for row in conn.exec_driver_sql(part.sql(conn.dialect)).all() if row.anchor == START]
    conn.rollback()
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize("seed", range(80))
def test_only_what_could_change_the_answer_makes_it_unknown(conn: Connection, seed: int) -> None:
    draw = random.Random(seed)
    share, at_most = draw.choice([0.25, 0.5, 0.9]), draw.random() < 0.4
    sorts = [(draw.choice([True, False, None]), draw.random() < 0.7) for _ in range(draw.randrange(1, 6))]
    records: list[Record] = [Service(id="r:service/1", source="r", created_at=START - DAY)]
    for number, (good, sure) in enumerate(sorts):
        records.append(
            Change(
                id=f"r:change/{number}",
                source="r",
                customer_id="r:service/1",
                actual_end=START + number * DAY,
                outcome=None if good is None else "successful" if good else "failed",
                status_category="closed" if sure else None,
            )
        )
    row = judged(conn, succeeding(share, at_most=at_most), records)
    ways = [[True, False] if good is None else [good] for good, _ in sorts]
    answers = set()
    for outcome in itertools.product(*ways):
        for present in itertools.product(*([True] if sure else [True, False] for _, sure in sorts)):
            counted = [good for good, there in zip(outcome, present, strict=True) if there]
            rate = sum(counted) / len(counted) if counted else share  # without cases nothing is missed
            answers.add(rate <= share if at_most else rate >= share)
    assert (row.met_at is not None, row.lacks is None) == (answers == {True}, len(answers) == 1)
    assert row.n == sum(1 for good, sure in sorts if good and sure)
    assert row.d == sum(1 for _, sure in sorts if sure)


def test_without_enough_cases_nothing_is_owed(conn: Connection) -> None:
    owner = Service(id="r:service/1", source="r", created_at=START - DAY)
    one = Change(
        id="r:change/1", source="r", customer_id=owner.id, actual_end=START, outcome="failed", status_category="closed"
    )
    assert judged(conn, succeeding(0.5), [owner]) is None
    assert judged(conn, succeeding(0.5, min_sample=2), [owner, one]) is None
    assert judged(conn, succeeding(0.5), [owner, one]).met_at is None


def test_what_ends_as_the_period_ends_belongs_to_the_next(conn: Connection) -> None:
    owner = Service(id="r:service/1", source="r", created_at=START - DAY)

    def one(at: int) -> Change:
        return Change(
            id=f"r:change/{at}",
            source="r",
            customer_id=owner.id,
            actual_end=at,
            outcome="successful",
            status_category="closed",
        )

    first = judged(conn, succeeding(0.5), [owner, one(START)])
    assert (first.n, first.met_at) == (1, first.due_at), "one case is enough, and all good is never too much"
    for at, counted in ((first.due_at - 1, 2), (first.due_at, 1)):
        assert judged(conn, succeeding(0.5), [owner, one(START), one(at)]).n == counted


@pytest.mark.parametrize(
    ("from_hours", "hours", "to_hours"),
    [
        (8, 1, 9),  # Thursday 2026-01-01, open 08-12 and 13-17
        (11, 2, 14),
        (6, 4, 12),  # to the last minute before lunch
        (16, 2, 24 + 9),
        (24 + 17, 1, 4 * 24 + 9),  # after closing on Friday: Monday
        (24 + 16.5, 0.5, 24 + 17),
    ],
)
def test_open_hours_pass_only_while_the_calendar_is_open(
    conn: Connection, from_hours: float, hours: float, to_hours: float
) -> None:
    instant = literal(START + int(from_hours * HOUR), BigInteger)
    assert conn.scalar(select(business_hours_after(instant, hours))) == START + int(to_hours * HOUR)
