"""Changes that follow the process: proposed, assessed, tested, approved, scheduled, carried out, reviewed."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from hub_sandbox.emergency_change import make_emergency_change
from hub_sandbox.faults import CHANGE_FAULTS
from hub_sandbox.implementation_review import review_implementation
from hub_sandbox.office_hours import DAY_MS, HOUR_MS, MINUTE_MS, ZONE
from hub_sandbox.people import CHANGE_AUTHORITY, CONTRACTOR, SERVICES, Service
from hub_sandbox.simulation import Simulation
from hub_sandbox.timeline import Approval, Issue

__all__ = ["make_changes", "make_misfiled", "make_portal"]

_PURPOSES = (
    "Update",
    "Raise limit of",
    "Replace certificate of",
    "Move",
    "Patch",
    "Extend index of",
    "Correct rounding in",
    "Clean up",
)
_CLASSES = {"Replace certificate of": "Infrastructure", "Move": "Infrastructure"}
"""Purpose -> what is changed, where it is not software."""
_PORTAL_PROPOSED, _PORTAL_LIVE = date(2025, 11, 6), date(2026, 1, 21)
_PORTAL_PAID, _PORTAL_BEGUN = date(2025, 11, 11), date(2025, 11, 24)
_APPROVAL_FAULTS = frozenset({"change_without_approval", "approved_too_late"})


@dataclass(slots=True)
class _Slot:
    """One change to be made."""

    start: int
    type: str
    service: Service
    fault: str | None
    major: bool = False
    outcome: str = "Successful"
    alters_service: bool = False
    proposed: int | None = None
    """When it was opened; None = some days before."""


def make_changes(sim: Simulation, total: int) -> list[Issue]:
    """Let changes be made, about ninety in a hundred of them properly; return those without a fault."""
    reasons = _Reasons(sim)
    proper: list[Issue] = []
    for month, count in enumerate(sim.counts(total)):
        faults = sim.planted(CHANGE_FAULTS, month)
        urgent = deque(name for name in faults if name.startswith("emergency"))
        usual = deque(name for name in faults if not name.startswith("emergency"))
        for _ in range(max(len(urgent), round(count * 0.08))):
            make_emergency_change(sim, month, urgent.popleft() if urgent else None)
        for _ in range(max(len(usual) + 6, count - round(count * 0.08))):
            slot = _slot(sim, month, usual.popleft() if usual else None)
            issue = _carry_out(sim, slot, reasons)
            if slot.fault is None and not slot.major and slot.outcome == "Successful":
                proper.append(issue)
    for _ in range(max(2, round(10 * sim.scale))):
        start = sim.hours.later(sim.end, 8 + 50 * sim.rng.random())
        _carry_out(sim, _Slot(start, "Normal", sim.rng.choice(SERVICES), None), reasons)
    return proper


def make_portal(sim: Simulation) -> Issue:
    """Let payslips move to a portal: the change that the plan `payslip-portal` of the register is about."""
    payroll = next(service for service in SERVICES if service.id == "payroll")
    proposed, live = sim.hours.local(_PORTAL_PROPOSED, 10), sim.hours.local(_PORTAL_LIVE, 18)
    slot = _Slot(live, "Normal", payroll, None, major=True, alters_service=True, proposed=proposed)
    issue = _carry_out(sim, slot, _Reasons(sim))
    sim.step(issue, proposed + HOUR_MS, issue.creator, cost=18_000, currency="EUR")
    approved, began = sim.hours.local(_PORTAL_PAID, 9), sim.hours.local(_PORTAL_BEGUN, 9)
    sim.step(issue, approved, issue.creator, cost_approval="register:approvals/payslip-portal-budget")
    sim.step(issue, began, issue.creator, building_began=began)
    return issue


def make_misfiled(sim: Simulation, at: int) -> Issue:
    """Let a proposed change turn out to be an improvement: it moves from CHG to IMP."""
    issue = sim.open(
        "CHG", "Change", sim.hours.later(at, -30), "carla",
        summary="Shop: rewrite the runbook", description="Belongs to improvement.", status="Draft", priority="P3",
        components=("shop",), type="Normal", reason="Improvement", assignee="carla",
    )  # fmt: skip
    sim.step(issue, at, "alice", project="IMP", issuetype="Improvement", status="In Progress", type=None, reason=None)
    sim.step(issue, sim.hours.later(at, 60), "carla", status="Closed")
    return issue


class _Reasons:
    """Incidents and problems a change may fix."""

    def __init__(self, sim: Simulation) -> None:
        self._by_service: dict[str, list[Issue]] = defaultdict(list)
        left = {item.issue for item in sim.faults if item.name == "remedy_not_written_down"}
        for issue in sim.issues:
            if issue.fields["issuetype"] not in {"Incident", "Problem"} or issue in left:
                continue
            if issue.fields["project"] != "SEC":
                self._by_service[issue.fields["components"][0]].append(issue)

    def before(self, sim: Simulation, service: Service, at: int) -> Issue | None:
        """Return one of the last thirty days."""
        near = [issue for issue in self._by_service[service.id] if at - 30 * DAY_MS < issue.created_at < at - HOUR_MS]
        return sim.rng.choice(near) if near else None


def _slot(sim: Simulation, month: int, fault: str | None) -> _Slot:
    rng = sim.rng
    first, last = sim.month(month)
    if month == 0:
        first += 16 * DAY_MS
    start = sim.moment(first, last - DAY_MS, office=1.0)
    if rng.random() < 0.7:  # noqa: PLR2004 - most changes are made in the evening
        start = sim.hours.local(datetime.fromtimestamp(start / 1000, tz=ZONE).date(), 18 + 3 * rng.random())
    kind = "Standard" if fault is None and rng.random() < 0.38 else "Normal"  # noqa: PLR2004
    review = fault is not None and fault.startswith("pir_")
    major = review or (fault is None and kind == "Normal" and rng.random() < 0.07)  # noqa: PLR2004
    outcome = "Successful" if fault or rng.random() < 0.96 else rng.choice(("With issues", "Backed out"))  # noqa: PLR2004
    return _Slot(start, kind, rng.choice(SERVICES), fault, major, outcome)


def _carry_out(sim: Simulation, slot: _Slot, reasons: _Reasons) -> Issue:
    rng, fault, service, start = sim.rng, slot.fault, slot.service, slot.start
    implementer = (
        service.owner
        if fault == "approved_by_implementer"
        else sim.other_member(service, start - 20 * DAY_MS, service.owner)
    )
    created = slot.proposed or sim.hours.later(start, -(56 + 30 * rng.random()))
    reason = (
        "Fix"
        if fault == "fix_without_link"
        else rng.choices(("Fix", "Improvement", "New feature", "Compliance"), (35, 35, 22, 8))[0]
    )
    cause = reasons.before(sim, service, created) if reason == "Fix" else None
    if reason == "Fix" and cause is None:
        reason = "Improvement"
    purpose = rng.choice(_PURPOSES)
    issue = sim.open(
        "CHG", "Change", created, implementer,
        summary=f"{purpose} {rng.choice(service.areas).lower()} ({service.name})", description="See plan.",
        status="Draft", priority="P3", components=(service.id,), type=slot.type, reason=reason, assignee=implementer,
        implementer=implementer, risk=rng.choices(("Low", "Medium", "High"), (60, 33, 7))[0],
        major_change="Yes" if slot.major else "No", irreversible="No",
        change_class="Service change" if slot.alters_service else _CLASSES.get(purpose, "Software"),
    )  # fmt: skip
    if cause is not None and fault != "fix_without_link":
        sim.link("Resolution", issue, cause, created + 10 * MINUTE_MS, implementer)
    at = _prepare(sim, issue, slot, created, implementer)
    at = _approve(sim, issue, slot, at, implementer)
    _schedule(sim, issue, slot, at)
    end = start + int((0.4 + 2.2 * rng.random()) * HOUR_MS)
    sim.step(issue, start, implementer, status="Implementing", actual_start=start)
    sim.step(issue, end, implementer, status="In review", actual_end=end, outcome=slot.outcome)
    if fault == "tested_after_start":
        _test(sim, issue, sim.after(end, 2, 6), implementer)
    closed = sim.after(end, 16, 40)
    if slot.major or slot.outcome != "Successful":
        closed = review_implementation(sim, issue, end, fault)
    sim.step(issue, closed, "carla", status="Closed")
    if fault is not None and not fault.startswith(
        ("pir_", "approved_too_late", "tested_after", "schedule_", "impact_", "backout_")
    ):
        sim.fault(fault, issue, start)
    if fault == "tested_after_start":
        sim.fault(fault, issue, start, issue.steps[-2].at)
    return issue


def _prepare(sim: Simulation, issue: Issue, slot: _Slot, created: int, implementer: str) -> int:
    rng, fault = sim.rng, slot.fault
    assessed = sim.after(created, 2, 6)
    if fault != "impact_missing":
        sim.step(
            issue, assessed, "carla", status="Assessment",
            impact_service="Short interruption" if slot.major else "None", impact_business="Orders may wait some minutes",
            impact_customer=None if fault == "impact_incomplete" else "Announced on the status page",
            impact_infrastructure="No new components", impact_release_plan="None", impact_by="carla", impact_at=assessed,
        )  # fmt: skip
    planned = sim.after(assessed, 1, 3)
    begin = slot.start + int((rng.random() - 0.5) * 30 * MINUTE_MS)
    if fault == "outside_window":
        begin = slot.start - 4 * HOUR_MS
    plan: dict[str, Any] = {
        "planned_start": begin,
        "planned_end": begin + 3 * HOUR_MS,
        "revision": f"{rng.getrandbits(48):012x}",
    }
    if fault != "backout_missing":
        plan["backout_plan"] = "Restore the previous version from the artefact store, then run the smoke test."
    sim.step(issue, planned, implementer, **plan)
    tested = sim.after(planned, 2, 8)
    if fault not in {"tested_after_start", "test_missing"}:
        _test(sim, issue, tested, implementer, "Failed" if fault == "test_failed" else "Passed")
    return tested


def _test(sim: Simulation, issue: Issue, at: int, actor: str, result: str = "Passed") -> None:
    revision = next(step.changes["revision"] for step in reversed(issue.steps) if "revision" in step.changes)
    sim.step(issue, at, actor, test_result=result, tested_revision=revision, tested_at=at)


def _approve(sim: Simulation, issue: Issue, slot: _Slot, tested: int, implementer: str) -> int:
    fault, service = slot.fault, slot.service
    asked = sim.after(tested, 0.5, 2)
    if fault == "change_without_approval":
        return asked
    approver = {
        "approver_without_role": sim.other_member(service, slot.start - 20 * DAY_MS, implementer, *CHANGE_AUTHORITY),
        "approver_unknown": CONTRACTOR.id,
    }.get(fault or "", service.owner)
    number = sim.next_approval_id()
    pending = Approval(number, asked, ((approver, "pending"),))
    sim.step(issue, asked, implementer, status="Awaiting approval", approvals=(pending,))
    decided = sim.after(asked, 1, 8)
    if fault == "approved_too_late":
        decided = sim.after(slot.start + 4 * HOUR_MS, 2, 20)
        sim.fault(fault, issue, slot.start, decided)
    if fault in {"impact_missing", "impact_incomplete", "backout_missing"}:  # owed before the approval
        sim.fault(fault, issue, decided)
    approved = Approval(number, asked, ((approver, "approved"),), "approved", decided)
    changes: dict[str, Any] = {"approvals": (approved,)}
    if slot.major:  # a second round, by the change manager
        sim.step(issue, decided, approver, approvals=(approved,))
        opened, approver, decided = decided, "alice", sim.after(decided, 0.5, 2)
        second = Approval(sim.next_approval_id(), opened, ((approver, "approved"),), "approved", decided)
        changes["approvals"] = (approved, second)
    if fault != "approved_too_late":
        changes["status"] = "Scheduled"
    sim.step(issue, decided, approver, **changes)
    if fault == "approval_withdrawn":
        again = slot.start - 5 * HOUR_MS
        declined = Approval(sim.next_approval_id(), again - HOUR_MS, ((approver, "declined"),), "declined", again)
        sim.step(issue, again, approver, approvals=(approved, declined))
    return asked if fault == "approved_too_late" else decided


def _schedule(sim: Simulation, issue: Issue, slot: _Slot, decided: int) -> None:
    published = sim.after(decided, 0.2, 1.5)
    if slot.fault != "customers_not_told":
        told = f"On {datetime.fromtimestamp(slot.start / 1000, tz=ZONE):%d %B} we work on this service; it may pause for some minutes."
        sim.say(issue, published + MINUTE_MS, "carla", told)
    if slot.fault == "schedule_published_late":
        published = slot.start - 5 * HOUR_MS
        sim.fault(slot.fault, issue, slot.start - DAY_MS, published)
    sim.step(issue, published, "carla", schedule_published_at=published)
    if slot.fault == "approved_on_other_revision":
        at = slot.start - 6 * HOUR_MS
        sim.step(issue, at, issue.creator, revision=f"{sim.rng.getrandbits(48):012x}")
        _test(sim, issue, at + HOUR_MS, issue.creator)
