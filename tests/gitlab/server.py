"""A GitLab with two projects, spoilt at one endpoint: healthy answers come from the simulated one."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

from hub.clock import parse_instant
from hub_gitlab.settings import GitlabSettings
from hub_sandbox.exchange import Answer, Request
from hub_sandbox.gitlab_api import GitlabApi
from hub_sandbox.gitlab_content import GitlabContent
from hub_sandbox.gitlab_state import Commit, Project, Release, Task, digest
from tests.jira.kit import Fault

SECRET = "glpat-8d1f4c2b9a7e6f5d-never-shown"
NOW = parse_instant("2026-10-01T06:00:00Z")
MINUTE = 60_000
DAY = 86_400_000
SHOP, DESK = 501, 502
"""Two projects of the group `example`."""


def content(requests: int = 5, *, until: int = NOW) -> GitlabContent:
    """Make two projects alike: merge requests approved, merged and deployed, tickets, a release, a policy."""
    made = GitlabContent(
        Project(SHOP, "example/shop/web-shop", "Web shop", "premium", NOW - 400 * DAY),
        Project(DESK, "example/desk", "Desk", "premium", NOW - 400 * DAY),
        end=until,
    )
    for project in made.projects.values():
        project.commits.append(policy(project.id, NOW - 300 * DAY, 1))
        for n in range(requests):
            at = NOW - 30 * DAY + n * 3600_000
            bring(made, project.id, n, at)
        task = Task(
            made.number("task"), made.number_in(project, "task"), project.id, "Down", "carla", NOW - DAY, "incident"
        )
        project.tasks.append(task)
        for merged in project.merge_requests[-1:]:
            evidence = made.number("evidence")
            sha = merged.pushes[-1].sha
            project.releases.append(Release("v1", project.id, sha, "alice", NOW - 2 * DAY, "1.0", "First", evidence))
    return made


def bring(made: GitlabContent, project: int, n: int, at: int) -> None:
    """Let one merge request be opened, pushed to, approved, merged and deployed."""
    request = made.open(project, "alice", at, title=f"CHG-{n}: Replace part {n}", branch=f"chg-{n}")
    made.push(request, "alice", at + MINUTE)
    made.approve(request, "carla", at + 20 * MINUTE)
    made.merge(request, "carla", at + 30 * MINUTE)
    made.deploy(project, request.pushes[-1].sha, "alice", at + 40 * MINUTE)


def policy(project: int, at: int, version: int) -> Commit:
    """Make an edition of the release policy."""
    text = f"---\ntitle: Release policy\nversion: {version}\n---\nWe release on Tuesdays.\n"
    sha = digest(project, "policy", version)
    return Commit(sha, at, "alice", "The policy\n", None, (("policies/release.md", text),))


class Desk:
    """Serves a content over HTTP; `spoil(request)` may give another answer; remembers what was asked."""

    def __init__(self, shown: GitlabContent, *, observer=None, clock_ms: int = NOW) -> None:
        self.content = shown
        self.api = GitlabApi(shown, token=SECRET, clock_ms=clock_ms)
        self.asked: list[SimpleNamespace] = []
        self.spoil = lambda _request: None
        self.delay_s = 0.0
        self.date = "Thu, 01 Oct 2026 06:00:00 GMT"
        lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_args) -> None:
                pass

            def date_time_string(self, _timestamp=None) -> str:
                return outer.date

            def setup(self) -> None:
                super().setup()
                self.wfile = self.connection.makefile("wb", -1)

            def do_GET(self) -> None:
                outer.answer(self, observer, lock)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.answer(self, observer, lock)

        class Server(ThreadingHTTPServer):
            request_queue_size = 64
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.api.base = self.url
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def answer(self, handler: BaseHTTPRequestHandler, observer, lock: threading.Lock) -> None:
        parts = urlsplit(handler.path)
        headers = {name.lower(): text for name, text in handler.headers.items()}
        request = Request(handler.command, parts.path, parse_qs(parts.query, keep_blank_values=True), b"", headers)
        if self.delay_s:
            time.sleep(self.delay_s)
        with lock:
            self.asked.append(
                SimpleNamespace(
                    method=handler.command, path=parts.path, query=request.query, auth=headers.get("authorization")
                )
            )
            reply = self.spoil(request)
            healthy = self.api.answer(request)
            if observer is not None and reply is None:
                observer(request, healthy)
        if callable(reply):
            reply = reply(healthy.body)
        if reply is None:
            reply = of(healthy)
        reply.send(handler)

    def paths(self) -> list[str]:
        return [each.path.removeprefix("/api/v4") for each in self.asked]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def of(answer: Answer) -> Fault:
    """Turn an answer of the simulated GitLab into one that is sent."""
    return Fault(
        answer.status, raw=answer.body, **{name.replace("-", "_"): text for name, text in answer.headers.items()}
    )


def configure(**changes) -> GitlabSettings:
    """Settings for both projects; `mapping` as in the example of the documentation."""
    entries = {
        "plugin": "gitlab",
        "url": "https://gitlab.example.net",
        "token": SECRET,
        "tier": "premium",
        "projects": ["example/shop/web-shop", str(DESK)],
        "mapping": {
            "documents": [
                {"project": "example/shop/web-shop", "paths": ["policies/*.md"], "doc_type": "policy"},
                {"project": str(DESK), "paths": ["policies/**"]},
            ],
            "control": {"owner": "register:people/alice"},
        },
    }
    return GitlabSettings.model_validate({**entries, **changes})
