"""Two projects read by one hub, and one wrong answer at one endpoint."""

from __future__ import annotations

import re
import threading

from hub.clock import parse_instant
from hub_sandbox.gitlab_state import StateStep
from tests.gitlab.server import DAY, DESK, MINUTE, SHOP, Desk, configure, content, policy
from tests.jira.kit import Fault

FIRST, SECOND = parse_instant("2026-10-01T06:00:00Z"), parse_instant("2026-10-05T06:00:00Z")
HIT = SHOP
"""The project whose answers go wrong; the other stays well."""
PLACE = rf"/projects/{HIT}"
REQUEST = rf"{PLACE}/merge_requests/\d+"
ENDPOINTS = {
    "identity": r"/user",
    "token": r"/personal_access_tokens/self",
    "project": r"/projects/example%2Fshop%2Fweb-shop",
    "issues": rf"{PLACE}/issues",
    "issue state events": rf"{PLACE}/issues/\d+/resource_state_events",
    "issue label events": rf"{PLACE}/issues/\d+/resource_label_events",
    "merge requests": rf"{PLACE}/merge_requests",
    "merge request": REQUEST,
    "approvals": rf"{REQUEST}/approvals",
    "notes": rf"{REQUEST}/notes",
    "versions": rf"{REQUEST}/versions",
    "commits": rf"{REQUEST}/commits",
    "closes": rf"{REQUEST}/closes_issues",
    "state events": rf"{REQUEST}/resource_state_events",
    "label events": rf"{REQUEST}/resource_label_events",
    "jobs": rf"{PLACE}/pipelines/\d+/jobs",
    "test report": rf"{PLACE}/pipelines/\d+/test_report_summary",
    "deployments": rf"{PLACE}/deployments",
    "deployment": rf"{PLACE}/deployments/\d+",
    "deployed merge requests": rf"{PLACE}/deployments/\d+/merge_requests",
    "environments": rf"{PLACE}/environments",
    "releases": rf"{PLACE}/releases",
    "tags": rf"{PLACE}/repository/tags",
    "milestone": rf"{PLACE}/merge_requests(?=\?milestone)",
    "protected branches": rf"{PLACE}/protected_branches",
    "protected tags": rf"{PLACE}/protected_tags",
    "protected environments": rf"{PLACE}/protected_environments",
    "approval rules": rf"{PLACE}/approval_rules",
    "approval settings": rf"{PLACE}/approvals",
    "tree": rf"{PLACE}/repository/tree",
    "history": rf"{PLACE}/repository/commits",
    "file": rf"{PLACE}/repository/files/.+",
    "merge requests of a commit": rf"{PLACE}/repository/commits/\w+/merge_requests",
}
"""What is asked, and where; groups and accounts have tests of their own."""
STREAM = {
    "issues": ("issue",), "issue state events": ("issue",), "issue label events": ("issue",),
    **dict.fromkeys(
        ["merge request", "approvals", "notes", "versions", "commits", "closes", "state events", "label events", "jobs",
         "test report"], ("merge_request",)
    ),
    "merge requests": ("merge_request",), "deployments": ("deployment",), "deployment": ("deployment",),
    "deployed merge requests": ("deployment",), "environments": ("environment", "deployment"), "releases": ("release",),
    "tags": ("release",), "milestone": ("release",), "protected branches": ("protection", "deployment"),
    "protected tags": ("protection", "deployment"), "protected environments": ("protection",),
    "approval rules": ("protection",), "approval settings": ("protection",), "tree": ("document",),
    "history": ("document",), "file": ("document",), "merge requests of a commit": ("document",),
}  # fmt: skip
"""Streams an endpoint is asked for by."""


class Stand(Desk):
    """`wrong` = (endpoint, reply); `struck` counts how often it was given. `later` brings new work."""

    def __init__(self) -> None:
        super().__init__(content(1), clock_ms=FIRST)
        self.wrong: tuple[str, object] | None = None
        self.struck = 0
        self.over = threading.Event()
        self.spoil = self._spoil

    def _spoil(self, request):
        if request.path == "/users/sign_in":
            return Fault(200, raw=b"<!DOCTYPE html><html>Sign in</html>")
        if self.wrong is None:
            return None
        endpoint, reply = self.wrong
        path = request.path.removeprefix("/api/v4")
        if "milestone" in request.query:
            path += "?milestone"
        if re.fullmatch(ENDPOINTS[endpoint].replace("(?=", "(?:"), path):
            self.struck += 1
            return reply
        return None

    def go_on(self) -> None:
        """Let four days pass: a merge request approved too late, one without approval, a ticket closed, a file changed."""
        self.api.clock_ms = SECOND
        for project in (SHOP, DESK):
            at = FIRST + DAY
            request = self.content.open(project, "alice", at, title="CHG-7: Late", branch="chg-7")
            self.content.push(request, "alice", at + MINUTE)
            self.content.merge(request, "carla", at + 30 * MINUTE)
            self.content.approve(request, "carla", at + 50 * MINUTE)
            self.content.deploy(project, request.pushes[-1].sha, "alice", at + 40 * MINUTE)
            place = self.content.projects[project]
            place.tasks[0].steps.append(StateStep(at, "carla", "closed"))
            place.commits.append(policy(project, at, 2))

    def settings(self, **changes):
        """Say how this GitLab is configured."""
        return configure(**{"url": self.url, "timeout_s": 5, "page_size": 50, "at_once": 2, **changes})

    def stop(self) -> None:
        self.over.set()
        super().stop()
