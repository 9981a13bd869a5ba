"""Complaints and improvement actions: the project IMP."""

from __future__ import annotations

from hub_sandbox.faults import COMPLAINT_FAULTS
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

_ANSWERED_H = 8
"""Working hours within which whoever complains hears something."""


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
        faults = sim.planted(COMPLAINT_FAULTS, month)
        for _ in range(count):
            _complain(sim, sim.moment(start, end), faults.popleft() if faults else None)


def _complain(sim: Simulation, at: int, fault: str | None) -> None:
    service = sim.rng.choice(SERVICES)
    issue = sim.open(
        "IMP", "Complaint", at, sim.rng.choice(CUSTOMERS).id,
        summary=f"Complaint about {service.name}", description="It took too long until somebody answered.",
        priority="P3", components=(service.id,), category="Service", assignee="bruno",
        channel=None if fault == "complaint_without_channel" else "email",
    )  # fmt: skip
    answered = sim.after(at, 1, 7)
    if fault == "complaint_answered_late":
        answered = sim.hours.later(answered, 9)
        sim.fault(fault, issue, sim.hours.later(at, _ANSWERED_H), answered)
    sim.say(issue, answered, "bruno", "We are sorry, and look into it.")
    sim.step(issue, answered, "bruno", first_reply_at=answered)
    sim.step(issue, sim.after(at, 8, 20), "bruno", status="In Progress")
    resolved = sim.after(at, 24, 72)
    sim.step(
        issue, resolved, "bruno", status="Resolved", investigated_at=resolved, finding="Unsubstantiated", told_at=resolved,
        investigated_by=None if fault == "complaint_without_investigator" else "alice",
        complaint_cause=None if fault == "complaint_without_cause" else "A message that was overlooked.",
        complaint_outcome=None if fault == "complaint_without_outcome" else "Explained.",
    )  # fmt: skip
    closed = sim.after(at, 80, 110)
    sim.step(issue, closed, "bruno", status="Closed", closed_by="bruno")
    if fault == "complaint_without_channel":
        sim.fault(fault, issue, at)
    elif fault is not None and fault != "complaint_answered_late":
        sim.fault(fault, issue, closed)
