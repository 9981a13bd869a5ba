"""What a monitoring tool computed stands beside the hub's own figure; nothing is corrected."""

from __future__ import annotations

import pytest

from hub.cli.sla_text import level_lines
from hub.conformance.answer import Subject
from hub.records import AvailabilitySample, Measurement, Period, Service
from hub.sla.reported import METRIC, reported_levels
from hub.store.writer import Write, write_records
from hub_zabbix.mapping import LEVEL_METRIC
from tests.sla.test_service_availability import CALENDARS, HOUR, JANUARY, LATER, conn

__all__ = ["conn"]
DAY = 24 * HOUR
SHOP = "r:services/shop"


def sample(begins: int, hours: float, state: str) -> AvailabilitySample:
    fields = {"id": f"m:{begins}", "source": "m", "service_id": SHOP, "interval_s": int(hours * 3600), "every_s": 60}
    return AvailabilitySample(**fields, at=JANUARY + begins * HOUR, state=state)


def level(theirs: float | None, *, day: int = 0, down: float = 0.0) -> Measurement:
    return Measurement(
        id=f"z:{day}",
        source="z",
        title="Gold: Shop",
        metric_id=METRIC,
        subject=SHOP,
        period=Period(start=JANUARY + day * DAY, end=JANUARY + (day + 1) * DAY),
        actual=theirs,
        numerator=None if theirs is None else 86_400 - down,
        denominator=None if theirs is None else 86_400,
    )


DOWN_FOR_AN_HOUR = [sample(0, 9, "up"), sample(9, 1, "down"), sample(10, 14, "up")]
HALF_SEEN = [sample(0, 12, "up"), sample(12, 12, "unknown")]


@pytest.mark.parametrize(
    ("seen", "told", "share", "differs"),
    [
        (DOWN_FOR_AN_HOUR, level(95.8333333, down=3600), 95.8333, False),
        (DOWN_FOR_AN_HOUR, level(100.0), 95.8333, True),
        (HALF_SEEN, level(50.0, down=43_200), 100.0, True),
        (DOWN_FOR_AN_HOUR, level(None), 95.8333, True),
        ([sample(0, 24, "unknown")], level(100.0), None, True),
        ([sample(0, 24, "unknown")], level(None), None, False),
        ([], level(99.0), None, True),
    ],
    ids=["agree", "the tool saw nothing", "no data is down there", "tool has none", "hub has none", "neither", "not watched"],
)  # fmt: skip
def test_both_figures(conn, seen, told, share, differs):
    shop = Service(id=SHOP, source="r", created_at=JANUARY)
    write_records(conn, [Write(one) for one in (shop, told, *seen)], LATER)
    (one,) = reported_levels(conn, (JANUARY, JANUARY + 31 * DAY), CALENDARS)
    assert (one.share if one.share is None else round(one.share, 4)) == share
    assert one.differs is differs
    named = {one.service: Subject(id=SHOP, kind="service", title="Shop")}
    lines = list(level_lines([one], named))
    assert lines[-1] == f"{int(differs)} of 1 figures of availability differ by more than 0.01 points"
    assert len(lines) == (3 if differs else 1)
    assert all(len(line) <= 80 for line in lines)


def test_only_periods_that_ended_in_the_month_of_the_service_asked_for(conn):
    shop, other = (Service(id=name, source="r", created_at=JANUARY) for name in (SHOP, "r:services/vpn"))
    told = [level(99.0, day=-1), level(99.0), level(98.0, day=30), level(97.0, day=31)]
    write_records(conn, [Write(one) for one in (shop, other, *told)], LATER)
    month = (JANUARY, JANUARY + 31 * DAY)
    found = list(reported_levels(conn, month, CALENDARS))
    assert [one.theirs for one in found] == [99.0, 98.0]
    assert list(reported_levels(conn, month, CALENDARS, found[0].service + 1)) == []
    assert list(level_lines([], {})) == []


def test_the_plugin_and_the_hub_mean_the_same_metric():
    assert METRIC == LEVEL_METRIC
