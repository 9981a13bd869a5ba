"""The tables of open time follow the calendars, and are left alone while nothing changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import create_engine, func, select, text

from hub.clock import parse_instant
from hub.errors import ConfigurationError
from hub.sla import materialise as module
from hub.sla.calendar import built_in
from hub.sla.materialise import horizon, materialise
from hub.store import tables

ZONE = "Europe/Berlin"
RANGE = (date(2026, 3, 1), date(2026, 4, 30))
EVERYTHING = ["calendar", "calendar", "period", "period", "period", "period"]
"""What the change log says once two calendars and four lengths of period are new."""


@pytest.fixture
def conn():
    engine = create_engine("sqlite://")
    tables.metadata.create_all(engine)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def changes(conn):
    return [kind for (kind,) in conn.execute(select(tables.change_log.c.kind).order_by(tables.change_log.c.seq))]


def test_rows_stand_in_the_tables(conn):
    materialise(conn, built_in(ZONE), ZONE, *RANGE)
    office = conn.execute(
        text("select opens, closes, seconds_before from open_interval where calendar = '5x8' order by opens")
    ).all()
    assert len(office) == (22 + 22) * 2
    assert office[0] == (parse_instant("2026-03-02T07:00:00Z"), parse_instant("2026-03-02T11:00:00Z"), 0)
    assert office[-1].seconds_before == (len(office) - 1) * 4 * 3600
    day = conn.execute(text("select * from local_day where calendar = '5x8' and date = '2026-03-29'")).mappings().one()
    assert (day["ends_at"] - day["starts_at"]) == 23 * 3_600_000
    assert (day["business"], day["business_no"]) == (0, 20)
    assert conn.execute(text("select label from period where unit = 'month' order by starts_at")).scalars().all() == [
        "2026-03",
        "2026-04",
    ]
    longer = conn.execute(text("select label from period where unit <> 'month' order by unit, starts_at")).scalars()
    assert longer.all() == ["2026-H1", "2026-Q1", "2026-Q2", "2026"]


def test_the_same_again_writes_nothing(conn):
    first = materialise(conn, built_in(ZONE), ZONE, *RANGE)
    before = conn.execute(text("select total_changes()")).scalar_one()
    assert materialise(conn, reversed(built_in(ZONE)), ZONE, *RANGE) == first
    assert conn.execute(text("select total_changes()")).scalar_one() == before
    assert changes(conn) == EVERYTHING


def test_only_what_changed_is_written_again(conn):
    first = materialise(conn, built_in(ZONE), ZONE, *RANGE)
    office, always = built_in(ZONE)
    fools_day = replace(office, closed=frozenset({date(2026, 4, 1)}))
    assert materialise(conn, [fools_day, always], ZONE, *RANGE) != first
    assert changes(conn)[len(EVERYTHING) :] == ["calendar"]
    assert conn.execute(text("select count(*) from open_interval where calendar = '5x8'")).scalar_one() == 86
    assert materialise(conn, built_in(ZONE), ZONE, *RANGE) == first


def test_a_calendar_no_longer_kept_loses_its_rows(conn):
    materialise(conn, built_in(ZONE), ZONE, *RANGE)
    materialise(conn, built_in(ZONE)[:1], ZONE, *RANGE)
    assert conn.execute(text("select distinct calendar from open_interval")).scalars().all() == ["5x8"]
    assert conn.execute(text("select distinct calendar from local_day")).scalars().all() == ["5x8"]
    assert conn.execute(text("select name from fingerprint order by name")).scalars().all() == [
        "calendar:5x8",
        "period:half_year",
        "period:month",
        "period:quarter",
        "period:year",
    ]


@pytest.mark.parametrize("what", ["range", "tz", "zone"])
def test_fingerprint_follows_range_tz_database_and_zone(conn, monkeypatch, what):
    first = materialise(conn, built_in(ZONE), ZONE, *RANGE)
    zone, last = ZONE, RANGE[1]
    if what == "range":
        last = date(2026, 5, 31)
    elif what == "tz":
        monkeypatch.setattr(module, "tz_version", lambda: "2099.1")
    else:
        zone = "Asia/Shanghai"
    assert materialise(conn, built_in(zone), zone, RANGE[0], last) != first
    assert changes(conn)[len(EVERYTHING) :] == EVERYTHING


def test_a_calendar_with_faults_is_refused_before_anything_is_written(conn):
    office, always = built_in(ZONE)
    with pytest.raises(ConfigurationError, match="unknown time zone 'Mars/Base'") as caught:
        materialise(conn, [office, replace(always, zone="Mars/Base"), office], ZONE, *RANGE)
    assert [fault.key for fault in caught.value.faults] == ["7x24", "5x8"]
    assert changes(conn) == []


def test_horizon_is_the_end_of_the_local_year_five_years_on():
    assert horizon(parse_instant("2026-12-31T23:30:00Z"), ZONE) == date(2032, 12, 31)
    assert horizon(parse_instant("2026-12-31T22:30:00Z"), ZONE) == date(2031, 12, 31)


def test_both_engines_hold_the_same(store):
    with store.begin() as conn:
        first = materialise(conn, built_in(ZONE), ZONE, *RANGE)
    with store.begin() as conn:
        logged = len(changes(conn))
        assert materialise(conn, built_in(ZONE), ZONE, *RANGE) == first
        assert len(changes(conn)) == logged
        counts = [
            conn.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (tables.open_interval, tables.local_day, tables.period)
        ]
    assert counts == [88 + 1, 2 * 61, 2 + 2 + 1 + 1]
