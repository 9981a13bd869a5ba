"""Maintenance: when it is, when it was announced, what becomes of it when it is changed or taken away."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from hub.clock import FixedClock
from hub_zabbix.recurrence import windows
from hub_zabbix.wire import Maintenance
from tests.zabbix.kit import DAY, HOUR, NOW, NOW_S, SHOP, make, read

BERLIN = ZoneInfo("Europe/Berlin")


def local(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp())


def maintenance(since: str, till: str, **period) -> Maintenance:
    told = {"maintenanceid": "1", "active_since": str(local(since)), "active_till": str(local(till))}
    texts = {key: str(value) for key, value in period.items()}
    return msgspec.convert(told | {"timeperiods": [texts]}, Maintenance)


@pytest.mark.parametrize(
    ("one", "starts"),
    [
        (
            maintenance("2026-03-27", "2026-03-31", timeperiod_type=2, every=2, start_time=7200, period=3600),
            ["2026-03-27T02:00", "2026-03-29T03:00"],  # 02:00 does not exist on the day clocks go forward
        ),
        (
            maintenance("2026-09-01", "2026-09-30", timeperiod_type=3, every=2, dayofweek=65, start_time=0, period=60),
            ["2026-09-06", "2026-09-14", "2026-09-20", "2026-09-28"],  # Mondays and Sundays of every other week
        ),
        (
            maintenance("2026-01-01", "2027-01-01", timeperiod_type=4, month=0b101, day=31, start_time=0, period=60),
            ["2026-01-31", "2026-03-31"],
        ),
        (
            maintenance("2026-01-01", "2026-07-01", timeperiod_type=4, month=6, dayofweek=64, every=5, period=60),
            ["2026-02-22", "2026-03-29"],  # last Sunday of February and March
        ),
        (
            maintenance("2026-01-01", "2026-04-01", timeperiod_type=4, month=7, dayofweek=1, every=2, period=60),
            ["2026-01-12", "2026-02-09", "2026-03-09"],  # second Monday
        ),
    ],
    ids=["daily", "weekly", "day of month", "last weekday", "second weekday"],
)
def test_it_recurs_by_the_wall_clock(one, starts):
    found = windows(one, "Europe/Berlin", local("2030-01-01"))
    assert [datetime.fromtimestamp(begin, tz=BERLIN) for begin, _ in found] == [
        datetime.fromisoformat(start).replace(tzinfo=BERLIN) for start in starts
    ]


def test_it_is_cut_to_when_it_is_active_and_to_what_is_written_out():
    once = maintenance(
        "2026-05-01T10:00", "2026-05-01T12:00", timeperiod_type=0, period=DAY, start_date=local("2026-05-01")
    )
    assert windows(once, "Europe/Berlin", NOW_S) == [(local("2026-05-01T10:00"), local("2026-05-01T12:00"))]
    daily = maintenance("2026-05-01", "2036-05-01", timeperiod_type=2, every=1, period=60)
    assert len(windows(daily, "Europe/Berlin", local("2026-05-10T12:00"))) == 10
    assert windows(maintenance("2026-05-01", "2026-05-02", timeperiod_type=9), "Europe/Berlin", NOW_S) == []


def held(start: int, length: int = HOUR, **more) -> dict:
    period = {"timeperiod_type": "0", "start_date": str(start), "period": str(length)}
    fields = {
        "maintenanceid": "4",
        "name": "CHG-1",
        "active_since": str(NOW_S - DAY),
        "active_till": str(NOW_S + 9 * DAY),
    }
    return fields | {"timeperiods": [period], "hosts": [], "tags": [{"tag": "service", "value": "shop"}]} | more


def run(zabbix, minutes: int, *maintenances: dict, cursor: dict | None = None):
    zabbix.maintenances, zabbix.now = list(maintenances), NOW + minutes * 60_000
    _, records, pages = read(make(clock=FixedClock(zabbix.now)), "maintenance", cursor)
    return records, pages[-1].cursor


def test_it_was_announced_when_the_hub_saw_it_first(zabbix):
    planned = held(NOW_S + 4 * DAY)
    (first,), cursor = run(zabbix, 0, planned)
    assert (first.start, first.end) == ((NOW_S + 4 * DAY) * 1000, (NOW_S + 4 * DAY + HOUR) * 1000)
    assert (first.announced_at, first.service_ids, first.title) == (NOW, [SHOP], "CHG-1")
    (again,), cursor = run(zabbix, 60, planned, cursor=cursor)
    assert again == first
    moved, cursor = run(zabbix, 120, held(NOW_S + 2 * DAY), cursor=cursor)
    by_category = {one.status_category: one for one in moved}
    assert by_category["new"].announced_at == NOW + 7_200_000, "another time is another announcement"
    assert by_category["cancelled"].id == first.id
    assert by_category["cancelled"].start is None


def test_what_had_begun_excuses_until_it_was_last_seen(zabbix):
    _, cursor = run(zabbix, 0, held(NOW_S - 600))
    _, cursor = run(zabbix, 10, held(NOW_S - 600), cursor=cursor)
    (record,), cursor = run(zabbix, 20, cursor=cursor)
    assert (record.start, record.end) == ((NOW_S - 600) * 1000, NOW + 600_000)
    assert run(zabbix, 30, cursor=cursor)[0] == []


def test_what_is_over_stays_when_zabbix_forgets_it(zabbix):
    _, cursor = run(zabbix, 0, held(NOW_S - 7200))
    (record,), _ = run(zabbix, 10, cursor=cursor)
    assert (record.start, record.end) == ((NOW_S - 7200) * 1000, (NOW_S - 3600) * 1000)
    assert record.status == "scheduled"
