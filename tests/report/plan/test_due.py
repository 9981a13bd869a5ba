from __future__ import annotations

from datetime import date

import pytest

from hub.report.plan.cycle import Cycle, Revision
from hub.report.plan.due import due_instant, minute_of, periods_between
from hub.report.plan.plan import Terms
from hub.sla.calendar import BUILT_IN, Calendar
from tests.report.plan.conftest import at

BERLIN = Calendar(id="c", zone="Europe/Berlin", weekly=BUILT_IN["5x8"], closed=frozenset({date(2026, 11, 6)}))
OPEN = Calendar(id="o", zone="Europe/Berlin", weekly=BUILT_IN["5x8"])
SHANGHAI = Calendar(id="s", zone="Asia/Shanghai", weekly=BUILT_IN["5x8"])


@pytest.mark.parametrize(
    ("ends", "days", "business", "calendar", "zone", "due"),
    [
        ("2026-11-01T00:00", 5, True, OPEN, "Europe/Berlin", "2026-11-06T17:00"),  # a Friday
        ("2026-11-01T00:00", 5, True, BERLIN, "Europe/Berlin", "2026-11-09T17:00"),  # that Friday is closed
        ("2026-11-01T00:00", 7, False, OPEN, "Europe/Berlin", "2026-11-09T17:00"),  # a Saturday moves on
        ("2026-11-01T00:00", 6, False, OPEN, "Europe/Berlin", "2026-11-06T17:00"),
        ("2026-11-01T00:00", 6, False, BERLIN, "Europe/Berlin", "2026-11-09T17:00"),  # holiday: next business day
        ("2026-11-01T00:00", 3, True, SHANGHAI, "Asia/Shanghai", "2026-11-04T17:00"),
    ],
)
def test_due_on_the_wall_of_the_customer(ends, days, business, calendar, zone, due):  # noqa: PLR0917 - a table
    found = due_instant(
        at(ends, zone), days=days, business=business, minute=minute_of("17:00"), calendar=calendar, zone=zone
    )
    assert found == at(due, zone)


@pytest.mark.parametrize(
    ("sent", "asked", "late"),
    [
        ("2026-11-06T17:00:00", "2026-11-07T00:00", False),
        ("2026-11-06T17:00:01", "2026-11-07T00:00", True),
        (None, "2026-11-06T17:00:00", False),
        (None, "2026-11-06T17:00:01", True),
        ("2026-11-09T10:00", "2026-11-06T16:00", False),  # not late yet, then
    ],
)
def test_friday_at_five_is_on_time_and_a_second_later_is_late(sent, asked, late):
    terms = Terms(
        report_id="SR", spec="s", type="t", customer_name="c", label="2026-10", start=0, end=1, zone="Europe/Berlin",
        due_at=at("2026-11-06T17:00"),
    )  # fmt: skip
    one = Revision(1, "submitted", terms, submitted_at=None if sent is None else at(sent))
    assert Cycle("SR", (one,)).is_late(terms, at(asked)) is late


def test_a_calendar_that_never_opens_is_said_so():
    closed = Calendar(id="closed", zone="Europe/Berlin", weekly=())
    with pytest.raises(ValueError, match="closed opens on no day"):
        due_instant(at("2026-11-01T00:00"), days=5, business=True, minute=0, calendar=closed, zone="Europe/Berlin")


def test_periods_are_whole_and_begin_no_earlier():
    found = periods_between("quarter", "Europe/Berlin", date(2026, 2, 1), date(2026, 7, 5))
    assert [one.label for one in found] == ["2026-Q2", "2026-Q3"]
    with pytest.raises(ValueError, match="no time of day"):
        minute_of("5 pm")
