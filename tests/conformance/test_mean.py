"""Means with rows of which not all is known, against trying the shortest and a very long time for each."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from sqlalchemy import Connection

from hub.conformance.evidence import rows
from hub.conformance.mean import mean
from hub.conformance.unit import each, unit
from hub.records import Incident, Record, Service
from hub.store.schema import kind_tables
from tests.conformance.test_ratio import DAY, START, WORDS, conn, judged

__all__ = ["conn"]  # the fixture

MINUTE = 60_000
LIMIT = 3
incident: Any = kind_tables["incident"].c
service: Any = kind_tables["service"].c


def answered(**more: Any) -> Any:
    """Incidents from report to answer; one without a status category might not count at all."""
    of = rows("incident", incident.customer_id == service.sid, incident.reported_at)
    return mean(
        "T",
        "answered",
        WORDS,
        unit=each(unit("service"), "month"),
        of=of.doubtful(incident.status_category.is_(None), "whether it counts is not known"),
        took=incident.first_response_at - incident.reported_at,
        at_most_minutes=LIMIT,
        **more,
    )


def outcomes(sorts: list[tuple[int | None, bool]]) -> set[bool]:
    """Whether the mean keeps the limit, for every way the unknown could turn out."""
    ways = []
    for took, sure in sorts:
        times = [0, 1_000] if took is None else [took]
        ways.append([*([[one] for one in times]), *([] if sure else [[]])])
    told = (list(itertools.chain(*way)) for way in itertools.product(*ways))
    return {sum(way) <= LIMIT * len(way) for way in told if way}


@pytest.mark.parametrize("seed", range(60))
def test_only_what_is_known_of_all_keeps_the_limit(conn: Connection, seed: int) -> None:
    draw = random.Random(seed)
    sorts = [(draw.choice([0, 2, 3, 4, 9, None]), draw.random() < 0.8) for _ in range(draw.randrange(1, 5))]
    records: list[Record] = [Service(id="r:service/1", source="r", created_at=START - DAY)]
    for number, (took, sure) in enumerate(sorts):
        at = START + number * DAY
        records.append(
            Incident(
                id=f"r:incident/{number}",
                source="r",
                customer_id="r:service/1",
                reported_at=at,
                first_response_at=None if took is None else at + took * MINUTE,
                status_category="closed" if sure else None,
            )
        )
    found = judged(conn, answered(), records)
    known = [took for took, sure in sorts if sure and took is not None]
    assert (found.n, found.d) == (sum(known), len(known))
    if found.met_at is not None:
        assert len(known) == len(sorts)
        assert outcomes(sorts) == {True}
    elif found.lacks is None:
        assert outcomes(sorts) == {False}
    else:
        assert len(known) < len(sorts)


def test_a_row_more_or_less_decides(conn: Connection) -> None:
    def one(number: int, took: int) -> Incident:
        at = START + number * DAY
        return Incident(
            id=f"r:incident/{number}",
            source="r",
            customer_id="r:service/1",
            reported_at=at,
            first_response_at=at + took,
            status_category="closed",
        )

    owner = Service(id="r:service/1", source="r", created_at=START - DAY)
    kept = judged(conn, answered(), [owner, one(1, 6 * MINUTE), one(2, 0)])
    missed = judged(conn, answered(), [owner, one(1, 6 * MINUTE + 1), one(2, 0)])
    assert (kept.met_at, missed.met_at, missed.lacks) == (kept.due_at, None, None)
    assert judged(conn, answered(), [owner]) is None


def reported(at: int, took: int) -> Incident:
    return Incident(
        id=f"r:incident/{at}",
        source="r",
        customer_id="r:service/1",
        reported_at=at,
        first_response_at=at + took,
        status_category="closed",
    )


def test_what_is_reported_as_the_period_ends_belongs_to_the_next(conn: Connection) -> None:
    owner = Service(id="r:service/1", source="r", created_at=START - DAY)
    end = judged(conn, answered(), [owner, reported(START, 2 * MINUTE)]).due_at
    for at, counted in ((end - 1, 2), (end, 1)):
        found = judged(conn, answered(), [owner, reported(START, 2 * MINUTE), reported(at, 2 * MINUTE)])
        assert (found.n, found.d) == (2 * counted, counted)


def test_a_doubt_about_the_unit_keeps_a_good_mean_from_being_met(conn: Connection) -> None:
    owner = Service(id="r:service/1", source="r", created_at=START - DAY)
    unsure = answered(doubts=[(service.lifecycle.is_(None), "whether it is ours is not recorded")])
    found = judged(conn, unsure, [owner, reported(START, MINUTE)])
    assert (found.met_at, found.lacks) == (None, "whether it is ours is not recorded")


def test_a_figure_needs_what_was_read_of_the_unit_and_of_all_it_counts() -> None:
    part = answered(fields=("in_scope",))
    assert part.complete, "a row that was not read may change the figure"
    assert next((need.kind, need.fields) for need in part.needs) == ("service", frozenset({"in_scope"}))
