"""A Jira that costs next to nothing to answer, in a process of its own; knows no fault, holds no state but its size."""

from __future__ import annotations

import argparse
import re
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit
from urllib.request import urlopen

import msgspec

from hub_sandbox.vocabulary import FIELDS
from tests.bench.issue import FIRST_ID, PROJECTS, Catalogue, is_changed

__all__ = ["PAGE", "BenchJira", "serve"]

PAGE = 100
ENTRIES = 10_000
"""Entries of changelogs in an answer, at most: as Jira has it."""
_SINCE = re.compile(r"updated >=? *[\"']?2026")
_PROJECT = re.compile(r"project *= *\"?(\w+)")
_FIELDS = [{"id": each.id, "key": each.id, "name": each.id, "custom": True, "schema": {}} for each in FIELDS.values()]
_ACCOUNT = {"accountId": "bench", "displayName": "Bench", "timeZone": "Europe/Berlin", "active": True}


@dataclass
class _State:
    catalogue: Catalogue
    issues: int = 2_000
    changed: bool = False
    delay_s: float = 0.0
    requests: int = 0

    def numbers(self, query: str) -> range | list[int]:
        """Return the issues a query finds, in order of key."""
        named = _PROJECT.search(query)
        found = range(PROJECTS.index(named[1]) if named else 0, self.issues, len(PROJECTS) if named else 1)
        if _SINCE.search(query):
            return [each for each in found if is_changed(each)] if self.changed else []
        return found


def _answer(state: _State, method: str, target: str, body: bytes) -> bytes:
    parts = urlsplit(target)
    params = dict(parse_qsl(parts.query))
    path = parts.path
    if path == "/bench":
        return _set(state, params)
    state.requests += 1
    if state.delay_s:
        time.sleep(state.delay_s)
    if path in ("/rest/api/3/search/jql", "/rest/api/2/search/jql"):
        return _token_page(state, params, cloud="/3/" in path)
    if path == "/rest/api/2/search":
        return _offset_page(state, params)
    if path.endswith("/changelog/bulkfetch"):
        return _changelogs(state, body)
    if path.endswith("/comment"):
        comments = state.catalogue.comments(int(path.split("/")[-2]) - FIRST_ID)
        total = comments.count(b'"updateAuthor"')
        return b'{"startAt":0,"maxResults":%d,"total":%d,"comments":[%s]}' % (max(total, 1), total, comments)
    return msgspec.json.encode(_small(method, path))


def _small(_method: str, path: str) -> object:
    last = path.rpartition("/")[2]
    if last == "field":
        return _FIELDS
    if last == "versions":
        return []
    if last == "serverInfo":
        return {"deploymentType": "Cloud", "version": "1001.0.0", "baseUrl": "http://127.0.0.1"}
    if last in PROJECTS:
        return {"id": str(10400 + PROJECTS.index(last)), "key": last, "name": last}
    return _ACCOUNT


def _set(state: _State, params: dict[str, str]) -> bytes:
    before = state.requests
    state.issues = int(params.get("issues", state.issues))
    state.changed = params.get("changed", str(int(state.changed))) == "1"
    state.delay_s = float(params.get("delay_s", state.delay_s))
    state.requests = 0
    return b"%d" % before


def _issues(state: _State, params: dict[str, str], numbers: range | list[int], *, cloud: bool) -> bytes:
    if params.get("fields") == "id":
        return b",".join(b'{"id":"%d"}' % (FIRST_ID + each) for each in numbers)
    return b",".join(state.catalogue.render(each, cloud=cloud, changed=state.changed) for each in numbers)


def _token_page(state: _State, params: dict[str, str], *, cloud: bool) -> bytes:
    found = state.numbers(params.get("jql", ""))
    start, size = int(params.get("nextPageToken", 0)), int(params.get("maxResults", PAGE))
    page = _issues(state, params, found[start : start + size], cloud=cloud)
    if start + size >= len(found):
        return b'{"issues":[%s],"isLast":true}' % page
    return b'{"issues":[%s],"nextPageToken":"%d","isLast":false}' % (page, start + size)


def _offset_page(state: _State, params: dict[str, str]) -> bytes:
    found = state.numbers(params.get("jql", ""))
    start, size = int(params.get("startAt", 0)), min(int(params.get("maxResults", PAGE)), PAGE)
    page = _issues(state, params, found[start : start + size], cloud=False)
    return b'{"startAt":%d,"maxResults":%d,"total":%d,"issues":[%s]}' % (start, size, len(found), page)


def _changelogs(state: _State, body: bytes) -> bytes:
    """Give whole changelogs, as many as have no more entries than an answer may hold; the token counts issues."""
    query = msgspec.json.decode(body)
    asked, room = query["issueIdsOrKeys"], min(query["maxResults"], ENTRIES)
    logs: list[bytes] = []
    first = place = int(query.get("nextPageToken", 0))
    for each in asked[first:]:
        told = state.catalogue.histories(int(each) - FIRST_ID)
        room -= told.count(b'"items":')
        if room < 0 and place > first:
            break
        logs.append(b'{"issueId":"%s","changeHistories":[%s]}' % (each.encode(), told))
        place += 1
    more = b"" if place == len(asked) else b',"nextPageToken":"%d"' % place
    return b'{"issueChangeLogs":[%s]%s}' % (b",".join(logs), more)


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    wbufsize = -1

    def handle(self) -> None:
        state: _State = self.server.state  # type: ignore[attr-defined] # set in main
        while line := self.rfile.readline():
            method, target, _ = line.decode().split(" ", 2)
            length = 0
            while (header := self.rfile.readline()) not in (b"\r\n", b""):
                if header.lower().startswith(b"content-length:"):
                    length = int(header.split(b":")[1])
            content = _answer(state, method, target, self.rfile.read(length))
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: %d\r\n\r\n"
                % len(content)
            )
            self.wfile.write(content)
            self.wfile.flush()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@dataclass(frozen=True, slots=True)
class BenchJira:
    """The server, seen from here."""

    url: str

    def set(self, **settings: float) -> int:
        """Change its size (`issues`), whether one per cent changed (`changed`), its `delay_s`; return requests since."""
        query = "&".join(f"{name}={value}" for name, value in settings.items())
        with urlopen(f"{self.url}/bench?{query}", timeout=60) as answer:  # noqa: S310 - loopback
            return int(answer.read())


@contextmanager
def serve() -> Iterator[BenchJira]:
    """Run the server for as long as the block lasts."""
    command = [sys.executable, "-m", "tests.bench.server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield BenchJira(process.stdout.readline().strip())
        finally:
            process.terminate()


def main() -> None:
    """Serve on a free port of the loopback and print the address."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.server")
    parser.add_argument("--port", type=int, default=0)
    with _Server(("127.0.0.1", parser.parse_args().port), _Handler) as server:
        server.state = _State(Catalogue())  # type: ignore[attr-defined] # read by the handler
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
