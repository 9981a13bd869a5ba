"""A GitLab that costs next to nothing to answer, in a process of its own: one project, objects made from two templates."""

from __future__ import annotations

import argparse
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit
from urllib.request import urlopen

import msgspec

from hub.clock import format_instant, parse_instant
from hub_sandbox.exchange import Request
from hub_sandbox.gitlab_api import GitlabApi
from hub_sandbox.organisation import Organisation

__all__ = ["PROJECT", "TOKEN", "BenchGitlab", "serve"]

PROJECT = 501
TOKEN = "glpat-bench"
FIRST_MS = parse_instant("2025-11-01T00:00:00Z")
STEP_MS = 600_000
"""Between the last changes of two objects."""
CHANGED_MS = parse_instant("2026-10-31T22:00:00Z")
_ID, _AT = "987654321", "2011-01-01T00:00:00.001Z"


@dataclass
class _State:
    templates: dict[str, bytes]
    small: dict[str, bytes]
    count: int = 2_000
    changed: bool = False
    delay_s: float = 0.0
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def order(self) -> list[tuple[int, int]]:
        """List (last change, number), oldest change first; one of a hundred may have changed since."""
        moved = range(7, self.count, 100) if self.changed else range(0)
        kept = [(FIRST_MS + n * STEP_MS, n) for n in range(self.count) if n not in moved]
        return kept + [(CHANGED_MS + n, n) for n in moved]


def _templates() -> tuple[dict[str, bytes], dict[str, bytes]]:
    content = Organisation(1).shipping.content
    api = GitlabApi(content, token=TOKEN, clock_ms=content.end)
    api.base = "http://127.0.0.1"

    def ask(path: str, **query: str) -> bytes:
        headers = {"private-token": TOKEN}
        return api.answer(Request("GET", f"/api/v4{path}", {k: [v] for k, v in query.items()}, b"", headers)).body

    made = {}
    for name in ("issues", "merge_requests"):
        example = msgspec.json.decode(ask(f"/projects/{PROJECT}/{name}", per_page="1"))[0]
        example |= {"id": int(_ID), "iid": int(_ID), "updated_at": _AT, "description": "What was found, and why. " * 40}
        made[name] = msgspec.json.encode(example)
    request = content.projects[PROJECT].merge_requests[0]
    project = msgspec.json.encode({**msgspec.json.decode(ask(f"/projects/{PROJECT}")), "updated_at": _AT})
    small = {
        f"/projects/{PROJECT}": project,
        "/user": ask("/user"),
        "/personal_access_tokens/self": ask("/personal_access_tokens/self"),
        "/projects": b"[" + project + b"]",
        "/groups": b"[]",
        "approvals": ask(f"/projects/{PROJECT}/merge_requests/{request.iid}/approvals"),
    }
    return made, small


def _answer(state: _State, target: str) -> tuple[bytes, str]:
    parts = urlsplit(target)
    params = dict(parse_qsl(parts.query))
    if parts.path == "/bench":
        return _set(state, params), ""
    with state.lock:
        state.requests += 1
    if state.delay_s:
        time.sleep(state.delay_s)
    path = parts.path.removeprefix("/api/v4")
    last = path.rpartition("/")[2]
    if last in state.templates:
        return _page(state, last, params)
    return state.small.get(path) or state.small.get(last, b"[]"), ""


def _page(state: _State, name: str, params: dict[str, str]) -> tuple[bytes, str]:
    size, page = int(params.get("per_page", 20)), int(params.get("page", 1))
    found = state.order()
    if "updated_after" in params:
        since = parse_instant(params["updated_after"])
        found = [each for each in found if each[0] >= since]
    if params.get("sort", "desc") == "desc":
        found = found[::-1]
    start = (page - 1) * size
    body = b",".join(
        state.templates[name].replace(_ID.encode(), b"%d" % (1_000_000 + n)).replace(_AT.encode(), _instant(at))
        for at, n in found[start : start + size]
    )
    return b"[%s]" % body, str(page + 1) if start + size < len(found) else ""


def _instant(at: int) -> bytes:
    text = format_instant(at)
    return (text if "." in text else text.replace("Z", ".000Z")).encode()


def _set(state: _State, params: dict[str, str]) -> bytes:
    before = state.requests
    state.count = int(params.get("count", state.count))
    state.changed = params.get("changed", str(int(state.changed))) == "1"
    state.delay_s = float(params.get("delay_s", state.delay_s))
    state.requests = 0
    return b"%d" % before


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    wbufsize = -1

    def handle(self) -> None:
        state: _State = self.server.state  # type: ignore[attr-defined] # set in main
        while line := self.rfile.readline():
            _method, target, _ = line.decode().split(" ", 2)
            host = ""
            while (header := self.rfile.readline()) not in (b"\r\n", b""):
                if header.lower().startswith(b"host:"):
                    host = header.split(b":", 1)[1].decode().strip()
            content, following = _answer(state, target)
            link = ""
            if following:
                parts = urlsplit(target)
                query = "&".join(f"{k}={v}" for k, v in {**dict(parse_qsl(parts.query)), "page": following}.items())
                link = f'Link: <http://{host}{parts.path}?{query}>; rel="next"\r\n'
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Next-Page: {following}\r\n{link}"
            self.wfile.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
            self.wfile.flush()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


@dataclass(frozen=True, slots=True)
class BenchGitlab:
    """The server, seen from here."""

    url: str

    def set(self, **settings: float) -> int:
        """Change how many objects a list has (`count`), whether one per cent changed, `delay_s`; return requests since."""
        query = "&".join(f"{name}={value}" for name, value in settings.items())
        with urlopen(f"{self.url}/bench?{query}", timeout=60) as answer:  # noqa: S310 - loopback
            return int(answer.read())


@contextmanager
def serve() -> Iterator[BenchGitlab]:
    """Run the server for as long as the block lasts."""
    command = [sys.executable, "-m", "tests.bench.gitlab_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield BenchGitlab(process.stdout.readline().strip())
        finally:
            process.terminate()


def main() -> None:
    """Serve on a free port of the loopback and print the address."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gitlab_server")
    parser.add_argument("--port", type=int, default=0)
    with _Server(("127.0.0.1", parser.parse_args().port), _Handler) as server:
        server.state = _State(*_templates())  # type: ignore[attr-defined] # read by the handler
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
