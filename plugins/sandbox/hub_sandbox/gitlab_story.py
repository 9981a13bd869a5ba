"""How two services of the organisation ship: its changes in Jira as merge requests, deployments and releases in GitLab.

Nothing here draws from the chance that makes the history in Jira, so that the history stays what it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from hub.clock import parse_instant
from hub_sandbox.faults import FAULTS, FOLLOWING_FAULTS, SHIPPING_FAULTS, Fault
from hub_sandbox.gitlab_content import GitlabContent
from hub_sandbox.gitlab_document import write_handbook
from hub_sandbox.gitlab_state import Deployment, LabelStep, MergeRequest, Project, Release, StateStep, Task, digest
from hub_sandbox.office_hours import DAY_MS, HOUR_MS, MINUTE_MS, ZONE, OfficeHours, month_of
from hub_sandbox.people import SERVICES, STAFF

if TYPE_CHECKING:
    from hub_sandbox.timeline import Issue

__all__ = ["HANDBOOK", "PAYROLL", "PROJECT_SERVICES", "WEB_SHOP", "Shipping"]

WEB_SHOP, PAYROLL, HANDBOOK = 501, 502, 503
PROJECT_SERVICES = {WEB_SHOP: "shop", PAYROLL: "payroll"}
"""Id of a project -> id of the service it ships."""
_SINCE = {"shop": parse_instant("2026-05-01T00:00:00Z"), "payroll": parse_instant("2026-09-01T00:00:00Z")}
_OF = {service.id: service for service in SERVICES}


class Shipping:
    """Writes a GitLab's content from the changes in Jira; `faults` tells what is wrong in it on purpose."""

    def __init__(self, issues: Iterable[Issue], faulty: set[str], end: int) -> None:
        founded = parse_instant("2024-01-08T08:00:00Z")
        self.content = GitlabContent(
            Project(WEB_SHOP, "example/web-shop", "Web shop", "premium", founded),
            Project(PAYROLL, "payroll/payroll", "Payroll", "free", founded),
            Project(HANDBOOK, "handbook/policies", "Policies", "free", founded),
            end=end,
        )
        self.faults: list[Fault] = []
        self._end = end
        self._hours = OfficeHours()
        proper = [issue for issue in issues if str(issue.id) not in faulty and _ships(issue, end)]
        proper.sort(key=lambda issue: int(issue.value_at("actual_start", end)))
        planned = _plan(proper, end)
        for issue in proper:
            self._ship(issue, planned.get(issue.id))
        for number in PROJECT_SERVICES:
            self._release(self.content.projects[number])
        self._tasks(self.content.projects[WEB_SHOP])
        write_handbook(self.content, HANDBOOK)

    def _ship(self, issue: Issue, fault: str | None) -> None:
        """Let a change go its way; what Jira calls its revision is the commit that was approved."""
        content, service = self.content, _OF[issue.fields["components"][0]]
        project = next(number for number, name in PROJECT_SERVICES.items() if name == service.id)
        owner, worker = service.owner, str(issue.fields["implementer"])
        author = owner if fault == "approved_by_author" else worker
        start, end = (int(issue.value_at(word, self._end)) for word in ("actual_start", "actual_end"))
        planned = next(step.at for step in issue.steps if "revision" in step.changes)
        decided = max(step.at for step in issue.steps if "approvals" in step.changes)
        head = digest(issue.value_at("revision", self._end))
        approved = digest(head, "before") if fault == "approved_before_last_push" else head
        for step in issue.steps:
            step.changes.update({word: approved for word in ("revision", "tested_revision") if word in step.changes})
        request = self._open(issue, project, author, planned - 20 * MINUTE_MS, named=fault != "deployed_without_change")
        content.push(request, worker, planned - 25 * MINUTE_MS, sha=digest(head, "draft"))
        committer = owner if fault == "approved_by_committer" else author
        content.push(request, committer, planned - 15 * MINUTE_MS, sha=approved)
        late = fault == "approved_after_merge"
        if not late:
            peers = (person.id for person in STAFF if person.team == service.team and person.left is None)
            peer = next(person for person in peers if person not in {author, worker, owner})
            content.approve(request, peer, planned + 30 * MINUTE_MS)
        agreed = end + 3 * HOUR_MS if late else decided + 4 * MINUTE_MS
        content.approve(request, owner, agreed)
        if approved != head:
            content.push(request, author, start - 2 * HOUR_MS, sha=head)
        merged = start - 20 * MINUTE_MS
        content.merge(request, author, merged)
        deployment = content.deploy(project, head, author, start, until=end)
        if fault == "deployed_without_change":
            self._note(fault, f"deployment/{deployment.id}", request, start)
        elif fault is not None:
            native, cured, follows = f"merge_request/{request.id}", agreed if late else None, FOLLOWING_FAULTS[fault]
            self._note(fault, native, request, merged, cured)
            if follows == "approved_by_maker":
                self._note(follows, str(issue.id), request, start)
            else:
                self._note(follows, native, request, start, cured)

    def _open(self, issue: Issue, project: int, author: str, at: int, *, named: bool) -> MergeRequest:
        """Open the merge request of a change; a hotfix names none and bears no label."""
        key, summary = issue.keys[0][1], str(issue.fields["summary"])
        title, branch = (
            (f"{key}: {summary}", f"{key.lower()}-work") if named else (f"Hotfix {summary.lower()}", "hotfix")
        )
        request = self.content.open(project, author, at, title=title, branch=branch)
        if named:
            request.labels = (f"change::{str(issue.fields['type']).lower()}",)
            request.milestone = _month(int(issue.value_at("actual_start", self._end)))
        return request

    def _note(self, name: str, native: str, request: MergeRequest, at: int, cured_at: int | None = None) -> None:
        key = f"{self.content.projects[request.project].path}!{request.iid}"
        self.faults.append(Fault(name, FAULTS[name].requirement, key, native, at, cured_at))

    def _release(self, project: Project) -> None:
        """Let each month's work become a release after its last deployment."""
        months: dict[str, list[Deployment]] = {}
        for deployment in project.deployments:
            months.setdefault(_month(deployment.started_at), []).append(deployment)
        for name, made in sorted(months.items()):
            last = max(made, key=lambda one: one.finished_at)
            brought = "\n".join(f"* {request.title}" for one in made for request in one.merge_requests)
            at, owner = self._hours.later(last.finished_at, 6), _OF[PROJECT_SERVICES[project.id]].owner
            evidence = self.content.number("evidence")
            project.releases.append(Release(f"v{name}", project.id, last.sha, owner, at, name, brought, evidence))

    def _tasks(self, project: Project) -> None:
        """Let developers keep their own notes of what to do."""
        team = [person.id for person in STAFF if person.team == "shop-operations" and person.left is None]
        first, number = _SINCE["shop"], 24
        for index in range(number):
            at = first + (self._end - first) * index // number + 9 * HOUR_MS
            person = team[index % len(team)]
            made = Task(
                self.content.number("task"), self.content.number_in(project, "issue"), project.id,
                f"Tidy up module {index + 1}", person, at,
            )  # fmt: skip
            made.steps.append(LabelStep(at + HOUR_MS, person, "type::task"))
            if index % 3:
                made.steps.append(StateStep(at + 3 * DAY_MS, person, "closed"))
            project.tasks.append(made)


