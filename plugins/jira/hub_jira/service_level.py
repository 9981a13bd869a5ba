"""From the service level fields of Jira Service Management to data that the hub's own clocks are compared with."""

from __future__ import annotations

from typing import Any

from hub_jira.field import UnconvertibleError, instant_of
from hub_jira.value import as_dict, as_list, as_text

__all__ = ["stable_sla"]

PASSING = frozenset({"elapsedTime", "remainingTime", "withinCalendarHours"})
"""Figures of a running clock: they change with every reading."""
_INSTANTS = {"start": "startTime", "due": "breachTime", "stop": "stopTime"}


def stable_sla(value: Any) -> dict[str, Any]:
    """Keep what Jira computed on a clock, without the figures that change with every reading.

    `cycles` tells it in the hub's words beside Jira's own (`start`, `due`, `stop` in UTC ms, `target_s`,
    `counted_s`, `missed`, `paused`), the running cycle last and without what it has counted.
    """
    if isinstance(value, list):
        return {name: stable_sla(each) for each in value if (name := as_text(as_dict(each).get("name")))}
    clock = {name: each for name, each in as_dict(value).items() if name != "_links"}
    running = clock.get("ongoingCycle")
    if isinstance(running, dict):
        running = clock["ongoingCycle"] = {k: v for k, v in running.items() if k not in PASSING}
    cycles = [_cycle(each) for each in (*as_list(clock.get("completedCycles")), running) if isinstance(each, dict)]
    return clock | {"cycles": cycles} if any(cycles) else clock


def _cycle(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, theirs in _INSTANTS.items():
        try:
            found[name] = instant_of(told.get(theirs))
        except UnconvertibleError:  # not told yet, or not to be read: nothing to compare with
            continue
    for name, theirs in (("target_s", "goalDuration"), ("counted_s", "elapsedTime")):
        length = as_dict(told.get(theirs)).get("millis")
        if isinstance(length, int) and not isinstance(length, bool):
            found[name] = length // 1000
    for name, theirs in (("missed", "breached"), ("paused", "paused")):
        if isinstance(told.get(theirs), bool):
            found[name] = told[theirs]
    return found
