"""Availability as measurements: once a month has ended, again where something changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection, StaticPool, create_engine, select, text

from hub.cli.sla_text import availability_lines
from hub.conformance.answer import Subject
from hub.records import AvailabilitySample, MaintenanceWindow, Outage, Record, Service
from hub.sla.calendar import built_in, open_intervals
from hub.sla.materialise import materialise
from hub.sla.open_time import OpenTime
from hub.sla.service_availability import availability_over, refresh_availability
from hub.store.schema import kind_tables, metadata
from hub.store.writer import Write, write_records

HOUR = 3_600_000
JANUARY = 1_767_225_600_000  # 2026-01-01T00:00Z
FEBRUARY = JANUARY + 31 * 24 * HOUR
LATER = FEBRUARY + HOUR
CALENDARS = {one.id: OpenTime(open_intervals(one, date(2025, 12, 1), date(2026, 6, 1))) for one in built_in("UTC")}
measured: Any = kind_tables["measurement"].c


@pytest.fixture
def conn() -> Iterator[Connection]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    with engine.connect() as one:
        materialise(one, built_in("UTC"), "UTC", date(2026, 1, 1), date(2026, 4, 30))
        yield one
    engine.dispose()


def shop(**fields: Any) -> Service:
    return Service(id="r:services/shop", source="r", created_at=JANUARY, availability_target=99.5, **fields)


def samples(first: int = 0, last: int = 31 * 24) -> list[Record]:
    return [
        AvailabilitySample(
            id=f"m:{hour}",
            source="m",
            service_id="r:services/shop",
            at=JANUARY + hour * HOUR,
            state="up",
            interval_s=3600,
        )
        for hour in range(first, last)
    ]


def outage(begins: int, ends: int | None, number: int = 1, **fields: Any) -> Outage:
    return Outage(
        id=f"m:outage/{number}",
        source="m",
        service_id="r:services/shop",
        started_at=JANUARY + begins * HOUR,
        ended_at=None if ends is None else JANUARY + ends * HOUR,
        **fields,
    )


def refreshed(conn: Connection, *records: Record, now: int = LATER) -> int:
    write_records(conn, [Write(one) for one in records], known_at=1)
    changed = refresh_availability(conn, lambda: CALENDARS, now=now)
    conn.execute(text("DELETE FROM change_log"))
    return changed


def figures(conn: Connection) -> list[Any]:
    columns = (measured.actual, measured.coverage, measured.missing_reason, measured.target)
    return [tuple(row) for row in conn.execute(select(*columns).order_by(measured.period_start))]


def test_overlapping_outages_count_once(conn: Connection) -> None:
    refreshed(conn, shop(), *samples(), outage(10, 12), outage(11, 13, 2))
    assert figures(conn) == [(99.5967, 1.0, None, 99.5)]


def test_a_month_is_measured_once_it_has_ended(conn: Connection) -> None:
    assert refreshed(conn, shop(), *samples(), now=FEBRUARY - 1) == 0
    assert refreshed(conn, now=FEBRUARY) == 1
    assert refreshed(conn, now=FEBRUARY + HOUR) == 0
    assert refreshed(conn, outage(1, 2)) == 1
    assert refreshed(conn, outage(1, 2)) == 0


def test_time_without_samples_is_unknown_not_up(conn: Connection) -> None:
    refreshed(conn, shop(), *samples(0, 300), *samples(306))
    [(actual, coverage, _, _)] = figures(conn)
    assert (actual, coverage) == (100.0, 0.991935)


def test_one_sample_may_stand_for_a_stretch_and_a_gap_behind_it_is_a_gap_all_the_same(conn: Connection) -> None:
    days = [
        AvailabilitySample(
            id=f"m:{day}",
            source="m",
            service_id="r:services/shop",
            at=JANUARY + day * 24 * HOUR - HOUR,
            state="up",
            interval_s=86_400 if day != 7 else 43_200,
            every_s=60,
        )
        for day in range(32)
    ]
    refreshed(conn, shop(), *days)
    assert figures(conn) == [(100.0, 0.983870, None, 99.5)], "half of the eighth day is missing, nothing at either edge"


def test_without_any_sample_nothing_is_known(conn: Connection) -> None:
    refreshed(conn, shop(), outage(1, 2))
    [(actual, coverage, missing, _)] = figures(conn)
    assert (actual, coverage, missing) == (None, 0.0, "nobody watched the service in the month")


def test_announced_maintenance_is_left_out_and_its_overrun_is_not(conn: Connection) -> None:
    window = MaintenanceWindow(
        id="r:windows/1",
        source="r",
        service_ids=["r:services/shop"],
        start=JANUARY + 100 * HOUR,
        end=JANUARY + 102 * HOUR,
        announced_at=JANUARY + 10 * HOUR,
    )
    refreshed(conn, shop(), *samples(), outage(100, 103), window)
    assert figures(conn)[0][0] == float(f"{(742 - 1) / 742 * 100:.6f}"[:7])


def test_only_agreed_hours_count(conn: Connection) -> None:
    refreshed(conn, shop(calendar_id="5x8"), *samples(), outage(0, 24))
    assert figures(conn)[0][0] is not None


def test_an_outage_that_goes_on_counts_to_the_end_of_the_month(conn: Connection) -> None:
    refreshed(conn, shop(), *samples(), outage(31 * 24 - 1, None))
    assert figures(conn)[0][0] == 99.8655


def test_outages_are_counted_with_their_mean_times(conn: Connection) -> None:
    refreshed(conn, shop(), *samples(), outage(10, 12), outage(20, 21, 2))
    ((_, target, found),) = availability_over(conn, (JANUARY, FEBRUARY), CALENDARS)
    assert (target, found.outages, found.mean_time_to_restore) == (99.5, 2, 3 * HOUR // 2)
    assert found.mean_time_between_failures == (31 * 24 - 3) * HOUR // 2
    subject = Subject(id="r:services/shop", kind="service", key="shop", title="Web shop")
    lines = list(availability_lines([(subject, target, found, found)], ["2025-12", "2026-01", "2026-02"]))
    assert lines[-1].split() == ["Web", "shop", "99.5967", "99.5967", "99.5", "2", "1:30", "370:30"]
    assert max(map(len, lines)) <= 80


def test_a_month_that_was_hardly_watched_is_not_provable(conn: Connection) -> None:
    refreshed(conn, shop(), *samples(0, 700))
    ((_, target, found),) = availability_over(conn, (JANUARY, FEBRUARY), CALENDARS)
    subject = Subject(id="r:services/shop", kind="service", key="shop")
    lines = list(availability_lines([(subject, target, found, found)], ["2025-12", "2026-01", "2026-02"]))
    assert lines[-1] == "      not provable: 94.08 % of the agreed time is known"
