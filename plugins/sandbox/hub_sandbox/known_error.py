"""Known errors: written once a problem's cause is known, published, completed when it is fixed."""

from __future__ import annotations

from hub_sandbox.people import Service
from hub_sandbox.simulation import Simulation
from hub_sandbox.timeline import Issue

__all__ = ["document_known_error"]


def document_known_error(
    sim: Simulation,
    problem: Issue,
    *,
    service: Service,
    category: str,
    owner: str,
    known: int,
    resolved: int,
    fault: str | None,
) -> None:
    """Write and publish a known error of a problem, unless that is the fault."""
    due = sim.hours.later(known, 40)
    if fault == "known_error_missing":
        sim.fault(fault, problem, due)
        return
    published = sim.after(known, 4, 20)
    if fault == "known_error_late":
        published = sim.after(due, 24, 56)
        sim.fault(fault, problem, due, published)
    written = sim.hours.later(published, -2)
    issue = sim.open(
        "PRB", "Known error", written, owner,
        summary=f"Known error: {service.name}, {category}", description="See cause and workaround.", priority=problem.fields["priority"],
        components=(service.id,), assignee=owner, symptoms=f"{category} while the nightly job runs.",
        root_cause=f"{category} fails under load of the nightly job.", workaround="Restart the service and repeat the order.",
    )  # fmt: skip
    sim.link("Documentation", issue, problem, written + 60_000, owner)
    number = len(sim.issues)
    sim.step(
        issue,
        published,
        owner,
        status="Published",
        published_at=published,
        article=f"https://kb.example.com/articles/{number}",
    )
    fixed = max(resolved, published + 120_000)
    sim.step(issue, fixed, owner, solution="The job is split and runs at night.", status="Closed")
