"""From the service level fields of Jira Service Management to data that the hub's own clocks are compared with."""

from __future__ import annotations

from typing import Any

from hub_jira.field import UnconvertibleError, instant_of
from hub_jira.value import as_dict, as_list, as_text

__all__ = ["clocks_of"]

PASSING = frozenset({"elapsedTime", "remainingTime"})
"""Figures of a running clock: they change with every reading."""
_INSTANTS = {"start": "startTime", "due": "breachTime", "stop": "stopTime"}


def clocks_of(value: Any) -> dict[str, Any]:
    """Return what Jira computed on its clocks, in the hub's words: name -> {`cycles`}; its own stand in the document.

    Each cycle tells `start`, `due`, `stop` (UTC ms), `target_s`, `counted_s`, `missed`, `paused`, as far as Jira does;
    the running one comes last, without what it has counted so far. A clock that has no cycle yet is empty.
    """
    clocks = value if isinstance(value, list) else [{"name": "sla"} | as_dict(value)] if as_dict(value) else []
    return {name: _clock(each) for each in map(as_dict, clocks) if (name := as_text(each.get("name")))}


def _clock(told: dict[str, Any]) -> dict[str, Any]:
    running = {name: each for name, each in as_dict(told.get("ongoingCycle")).items() if name not in PASSING}
    cycles = [_cycle(each) for each in (*as_list(told.get("completedCycles")), running) if isinstance(each, dict)]
    return {"cycles": [each for each in cycles if each]} if any(cycles) else {}


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
