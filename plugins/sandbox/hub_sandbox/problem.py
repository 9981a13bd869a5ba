"""Problems: found from clusters, major incidents or by looking ahead; investigated, fixed, reviewed."""

from __future__ import annotations

from dataclasses import dataclass, field

from hub_sandbox.faults import PROBLEM_FAULTS
from hub_sandbox.incident import CategoryUse, make_incident
from hub_sandbox.known_error import document_known_error
from hub_sandbox.office_hours import DAY_MS, HOUR_MS, MINUTE_MS
from hub_sandbox.people import LEFT_MS, PROBLEM_MANAGERS, SERVICES, Service
from hub_sandbox.simulation import MONTHS, Simulation
from hub_sandbox.timeline import Issue, Mention

__all__ = ["TARGET_DAYS", "make_problems", "make_reclassified"]

TARGET_DAYS = {"P1": 10, "P2": 30, "P3": 90, "P4": 180}
_CLUSTER_FAULTS = ("cluster_without_problem", "cluster_with_late_problem")
_LONG = frozenset(
    {"problem_idle", "problem_not_escalated", "workaround_missing", "known_error_missing", "known_error_late"}
)


@dataclass(slots=True)
class _Case:
    """What leads to a problem."""

    service: Service
    category: str
    at: int
    incidents: list[Issue] = field(default_factory=list)
    fault: str | None = None
    detection: str = "Reactive"


def make_problems(sim: Simulation, use: CategoryUse, total: int) -> None:
    """Let clusters and major incidents happen, and problems follow from them."""
    for month, count in enumerate(sim.counts(total)):
        faults = sim.planted(PROBLEM_FAULTS, month)
        cluster_faults = [name for name in faults if name in _CLUSTER_FAULTS]
        no_problem = [name for name in faults if name == "major_incident_without_problem"]
        others = [name for name in faults if name not in _CLUSTER_FAULTS and name not in no_problem]
        others.sort(key=lambda name: name != "workaround_missing")  # only a problem with incidents owes a workaround
        cases = []
        for number in range(max(len(cluster_faults), round(count * 0.4))):
            case = _cluster(sim, use, month, cluster_faults[number] if number < len(cluster_faults) else None)
            if case is not None:
                cases.append(case)
        cases.extend(_major(sim, use, month, missing=False) for _ in range(1))
        for _ in no_problem:
            _major(sim, use, month, missing=True)
        cases.extend(_foresight(sim, month) for _ in range(max(len(others) + 1 - len(cases), count - len(cases))))
        free = sorted((case for case in cases if case.fault is None), key=lambda case: (not case.incidents, case.at))
        for name, case in zip(others, free, strict=False):
            case.fault = name
        for case in cases:
            _problem(sim, use, case)


def make_reclassified(sim: Simulation, at: int) -> Issue:
    """Let an incident of OPS be moved to PRB and become a problem."""
    service = SERVICES[0]
    created = sim.after(at, -24, -16)
    issue = make_incident(sim, service, "Search: wrong data", created, impact=3)
    issue.steps = [step for step in issue.steps if step.at < at]
    sim.step(
        issue, at, "peter", project="PRB", issuetype="Problem", status="Under investigation", priority="P3", assignee="ruth",
        detection="Reactive", workaround="none", target_resolution_at=at + 90 * DAY_MS, sla=None,
    )  # fmt: skip
    for number in range(1, 5):
        sim.step(
            issue,
            sim.after(at, 32 * number, 36 * number),
            "ruth",
            description=f"Progress {number}: index is being compared.",
        )
    return issue


