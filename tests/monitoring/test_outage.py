from __future__ import annotations

import pytest

from hub.monitoring.match import LAG_MS, LEAD_MS, LONGEST_MS, Match, Ticket, Tickets, by_reference, by_time
from hub.monitoring.outage import Raised, Window, outage_record, outages

MINUTE = 60_000
START = 1_767_225_600_000
SHOP = "register:services/shop"


def alert(begins: float, ends: float | None, number: int = 1, **more) -> Raised:
    return Raised(
        id=f"mon:alert/{number}",
        source="mon",
        title=f"alert {number}",
        started_at=START + round(begins * MINUTE),
        ended_at=None if ends is None else START + round(ends * MINUTE),
        **{"ended_after": None, "acknowledged_at": None, "ticket": Match()} | more,
    )


def ticket(reported: float, name: str = "desk:1", over: float | None = None) -> Ticket:
    at = START + round(reported * MINUTE)
    return Ticket(name, at, at + MINUTE, None if over is None else START + round(over * MINUTE))


def made(*alerts: Raised, tickets: tuple[Ticket, ...] = (), windows: tuple[Window, ...] = (), windows_known=True):
    return [
        outage_record(SHOP, found, Tickets(tickets), windows, windows_known=windows_known) for found in outages(alerts)
    ]


@pytest.mark.parametrize(
    ("alerts", "spans"),
    [
        ([(0, 5)], [(0, 5)]),
        ([(0, 5), (3, 9)], [(0, 9)]),
        ([(0, 9), (3, 5)], [(0, 9)]),
        ([(0, 5), (6, 7)], [(0, 7)]),
        ([(0, 5), (6.01, 7)], [(0, 5), (6.01, 7)]),
        ([(0, None), (60, 61)], [(0, None)]),
        ([(0, 1), (60, None)], [(0, 1), (60, None)]),
        ([], []),
    ],
)
def test_alerts_nearer_than_a_minute_are_one_outage(alerts, spans):
    found = made(*(alert(*span, number) for number, span in enumerate(alerts)))
    told = [
        ((one.started_at - START) / MINUTE, None if one.ended_at is None else (one.ended_at - START) / MINUTE)
        for one in found
    ]
    assert told == [(pytest.approx(a), b if b is None else pytest.approx(b)) for a, b in spans]
    assert sum(len(one.alert_ids) for one in found) == len(alerts)


def test_it_tells_who_noticed_it_and_when_somebody_took_it():
    taken = START + 4 * MINUTE
    [found] = made(alert(0, 5), alert(2, 9, 2, acknowledged_at=taken), alert(3, 9, 3, acknowledged_at=taken + 1))
    assert (found.detected_by, found.detected_at, found.acknowledged_at) == ("mon", START, taken)
    assert (found.service_id, found.planned, found.incident_id, found.unknown_fields) == (SHOP, False, None, [])


def test_an_end_nobody_saw_is_not_invented():
    [found] = made(alert(0, 30, ended_after=START + 10 * MINUTE))
    assert (found.ended_at, found.unknown_fields) == (START + 10 * MINUTE, ["ended_at"])
    [found] = made(alert(0, 30, ended_after=START + 10 * MINUTE), alert(20, 40, 2))
    assert (found.ended_at, found.unknown_fields) == (START + 40 * MINUTE, []), "the other alert saw the end"


@pytest.mark.parametrize(
    ("announced", "start", "planned"),
    [(-100, -5, True), (-5, -5, True), (-4, -5, False), (None, -5, False), (-100, 1, False), (-100, -90, False)],
)
def test_planned_is_what_lies_in_a_window_announced_before_it(announced, start, planned):
    at = None if announced is None else START + announced * MINUTE
    window = Window("reg:w/1", START + start * MINUTE, START + start * MINUTE + 60 * MINUTE, at)
    [found] = made(alert(0, 5), windows=(window,))
    assert (found.planned, found.maintenance is not None) == (planned, planned)


def test_where_nobody_tells_of_planned_work_it_is_not_known_whether_it_was():
    assert made(alert(0, 5), windows_known=False)[0].planned is None


@pytest.mark.parametrize(
    ("tickets", "found"),
    [
        ([], None),
        ([ticket(1)], "desk:1"),
        ([ticket(-30)], "desk:1"),
        ([ticket(-30.01)], None),
        ([ticket(35)], "desk:1"),
        ([ticket(35.01)], None),
        ([ticket(-10, over=-1)], None),
        ([ticket(-10, over=0)], "desk:1"),
        ([ticket(1), ticket(2, "desk:2")], "ambiguous"),
    ],
)
def test_by_time_only_the_one_ticket_around_it_is_chosen(tickets, found):
    [outage] = made(alert(0, 5), tickets=tuple(tickets))
    if found == "ambiguous":
        assert (outage.incident_id, outage.incident_basis, outage.unknown_fields) == (None, found, ["incident_id"])
        return
    assert (outage.incident_id, outage.incident_basis) == (found, found and "service_and_time")
    assert [(one.field, one.at) for one in outage.since] == (
        [("incident_id", max(START, tickets[0].recorded_at))] if found else []
    )


def test_what_lasts_for_days_takes_no_ticket_of_another_day():
    late = ticket(LONGEST_MS / MINUTE + 1)
    assert made(alert(0, None), tickets=(late,))[0].incident_id is None
    assert made(alert(0, None), tickets=(ticket(LONGEST_MS / MINUTE),))[0].incident_id == "desk:1"
    assert (LEAD_MS, LAG_MS) == (30 * MINUTE, 30 * MINUTE)


def test_a_ticket_that_is_named_wins_over_one_that_only_fits():
    named = Match(ticket(500, "desk:9"), "reference")
    [found] = made(alert(0, 5, ticket=named), tickets=(ticket(1),))
    assert (found.incident_id, found.incident_basis) == ("desk:9", "reference")
    other = Match(ticket(501, "desk:8"), "reference")
    [found] = made(alert(0, 5, ticket=named), alert(1, 5, 2, ticket=other))
    assert (found.incident_id, [one.target for one in found.links]) == (None, ["desk:9", "desk:8"])
    [found] = made(alert(0, 5, ticket=Match(unread=True)), tickets=(ticket(1),))
    assert (found.incident_id, found.unknown_fields) == (None, ["incident_id"]), "the one named was not read"


def test_references():
    one, two = ticket(1), ticket(2, "desk:2")
    assert by_reference([], []) is None
    assert by_reference(["OPS-1"], [one]) == Match(one, "reference")
    assert by_reference(["OPS-1", "OPS-7"], [one, one]) == Match(one, "reference")
    assert by_reference(["OPS-1", "OPS-2"], [one, two]) == Match(None, "ambiguous")
    assert by_reference(["OPS-3"], []).unknown
    assert by_time([one, one]) == Match(one, "service_and_time")
    assert by_time([]) == Match()
