"""The clock against the domain's own vectors, and against counting minute by minute."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from hub.clock import parse_instant
from hub.sla.availability import Maintenance, Sample, floored, measure, unwatched
from hub.sla.calendar import BUILT_IN, Calendar, Hours, open_intervals
from hub.sla.clock import Case, Pause, Promise, Retarget, pauses_that_hold, read_clock, state_at
from hub.sla.open_time import OpenTime, merged

RANGE = date(2026, 1, 1), date(2027, 6, 30)


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def perhaps(text: str | None) -> int | None:
    return None if text is None else instant(text)


def calendar_of(name: str, given: dict[str, Any]) -> OpenTime:
    if given.get("always"):
        weekly = BUILT_IN["7x24"]
    else:
        hours = [
            Hours(*(int(hour) * 60 + int(minute) for hour, minute in (one.split(":") for one in pair)))
            for pair in given["hours"]
        ]
        weekly = tuple((weekday, one) for weekday in given["days"] for one in hours)
    extra = tuple((date.fromisoformat(day), one) for day in given.get("extra_open", ()) for one in hours)
    closed = frozenset(date.fromisoformat(day) for day in given.get("closed", ()))
    calendar = Calendar(id=name, zone=given["tz"], weekly=weekly, closed=closed, extra_open=extra)
    return OpenTime(open_intervals(calendar, *RANGE))


@pytest.fixture(scope="module")
def vectors(shared: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((shared / "domain" / "sla-vectors.yaml").read_text(encoding="utf-8"))
    content["calendars"] = {name: calendar_of(name, given) for name, given in content["calendars"].items()}
    return content


def test_every_clock_vector(vectors: dict[str, Any]) -> None:
    assert len(vectors["clock_vectors"]) == 28
    wrong = {}
    for one in vectors["clock_vectors"]:
        calendars = vectors["calendars"]
        off = pauses_that_hold(
            [
                Pause(
                    instant(pause["from"]),
                    perhaps(pause.get("to")),
                    perhaps(pause.get("customer_asked_at")),
                    perhaps(pause.get("customer_replied_at")),
                )
                for pause in one.get("pauses", ())
            ]
        )
        off = merged(
            [*off, *((instant(gap["resolved_at"]), instant(gap["reopened_at"])) for gap in one.get("reopens", ()))]
        )
        changes = tuple(
            Retarget(
                instant(change["at"]),
                change["direction"] == "up",
                Promise(change["target_minutes"] * 60, calendars[change["calendar"]]),
            )
            for change in one.get("retargets", ())
        )
        case = Case(instant(one["start"]), perhaps(one.get("stop")), off, changes)
        first = Promise(one["target_minutes"] * 60, calendars[one["calendar"]])
        reading = read_clock(case, first)
        end = case.stop or perhaps(one.get("as_of")) or 0
        found = {
            "due": reading.due and datetime.fromtimestamp(reading.due / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "elapsed_seconds": reading.counted(case, end) // 1000,
            "result": state_at(case, reading, end, 0.8),
        }
        if {key: found[key] for key in one["expect"]} != one["expect"]:
            wrong[one["id"]] = found, one["expect"]
    assert wrong == {}


def test_every_availability_vector(vectors: dict[str, Any]) -> None:
    assert len(vectors["availability_vectors"]) == 6
    for one in vectors["availability_vectors"]:
        found = measure(
            (instant(one["period"][0]), instant(one["period"][1])),
            vectors["calendars"][one["calendar"]],
            outages=[(instant(begins), instant(ends)) for begins, ends in one["outages"]],
            maintenance=[
                Maintenance(instant(window["from"]), instant(window["to"]), instant(window["announced_at"]))
                for window in one.get("maintenance", ())
            ],
            unknown=[(instant(begins), instant(ends)) for begins, ends in one.get("unknown", ())],
        )
        figures = {
            "agreed_minutes": found.agreed // 60_000,
            "unknown_minutes": found.unknown // 60_000,
            "coverage_floor4": floored(found.known, found.agreed),
            "down_minutes": found.down // 60_000,
            "percent_floor4": floored(found.up, found.known),
        }
        assert {key: figures[key] for key in one["expect"]} == one["expect"], one["id"]


def test_a_share_is_never_rounded_up() -> None:
    assert floored(19_999, 20_000, 2) == "99.99"
    assert floored(92, 96, 2) == "95.83"
    assert floored(200, 200, 2) == "100.00"


def test_time_without_samples_is_unknown() -> None:
    minute = 60_000
    samples = [Sample(at * minute, 60, 60, True) for at in (0, 1, 2, 9, 10)]
    assert unwatched(samples, (0, 11 * minute)) == [(3 * minute, 9 * minute)]
    assert unwatched(samples, (0, 20 * minute)) == [(3 * minute, 9 * minute), (11 * minute, 20 * minute)]
    assert unwatched([Sample(0, 60, 60, False)], (0, minute)) == [(0, minute)]
    assert unwatched([], (0, minute)) == [(0, minute)]
    hours = [Sample(0, 3600, 60, True), Sample(62 * minute, 3600, 60, True)]
    assert unwatched(hours, (0, 122 * minute)) == []
    later = [hours[0], Sample(63 * minute, 3600, 60, True)]
    assert unwatched(later, (0, 125 * minute)) == [(60 * minute, 63 * minute), (123 * minute, 125 * minute)]


WEEK = [(weekday, hours) for weekday in range(1, 6) for hours in (Hours(8 * 60, 12 * 60), Hours(13 * 60, 17 * 60))]
NIGHTS = [(weekday, Hours(22 * 60, 6 * 60)) for weekday in range(1, 8)]
BRUTE = {
    "office": Calendar(
        id="office", zone="Europe/Berlin", weekly=tuple(WEEK), closed=frozenset({date(2026, 4, 3), date(2026, 4, 6)})
    ),
    "night": Calendar(id="night", zone="America/New_York", weekly=tuple(NIGHTS)),
    "extra": Calendar(
        id="extra", zone="Asia/Shanghai", weekly=tuple(WEEK[:4]), extra_open=((date(2026, 3, 28), Hours(600, 720)),)
    ),
}
STEP = 60_000
BEGIN = instant("2026-03-20T00:00:00Z")
MINUTES = 24 * 60 * 24


@pytest.fixture(scope="module")
def minutes() -> dict[str, list[bool]]:
    """Whether each minute from BEGIN on is open, asked of the wall clock alone."""
    table: dict[str, list[bool]] = {}
    for name, calendar in BRUTE.items():
        zone = ZoneInfo(calendar.zone)
        table[name] = []
        for number in range(MINUTES):
            wall = datetime.fromtimestamp((BEGIN + number * STEP) / 1000, UTC).astimezone(zone)
            at, today, before = wall.hour * 60 + wall.minute, wall.date(), wall.date() - timedelta(days=1)
            now = any(one.opens <= at < one.ends for one in calendar.hours(today))
            table[name].append(now or any(one.opens <= at + 1440 < one.ends for one in calendar.hours(before)))
    return table


@pytest.mark.parametrize("name", sorted(BRUTE))
def test_equal_to_counting_every_minute(name: str, minutes: dict[str, list[bool]]) -> None:
    open_time, table = OpenTime(open_intervals(BRUTE[name], date(2026, 3, 1), date(2026, 6, 1))), minutes[name]
    draw = random.Random(7)
    for _ in range(3400):
        start, need = draw.randrange(MINUTES // 2), draw.randrange(1, 900)
        off = merged(
            (begin, begin + draw.randrange(600))
            for begin in (draw.randrange(MINUTES // 2) for _ in range(draw.randrange(3)))
        )
        hidden = {minute for begins, ends in off for minute in range(begins, ends)}
        counted, at = 0, start
        while counted < need and at < MINUTES:
            counted += table[at] and at not in hidden
            at += 1
        spans = [(BEGIN + begins * STEP, BEGIN + ends * STEP) for begins, ends in off]
        if counted == need:
            assert open_time.after(BEGIN + start * STEP, need * STEP, spans) == BEGIN + at * STEP
        end = draw.randrange(start, MINUTES)
        expected = sum(table[minute] and minute not in hidden for minute in range(start, end))
        assert open_time.counted(BEGIN + start * STEP, BEGIN + end * STEP, spans) == expected * STEP


def test_time_is_monotone_and_adds_up() -> None:
    open_time = OpenTime(open_intervals(BRUTE["office"], *RANGE))
    draw = random.Random(11)
    for _ in range(2000):
        a, b, c = sorted(BEGIN + draw.randrange(MINUTES) * STEP + draw.randrange(STEP) for _ in range(3))
        assert open_time.between(a, b) + open_time.between(b, c) == open_time.between(a, c)
        assert open_time.between(a, b) <= open_time.between(a, c)
        need = draw.randrange(1, 10**8)
        first, later = open_time.after(a, need), open_time.after(a, need + draw.randrange(10**6))
        assert first is not None
        assert later is not None
        assert first <= later
        assert open_time.between(a, first) == need


def test_an_instant_is_the_same_whatever_zone_it_is_written_in() -> None:
    assert parse_instant("2026-03-29T02:59:59+02:00") == parse_instant("2026-03-29T01:59:59+01:00")
    open_time = OpenTime(open_intervals(BRUTE["office"], *RANGE))
    draw = random.Random(13)
    for _ in range(500):
        at = BEGIN + draw.randrange(MINUTES) * STEP
        need = draw.randrange(1, 10**8)
        wall = datetime.fromtimestamp(at / 1000, UTC)
        zones = ("America/Havana", "Asia/Kathmandu", "Europe/Berlin", "Pacific/Apia")
        written = [wall.astimezone(ZoneInfo(zone)).isoformat() for zone in zones]
        assert {open_time.after(parse_instant(one), need) for one in written} == {open_time.after(at, need)}
