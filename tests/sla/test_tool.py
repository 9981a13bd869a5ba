"""The tool's own clocks beside the hub's: what differs by more than a minute, and nothing else (R12)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from hub.records import Incident, Sla, Target
from hub.sla.attainment import ticket_clocks
from hub.sla.tool import Comparison, compare
from hub.testing.factory import at

HOUR, MINUTE = 3_600_000, 60_000
START, DUE, STOP = at(hours=9), at(hours=13), at(hours=11)
PERIOD = (at(-5), at(5))
AGREED = Sla(
    id="r:slas/gold",
    source="r",
    service_ids=["r:services/shop"],
    valid_from="2025-12-01",
    signed_at=0,
    targets=[Target(id="t", metric="resolution", operator="<=", value=4, unit="h", calendar="7x24")],
)
SAME = {"start": START, "due": DUE, "stop": STOP, "target_s": 4 * 3600, "counted_s": 2 * 3600, "missed": False}


def told(office: Connection, keep: Callable[..., int], *cycles: Any, **fields: Any) -> tuple[list[Comparison], int]:
    given = {"reported_at": START, "created_at": START, "resolved_at": STOP} | fields
    sla = {"Time to resolution": {"cycles": list(cycles), "goalDuration": {}}, "Lunch": {"cycles": list(cycles)}}
    tool_sla = sla if cycles else {"Time to resolution": {"completedCycles": []}}
    keep(AGREED, Incident(id="desk:1", source="desk", service_ids=["r:services/shop"], tool_sla=tool_sla, **given))
    return compare(office, ticket_clocks(office, PERIOD, PERIOD[1]))


@pytest.mark.parametrize(
    ("cycle", "differences"),
    [
        ({}, {}),
        ({"due": DUE + MINUTE, "counted_s": 7140}, {}),
        ({"due": DUE + MINUTE + 1}, {"due": 60}),
        ({"start": START + 5 * MINUTE, "counted_s": 6900}, {"start": 300, "counted": -300}),
        ({"target_s": 8 * 3600, "due": DUE + 4 * HOUR}, {"target": 4 * 3600, "due": 4 * 3600}),
        ({"stop": STOP - HOUR}, {"stop": -3600}),
        ({"stop": None}, {"stop": None}),
        ({"missed": True}, {"result": None}),
    ],
)
def test_differences_above_a_minute(
    office: Connection, keep: Callable[..., int], cycle: dict[str, Any], differences: dict[str, Any]
) -> None:
    ([one], alone) = told(office, keep, SAME | cycle)
    assert (one.theirs.name, one.ours.metric, alone) == ("Time to resolution", "resolution", 0)
    assert one.differences == differences


def test_cycles_of_a_reopened_ticket_are_one_clock(office: Connection, keep: Callable[..., int]) -> None:
    first = SAME | {"stop": STOP - HOUR, "counted_s": 3600}
    again = {"start": STOP, "due": DUE, "stop": STOP, "target_s": 4 * 3600, "counted_s": 3600, "missed": False}
    ([one], _) = told(office, keep, first, again)
    assert (one.theirs.started_at, one.theirs.counted_s, one.differences) == (START, 7200, {})


def test_what_the_tool_does_not_tell_is_counted_not_compared(office: Connection, keep: Callable[..., int]) -> None:
    assert told(office, keep) == ([], 1)


def test_what_the_hub_cannot_compute_is_not_compared(office: Connection, keep: Callable[..., int]) -> None:
    ([one], _) = told(office, keep, SAME, resolved_at=START - 1)
    assert (one.ours.lacks, one.differences) == ("its clock stopped before it started", {})
