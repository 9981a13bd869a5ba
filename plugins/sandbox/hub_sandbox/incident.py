"""Incidents and service requests: reported, answered, sometimes paused, resolved, closed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict

from hub_sandbox.faults import DESK_FAULTS
from hub_sandbox.office_hours import DAY_MS, HOUR_MS, MINUTE_MS
from hub_sandbox.outage_row import outage_end
from hub_sandbox.people import CUSTOMERS, SERVICES, Service
from hub_sandbox.simulation import MONTHS, Simulation
from hub_sandbox.timeline import Issue, Sla

__all__ = ["CategoryUse", "make_background", "make_incident", "make_requests", "make_security", "priority_of"]

SYMPTOMS = ("slow", "error message", "wrong data", "not reachable", "access denied")
REQUESTS = (
    "New user",
    "Access to report",
    "Reset of password",
    "Export of data",
    "New printer",
    "Change of cost centre",
    "Copy of document",
)
_GOAL_H = {"P1": 4, "P2": 8, "P3": 16, "P4": 40}
_REGISTERED_WITHIN_MS = 30 * MINUTE_MS
"""What every incident must say stands there by then."""
_REMEDY = "Restarted the part that had failed, and checked that it works."
_WRITTEN_DOWN_H = 40
"""Working hours within which it is written down what was done about an outage."""
_CLUSTER_GAP_MS = 31 * DAY_MS


def priority_of(impact: int, urgency: int) -> str:
    """Return the priority the matrix gives."""
    return f"P{min(4, max(1, impact + urgency - 1))}"


class CategoryUse:
    """When each (service, category) had incidents; keeps chance from making clusters nobody planned."""

    def __init__(self, sim: Simulation) -> None:
        self._rng = sim.rng
        self._times: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._closed: dict[tuple[str, str], list[int]] = defaultdict(list)

    def note(self, service: Service, category: str, at: int, *, cluster: bool = False) -> None:
        """Remember an incident."""
        insort(self._times[service.id, category], at)
        if cluster:
            insort(self._closed[service.id, category], at)

    def free(self, service: Service, at: int, *, most: int = 1) -> str:
        """Return a category with at most `most` incidents within 31 days before or after an instant."""
        for _ in range(400):
            category = f"{self._rng.choice(service.areas)}: {self._rng.choice(SYMPTOMS)}"
            key = service.id, category
            if self._count(self._times[key], at) <= most and not self._count(self._closed[key], at):
                return category
        return "Other: single case" + f" {at // DAY_MS}"

    @staticmethod
    def _count(times: list[int], at: int) -> int:
        return bisect_right(times, at + _CLUSTER_GAP_MS) - bisect_left(times, at - _CLUSTER_GAP_MS)


def make_incident(
    sim: Simulation,
    service: Service,
    category: str,
    at: int,
    *,
    impact: int | None = None,
    major: bool = False,
    fault: str | None = None,
) -> Issue:
    """Let an incident happen and be dealt with."""
    rng = sim.rng
    grave = major or fault == "remedy_not_written_down"
    impact = 1 if grave else impact or rng.choices((1, 2, 3), (4, 40, 56))[0]
    urgency = 1 if grave else rng.choices((1, 2, 3), (6, 44, 50))[0]
    priority = priority_of(impact, urgency)
    agent = sim.member("service-desk", at)
    caller = rng.choice(CUSTOMERS)
    issue = sim.open(
        "OPS",
        "Incident",
        at,
        caller.id,
        summary=f"{service.name}: {category}",
        description=f"Since today: {category.lower()}. Please help.",
        priority=priority,
        impact=impact,
        urgency=urgency,
        category=category,
        components=(service.id,),
        major="Yes" if major else "No",
        channel=None if fault == "incident_without_channel" else _channel(sim, at),
        contact=None if fault == "caller_not_reachable" else caller.email,
        assignee=None,
        sla=_clock(sim, at, priority),
    )
    _work(sim, issue, service, priority, agent, remedy=None if fault == "remedy_not_written_down" else _REMEDY)
    if fault is not None:
        owed = {
            "incident_without_channel": at + _REGISTERED_WITHIN_MS,
            "remedy_not_written_down": sim.hours.later(outage_end(at), _WRITTEN_DOWN_H),
        }
        sim.fault(fault, issue, owed.get(fault, at))
    return issue


def _channel(sim: Simulation, at: int) -> str:
    """Say how somebody reached the desk: by telephone while it is there, else by the portal."""
    return "phone" if sim.hours.elapsed(at, at + MINUTE_MS) else "portal"


def make_background(sim: Simulation, use: CategoryUse, total: int) -> list[Issue]:
    """Let single incidents happen all over the history."""
    made = []
    for month, count in enumerate(sim.counts(total)):
        start, end = sim.month(month)
        faults = sim.planted(DESK_FAULTS, month)
        for at in sorted(sim.moment(start, end, office=0.85) for _ in range(count)):
            service = sim.rng.choices(SERVICES, (55, 45))[0]
            category = use.free(service, at)
            use.note(service, category, at)
            made.append(make_incident(sim, service, category, at, fault=faults.popleft() if faults else None))
    return made


def make_requests(sim: Simulation, total: int) -> None:
    """Let users ask for things."""
    for month, count in enumerate(sim.counts(total)):
        start, end = sim.month(month)
        for _ in range(count):
            at = sim.moment(start, end, office=0.95)
            service = sim.rng.choice(SERVICES)
            wish = sim.rng.choice(REQUESTS)
            caller = sim.rng.choice(CUSTOMERS)
            issue = sim.open(
                "OPS",
                "Service request",
                at,
                caller.id,
                summary=f"{wish} ({service.name})",
                description=f"{wish}, please.",
                priority="P4",
                impact=3,
                urgency=3,
                components=(service.id,),
                channel=_channel(sim, at),
                contact=caller.email,
                assignee=None,
                sla=_clock(sim, at, "P4"),
            )
            agent = sim.member("service-desk", at)
            _work(sim, issue, service, "P4", agent)


def make_security(sim: Simulation, total: int) -> None:
    """Let things happen in the project that the hub's token cannot see."""
    for number in range(max(2, round(total * sim.scale))):
        start, end = sim.month(number % MONTHS)
        at = sim.moment(start, end)
        issue = sim.open(
            "SEC",
            "Incident",
            at,
            "carla",
            summary=f"Suspicious login {number}",
            priority="P2",
            assignee="carla",
            components=("shop",),
        )
        sim.step(issue, sim.after(at, 4, 16), "carla", status="Resolved")


