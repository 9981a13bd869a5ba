"""The simulated organisation: thirteen months of work, grown from a seed, with a known list of faults."""

from __future__ import annotations

from collections import Counter, defaultdict

from hub.clock import parse_instant
from hub_sandbox.change import make_changes, make_misfiled, make_portal
from hub_sandbox.duty import plan_duty
from hub_sandbox.faults import FAULTS, Fault
from hub_sandbox.gitlab_story import Shipping
from hub_sandbox.improvement import make_complaints, make_improvements
from hub_sandbox.incident import CategoryUse, make_background, make_requests, make_security
from hub_sandbox.outage_row import plan_outages
from hub_sandbox.problem import make_problems, make_reclassified
from hub_sandbox.report_rows import plan_reports
from hub_sandbox.review_plan import Declared, ReviewPlan, plan_reviews
from hub_sandbox.service_review import plan_agreement_reviews, plan_service_reviews
from hub_sandbox.simulation import Simulation
from hub_sandbox.timeline import Comment, Issue, Link, Mention, Step
from hub_sandbox.visit import plan_visits

__all__ = ["DELETED_AT", "Organisation"]

DELETED_AT = parse_instant("2026-10-15T10:00:00Z")
MISFILED_AT = parse_instant("2026-09-22T09:30:00Z")
RECLASSIFIED_AT = parse_instant("2026-10-08T08:15:00Z")


class Organisation:
    """Issues as timelines, reviews, and the faults planted in them.

    The same seed gives the same bytes. `scale` below 1 gives a small one for quick tests: fewer
    issues, all faults.
    """

    def __init__(self, seed: int = 20000, *, scale: float = 1.0) -> None:
        sim = Simulation(seed, scale)
        use = CategoryUse(sim)
        make_problems(sim, use, 115)
        make_background(sim, use, 1180)
        make_requests(sim, 1450)
        make_security(sim, 26)
        make_improvements(sim, 80)
        make_complaints(sim, 60)
        proper = make_changes(sim, 455)
        portal = make_portal(sim)
        deleted = next(issue for issue in proper if sim.month_of(issue.value_at("actual_end", sim.end) or 0) == 11)  # noqa: PLR2004 - September
        self.seed = seed
        self.start, self.end = sim.start, sim.end
        """First instant of the history, and the instant after its last."""
        self.moved = [make_misfiled(sim, MISFILED_AT), make_reclassified(sim, RECLASSIFIED_AT)]
        """The two issues that change key and project."""
        self.deleted = deleted
        """The change that vanishes on 15 October 2026."""
        self.reviewed_problems = sim.reviewed_problems
        self.unlisted_emergencies = sim.unlisted_emergencies
        self.issues = sorted(sim.issues, key=lambda issue: issue.created_at)
        """All issues in the order of their ids."""
        self._numbers: Counter[str] = Counter()
        self._entries = 100_000
        self._links = 20_000
        self._number()
        self.by_id = {issue.id: issue for issue in self.issues}
        self._texts()
        self.by_key: dict[str, Issue] = {key: issue for issue in self.issues for _, key in issue.keys}
        self.delete(deleted, DELETED_AT)
        for name in ("evidence_deleted", "deleted_without_leave"):
            sim.fault(name, deleted, DELETED_AT)
        self.reviews: ReviewPlan = plan_reviews(self, sim.hours)
        faulty = {item.issue for item in sim.faults}
        self.papers: dict[str, list[Declared]] = {**plan_duty(self, sim.hours), **plan_visits(self, sim.hours, faulty)}
        self.papers["reviews"] += plan_service_reviews(self.issues, sim.hours)
        self.papers["reviews"] += plan_agreement_reviews(self.issues, sim.hours)
        self.papers["outages"] = plan_outages(self.issues)
        self.papers["plans"] = [
            Declared("payslip-portal", portal.created_at, {"links": [{"type": "carried_out_by", "target": portal}]})
        ]
        reports, unreported = plan_reports(self, sim.hours)
        self.papers |= reports
        """Further rows of the register that follow from the history, by file."""
        self.shipping = Shipping(self.issues, {str(item.issue.id) for item in sim.faults}, sim.end)
        """What the organisation's GitLab holds."""
        self.faults = sorted(
            [
                Fault(
                    item.name,
                    FAULTS[item.name].requirement,
                    item.issue.keys[0][1],
                    str(item.issue.id),
                    item.at,
                    item.cured_at,
                )
                for item in sim.faults
            ]
            + self.reviews.faults
            + [unreported]
            + self.shipping.faults,
            key=lambda fault: (fault.at, fault.name, fault.key),
        )
        """What is wrong on purpose, oldest first."""

    def faults_at(self, as_of: int, *, open_only: bool = False) -> list[Fault]:
        """Return the faults that show at an instant; `open_only` leaves out those cured by then."""
        return [
            fault
            for fault in self.faults
            if fault.at < as_of and not (open_only and fault.cured_at is not None and fault.cured_at <= as_of)
        ]

    def faults_by_requirement(self, as_of: int) -> dict[str, list[Fault]]:
        """Return the faults that show at an instant, by requirement."""
        result: dict[str, list[Fault]] = defaultdict(list)
        for fault in self.faults_at(as_of):
            result[fault.requirement].append(fault)
        return dict(result)

    def delete(self, issue: Issue, at: int) -> None:
        """Delete an issue at an instant; links to it go with it."""
        issue.deleted_at = at
        for link in issue.state_at(at).links:
            other = link.target if link.source is issue else link.source
            self._insert(other, Step(at, "alice", {}, unlink=link))

    def move(self, issue: Issue, project: str, issue_type: str, at: int) -> str:
        """Move an issue to another project at an instant; return its new key."""
        self._insert(issue, Step(at, "alice", {"project": project, "issuetype": issue_type}))
        self._numbers[project] += 1
        key = f"{project}-{self._numbers[project]}"
        issue.keys.append((at, key))
        self.by_key[key] = issue
        return key

    def change(self, issue: Issue, at: int, actor: str, changes: dict[str, object]) -> None:
        """Let somebody change fields of an issue at an instant (words of `vocabulary`)."""
        self._insert(issue, Step(at, actor, dict(changes)))

    def _insert(self, issue: Issue, step: Step) -> None:
        self._entries += 1
        step.id = self._entries
        issue.steps.append(step)
        issue.steps.sort(key=lambda item: item.at)

    def _number(self) -> None:
        seen: set[int] = set()
        arrivals: list[tuple[int, int, Issue, str]] = []
        for number, issue in enumerate(self.issues):
            issue.id = 10_000 + number
            issue.steps.sort(key=lambda step: step.at)
            arrivals.append((issue.created_at, issue.id, issue, issue.fields["project"]))
            for step in issue.steps:
                self._entries += 1
                step.id = self._entries
                if "project" in step.changes:
                    arrivals.append((step.at, issue.id, issue, step.changes["project"]))
                if step.link is not None and id(step.link) not in seen:
                    seen.add(id(step.link))
                    self._name(step.link)
        for at, _, issue, project in sorted(arrivals, key=lambda item: item[:2]):
            self._numbers[project] += 1
            issue.keys.append((at, f"{project}-{self._numbers[project]}"))

    def _name(self, link: Link) -> None:
        self._links += 1
        link.id = self._links

    def _texts(self) -> None:
        for issue in self.issues:
            for step in issue.steps:
                if step.comment is not None and isinstance(step.comment.text, Mention):
                    step.comment = Comment(str(step.comment.text), step.comment.public)
                for word, value in step.changes.items():
                    if isinstance(value, Mention):
                        step.changes[word] = str(value)
