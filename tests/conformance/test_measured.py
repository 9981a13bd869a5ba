"""Of figures several sources gave of one service's availability none is added to another of the same time."""

from __future__ import annotations

import itertools

import msgspec
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
        assert (level.no_figure_before, level.no_figure_now) == ("not known", "not known")
        known = "" if time.measured.actual is None else f"{time.measured.actual:.1f}"
        assert (known, time.measured.known_s) == (current, 100 if current else 0), "not one added to the other"


AUGUST, SEPTEMBER = 1_785_535_200_000, 1_788_213_600_000
MONTHS = [(1_782_856_800_000, AUGUST), (AUGUST, SEPTEMBER), (SEPTEMBER, MONTH[0])]
QUARTER = (MONTHS[0][0], MONTH[0])
WEEK = (AUGUST, AUGUST + 7 * 86_400_000)


def over(span: tuple[int, int], actual: float, source: str = "hub", *, minutes: bool = True, coverage=1.0):
    """A figure of any time, in seconds where minutes were counted."""
    known = (span[1] - span[0]) / 1000
    return Measurement(
        id=f"{source}:measurement/{span[0]}-{span[1]}",
        source=source,
        metric_id="availability",
        subject=SHOP,
        period=Period(start=span[0], end=span[1]),
        target=99.5,
        actual=actual,
        numerator=round(known * actual / 100, 3) if minutes else None,
        denominator=known if minutes else None,
        coverage=coverage,
    )


OF_MONTHS = [over(one, actual) for one, actual in zip(MONTHS, (100.0, 97.0, 100.0), strict=True)]
BY_HAND = over(QUARTER, 99.9, "r", minutes=False)
ADDED = 98.9891
"""Of the months, by their seconds."""

OVERLAPPING = {
    "the months, and not the quarter beside them": ([*OF_MONTHS, BY_HAND], QUARTER, ADDED, "98.9891", False, True),
    "a month where a quarter begins with it": ([OF_MONTHS[0], BY_HAND], MONTHS[0], 100.0, "100.0", False, True),
    "the quarter where its first month was counted": ([OF_MONTHS[0], BY_HAND], QUARTER, 99.9, "99.9", True, True),
    "no week for its month": ([over(WEEK, 90.0, "r", minutes=False)], MONTHS[1], None, "", False, False),
    "no quarter for its month": ([BY_HAND], MONTHS[0], None, None, False, False),
    "counted seconds of a part prove no whole": ([OF_MONTHS[0]], QUARTER, 100.0, "", False, False),
    "the month and not its week": ([over(WEEK, 90.0, "r"), OF_MONTHS[1]], MONTHS[1], 97.0, "97.0", False, True),
    "no percentage is added to seconds": (
        [*OF_MONTHS[:2], over(MONTHS[2], 50.0, "r", minutes=False)],
        QUARTER,
        98.5,
        "98.5",
        False,
        False,
    ),
    "a percentage of unknown coverage": (
        [over(MONTHS[0], 99.9, "r", minutes=False, coverage=None)],
        MONTHS[0],
        99.9,
        "99.9",
        True,
        False,
    ),
}
"""Name -> figures, period asked, what a compiled report tells, what the mail tells (None = no line), declared, proven."""


@pytest.mark.parametrize("case", OVERLAPPING)
def test_a_figure_counts_for_its_own_time_alone_and_none_twice(make_store, case) -> None:
    stated, period, actual, current, declared, proven = OVERLAPPING[case]
    before = (period[0] - 1, period[0])
    for some in (stated, stated[::-1]):
        with make_store().begin() as conn:
            write_records(conn, [Write(Service(id=SHOP, source="r", in_scope=True, lifecycle="live"))], 1)
            for one in some:
                write_records(conn, [Write(one)], 1)
            [time] = service_times(conn, period, period[1], None, None)
            told = levels(conn, [], period, before, None)
        found = time.measured
        assert (found.actual, found.declared, found.proven) == (actual, declared, proven)
        assert found.known_s <= (period[1] - period[0]) / 1000
        kept = ("missed" if actual < 99.5 else "met") if proven else "not_provable"
        assert [(one.current, one.kept) for one in told] == ([] if current is None else [(current, kept)])


@pytest.mark.parametrize(("name", "kept"), [(REGISTER, "missed"), (OWN, "no_cases")])
def test_who_states_a_figure_without_a_target_leaves_that_of_the_service(any_store, name, kept) -> None:
    """The hub itself says with each month what was agreed then: where it names no target, there was none."""
    stated = msgspec.structs.replace(figure(name, 99.2), target=None)
    shop = Service(id=SHOP, source="r", in_scope=True, lifecycle="live", availability_target=99.5)
    with any_store.begin() as conn:
        write_records(conn, [Write(shop), Write(stated)], 1)
        [level] = levels(conn, [], MONTH, BEFORE, None)
        [time] = service_times(conn, MONTH, MONTH[1], None, None)
    assert (level.kept, time.target) == (kept, 99.5 if kept == "missed" else None)
