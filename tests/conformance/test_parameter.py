from __future__ import annotations

from typing import Any

import pytest

from hub.conformance.parameter import Parameters, objection

DEFAULTS: dict[str, Any] = {
    "days": 30,
    "share": 0.95,
    "self_approval": False,
    "period": "month",
    "scale": "1-5",
    "aspects": ["cost", "schedule"],
    "hours": {"P1": 1, "P2": 4},
    "calendar": {"A": "7x24", "B": "5x8"},
}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("days", 7, ""),
        ("days", -1, "'days' should be a number from 0 to 36525"),
        ("days", True, "'days' is bool, expected int"),
        ("days", 1.5, "'days' is float, expected int"),
        ("share", 1, ""),
        ("share", 0.5, ""),
        ("share", 95, "'share' should be a number from 0 to 1"),
        ("share", float("nan"), "'share' should be a number from 0 to 1"),
        ("self_approval", True, ""),
        ("self_approval", 1, "'self_approval' is int, expected bool"),
        ("period", "quarter", ""),
        ("period", "fortnight", "'period' should be one of month, quarter, year"),
        ("scale", "1-10", ""),
        ("aspects", ["cost"], ""),
        ("aspects", ["cost", 3], "'aspects' should hold words only"),
        ("aspects", "cost", "'aspects' is str, expected list"),
        ("hours", {"P1": 2}, ""),
        ("hours", {"P9": 2}, "'hours' has no P9; known: P1, P2"),
        ("hours", {"P1": "soon"}, "'hours.P1' is str, expected int"),
        ("hours", {"P2": 99_999}, "'hours.P2' should be a number from 0 to 36525"),
        ("calendar", {"B": "7x24"}, ""),
        ("calendar", {"B": 24}, "'calendar.B' is int, expected str"),
    ],
)
def test_what_a_parameter_may_be(name: str, value: Any, said: str):
    assert objection(name, value, DEFAULTS[name]) == said


def test_a_mapping_keeps_what_nobody_chose():
    parameters = Parameters(DEFAULTS, {"hours": {"P1": 2}, "aspects": ["cost"]})
    assert parameters.hours == {"P1": 2, "P2": 4}
    assert parameters.aspects == ["cost"]
    assert parameters.days == 30
    assert DEFAULTS["hours"] == {"P1": 1, "P2": 4}
