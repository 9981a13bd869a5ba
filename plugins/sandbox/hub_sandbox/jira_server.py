"""A local, stateful Jira over HTTP, with a clock that can be moved and faults on demand."""

from __future__ import annotations

import argparse
import gzip
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from hub.clock import parse_instant
from hub_sandbox.configuration import TOKEN, USER
from hub_sandbox.disturbance import Disturbance, Disturbances
from hub_sandbox.jira_api import JiraApi
from hub_sandbox.jira_exchange import Answer, Request
from hub_sandbox.organisation import Organisation

if TYPE_CHECKING:
    from types import TracebackType

    from hub_sandbox.jira_person import Flavour

__all__ = ["JiraServer", "Logged", "main"]

_GZIP_FROM = 1024


@dataclass(frozen=True, slots=True)
class Logged:
    """A request that was made."""

    method: str
    path: str
    status: int
    """0 = the connection was cut."""


class JiraServer:
    """Serves an organisation on 127.0.0.1; a context manager.

    `clock_ms` is the virtual instant (UTC ms; default: the end of the history). `rate_limit` =
    (requests, seconds) answers 429 beyond it. `observer(request, answer)` sees every answer that is
    sent as Jira means it, not those made wrong by a disturbance.
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
        self.disturbances = Disturbances()
        for rule in faults:
            self.disturbances.add(rule)
        self.requests: list[Logged] = []
        """Every request so far, oldest first."""
        self._observer = observer
        self._limit = rate_limit
        self._recent: deque[float] = deque()
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self.api.base = self.url
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=5)

    @property
    def clock_ms(self) -> int:
        """Return the virtual instant."""
        return self.api.clock_ms

    def set_clock(self, instant_ms: int) -> None:
        """Move the virtual clock, forward or back."""
        with self._lock:
            self.api.clock_ms = instant_ms
            self.api.refresh()

    def disturb(self, action: str, **settings: Any) -> None:
        """Put a fault in force: `disturb("status", path="*/search/jql", status=429, count=2)`."""
        self.disturbances.add(msgspec.convert({"action": action, **settings}, Disturbance))

    def hide_project(self, key: str, *, hidden: bool = True) -> None:
        """Take the token's permission on a project, or give it back."""
        with self._lock:
            (self.api.hidden_projects.add if hidden else self.api.hidden_projects.discard)(key)
            self.api.refresh()

    def hide_issue(self, ref: str) -> None:
        """Give an issue a security level that the token does not have."""
        with self._lock:
            issue = self.api.find(ref)
            if issue is None:
                raise KeyError(ref)
            self.api.secret_issues.add(issue.id)
            self.api.refresh()

    def end_account(self, person: str, how: Literal["inactive", "deleted"] | None) -> None:
        """Deactivate or delete the account of a person, or give it back (None)."""
        with self._lock:
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
        with self._lock:
            issue = self.api.find(ref)
            if issue is None:
                raise KeyError(ref)
            self.api.organisation.delete(issue, self.clock_ms)
            self.api.refresh()

    def move_issue(self, ref: str, project: str, issue_type: str) -> str:
        """Move an issue now; return its new key. Changes the organisation."""
        with self._lock:
            issue = self.api.find(ref)
            if issue is None:
                raise KeyError(ref)
            key = self.api.organisation.move(issue, project, issue_type, self.clock_ms)
            self.api.refresh()
            return key

    def handle(self, request: Request) -> tuple[Answer, Disturbance | None]:
        """Answer a request, and say what is to go wrong on the way back."""
        if request.path.startswith("/__sandbox__/"):
            return self._control(request), None
        rule = self.disturbances.hit(request.method, request.path)
        if rule is not None and rule.action == "status":
            return _refusal(rule.status, rule.retry_after), None
        if self._limit is not None and self._over_limit(*self._limit):
            return _refusal(429, 1), None
        with self._lock:
            answer = self.api.answer(request)
        if self._observer is not None:
            self._observer(request, answer)
        return answer, rule

    def log(self, request: Request, status: int) -> None:
        """Remember a request."""
        if not request.path.startswith("/__sandbox__/"):
            self.requests.append(Logged(request.method, request.path, status))

    def _over_limit(self, most: int, seconds: float) -> bool:
        now = time.monotonic()
        with self._lock:
            while self._recent and self._recent[0] <= now - seconds:
                self._recent.popleft()
            if len(self._recent) >= most:
                return True
            self._recent.append(now)
        return False

    def _control(self, request: Request) -> Answer:
        try:
            body = msgspec.json.decode(request.body or b"{}", type=dict[str, Any])
            match request.method, request.path.removeprefix("/__sandbox__/"):
                case "GET", "clock":
                    pass
                case "POST", "clock":
                    self.set_clock(parse_instant(str(body["now"])))
                case "POST", "faults":
                    self._control_fault(body)
                case "DELETE", "faults":
                    self.disturbances.clear()
                case "GET", "requests":
                    return Answer.json(
                        [{"method": item.method, "path": item.path, "status": item.status} for item in self.requests]
                    )
                case _:
                    return Answer.json({"error": "There are clock, faults and requests."}, 404)
        except (msgspec.MsgspecError, KeyError, ValueError) as error:
            return Answer.json({"error": f"{type(error).__name__}: {error}"}, 400)
        return Answer.json({"now": datetime.fromtimestamp(self.clock_ms / 1000, tz=UTC).isoformat()})

    def _control_fault(self, body: dict[str, Any]) -> None:
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
                self.disturbances.add(msgspec.convert(body, Disturbance))


def _refusal(status: int, retry_after: int | None) -> Answer:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    if status == 429:  # noqa: PLR2004 - HTTP
        headers = {"Retry-After": "1", "RateLimit-Reason": "jira-burst-based", **headers}
    answer = Answer.error(status, "Rate limit exceeded." if status == 429 else "The sandbox was asked to fail here.")  # noqa: PLR2004
    return Answer(status, answer.body, headers)


def _handler(server: JiraServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Reads a request, writes an answer."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): text for name, text in self.headers.items()}
            request = Request(
                self.command, unquote(parts.path), parse_qs(parts.query, keep_blank_values=True), body, headers
            )
            answer, rule = server.handle(request)
            content = answer.body
            if rule is not None and rule.action == "slow":
                time.sleep(rule.seconds)
            if rule is not None and rule.action == "truncate":
                content = content[: len(content) // 2]
            cut = rule is not None and rule.action == "cut"
            server.log(request, 0 if cut else answer.status)
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json;charset=UTF-8")
            for name, text in answer.headers.items():
                self.send_header(name, text)
            if len(content) >= _GZIP_FROM and "gzip" in headers.get("accept-encoding", ""):
                content = gzip.compress(content, compresslevel=1, mtime=0)
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if cut else content)
            self.wfile.flush()
            self.close_connection = cut or self.close_connection

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - names of the base class

        def date_time_string(self, timestamp: float | None = None) -> str:
            """Write the header `Date` by the virtual clock."""
            instant = server.clock_ms / 1000 if timestamp is None else timestamp
            return format_datetime(datetime.fromtimestamp(instant, tz=UTC), usegmt=True)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Stay quiet; requests are in `JiraServer.requests`."""

    return Handler


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
