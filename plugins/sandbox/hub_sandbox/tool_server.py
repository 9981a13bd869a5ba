"""A local server over HTTP with a clock that can be moved and faults on demand: what all simulated tools share."""

from __future__ import annotations

import gzip
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from hub.clock import parse_instant
from hub_sandbox.disturbance import Disturbance, Disturbances
from hub_sandbox.exchange import Answer, Request

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Logged", "ToolServer"]

_GZIP_FROM = 1024


@dataclass(frozen=True, slots=True)
class Logged:
    """A request that was made."""

    method: str
    path: str
    status: int
    """0 = the connection was cut."""


class ToolApi(Protocol):
    """What answers requests, and from where it is reached."""

    base: str

    @property
    def clock_ms(self) -> int:
        """Return the virtual instant."""

    def answer(self, request: Request) -> Answer:
        """Answer a request."""


class ToolServer(ABC):
    """Serves one tool on 127.0.0.1; a context manager.

    `rate_limit` = (requests, seconds) answers 429 beyond it. `observer(request, answer)` sees every
    answer that is sent as the tool means it, not those made wrong by a disturbance.
    """

    decoded_paths = True
    """False = a request's path stays as it was sent, because the tool tells `%2F` from a slash."""

    def __init__(
        self,
        api: ToolApi,
        *,
        faults: Iterable[Disturbance] = (),
        rate_limit: tuple[int, float] | None = None,
        observer: Callable[[Request, Answer], None] | None = None,
        port: int = 0,
    ) -> None:
        self._served = api
        self.disturbances = Disturbances()
        for rule in faults:
            self.disturbances.add(rule)
        self.requests: list[Logged] = []
        """Every request so far, oldest first."""
        self._observer = observer
        self._limit = rate_limit
        self._recent: deque[float] = deque()
        self.lock = threading.Lock()
        """Held while a request is answered, or something is changed."""
        self._http = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        api.base = self.url
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
        return self._served.clock_ms

    @abstractmethod
    def set_clock(self, instant_ms: int) -> None:
        """Move the virtual clock, forward or back."""

    @abstractmethod
    def refusal(self, status: int, retry_after: int | None) -> Answer:
        """Return what the tool says where it fails on demand."""

    @abstractmethod
    def control_fault(self, body: dict[str, Any]) -> bool:
        """Do what `POST /__sandbox__/faults` asks of this tool alone; False = it is nothing of that kind."""

    def disturb(self, action: str, **settings: Any) -> None:
        """Put a fault in force: `disturb("status", path="*/search/jql", status=429, count=2)`."""
        self.disturbances.add(msgspec.convert({"action": action, **settings}, Disturbance))

    def handle(self, request: Request) -> tuple[Answer, Disturbance | None]:
        """Answer a request, and say what is to go wrong on the way back."""
        if request.path.startswith("/__sandbox__/"):
            return self._control(request), None
        rule = self.disturbances.hit(request.method, request.path)
        if rule is not None and rule.action == "status":
            return self.refusal(rule.status, rule.retry_after), None
        if self._limit is not None and self._over_limit(*self._limit):
            return self.refusal(429, 1), None
        with self.lock:
            answer = self._served.answer(request)
        if self._observer is not None:
            self._observer(request, answer)
        return answer, rule

    def log(self, request: Request, status: int) -> None:
        """Remember a request."""
        if not request.path.startswith("/__sandbox__/"):
            self.requests.append(Logged(request.method, request.path, status))

    def _over_limit(self, most: int, seconds: float) -> bool:
        now = time.monotonic()
        with self.lock:
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
                    if not self.control_fault(body):
                        self.disturbances.add(msgspec.convert(body, Disturbance))
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


def _handler(server: ToolServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Reads a request, writes an answer."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): text for name, text in self.headers.items()}
            path = unquote(parts.path) if server.decoded_paths else parts.path
            request = Request(self.command, path, parse_qs(parts.query, keep_blank_values=True), body, headers)
            answer, rule = server.handle(request)
            content = answer.body
            if rule is not None and rule.action == "slow":
                time.sleep(rule.seconds)
            if rule is not None and rule.action == "truncate":
                content = content[: len(content) // 2]
            cut = rule is not None and rule.action == "cut"
            server.log(request, 0 if cut else answer.status)
            self.send_response(answer.status)
            for name, text in ({"Content-Type": "application/json;charset=UTF-8"} | answer.headers).items():
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
            """Stay quiet; requests are in `ToolServer.requests`."""

    return Handler
