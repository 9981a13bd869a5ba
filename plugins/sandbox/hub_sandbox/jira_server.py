"""A local, stateful Jira over HTTP, with a clock that can be moved and faults on demand."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

from hub.clock import parse_instant
from hub_sandbox.configuration import TOKEN, USER
from hub_sandbox.disturbance import Disturbance
from hub_sandbox.exchange import Answer, Request
from hub_sandbox.jira_api import JiraApi
from hub_sandbox.organisation import Organisation
from hub_sandbox.tool_server import Logged, ToolServer

if TYPE_CHECKING:
    from hub_sandbox.jira_person import Flavour

__all__ = ["JiraServer", "Logged", "main"]


class JiraServer(ToolServer):
    """Serves an organisation's Jira on 127.0.0.1; a context manager.

    `clock_ms` is the virtual instant (UTC ms; default: the end of the history).
    """

    def __init__(
        self,
        organisation: Organisation,
        flavour: Flavour = "cloud",
        *,
        clock_ms: int | None = None,
        faults: Iterable[Disturbance] = (),
        user: str = USER,
        token: str = TOKEN,
        rate_limit: tuple[int, float] | None = None,
        observer: Callable[[Request, Answer], None] | None = None,
        port: int = 0,
    ) -> None:
        self.api = JiraApi(
            organisation, flavour, user=user, token=token, clock_ms=organisation.end if clock_ms is None else clock_ms
        )
        super().__init__(self.api, faults=faults, rate_limit=rate_limit, observer=observer, port=port)

    def set_clock(self, instant_ms: int) -> None:
        """Move the virtual clock, forward or back."""
        with self.lock:
            self.api.clock_ms = instant_ms
            self.api.refresh()

    def hide_project(self, key: str, *, hidden: bool = True) -> None:
        """Take the token's permission on a project, or give it back."""
        with self.lock:
            (self.api.hidden_projects.add if hidden else self.api.hidden_projects.discard)(key)
            self.api.refresh()

    def hide_issue(self, ref: str) -> None:
        """Give an issue a security level that the token does not have."""
        with self.lock:
            issue = self.api.find(ref)
            if issue is None:
                raise KeyError(ref)
            self.api.secret_issues.add(issue.id)
            self.api.refresh()

    def end_account(self, person: str, how: Literal["inactive", "deleted"] | None) -> None:
        """Deactivate or delete the account of a person, or give it back (None)."""
        with self.lock:
            if how is None:
                self.api.accounts.left.pop(person, None)
            else:
                self.api.accounts.left[person] = how
            self.api.refresh()

    def hide_users(self, *, hidden: bool = True) -> None:
        """Take the token's permission to browse users, or give it back."""
        self.api.accounts.open = not hidden

    def expire_token(self, *, expired: bool = True) -> None:
        """Let the token expire, or make it good again."""
        self.api.token_expired = expired

    def delete_issue(self, ref: str) -> None:
        """Delete an issue now. Changes the organisation."""
        with self.lock:
            issue = self.api.find(ref)
            if issue is None:
                raise KeyError(ref)
            self.api.organisation.delete(issue, self.clock_ms)
            self.api.refresh()

    def move_issue(self, ref: str, project: str, issue_type: str) -> str:
        """Move an issue now; return its new key. Changes the organisation."""
        with self.lock:
            issue = self.api.find(ref)
            if issue is None:
                raise KeyError(ref)
            key = self.api.organisation.move(issue, project, issue_type, self.clock_ms)
            self.api.refresh()
            return key

    def control_fault(self, body: dict[str, Any]) -> bool:
        """Expire the token, hide a project, delete or move an issue."""
        match body.get("action"):
            case "expire_token":
                self.expire_token(expired=bool(body.get("on", True)))
            case "hide_project":
                self.hide_project(str(body["project"]), hidden=bool(body.get("on", True)))
            case "delete_issue":
                self.delete_issue(str(body["issue"]))
            case "move_issue":
                self.move_issue(str(body["issue"]), str(body["project"]), str(body["issuetype"]))
            case _:
                return False
        return True

    def refusal(self, status: int, retry_after: int | None) -> Answer:
        """Return what Jira says where it fails on demand."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        limited = status == 429  # noqa: PLR2004 - HTTP
        if limited:
            headers = {"Retry-After": "1", "RateLimit-Reason": "jira-burst-based", **headers}
        answer = Answer.error(status, "Rate limit exceeded." if limited else "The sandbox was asked to fail here.")
        return Answer(status, answer.body, headers)


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m hub_sandbox.jira_server", description="Serve the simulated organisation's Jira."
    )
    parser.add_argument("--flavour", choices=["cloud", "data_center"], default="cloud")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--now", default="2026-11-03T08:00:00Z", help="virtual instant, with an offset")
    parser.add_argument("--seed", type=int, default=20000)
    chosen = parser.parse_args(arguments)
    server = JiraServer(Organisation(chosen.seed), chosen.flavour, clock_ms=parse_instant(chosen.now), port=chosen.port)
    with server:
        print(f"{server.url}  user {USER}  token {TOKEN}", flush=True)  # noqa: T201 - the command's output
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
