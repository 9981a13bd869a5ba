"""Two projects behind one scripted Jira, and one wrong answer at one endpoint."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from hub.clock import parse_instant
from tests.jira.kit import Fault, Jira, configure, entry, item, user

FIRST, SECOND = parse_instant("2026-10-01T06:00:00Z"), parse_instant("2026-10-05T06:00:00Z")
BEFORE, LATER = "2026-09-28T08:{:02}:00.000+0000", "2026-10-03T08:{:02}:00.000+0000"
HIT = "CHG"
"""The project whose answers go wrong; OPS stays well."""
ACCOUNTS = ("permissions", "accounts")
"""What is asked with a census about who is still there."""
ENDPOINTS = {
    "cloud": ("identity", "project", "search", "next page", "changelog", "comments", "versions", "census", *ACCOUNTS),
    "data_center": (
        *("identity", "names", "tokens", "project", "search", "next page", "comments", "versions", "census"),
        *ACCOUNTS,
    ),
}
Reply = Callable[[bytes], Fault]


class Hangup(Fault):
    """Closes the connection without a word, or after a part of the body."""

    def __init__(self, part: bytes | None = None) -> None:
        super().__init__(200)
        self.part = part

    def send(self, handler) -> None:
        handler.close_connection = True
        if self.part is not None:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + self.part)


class Silence(Fault):
    """Says nothing until the stand is taken down."""

    def __init__(self, over: threading.Event) -> None:
        super().__init__(200)
        self.over = over

    def send(self, handler) -> None:
        handler.close_connection = True
        self.over.wait(30)


class Drip(Fault):
    """Sends its head, or its body, byte by byte, never silent for long, and is never done."""

    def __init__(self, over: threading.Event, *, head: bool = False) -> None:
        super().__init__(200)
        self.over, self.head = over, head

    def send(self, handler) -> None:
        handler.close_connection = True
        handler.wfile.write(
            b"HTTP/1.1 200 OK\r\nX-Slow: " if self.head else b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"
        )
        with contextlib.suppress(OSError):  # whoever asked has left
            for _ in range(300):
                handler.wfile.write(b" ")
                handler.wfile.flush()
                if self.over.wait(0.1):
                    return


def _step(decision: str, when: str) -> dict:
    told = {"jira": when, "epochMillis": parse_instant(when)}
    approver = {"approver": user("alice"), "approverDecision": decision}
    return {"id": "1", "name": "CAB", "createdDate": told, "completedDate": told, "approvers": [approver]}


def change(n: int, *, approved: str | None, started: str | None, updated: str, created: str = BEFORE, **more) -> dict:
    histories = [entry(created.format(2), item("Back-out plan", None, "x", field_id="customfield_10030"), native="2")]
    fields = {
        "summary": f"change {n}",
        "issuetype": {"id": "1", "name": "Change"},
        "status": {"id": "1", "name": "Open"},
        "created": created.format(0),
        "updated": updated,
        "creator": user("carol"),
        "reporter": user("carol"),
        "assignee": user("bob"),
        "labels": [],
        "comment": {"comments": [], "total": 0},
        "customfield_10010": {"id": "1", "value": "Normal"},
        "customfield_10030": "Put the old disk back",
        "customfield_10035": "abc",
        "customfield_10039": started,
        "customfield_10041": user("carol"),
        "customfield_10045": [_step("approved", approved)] if approved else [],
        **more,
    }
    log = {"histories": histories, "total": len(histories)}
    return {"id": str(2000 + n), "key": f"CHG-{n}", "fields": fields, "changelog": log}


def histories_of(n: int) -> list[dict]:
    """45 entries of which a search shows the latest 40; the first tells since when there was a plan."""
    plan = item("Back-out plan", None, "x", field_id="customfield_10030")
    return [
        entry(LATER.format(m), plan if m == 0 else item("summary", f"{m}", f"{m + 1}"), native=str(100 * n + m))
        for m in range(45)
    ]


def comments_of(n: int) -> list[dict]:
    return [{"id": str(n + m), "created": LATER.format(m), "author": user("bob"), "jsdPublic": True} for m in range(3)]


def projects(*, later: bool, by_id: bool) -> dict[str, list[dict]]:
    """What Jira holds at the first reading, and at the second."""
    new = LATER.format(30)
    waiting = {"approved": None, "started": None, "updated": BEFORE.format(3)}
    changes = [
        change(1, approved=BEFORE.format(5), started=BEFORE.format(50), updated=BEFORE.format(50)),
        change(2, **waiting),
        change(3, approved=None, started=BEFORE.format(50), updated=BEFORE.format(50)),
        change(4, **waiting),
    ]
    if later:
        long = histories_of(5)
        changes[1] = change(2, approved=LATER.format(5), started=LATER.format(20), updated=new)
        del changes[3]  # CHG-4 was deleted
        talk = {"comments": comments_of(1)[:1], "total": 3}
        changes.append(
            change(5, approved=LATER.format(50), started=LATER.format(55), updated=new, created=LATER, comment=talk)
        )
        changes[-1]["changelog"] = {"histories": long[5:] if by_id else long, "total": 40 if by_id else 45}
        changes.append(change(6, approved=None, started=LATER.format(40), updated=new, created=LATER))
    late = LATER.format(10) if later else None
    others = change(1, approved=late, started=late, updated=new if later else BEFORE.format(3))
    return {"CHG": changes, "OPS": [{**others, "id": "1001", "key": "OPS-1"}]}


class Stand(Jira):
    """The scripted Jira of one flavour; `wrong` = (endpoint, reply) spoils the answers of that endpoint."""

    def __init__(self, flavour: str) -> None:
        super().__init__()
        self.flavour = flavour
        self.later = False
        self.wrong: tuple[str, Reply] | None = None
        self.struck = 0
        """How often the wrong answer was given."""
        self.over = threading.Event()
        api = "/rest/api/3" if flavour == "cloud" else "/rest/api/2"
        me = dict(self.answers[f"{api}/myself"])
        names = [{"id": "customfield_10030", "name": "Back-out plan"}, {"id": "x", "name": "X"}]
        self.answers = {
            f"{api}/myself": self._at("identity", lambda _q: me),
            f"{api}/field": self._at("names", lambda _q: names),
            "/rest/pat/latest/tokens": self._at("tokens", lambda _q: []),
            f"{api}/search/jql": self._search,
            f"{api}/search": self._search,
            f"{api}/mypermissions": self._at(
                "permissions", lambda _q: {"permissions": {"USER_PICKER": {"havePermission": True}}}
            ),
            f"{api}/user/bulk": self._at("accounts", lambda _q: {"values": [user("bob")], "isLast": True}),
            f"{api}/user": self._at("accounts", lambda _q: {**user("bob"), "key": "bob", "name": "bob"}),
            f"{api}/changelog/bulkfetch": self._at("changelog", self._histories),
            f"{api}/issue/bulkfetch": {"issues": [], "issueErrors": []},
            "/login": Fault(200, raw=b"<!DOCTYPE html><title>Log in</title>"),
        }
        for key in ("CHG", "OPS"):
            shown = {"id": "1", "key": key, "name": key}
            versions = [{"id": f"7{ord(key[0])}", "name": "1.0", "releaseDate": "2026-12-31"}]
            hit = key == HIT
            self.answers[f"{api}/project/{key}"] = self._at("project" if hit else "", lambda _q, s=shown: s)
            self.answers[f"{api}/project/{key}/versions"] = self._at(
                "versions" if hit else "", lambda _q, v=versions: v
            )
        for n in (1, 2, 3, 5, 6):
            told = {"comments": comments_of(1), "total": 3}
            self.answers[f"{api}/issue/{2000 + n}/comment"] = self._at("comments", lambda _q, t=told: t)

    def _at(self, endpoint: str, healthy: Callable[[dict], object]) -> Callable[[dict], object]:
        return lambda query: self._answer(endpoint, healthy(query))

    def _answer(self, endpoint: str, healthy: object) -> object:
        if self.wrong is None or endpoint != self.wrong[0]:
            return healthy
        self.struck += 1
        return self.wrong[1](json.dumps(healthy).encode())

    def _search(self, query: dict) -> object:
        project = "CHG" if '"CHG"' in query["jql"] else "OPS"
        since = query["jql"].partition('updated >= "')[2].partition('"')[0]
        issues = projects(later=self.later, by_id=self.flavour == "cloud")[project]
        if since:
            local = datetime.strptime(since, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo("Asia/Shanghai"))
            issues = [each for each in issues if parse_instant(each["fields"]["updated"]) >= local.timestamp() * 1000]
        if named := query["jql"].partition("id in (")[2].partition(")")[0]:
            issues = [each for each in issues if each["id"] in named.split(", ")]
        start = int(query.get("nextPageToken", "t0")[1:]) if self.flavour == "cloud" else int(query["startAt"])
        end = start + int(query["maxResults"])
        page: dict = {"issues": issues[start:end]}
        if self.flavour == "data_center":
            page |= {"startAt": start, "total": len(issues)}
        else:
            page |= {"isLast": end >= len(issues), **({"nextPageToken": f"t{end}"} if end < len(issues) else {})}
        endpoint = "census" if query["fields"] == "id" else "next page" if start else "search"
        return self._answer(endpoint if project == HIT else "", page)

    def _histories(self, asked: dict) -> dict:
        told = [
            {"issueId": each, "changeHistories": histories_of(int(each) - 2000)} for each in asked["issueIdsOrKeys"]
        ]
        return {"issueChangeLogs": told}

    def settings(self, **changes):
        """Say how this Jira is configured."""
        cloud = self.flavour == "cloud"
        fields = {
            "customfield_10010": "change.type",
            "customfield_10030": "change.backout_plan",
            "customfield_10035": "change.revision",
            "customfield_10039": "change.actual_start",
            "customfield_10041": "change.implementer",
            "customfield_10045": "approval",
        }
        told = {
            "url": self.url,
            "flavour": self.flavour,
            "user": "hub@example.net" if cloud else None,
            "fields": fields,
            "issue_security": False,
        }
        accounts = {name: f"register:people/{name}" for name in ("alice", "bob", "carol")}
        return configure(projects=["CHG", "OPS"], page_size=2, accounts=accounts, **{"timeout_s": 5, **told, **changes})

    def stop(self) -> None:
        self.over.set()
        super().stop()


def squeezed(body: bytes) -> bytes:
    return gzip.compress(body)
