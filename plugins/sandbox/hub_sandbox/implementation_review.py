"""Post-implementation reviews of major and unsuccessful changes."""

from __future__ import annotations

from typing import Any

from hub_sandbox.improvement import make_action
from hub_sandbox.office_hours import DAY_MS, HOUR_MS, MINUTE_MS
from hub_sandbox.simulation import Simulation
from hub_sandbox.timeline import Issue, Mention

__all__ = ["review_implementation"]

_ASPECTS = {
    "cost": "cost | n/a: internal work",
    "availability": "availability | no outage | no outage",
    "function": "function | as specified | as specified",
    "schedule": "schedule | 3 h | within 3 h",
}


def review_implementation(sim: Simulation, issue: Issue, end: int, fault: str | None) -> int:
    """Review a change in time, unless that is the fault; return when it can be closed."""
    due = end + 30 * DAY_MS
    if fault == "pir_missing":
        sim.fault(fault, issue, due)
        return sim.hours.later(end, 40)
    held = sim.hours.later(end + int((4 + 18 * sim.rng.random()) * DAY_MS), 0)
    if fault == "pir_late":
        held = sim.hours.later(due + int((5 + 25 * sim.rng.random()) * DAY_MS), 0)
        sim.fault(fault, issue, due, held)
    aspects = [line for name, line in _ASPECTS.items() if fault != "pir_incomplete" or name != "availability"]
    weaknesses: str | Mention | None = "none"
    if fault == "pir_weaknesses_missing":
        weaknesses = None
    elif sim.rng.random() < 0.35:  # noqa: PLR2004 - a third of the reviews finds a weakness
        action = make_action(sim, held - 2 * HOUR_MS, "carla", "Extend the test set")
        sim.link("Improvement", action, issue, held - HOUR_MS, "carla")
        weaknesses = Mention("Test set too small: {key}", action)
    if fault in {"pir_incomplete", "pir_weaknesses_missing"}:
        sim.fault(fault, issue, held + 10 * DAY_MS)
    changes: dict[str, Any] = {
        "pir_held_at": held,
        "pir_planned_vs_actual": "\n".join(aspects),
        "pir_weaknesses": weaknesses,
        "pir_conclusions": "The goal was reached.",
    }
    sim.step(issue, held + 30 * MINUTE_MS, "carla", **changes)
    return held + HOUR_MS
