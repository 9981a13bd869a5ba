"""Holiday sets, and a calendar drawn for people."""

from __future__ import annotations

from datetime import date

import pytest

from hub.records import Calendar as CalendarRecord
from hub.records import ExtraOpening, OpeningHours
from hub.sla.calendar import from_record
from hub.sla.drawing import draw_month
from hub.sla.holiday import holiday_dates, holiday_version

WEEK = [OpeningHours(day=day, opens="09:00", closes="17:00") for day in ("mon", "tue", "wed", "thu", "fri")]


def record(**fields: object) -> CalendarRecord:
    return CalendarRecord(id="r:calendars/office", source="r", zone="Europe/Berlin", weekly=WEEK, **fields)  # type: ignore[arg-type]


def test_the_holidays_of_a_region_are_closed() -> None:
    calendar = from_record(record(holiday_set="DE-BY"), "UTC", [2026])
    assert {date(2026, 1, 6), date(2026, 4, 3), date(2026, 12, 25)} <= calendar.closed
    assert date(2026, 1, 6) not in from_record(record(holiday_set="DE-BE"), "UTC", [2026]).closed
    assert calendar.hours(date(2026, 4, 3)) == ()
    assert holiday_version()


def test_a_calendar_may_open_on_a_holiday() -> None:
    extra = ExtraOpening(date="2026-04-03", opens="10:00", closes="12:00")
    calendar = from_record(record(holiday_set="DE", extra_open=[extra]), "UTC", [2026])
    assert len(calendar.hours(date(2026, 4, 3))) == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [("XX", "no holiday set 'XX'"), ("DE-ZZ", "no region 'ZZ' in DE; known: BB, BE"), ("", "no holiday set ''")],
)
def test_an_unknown_set_is_named(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        holiday_dates(name, [2026])


def test_a_drawn_month_shows_what_counts() -> None:
    calendar = from_record(record(holiday_set="DE", closed=["2026-03-31"]), "UTC", [2026])
    lines = list(draw_month(calendar, 2026, 3, holiday_dates("DE", [2026])))
    assert len(lines) == 2 + 31 + 1
    monday = next(line for line in lines if line.startswith("Mon 02.03."))
    assert monday.count("█") == 16
    assert monday.endswith("8")
    sunday = next(line for line in lines if "29.03." in line)
    assert sunday.endswith("23 h")
    assert next(line for line in lines if "31.03." in line).endswith("closed")
    assert lines[-1] == "open   168 h in the month"
    april = list(draw_month(calendar, 2026, 4, holiday_dates("DE", [2026])))
    assert next(line for line in april if line.startswith("Fri 03.04.")).endswith("0  holiday")
    assert april[-2:] == ["Fri 03.04.  Good Friday", "Mon 06.04.  Easter Monday"]
    assert max(map(len, (*lines, *april))) <= 80
