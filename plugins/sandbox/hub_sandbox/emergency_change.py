"""Emergency changes: made within hours because something is broken; what was skipped is supplied later."""

from __future__ import annotations

from hub_sandbox.incident import make_incident
from hub_sandbox.office_hours import DAY_MS, HOUR_MS, MINUTE_MS
from hub_sandbox.people import SERVICES
from hub_sandbox.simulation import Simulation
from hub_sandbox.timeline import Approval, Issue

__all__ = ["make_emergency_change"]


def make_emergency_change(sim: Simulation, month: int, fault: str | None) -> Issue:
    """Let something break and be repaired by an emergency change."""
    rng = sim.rng
    first, last = sim.month(month)
    broke = sim.moment(first, last - 2 * DAY_MS, office=0.7)
    service = rng.choice(SERVICES)
    incident = make_incident(sim, service, f"{rng.choice(service.areas)}: emergency {broke // DAY_MS}", broke, impact=1)
    implementer = sim.other_member(service, broke, service.owner)
    start = sim.between(broke, 1.5, 5)
    end = sim.between(start, 0.4, 1.8)
    created = start - 50 * MINUTE_MS
    revision = f"{rng.getrandbits(48):012x}"
    issue = sim.open(
        "CHG", "Change", created, implementer,
        summary=f"Emergency: repair {service.name}", description="The service is down.", status="Draft", priority="P1",
        components=(service.id,), type="Emergency", reason="Fix", assignee=implementer, implementer=implementer, risk="High",
        major_change="No", irreversible="No", change_class="Software", revision=revision, backout_plan="Switch back to the previous version.",
    )  # fmt: skip
    sim.link("Resolution", issue, incident, created + 5 * MINUTE_MS, implementer)
    careless = fault in {"emergency_without_retro", "emergency_step_without_reason"}
    authorised_first = not careless and rng.random() < 0.6  # noqa: PLR2004
    tested_first = authorised_first and rng.random() < 0.7  # noqa: PLR2004
    if authorised_first:
        _assess(sim, issue, created + 8 * MINUTE_MS)
    if tested_first:
        at = created + 20 * MINUTE_MS
        sim.step(issue, at, implementer, test_result="Passed", tested_revision=revision, tested_at=at)
    if authorised_first:
        _authorise(sim, issue, created + 30 * MINUTE_MS, service.owner)
    sim.step(issue, start, implementer, status="Implementing", actual_start=start)
    sim.step(issue, end, implementer, status="In review", actual_end=end, outcome="Successful")
    skipped = (
        []
        if authorised_first
        else ["impact: no time while the service was down", "approval: nobody of the authority could be reached"]
    )
    if not tested_first:
        skipped.append("test: no time while the service was down")
    if fault == "emergency_step_without_reason":
        skipped = ["impact: no time while the service was down", "approval:", "test:"]
        sim.fault(fault, issue, sim.hours.later(end, 16))
    if skipped:
        sim.step(issue, end + 20 * MINUTE_MS, implementer, skipped_steps="\n".join(skipped))
    if fault == "emergency_without_retro":
        sim.fault(fault, issue, sim.hours.later(end, 16))
        sim.fault("emergency_never_authorised", issue, end + 31 * DAY_MS)
    else:
        _supply(sim, issue, end, implementer, service.owner, authorised=authorised_first, tested=tested_first)
    if fault == "emergency_not_in_management_review":
        sim.unlisted_emergencies.add(issue)
        sim.fault(fault, issue, end + 31 * DAY_MS)
    sim.step(issue, sim.after(end, 20, 40), "carla", status="Closed")
    return issue


def _supply(
    sim: Simulation, issue: Issue, end: int, implementer: str, owner: str, *, authorised: bool, tested: bool
) -> None:
    at = sim.after(end, 0.5, 3)
    if not authorised:
        _assess(sim, issue, at)
    if not tested:
        at = sim.after(at, 1, 3)
        sim.step(issue, at, implementer, test_result="Passed", tested_revision=issue.fields["revision"], tested_at=at)
    if not authorised:
        _authorise(sim, issue, sim.after(at, 1, 4), owner)


def _assess(sim: Simulation, issue: Issue, at: int) -> None:
    sim.step(
        issue, at, "carla",
        impact_service="Ends the outage", impact_business="Orders flow again", impact_customer="Informed on the status page",
        impact_infrastructure="None", impact_release_plan="None", impact_by="carla", impact_at=at,
    )  # fmt: skip


def _authorise(sim: Simulation, issue: Issue, at: int, approver: str) -> None:
    approval = Approval(sim.next_approval_id(), at - HOUR_MS // 6, ((approver, "approved"),), "approved", at)
    sim.step(issue, at, approver, approvals=(approval,))
