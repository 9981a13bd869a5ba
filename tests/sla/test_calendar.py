"""Open time, local days and months: DST both ways, make-up workdays, night shifts, brute force."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hub import records
from hub.clock import format_instant, parse_instant
from hub.sla.calendar import (
    Calendar,
    Hours,
    built_in,
    calendar_faults,
    from_record,
    local_days,
    months,
    open_intervals,
)
from hub.sla.zone import load_zone, wall_times, wall_to_utc, zone_names

MINUTE = 60_000


def minutes(text):
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def daily(zone, *spans, days=range(1, 8), **more):
    hours = [Hours(minutes(opens), minutes(closes)) for opens, closes in spans]
    return Calendar("c", zone, tuple((day, one) for day in days for one in hours), **more)


def shown(intervals):
    return [(format_instant(opens), format_instant(closes)) for opens, closes in intervals]


def of_vector(name, given_calendar):
    """A calendar of sla-vectors.yaml, where a make-up day has the hours of any other day."""
    if given_calendar.get("always"):
        return daily(given_calendar["tz"], ("00:00", "00:00"))
    hours = [Hours(minutes(opens), minutes(closes)) for opens, closes in given_calendar["hours"]]
    extra = [(date.fromisoformat(day), one) for day in given_calendar.get("extra_open", []) for one in hours]
    closed = frozenset(date.fromisoformat(day) for day in given_calendar.get("closed", []))
    weekly = tuple((day, one) for day in given_calendar["days"] for one in hours)
    return Calendar(name, given_calendar["tz"], weekly, closed, tuple(extra))


@pytest.fixture(scope="module")
def vectors(shared):
    return yaml.safe_load((shared / "domain" / "sla-vectors.yaml").read_text(encoding="utf-8"))


def spans_of(vectors, name):
    return open_intervals(of_vector(name, vectors["calendars"][name]), date(2026, 1, 1), date(2027, 1, 1))


def counted(spans, start, end):
    return sum(max(0, min(closes, end) - max(opens, start)) for opens, closes in spans)


def test_plain_clock_vectors(vectors):
    plain = [v for v in vectors["clock_vectors"] if not v.keys() & {"pauses", "reopens", "retargets"}]
    assert len(plain) > 15
    for vector in plain:
        spans = spans_of(vectors, vector["calendar"])
        start, end = parse_instant(vector["start"]), parse_instant(vector.get("stop") or vector["as_of"])
        due = parse_instant(vector["expect"]["due"])
        assert counted(spans, start, end) == vector["expect"]["elapsed_seconds"] * 1000, vector["id"]
        assert counted(spans, start, due) == vector["target_minutes"] * MINUTE, vector["id"]
        assert counted(spans, due - 1, due) == 1, f"{vector['id']}: due is the earliest such instant"


def test_agreed_time_of_availability_vectors(vectors):
    plain = [v for v in vectors["availability_vectors"] if "maintenance" not in v]
    assert {v["id"] for v in plain} >= {"A01", "A04", "A05"}
    for vector in plain:
        start, end = map(parse_instant, vector["period"])
        agreed = counted(spans_of(vectors, vector["calendar"]), start, end)
        assert agreed == vector["expect"]["agreed_minutes"] * MINUTE, vector["id"]


@pytest.mark.parametrize(
    ("day", "spans", "expected"),
    [
        # spring: 02:00 CET becomes 03:00 CEST at 01:00Z; what does not exist is the jump
        ("2026-03-29", [("02:30", "05:00")], [("2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z")]),
        ("2026-03-29", [("00:00", "02:30")], [("2026-03-28T23:00:00Z", "2026-03-29T01:00:00Z")]),
        ("2026-03-29", [("02:15", "02:45")], []),
        # autumn: 02:00-03:00 happens twice; opening first, closing second
        ("2026-10-25", [("02:30", "05:00")], [("2026-10-25T00:30:00Z", "2026-10-25T04:00:00Z")]),
        ("2026-10-25", [("01:00", "02:30")], [("2026-10-24T23:00:00Z", "2026-10-25T01:30:00Z")]),
        ("2026-10-25", [("02:00", "02:30"), ("02:30", "03:00")], [("2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z")]),
    ],
)
def test_dst_in_berlin(day, spans, expected):
    one = date.fromisoformat(day)
    assert shown(open_intervals(daily("Europe/Berlin", *spans), one, one)) == expected


def test_night_shift_belongs_to_the_day_it_opens_and_is_cut_at_the_range():
    calendar = daily("Europe/Berlin", ("22:00", "06:00"), days=[5])  # Friday only
    friday, saturday = date(2026, 3, 27), date(2026, 3, 28)
    assert shown(open_intervals(calendar, saturday, saturday)) == [("2026-03-27T23:00:00Z", "2026-03-28T05:00:00Z")]
    assert shown(open_intervals(calendar, friday, saturday)) == [("2026-03-27T21:00:00Z", "2026-03-28T05:00:00Z")]
    assert [day.is_business for day in local_days("Europe/Berlin", calendar, friday, saturday)] == [True, False]


def test_shanghai_holiday_and_make_up_saturday():
    hours = [("08:00", "12:00"), ("13:00", "17:00")]
    calendar = daily(
        "Asia/Shanghai",
        *hours,
        days=range(1, 6),
        closed=frozenset(date(2026, 10, day) for day in (1, 2, 5, 6, 7)),
        extra_open=tuple((date(2026, 10, 10), Hours(minutes(a), minutes(b))) for a, b in hours),
    )
    days = local_days("Asia/Shanghai", calendar, date(2026, 9, 30), date(2026, 10, 12))
    assert [day.date[-2:] for day in days if day.is_business] == ["30", "08", "09", "10", "12"]
    assert days[-1].business_no == 5
    spans = open_intervals(calendar, date(2026, 10, 10), date(2026, 10, 10))
    assert shown(spans) == [
        ("2026-10-10T00:00:00Z", "2026-10-10T04:00:00Z"),
        ("2026-10-10T05:00:00Z", "2026-10-10T09:00:00Z"),
    ]


def test_validity_is_half_open():
    calendar = daily("UTC", ("08:00", "09:00"), valid_from=date(2026, 1, 2), valid_to=date(2026, 1, 4))
    spans = open_intervals(calendar, date(2026, 1, 1), date(2026, 1, 9))
    assert [opens[:10] for opens, _ in shown(spans)] == ["2026-01-02", "2026-01-03"]


def test_built_in_calendars():
    office, always = built_in("Europe/Berlin")
    year = (date(2026, 1, 1), date(2026, 12, 31))
    assert len(open_intervals(always, *year)) == 1
    assert counted(open_intervals(always, *year), 0, 2**60) == 365 * 24 * 60 * MINUTE
    assert counted(open_intervals(office, *year), 0, 2**60) == 261 * 8 * 60 * MINUTE
    assert not calendar_faults(office) + calendar_faults(always)


def test_a_date_the_zone_never_had_has_no_row():
    calendar = built_in("Pacific/Apia")[1]
    days = local_days("Pacific/Apia", calendar, date(2011, 12, 29), date(2011, 12, 31))
    assert [(day.date, day.day_no - days[0].day_no) for day in days] == [("2011-12-29", 0), ("2011-12-31", 1)]


@pytest.mark.parametrize(("zone", "day"), [("Africa/Cairo", date(2026, 4, 24)), ("America/Havana", date(2026, 11, 1))])
def test_a_day_begins_at_its_first_midnight_or_at_the_jump(zone, day):
    always = built_in(zone)[1]
    [row] = local_days(zone, always, day, day)
    local = datetime.fromtimestamp(row.starts_at // 1000, tz=load_zone(zone))
    before = datetime.fromtimestamp(row.starts_at // 1000 - 1, tz=load_zone(zone))
    assert local.date() == day
    assert before.date() == day - timedelta(days=1)
    assert row.is_business


def test_months_of_berlin():
    [march] = months("Europe/Berlin", date(2026, 3, 5), date(2026, 3, 31))
    assert (march.label, format_instant(march.starts_at), format_instant(march.ends_at)) == (
        "2026-03",
        "2026-02-28T23:00:00Z",
        "2026-03-31T22:00:00Z",
    )
    assert [month.label for month in months("UTC", date(2026, 11, 30), date(2027, 1, 1))] == [
        "2026-11",
        "2026-12",
        "2027-01",
    ]


@pytest.mark.parametrize(
    ("calendar", "fault"),
    [
        (daily("Europe/Berln", ("08:00", "09:00")), "unknown time zone 'Europe/Berln'; did you mean 'Europe/Berlin'?"),
        (
            daily("UTC", ("08:00", "12:00"), ("11:00", "13:00"), days=[1]),
            "hours overlap: mon 08:00-12:00 and mon 11:00-13:00",
        ),
        (daily("UTC", ("20:00", "09:00"), ("08:00", "10:00"), days=[7, 1]), "hours overlap: sun 20:00-09:00"),
        (
            daily(
                "UTC",
                ("08:00", "09:00"),
                closed=frozenset({date(2026, 1, 3)}),
                extra_open=((date(2026, 1, 3), Hours(60, 120)),),
            ),
            "2026-01-03 is both closed and extra_open",
        ),
        (
            daily("UTC", ("08:00", "10:00"), extra_open=((date(2026, 1, 3), Hours(540, 700)),)),
            "extra_open on 2026-01-03 overlaps",
        ),
        (daily("UTC", valid_from=date(2026, 1, 3), valid_to=date(2026, 1, 3)), "valid_to 2026-01-03 is not after"),
    ],
)
def test_faults_of_a_calendar(calendar, fault):
    assert any(found.startswith(fault) for found in calendar_faults(calendar)), calendar_faults(calendar)


def test_record_becomes_a_calendar_in_the_organisations_zone():
    record = records.Calendar(
        id="register:calendars/office",
        source="register",
        weekly=[records.OpeningHours(day="tue", opens="08:00", closes="24:00")],
        extra_open=[records.ExtraOpening(date="2026-10-10", opens="09:00", closes="10:00")],
        closed=["2026-10-01"],
        valid_to="2027-01-01",
    )
    calendar = from_record(record, "Asia/Shanghai")
    assert calendar == Calendar(
        "register:calendars/office",
        "Asia/Shanghai",
        ((2, Hours(480, 0)),),
        frozenset({date(2026, 10, 1)}),
        ((date(2026, 10, 10), Hours(540, 600)),),
        valid_to=date(2027, 1, 1),
    )
    record.weekly = [records.OpeningHours(day="tue", opens="8", closes="12:00")]
    with pytest.raises(ValueError, match="'8' is not a time of day; write HH:MM"):
        from_record(record, "UTC")


def test_zones_come_from_the_package():
    assert "Europe/Berlin" in zone_names()
    assert wall_times(load_zone("Europe/Berlin"), date(2026, 10, 25), 150) == [1792888200000, 1792891800000]
    assert wall_times(load_zone("Europe/Berlin"), date(2026, 3, 29), 150) == []
    assert (
        format_instant(wall_to_utc(load_zone("Australia/Lord_Howe"), date(2026, 10, 4), 135)) == "2026-10-03T15:30:00Z"
    )


ZONES = st.sampled_from(["Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Asia/Shanghai", "Africa/Cairo"])
HOURS = st.builds(Hours, st.integers(0, 95).map(lambda n: n * 15), st.integers(0, 95).map(lambda n: n * 15))
STARTS = st.sampled_from(
    [date(2026, 3, 26), date(2026, 4, 1), date(2026, 4, 22), date(2026, 10, 1), date(2026, 10, 23), date(2026, 10, 29)]
)


@st.composite
def calendars(draw):
    weekly = tuple(draw(st.lists(st.tuples(st.integers(1, 7), HOURS), max_size=5)))
    start = draw(STARTS)
    near = st.integers(-1, 6).map(lambda n: start + timedelta(days=n))
    closed = frozenset(draw(st.lists(near, max_size=2)))
    extra = tuple(draw(st.lists(st.tuples(near, HOURS), max_size=2)))
    return start, Calendar("c", draw(ZONES), weekly, closed, extra)


def is_open(calendar, instant):
    """The rule said backwards: look from a wall time, and its fold, whether some interval holds it.

    An instant in a repeated hour is open where either reading of its wall time is, because an
    opening counts from the first and a closing to the second.
    """
    zone = load_zone(calendar.zone)
    local = datetime.fromtimestamp(instant // 1000, tz=zone)
    for back in (0, 1):
        day = local.date() - timedelta(days=back)
        minute = local.hour * 60 + local.minute + back * 1440
        twice = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
        for hours in calendar.hours(day):
            inside = hours.opens <= minute < hours.ends
            if inside and not twice:
                return True
            if twice and _holds(zone, day, hours, instant):
                return True
    return False


def _holds(zone, day, hours, instant):
    """Inside a repeated hour: compare with first reading of the opening and second of the closing."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    opens = (midnight + timedelta(minutes=hours.opens)).replace(fold=0).astimezone(UTC)
    closes = (midnight + timedelta(minutes=hours.ends)).replace(fold=1).astimezone(UTC)
    return opens.timestamp() * 1000 <= instant < closes.timestamp() * 1000


@settings(max_examples=40, deadline=None)
@given(calendars())
def test_minute_by_minute(drawn):
    start, calendar = drawn
    last = start + timedelta(days=4)
    spans = open_intervals(calendar, start, last)
    assert all(a < b for a, b in spans)
    assert all(a[1] < b[0] for a, b in pairwise(spans))
    days = local_days(calendar.zone, calendar, start, last)
    for instant in range(days[0].starts_at, days[-1].ends_at, 15 * MINUTE):
        expected = is_open(calendar, instant)
        assert any(opens <= instant < closes for opens, closes in spans) == expected, format_instant(instant)


@settings(max_examples=40, deadline=None)
@given(calendars())
def test_days_touch_and_count(drawn):
    start, calendar = drawn
    days = local_days(calendar.zone, calendar, start, start + timedelta(days=9))
    for one, following in pairwise(days):
        assert one.ends_at == following.starts_at
        assert following.day_no == one.day_no + 1
        assert following.business_no == one.business_no + following.is_business
    assert [day.date for day in days] == [(start + timedelta(days=n)).isoformat() for n in range(10)]
    assert days[0].business_no == days[0].is_business
