"""One turn of the wheel: what is derived, with which calendars, and what becomes a finding."""

from __future__ import annotations

from typing import Any

import pytest

from hub.conformance.cycle import derive_all, known_calendars, refresh_findings
from hub.conformance.finding import DEFAULT_DUE_DAYS
from hub.errors import ConfigurationError
from hub.records import Calendar, OpeningHours
from hub.store.store import Store
from hub.testing.factory import at, change
from tests.conformance.kit import House, approved, cover, needed, prepare, provide

OFFICE = "register:calendars/office"


def calendar(**fields: Any) -> Calendar:
    weekly = [OpeningHours(day="mon", opens="08:00", closes="17:00")]
    return Calendar(**{"id": OFFICE, "source": "register", "weekly": weekly} | fields)


def test_nothing_is_derived_whole_twice(store: Store) -> None:
    house = House(store, [approved()]).open()
    given: dict[str, Any] = {"zone": "Europe/Berlin", "calendar": "5x8"}
    assert [derive_all(store, house.requirements, now=house.tick(), **given).whole for _ in range(2)] == [1, 0]
    assert derive_all(store, house.requirements, now=house.tick(), whole=True, **given).whole == 1


def test_holidays_are_known_as_far_as_days_are(store: Store) -> None:
    house = House(store, [])
    house.write(calendar(holiday_set="DE"))
    with store.connect() as conn:
        known = {one.id: one for one in known_calendars(conn, at(), "Europe/Berlin", OFFICE)}
    assert {day.year for day in known["organisation"].closed} == set(range(2000, 2032))
    assert known["organisation"].weekly == known[OFFICE].weekly


def test_a_calendar_that_cannot_be_used_is_told_of_the_organisation_alone(store: Store) -> None:
    house = House(store, [])
    with store.connect() as conn, pytest.raises(ConfigurationError, match=r"no calendar 'office'; known: 5x8, 7x24"):
        known_calendars(conn, at(), "Europe/Berlin", "office")
    house.write(calendar(zone="Mars/Base"), calendar(id="register:calendars/moon", zone="Moon/Base"))
    with store.connect() as conn:
        with pytest.raises(ConfigurationError) as told:
            known_calendars(conn, at(), "Europe/Berlin", OFFICE)
        assert [fault.key for fault in told.value.faults] == [OFFICE]
        assert {one.id for one in known_calendars(conn, at(), "Europe/Berlin", "5x8")} == {
            "organisation",
            "5x8",
            "7x24",
        }


@pytest.mark.parametrize(
    ("through", "as_of", "found"),
    [(None, None, []), (9, None, []), (11, None, ["open"]), (11, 9, []), (20, 11, ["open"])],
)
def test_findings_stand_as_of_what_was_read(
    store: Store, through: int | None, as_of: int | None, found: list[str]
) -> None:
    house = House(store, [approved()])
    with store.begin() as conn:
        prepare(conn)
        provide(conn, house.requirements, "desk")
        if through is not None:
            cover(conn, "desk", "CHG", needed(house.requirements), through=at(through))
    house.write(change(actual_start=at(10)))
    house.derive()
    instant = None if as_of is None else at(as_of)
    given: dict[str, Any] = {"judge_from": 0, "due_days": DEFAULT_DUE_DAYS, "as_of": instant}
    assert [one.after for one in refresh_findings(store, house.requirements, now=house.tick(), **given)] == found
