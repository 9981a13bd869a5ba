"""A local, stateful GitLab over HTTP, with a clock that can be moved and faults on demand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from hub_sandbox.configuration import GITLAB_TOKEN
from hub_sandbox.disturbance import Disturbance
from hub_sandbox.exchange import Answer, Request
from hub_sandbox.gitlab_api import GitlabApi
from hub_sandbox.gitlab_content import GitlabContent
from hub_sandbox.tool_server import ToolServer

__all__ = ["GitlabServer"]

_PER_MINUTE = 2000


class GitlabServer(ToolServer):
    """Serves what an organisation keeps in GitLab on 127.0.0.1; a context manager.

    `clock_ms` is the virtual instant (UTC ms; default: the end of the history). What is changed
    through `content` (open, push, approve, merge, deploy, move) shows at once.
    """

    decoded_paths = False

    def __init__(
        self,
        content: GitlabContent,
        *,
        clock_ms: int | None = None,
        faults: Iterable[Disturbance] = (),
        token: str = GITLAB_TOKEN,
        rate_limit: tuple[int, float] | None = None,
        observer: Callable[[Request, Answer], None] | None = None,
        port: int = 0,
    ) -> None:
        self.content = content
        self.api = GitlabApi(content, token=token, clock_ms=content.end if clock_ms is None else clock_ms)
        self.access = self.api.access
        super().__init__(self.api, faults=faults, rate_limit=rate_limit, observer=observer, port=port)

    def set_clock(self, instant_ms: int) -> None:
        """Move the virtual clock, forward or back."""
        with self.lock:
            self.api.clock_ms = instant_ms

    def handle(self, request: Request) -> tuple[Answer, Disturbance | None]:
        """Answer as any tool does, and tell how many requests are left."""
        answer, rule = super().handle(request)
        limits = {
            "RateLimit-Limit": str(_PER_MINUTE),
            "RateLimit-Name": "throttle_authenticated_api",
            "RateLimit-Observed": "1",
            "RateLimit-Remaining": str(_PER_MINUTE - 1),
            "RateLimit-Reset": str(int(time.time()) + 60),
        }
        return Answer(answer.status, answer.body, limits | answer.headers), rule

    def refusal(self, status: int, retry_after: int | None) -> Answer:
        """Return what GitLab says where it fails on demand."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        if status == 429:  # noqa: PLR2004 - HTTP
            return Answer(429, b"Retry later\n", {"Retry-After": "1", "Content-Type": "text/plain", **headers})
        words = {401: "401 Unauthorized", 403: "403 Forbidden", 404: "404 Not Found"}
        return Answer(status, Answer.json({"message": words.get(status, f"{status} asked for")}).body, headers)

    def control_fault(self, body: dict[str, Any]) -> bool:
        """Expire the token, hide or move a project."""
        on = bool(body.get("on", True))
        match body.get("action"):
            case "expire_token":
                self.access.expired = on
            case "hide_project":
                (self.access.hidden.add if on else self.access.hidden.discard)(int(body["project"]))
            case "move_project":
                self.content.move(int(body["project"]), str(body["path"]))
            case _:
                return False
        return True
