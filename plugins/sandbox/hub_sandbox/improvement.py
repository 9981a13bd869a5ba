"""Complaints and improvement actions: the project IMP."""

from __future__ import annotations

from hub_sandbox.people import CUSTOMERS, SERVICES
from hub_sandbox.simulation import Simulation
from hub_sandbox.timeline import Issue

__all__ = ["make_action", "make_complaints", "make_improvements"]

_WISHES = (
    "Shorten the approval path",
    "Extend the test set",
    "Refresh the runbook",
    "Train second line",
    "Tidy the catalogue",
)


def make_action(sim: Simulation, at: int, owner: str, summary: str) -> Issue:
    """Open an improvement action and bring it to its end."""
    issue = sim.open(
        "IMP",
        "Improvement",
        at,
        owner,
        summary=summary,
        description=summary + ".",
        priority="P3",
        assignee=owner,
        components=(),
    )
    sim.step(issue, sim.after(at, 8, 40), owner, status="In Progress")
    sim.step(issue, sim.after(at, 80, 240), owner, status="Closed")
    return issue


def make_improvements(sim: Simulation, total: int) -> list[Issue]:
    """Let people better things."""
    made = []
    for month, count in enumerate(sim.counts(total)):
        start, end = sim.month(month)
        for _ in range(count):
            at = sim.moment(start, end, office=1.0)
            made.append(make_action(sim, at, sim.member("change-and-problem", at), sim.rng.choice(_WISHES)))
    return made


def make_complaints(sim: Simulation, total: int) -> None:
    """Let customers complain, and be answered."""
    for month, count in enumerate(sim.counts(total)):
        start, end = sim.month(month)
        for _ in range(count):
            at = sim.moment(start, end)
            service = sim.rng.choice(SERVICES)
            issue = sim.open(
                "IMP", "Complaint", at, sim.rng.choice(CUSTOMERS).id,
                summary=f"Complaint about {service.name}", description="It took too long until somebody answered.",
                priority="P3", components=(service.id,), category="Service", assignee="bruno",
            )  # fmt: skip
            sim.say(issue, sim.after(at, 1, 7), "bruno", "We are sorry, and look into it.")
            sim.step(issue, sim.after(at, 8, 20), "bruno", status="In Progress")
            sim.step(issue, sim.after(at, 24, 72), "bruno", status="Resolved")
            sim.step(issue, sim.after(at, 80, 110), "bruno", status="Closed")
