"""Counting tickets in periods: the domain's counting vectors, on rows of clocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, StaticPool, create_engine, insert

from hub.sla.attainment import Attainment, attainment, ticket_clocks
from hub.store import tables
from hub.store.schema import metadata

DAY = 86_400_000
NOVEMBER = (1_793_491_200_000, 1_796_083_200_000)  # 2026-11-01 … 2026-12-01 UTC
DECEMBER = (NOVEMBER[1], NOVEMBER[1] + 31 * DAY)
LATER = DECEMBER[1]


@pytest.fixture
def conn() -> Iterator[Connection]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    with engine.connect() as one:
        one.execute(insert(tables.record), {"sid": 1, "id": "r:slas/gold", "kind": "sla"})
        one.execute(
            insert(tables.record), [{"sid": 9 + n, "id": f"desk:{n}", "kind": "incident"} for n in range(1, 300)]
        )
        yield one
    engine.dispose()


def clock(conn: Connection, number: int, **fields: Any) -> None:
    values = {"metric": "resolution", "target": "t", "agreement": 1, "started_at": NOVEMBER[0], "target_s": 60}
    conn.execute(insert(tables.sla_clock), {"sid": 9 + number, **values, **fields})


def counted(conn: Connection, period: tuple[int, int], as_of: int = LATER) -> Attainment | None:
    found = attainment(conn, period, as_of)
    assert len(found) <= 1
    return found[0] if found else None


def test_two_hundred_decided_and_ten_missed(conn: Connection) -> None:
    for number in range(1, 201):
        due = NOVEMBER[0] + number
        clock(conn, number, due_at=due, stopped_at=due + (1 if number <= 10 else 0))
    found = counted(conn, NOVEMBER)
    assert found is not None
    assert (found.decided, found.met, found.rate()) == (200, 190, "95.00")


def test_what_is_left_out_is_not_in_the_rate(conn: Connection) -> None:
    for number in range(1, 101):
        due = NOVEMBER[0] + 5
        late = number > 92
        clock(conn, number, due_at=due, stopped_at=due + late, excluded="X2" if number > 96 else None)
    found = counted(conn, NOVEMBER)
    assert found is not None
    assert (found.excluded, found.decided, found.met, found.rate()) == (4, 96, 92, "95.83")


def test_without_a_decided_ticket_there_are_no_cases(conn: Connection) -> None:
    clock(conn, 1, due_at=None)
    found = counted(conn, NOVEMBER, as_of=NOVEMBER[0] + DAY)
    assert found is not None
    assert (found.paused, found.rate()) == (1, "no cases")


@pytest.mark.parametrize(
    ("due", "stop", "november", "december"),
    [
        (NOVEMBER[1] - 3_600_000, NOVEMBER[1] + DAY, (0, 1), None),  # C04: due in November, solved in December
        (NOVEMBER[1] + DAY, NOVEMBER[1] - DAY, (1, 0), None),  # C05: due in December, solved in November
        (NOVEMBER[1] + DAY, NOVEMBER[1] + 2 * DAY, None, (0, 1)),  # reopened and then missed: November is restated
        (NOVEMBER[1] - 1, None, (0, 1), None),
    ],
)
def test_a_ticket_counts_where_it_was_decided(
    conn: Connection, due: int, stop: int | None, november: tuple[int, int] | None, december: tuple[int, int] | None
) -> None:
    clock(conn, 1, due_at=due, stopped_at=stop)
    for period, expected in ((NOVEMBER, november), (DECEMBER, december)):
        found = counted(conn, period)
        assert (found and (found.met, found.missed)) == expected


def test_what_cannot_be_measured_counts_as_missed_in_the_conservative_rate(conn: Connection) -> None:
    clock(conn, 1, due_at=NOVEMBER[0] + 5, stopped_at=NOVEMBER[0] + 5)
    clock(conn, 2, lacks="its clock stopped before it started")
    found = counted(conn, NOVEMBER)
    assert found is not None
    assert (found.rate(), found.rate(conservative=True), found.lacking) == ("100.00", "50.00", 1)


def test_where_none_could_be_measured_the_rate_is_not_known(conn: Connection) -> None:
    clock(conn, 1, lacks="its clock stopped before it started")
    clock(conn, 2, due_at=LATER + 1)
    found = counted(conn, NOVEMBER)
    assert found is not None
    assert (found.decided, found.rate(), found.rate(conservative=True)) == (0, "not known", "0.00")


def test_open_tickets_are_shown_apart_as_they_stood(conn: Connection) -> None:
    start = NOVEMBER[0]
    clock(conn, 1, due_at=start + 100, warn_at=start + 80, stopped_at=start + 90)
    clock(conn, 2, due_at=start + 100, warn_at=start + 80)
    clock(conn, 3, due_at=start + 500, warn_at=start + 400)
    found = counted(conn, NOVEMBER, as_of=start + 85)
    assert found is not None
    assert (found.decided, found.open, found.at_risk) == (0, 3, 2)
    states = {one.id: one.state for one in ticket_clocks(conn, NOVEMBER, start + 200)}
    assert states == {"desk:1": "met", "desk:2": "breached", "desk:3": "running"}
