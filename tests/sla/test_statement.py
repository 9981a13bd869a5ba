"""Previous, current and next: what was kept, beside what was agreed for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from hub.cli.sla_text import attainment_lines
from hub.clock import parse_instant
from hub.conformance.situation.level import levels
from hub.records import Event, Incident, Problem, Reopen, Sla, Target
from hub.sla.statement import Line, statement

OCTOBER = (parse_instant("2026-09-30T22:00:00Z"), parse_instant("2026-10-31T23:00:00Z"))
SEPTEMBER = (parse_instant("2026-08-31T22:00:00Z"), OCTOBER[0])


def goal(value: float, **fields: Any) -> Target:
    given: dict[str, Any] = {"metric": "attainment", "operator": ">=", "unit": "%"} | fields
    return Target(id=f"goal-{value}", value=value, **given)


def sla(name: str = "gold", goals: tuple[Target, ...] = (), **fields: Any) -> Sla:
    promised = Target(id="r", metric="response", priority="P1", operator="<=", value=15, unit="min", calendar="7x24")
    given: dict[str, Any] = {"valid_from": "2026-01-01", "signed_at": 0, "service_ids": ["r:services/shop"]}
    return Sla(id=f"r:slas/{name}", source="r", **({"targets": [promised, *goals]} | given | fields))


def answered(number: int, minutes: int, day: int = 40) -> Incident:
    begun = SEPTEMBER[0] + day * 86_400_000
    given = {"reported_at": begun, "created_at": begun, "first_response_at": begun + minutes * 60_000}
    return Incident(id=f"desk:{number}", source="desk", service_ids=["r:services/shop"], priority="P1", **given)


def line(office: Connection, keep: Callable[..., int], *records: Any) -> Line:
    keep(*records)
    (one,) = statement(office, OCTOBER, SEPTEMBER, OCTOBER[1], zone="Europe/Berlin")
    return one


@pytest.mark.parametrize(
    ("goals", "kept"),
    [
        ((), ""),
        ((goal(75),), "met"),
        ((goal(75.01),), "not met"),
        ((goal(80, min_sample=5),), "not applicable"),
        ((goal(99), goal(60, metric="response_attainment")), "met"),
        ((goal(99), goal(60, priority="P1"), goal(98, priority="P2")), "met"),
    ],
)
def test_compared_with_what_was_agreed_unrounded(
    office: Connection, keep: Callable[..., int], goals: tuple[Target, ...], kept: str
) -> None:
    tickets = [answered(number, 10 if number < 4 else 20) for number in (1, 2, 3, 4)]
    one = line(office, keep, sla(goals=goals), *tickets)
    assert (one.previous, one.now.rate(), one.promise, one.kept) == ("no cases", "75.00", "P1 <= 15 min on 7x24", kept)


def test_without_cases_a_goal_is_not_applicable(office: Connection, keep: Callable[..., int]) -> None:
    one = line(office, keep, sla(goals=(goal(95),)), answered(1, 5, day=3))
    assert (one.previous, one.now.rate(), one.kept, one.goal) == ("100.00", "no cases", "not applicable", ">= 95 %")


def test_a_month_whose_tickets_could_not_be_measured_is_not_known_and_no_month_without_cases(
    office: Connection, keep: Callable[..., int]
) -> None:
    for day, told in ((3, ("not known", "100.00")), (40, ("100.00", "not known"))):
        one = line(office, keep, sla(), answered(1, -5, day), answered(2, 5, 43 - day))
        assert (one.previous, one.now.rate()) == told
        (level,) = levels(office, [one], OCTOBER, SEPTEMBER)
        assert (level.previous, level.current, level.unknown_before) == (
            *(rate if rate != "not known" else "" for rate in told),
            told[0] == "not known",
        )
        assert (level.no_figure_before if day < 30 else level.no_figure_now) == "not known"


def test_the_next_goal_is_that_of_the_version_then_in_force(office: Connection, keep: Callable[..., int]) -> None:
    old = sla("v1", (goal(90),), valid_to="2026-11-01")
    new = sla("v2", (goal(97.5),), valid_from="2026-11-01")
    one = line(office, keep, old, new, answered(1, 5))
    assert (one.agreement, one.kept, one.goal) == ("r:slas/v1", "met", ">= 97.5 %")
    unsigned = line(office, keep, sla("v2", (goal(97.5),), valid_from="2026-11-01", signed_at=None))
    assert unsigned.goal == ""


NOVEMBER = (OCTOBER[1], parse_instant("2026-11-30T23:00:00Z"))
DECEMBER = (NOVEMBER[1], parse_instant("2026-12-31T23:00:00Z"))


def solved(kind: type[Incident | Problem], *, reopened: str | None, closed: str, **fields: Any) -> Any:
    """Reported on 29 November, solved on the 30th, due on 2 December."""
    begun, first = parse_instant("2026-11-29T12:00:00Z"), parse_instant("2026-11-30T12:00:00Z")
    again = parse_instant(reopened) if reopened else None
    return kind(
        id="desk:1",
        source="desk",
        service_ids=["r:services/shop"],
        created_at=begun,
        priority="P1",
        resolved_at=parse_instant(closed),
        events=[
            Event(at=first, type="resolved"),
            *([Event(at=again, type="reopened"), Event(at=parse_instant(closed), type="resolved")] if again else []),
        ],
        **fields,
    )


def incident(**fields: Any) -> Incident:
    begun, first = parse_instant("2026-11-29T12:00:00Z"), parse_instant("2026-11-30T12:00:00Z")
    again = fields["reopened"]
    reopens = [Reopen(resolved_at=first, reopened_at=parse_instant(again))] if again else []
    return solved(Incident, reported_at=begun, reopens=reopens, **fields)


def problem(**fields: Any) -> Problem:
    return solved(Problem, detected_at=parse_instant("2026-11-29T12:00:00Z"), **fields)


@pytest.mark.parametrize(("ticket", "metric"), [(incident, "resolution"), (problem, "problem_resolution")])
def test_a_ticket_reopened_since_restates_the_month_it_counted_in_and_both_are_shown(
    office: Connection, keep: Callable[..., int], ticket: Callable[..., Any], metric: str
) -> None:
    promised = Target(id="s", metric=metric, priority="P1", operator="<=", value=72, unit="h", calendar="7x24")
    late = {"reopened": "2026-12-01T12:00:00Z", "closed": "2026-12-10T12:00:00Z"}
    keep(sla(targets=[promised]), ticket(**late))

    def told(period: Any, before: Any, as_of: int) -> list[tuple[str, str, str, str]]:
        lines = statement(office, period, before, as_of, zone="Europe/Berlin")
        return [(one.previous, one.restated, one.now.rate(), one.stood) for one in lines]

    assert told(DECEMBER, NOVEMBER, DECEMBER[1]) == [("100.00", "no cases", "0.00", "")]
    assert told(NOVEMBER, OCTOBER, DECEMBER[1]) == [("no cases", "", "no cases", "100.00")]

    keep(ticket(**(late | {"closed": "2026-12-02T12:00:00Z"})))  # solved again, in time
    assert told(DECEMBER, NOVEMBER, DECEMBER[1]) == [("100.00", "no cases", "100.00", "")]
    keep(ticket(reopened=None, closed="2026-11-30T12:00:00Z"))
    assert told(DECEMBER, NOVEMBER, DECEMBER[1]) == [("100.00", "", "no cases", "")]


def test_a_restated_month_is_told_beside_its_line(office: Connection, keep: Callable[..., int]) -> None:
    promised = Target(id="s", metric="resolution", priority="P1", operator="<=", value=72, unit="h", calendar="7x24")
    keep(sla(targets=[promised]), incident(reopened="2026-12-01T12:00:00Z", closed="2026-12-10T12:00:00Z"))
    lines = statement(office, DECEMBER, NOVEMBER, DECEMBER[1], zone="Europe/Berlin")
    printed = "\n".join(attainment_lines(lines, ["2026-11", "2026-12", "2027-01"]))
    assert "2026-11 restated: no cases now, tickets were reopened since" in printed


def test_reopened_nobody_knows_when_is_not_measured(office: Connection, keep: Callable[..., int]) -> None:
    """As stores of older releases may hold it."""
    promised = Target(id="s", metric="resolution", priority="P1", operator="<=", value=72, unit="h", calendar="7x24")
    one = incident(reopened="2026-12-01T12:00:00Z", closed="2026-12-10T12:00:00Z")
    one.reopens[0].reopened_at = None
    keep(sla(targets=[promised]), one)
    (told,) = statement(office, NOVEMBER, OCTOBER, DECEMBER[1], zone="Europe/Berlin")
    assert (told.now.decided, told.now.lacking, told.stood) == (0, 1, "")
