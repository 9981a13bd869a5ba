"""Where several sources measured the availability of one service in one month, one of them counts, everywhere the same."""

from __future__ import annotations

import itertools

import pytest

from hub.conformance.situation.level import levels
from hub.conformance.situation.performance import service_times
from hub.records import Measurement, Period, Service
from hub.store.writer import Write, write_records

MONTH = (1_790_805_600_000, 1_793_487_600_000)
BEFORE = (MONTH[0] - 1, MONTH[0])
SHOP = "r:services/shop"
OWN, REGISTER, OTHER = "hub:measurement/availability/shop", "r:measurements/shop", "a:measurements/shop"


def figure(name: str, actual: float | None, coverage: float | None = 1.0, *, end: int = MONTH[1]) -> Measurement:
    """A figure for which time was counted where there is one."""
    return Measurement(
        id=name,
        source=name.partition(":")[0],
        metric_id="availability",
        subject=SHOP,
        period=Period(start=MONTH[0], end=end),
        target=99.5,
        actual=actual,
        numerator=None if actual is None else actual,
        denominator=None if actual is None else 100,
        coverage=coverage,
        missing_reason=None if actual is not None else "nobody watched the service in the month",
    )


CASES = {
    "what is known before what is not": ([figure(OWN, None, 0.0), figure(REGISTER, 99.9)], "99.9", "met"),
    "what was watched for long enough before the rest": (
        [figure(OWN, 100.0, 0.4), figure(REGISTER, 98.0)],
        "98.0",
        "missed",
    ),
    "the hub's own before what others state": ([figure(REGISTER, 99.9), figure(OWN, 99.0)], "99.0", "missed"),
    "of others the one with the lesser id": ([figure(REGISTER, 99.9), figure(OTHER, 99.0)], "99.0", "missed"),
    "none that is known": ([figure(OWN, None, 0.0), figure(REGISTER, None, None)], "", "not_provable"),
    "that of the month, not of the year that began with it": (
        [figure(OWN, 99.9), figure(REGISTER, 90.0, end=MONTH[1] + 334 * 86_400_000)],
        "99.9",
        "met",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_figure_counts_whichever_was_read_first(make_store, case) -> None:
    stated, current, kept = CASES[case]
    for order in itertools.permutations(stated):
        with make_store().begin() as conn:
            write_records(conn, [Write(Service(id=SHOP, source="r", in_scope=True, lifecycle="live"))], 1)
            for one in order:
                write_records(conn, [Write(one)], 1)
            [level] = levels(conn, [], MONTH, BEFORE, None)
            [time] = service_times(conn, MONTH, MONTH[1], None, None)
        assert (level.current, level.kept) == (current, kept)
        known = None if time.actual is None else f"{time.actual:.1f}"
        assert (known or "", len(time.months)) == (current, 1), "not one added to the other"