def _ships(issue: Issue, end: int) -> bool:
    """Tell whether a change is one that goes through GitLab."""
    if issue.fields["issuetype"] != "Change" or issue.fields.get("type") not in {"Normal", "Standard"}:
        return False
    start = issue.value_at("actual_start", end)
    done = issue.value_at("outcome", end) in {"Successful", "With issues"}
    stays = issue.deleted_at is None and len(issue.keys) == 1
    return start is not None and start >= _SINCE[issue.fields["components"][0]] and done and stays


def _month(instant_ms: int) -> str:
    return f"{datetime.fromtimestamp(instant_ms / 1000, tz=ZONE):%Y.%m}"


def _plan(proper: list[Issue], end: int) -> dict[int, str]:
    """Choose the changes that go wrong: as many as planned, of the web shop, the first of the month or near it.

    An organisation too small for all of them has fewer.
    """
    free: dict[int, list[Issue]] = {}
    for issue in proper:
        if (
            issue.fields["components"] == ("shop",) and issue.fields["major_change"] == "No"
        ):  # a major one is approved twice
            free.setdefault(month_of(issue.value_at("actual_start", end)), []).append(issue)
    chosen: dict[int, str] = {}
    for kind in (kind for kind in SHIPPING_FAULTS if kind.name not in FOLLOWING_FAULTS.values()):
        for month in (month for month, number in enumerate(map(int, kind.plan)) for _ in range(number)):
            near = sorted(free, key=lambda at, month=month: (at != month, at < month, abs(at - month)))  # type: ignore[misc]
            left = next((free[at] for at in near if free[at]), None)
            if left is not None:
                chosen[left.pop(0).id] = kind.name
    return chosen