def _clock(sim: Simulation, at: int, priority: str) -> Sla:
    goal = _GOAL_H[priority] * HOUR_MS
    due = at + goal if priority in {"P1", "P2"} else sim.hours.later(at, _GOAL_H[priority])
    return Sla(start=at, due=due, goal_ms=goal)


def _work(
    sim: Simulation, issue: Issue, service: Service, priority: str, agent: str, *, remedy: str | None = None
) -> None:
    rng = sim.rng
    around_the_clock = priority in {"P1", "P2"}
    forward = sim.between if around_the_clock else sim.after
    at = forward(issue.created_at, 0.05, {"P1": 0.2, "P2": 0.4, "P3": 0.8}.get(priority, 3.0))
    sim.step(issue, at, agent, status="In Progress", assignee=agent)
    sim.say(issue, at + MINUTE_MS, agent, "Thank you for your message, we are looking into it.")
    chance = rng.random()
    if chance < 0.12:  # noqa: PLR2004 - one in eight needs an answer of the customer
        asked = forward(at, 0.2, 2.0)
        sim.say(issue, asked, agent, "Could you send us a screenshot, please?")
        sim.step(issue, asked + MINUTE_MS, agent, status="Waiting for customer")
        at = forward(asked, 0.5, 6.0)
        sim.say(issue, at, issue.creator, "Here it is.")
        sim.step(issue, at + MINUTE_MS, "automation", status="In Progress")
    elif chance < 0.22:  # noqa: PLR2004 - one in ten goes to second line
        at = forward(at, 0.2, 1.5)
        expert = sim.member(service.team, at)
        sim.step(issue, at, agent, assignee=expert)
        sim.say(issue, at + MINUTE_MS, agent, "Handed to second line.", public=False)
        agent = expert
    elif chance < 0.23:  # noqa: PLR2004 - one in a hundred is passed to and fro for weeks
        at = _pass_around(sim, issue, service, at)
    goal = _GOAL_H[priority]
    at = max(at + 10 * MINUTE_MS, forward(at, 0.1 * goal, 0.7 * goal if rng.random() < 0.94 else 1.6 * goal))  # noqa: PLR2004
    clock: Sla = issue.fields["sla"]
    elapsed = at - clock.start if around_the_clock else sim.hours.elapsed(clock.start, at)
    stopped = Sla(clock.start, clock.due, clock.goal_ms, stop=at, elapsed_ms=elapsed)
    sim.say(issue, at - MINUTE_MS, agent, "Solved, please check.")
    solution = {"remedy": remedy} if remedy is not None else {}
    sim.step(issue, at, agent, status="Resolved", sla=stopped, **solution)
    sim.step(issue, sim.after(at, 8, 32), "automation", status="Closed")


def _pass_around(sim: Simulation, issue: Issue, service: Service, at: int) -> int:
    for number in range(sim.rng.randint(24, 36)):
        at = sim.after(at, 0.5, 3)
        person = sim.member(service.team if number % 2 else "service-desk", at)
        sim.step(issue, at, person, assignee=person, status="Waiting for supplier" if number % 2 else "In Progress")
        if number % 3:
            sim.say(issue, at + MINUTE_MS, person, f"Attempt {number} brought nothing new.", public=number % 2 == 0)
        else:
            sim.step(issue, at + MINUTE_MS, person, labels=(f"attempt-{number}",))
    return at