def _cluster(sim: Simulation, use: CategoryUse, month: int, fault: str | None) -> _Case | None:
    start, end = sim.month(month)
    first = sim.moment(start, start + (end - start) // 2)
    service = sim.rng.choice(SERVICES)
    category = use.free(service, first, most=0)
    times = [first]
    for _ in range(sim.rng.randint(2, 4)):
        times.append(sim.after(times[-1], 4, 24))
    incidents = []
    for at in times:
        use.note(service, category, at, cluster=True)
        incidents.append(make_incident(sim, service, category, at))
    third = times[2]
    if fault == "cluster_without_problem":
        sim.fault(fault, incidents[2], third + 14 * DAY_MS)
        return None
    opened = sim.after(third, 8, 40)
    if fault == "cluster_with_late_problem":
        opened = sim.after(third + 14 * DAY_MS, 8, 40)
        sim.fault(fault, incidents[2], third + 14 * DAY_MS, opened + 10 * MINUTE_MS)
    return _Case(service, category, opened, incidents, fault=fault)


def _major(sim: Simulation, use: CategoryUse, month: int, *, missing: bool) -> _Case:
    start, end = sim.month(month)
    at = sim.moment(start, end - 3 * DAY_MS)
    service = sim.rng.choice(SERVICES)
    category = use.free(service, at)
    use.note(service, category, at)
    incident = make_incident(sim, service, category, at, major=True)
    if missing:
        sim.fault("major_incident_without_problem", incident, sim.hours.later(at, 24))
    return _Case(service, category, sim.after(at, 2, 14), [incident])


def _foresight(sim: Simulation, month: int) -> _Case:
    start, end = sim.month(month)
    service = sim.rng.choice(SERVICES)
    at = sim.moment(start, end, office=1.0)
    return _Case(service, f"{sim.rng.choice(service.areas)}: capacity", at, detection="Proactive")


def _problem(sim: Simulation, use: CategoryUse, case: _Case) -> None:  # noqa: C901 - one branch a fault
    rng, at, fault = sim.rng, case.at, case.fault
    priority = (  # the fault decides how long it must last
        "P3"
        if fault in _LONG
        else "P4"
        if fault == "problem_owner_left"
        else rng.choices(("P2", "P3", "P4"), (35, 50, 15))[0]
    )
    owner = "nils" if fault == "problem_owner_left" else sim.member(case.service.team, at)
    keeper = rng.choice(PROBLEM_MANAGERS)
    target = TARGET_DAYS[priority] * DAY_MS
    share = {"problem_not_escalated": 0.93, "problem_overdue": 1.3, "problem_owner_left": 0.6}.get(fault or "", 0.0)
    share = share or (0.6 + 0.1 * rng.random() if fault in _LONG else 0.3 + 0.42 * rng.random())
    escalates = fault == "problem_overdue" or (fault is None and rng.random() < 0.1)  # noqa: PLR2004
    if escalates and fault is None:
        share = 0.88
    incomplete = fault == "problem_incomplete"
    resolved = sim.hours.later(at + int(share * target), 0)
    issue = sim.open(
        "PRB", "Problem", at, keeper,
        summary=f"{case.service.name}: {case.category}", description="First findings are being collected.",
        priority=priority, impact=2, urgency=2 if priority != "P4" else 3, category=None if incomplete else case.category,
        components=(case.service.id,), assignee=None if incomplete else owner, detection=case.detection,
        target_resolution_at=at + target, workaround=None if fault == "workaround_missing" else "none",
    )  # fmt: skip
    sim.step(issue, sim.after(at, 0.5, 4), keeper, status="Under investigation")
    if incomplete:
        cured = sim.after(at, 60, 80)
        sim.step(issue, cured, keeper, category=case.category, assignee=owner)
        sim.fault("problem_incomplete", issue, sim.hours.later(at, 24), cured)
        sim.fault("problem_without_owner", issue, sim.hours.later(at, 8), cured)
    if fault == "problem_owner_left":
        replaced = sim.after(LEFT_MS, 100, 140)
        sim.step(issue, replaced, keeper, assignee="dora")
        sim.fault(fault, issue, sim.hours.later(LEFT_MS, 9), replaced)
    if fault == "problem_not_escalated":
        sim.fault(fault, issue, at + int(0.8 * target), resolved)
    if escalates:
        sim.step(issue, sim.hours.later(at + int(0.68 * target), 0), keeper, status="Escalated", labels=("escalated",))
    if fault == "problem_overdue":
        sim.fault(fault, issue, at + target, resolved)
    known = sim.hours.later(at + int(0.35 * (resolved - at)), 0)
    found = fault != "problem_closed_without_cause"
    if found:
        sim.step(
            issue,
            known,
            owner,
            root_cause=f"{case.category} fails under load of the nightly job.",
            root_cause_known_at=known,
            status="Known error",
        )
    _workaround(sim, issue, case, owner, at=at, known=known)
    _updates(sim, issue, owner, at=at, known=known, resolved=resolved, idle=fault == "problem_idle")
    if found:
        document_known_error(
            sim,
            issue,
            service=case.service,
            category=case.category,
            owner=owner,
            known=known,
            resolved=resolved,
            fault=fault,
        )
    if fault == "problem_idle":
        last = max(step.at for step in issue.steps)
        sim.fault(fault, issue, last + 14 * DAY_MS, resolved)
    sim.step(issue, resolved, owner, status="Resolved", solution="The job is split and runs at night.")
    closed = sim.after(resolved, 8, 24)
    sim.step(issue, closed, keeper, status="Closed")
    if fault == "problem_closed_without_cause":
        sim.fault(fault, issue, closed)
    _review(sim, use, issue, case, keeper=keeper, closed=closed)


def _workaround(sim: Simulation, issue: Issue, case: _Case, owner: str, *, at: int, known: int) -> None:
    text = "Restart the service and repeat the order."
    written = min(sim.after(at, 2, 10), known - HOUR_MS)
    if case.fault == "workaround_missing":
        written = sim.after(at, 90, 110)
        sim.fault(case.fault, issue, sim.hours.later(at, 8), written)
    sim.step(issue, written, owner, workaround=text)
    note = Mention("Workaround of {key}: restart the service and repeat the order.", issue)
    for incident in case.incidents:
        linked = max(at + 5 * MINUTE_MS, incident.created_at + 30 * MINUTE_MS)
        sim.link("Problem/Incident", issue, incident, linked, owner)
        told = max(linked, written) + MINUTE_MS
        solved = next(step.at for step in incident.steps if step.changes.get("status") == "Resolved")
        if told < solved:
            sim.say(incident, told, owner, note)


def _updates(sim: Simulation, issue: Issue, owner: str, *, at: int, known: int, resolved: int, idle: bool) -> None:
    last, number = at, 0
    until = known if idle else resolved
    while (following := sim.after(last, 32, 56)) < until:
        last, number = following, number + 1
        sim.step(issue, last, owner, description=f"Progress {number}: traces of the last days were compared.")


def _review(sim: Simulation, use: CategoryUse, issue: Issue, case: _Case, *, keeper: str, closed: int) -> None:
    fault = case.fault
    due = closed + 90 * DAY_MS
    reviewed = sim.hours.later(closed + int((20 + 30 * sim.rng.random()) * DAY_MS), 0)
    if fault == "effectiveness_reviewed_late":
        reviewed = sim.hours.later(due + int((10 + 25 * sim.rng.random()) * DAY_MS), 0)
        sim.fault(fault, issue, due, reviewed)
    again = 0
    if case.incidents and sim.rng.random() < 0.3:  # noqa: PLR2004 - three in ten come back once or twice
        for _ in range(sim.rng.randint(1, 2)):
            at = sim.moment(closed + DAY_MS, reviewed - 2 * DAY_MS, office=1.0)
            if at < sim.end:
                use.note(case.service, case.category, at, cluster=True)
                incident = make_incident(sim, case.service, case.category, at)
                sim.link("Problem/Incident", issue, incident, at + 40 * MINUTE_MS, keeper)
                again += 1
    if fault == "effectiveness_not_reviewed":
        sim.fault(fault, issue, due)
        return
    if fault == "recurrence_count_wrong":
        sim.fault(fault, issue, due)
    month = min(sim.month_of(reviewed), MONTHS + 2)
    sim.reviewed_problems.setdefault(month, []).append(issue)
    sim.step(
        issue, reviewed, keeper,
        effectiveness_reviewed_at=reviewed, effectiveness_result="Partly" if again else "Effective",
        recurrence_count=again + (fault == "recurrence_count_wrong"),
        effectiveness_report=f"register:service_reports/problems-{2025 + (9 + month) // 12}-{(9 + month) % 12 + 1:02}",
    )  # fmt: skip
