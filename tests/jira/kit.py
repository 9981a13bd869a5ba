"""Settings, issues and a small Jira that answers from a script."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

from hub.clock import parse_instant
from hub.sync.source import Document
from hub_jira.settings import JiraSettings

SECRET = "tok-8d1f4c2b9a7e6f5d-never-shown"
NOW = parse_instant("2026-10-01T06:00:00Z")


def at(text: str) -> int:
    return parse_instant(text)


def configure(**changes) -> JiraSettings:
    entries = {
        "plugin": "jira",
        "url": "https://jira.example.net",
        "user": "hub@example.net",
        "token": SECRET,
        "projects": ["OPS"],
        "issue_types": {
            "Incident": "incident",
            "Request": "request",
            "Problem": "problem",
            "Change": "change",
            "10009": "improvement_action",
            "Complaint": "complaint",
        },
        "statuses": {
            "Open": "new",
            "Work": "in_progress",
            "Waiting for customer": "pending_customer",
            "Resolved": "resolved",
            "Closed": "closed",
            "Declined": "rejected",
        },
        "fields": {
            "customfield_10010": "change.type",
            "customfield_10024": "change.impact.service",
            "customfield_10025": "change.impact.by",
            "customfield_10026": "change.impact.at",
            "customfield_10030": "change.backout_plan",
            "customfield_10031": "change.irreversible",
            "customfield_10032": "change.tests.status",
            "customfield_10033": "change.tests.commit",
            "customfield_10035": "change.revision",
            "customfield_10039": "change.actual_start",
            "customfield_10044": "change.skipped_steps",
            "customfield_10045": "approval",
            "customfield_10046": "incident.tool_sla",
            "customfield_10060": "incident.impact",
            "customfield_10062": ["incident.category", "problem.category"],
            "customfield_10080": "review.held_at",
            "customfield_10081": "review.planned_vs_actual",
            "customfield_10082": "review.process_weaknesses",
            "duedate": "improvement_action.due_at",
        },
        "values": {"change.type": {"Emergency change": "emergency"}},
        "services": {"Web shop": "register:services/shop", "vpn": "register:services/vpn"},
        "accounts": {"alice": "register:people/alice"},
        "automation_accounts": ["robot"],
        "links": {"Problem/Incident": ["causes", "caused_by"]},
        "escalation": {"label": "escalated"},
    }
    return JiraSettings.model_validate({**entries, **changes})


def user(name: str, **more) -> dict:
    return {"accountId": name, "displayName": name.title(), "active": True, "accountType": "atlassian", **more}


def entry(when: str, *items: dict, by: str = "alice", native: str = "1") -> dict:
    return {"id": native, "created": when, "author": user(by), "items": list(items)}


def item(
    field: str, old: str | None, new: str | None, *, ids: tuple = (None, None), field_id: str | None = None
) -> dict:
    known = {"Link": None, "Key": None}
    told = known.get(field, field_id or field)
    return {
        "field": field,
        **({"fieldId": told} if told else {}),
        "from": ids[0],
        "fromString": old,
        "to": ids[1],
        "toString": new,
    }


def issue(kind: str = "Change", *, histories: list | None = None, **fields) -> dict:
    entries = histories or []
    return {
        "id": "10412",
        "key": "OPS-12",
        "fields": {
            "summary": "Replace the disk",
            "issuetype": {"id": "1", "name": kind},
            "status": {"id": "1", "name": "Open"},
            "created": "2026-01-05T09:00:00.000+0100",
            "updated": "2026-01-06T09:00:00.000+0100",
            "creator": user("alice"),
            "reporter": user("carol", accountType="customer"),
            "labels": [],
            "comment": {"comments": [], "total": 0},
            **fields,
        },
        "changelog": {"histories": entries, "total": len(entries), "startAt": 0, "maxResults": len(entries)},
    }


def document(body: object, stream: str = "issue", native: str = "10412") -> Document:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Document(stream, native, "OPS", raw)


class Jira:
    """Answers by path from `answers` (a value, or a list used up one by one), and remembers what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, object] = {
            "/rest/api/3/myself": {"accountId": "hub", "displayName": "Hub", "timeZone": "Asia/Shanghai"},
            "/rest/api/2/myself": {"name": "hub", "displayName": "Hub", "timeZone": "Asia/Shanghai"},
            "/rest/api/2/field": [{"id": "customfield_10030", "name": "Back-out plan"}, {"id": "x", "name": "X"}],
        }
        self.asked: list[SimpleNamespace] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_args) -> None:
                pass

            def date_time_string(self, _timestamp=None) -> str:
                return "Thu, 01 Oct 2026 06:00:00 GMT"

            def do_GET(self) -> None:
                outer.handle(self, None)

            def do_POST(self) -> None:
                outer.handle(self, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def handle(self, handler: BaseHTTPRequestHandler, body: object) -> None:
        parts = urlsplit(handler.path)
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        self.asked.append(
            SimpleNamespace(
                method=handler.command,
                path=parts.path,
                query=query,
                body=body,
                auth=handler.headers.get("Authorization"),
            )
        )
        answer = self.answers.get(parts.path, Fault(404, {"errorMessages": ["not found"]}))
        if isinstance(answer, list) and answer and isinstance(answer[0], Script):
            answer = answer.pop(0).answer if len(answer) > 1 else answer[0].answer
        if callable(answer):
            answer = answer(query if body is None else body)
        if isinstance(answer, Fault):
            answer.send(handler)
        else:
            Fault(200, answer).send(handler)

    def paths(self) -> list[str]:
        return [each.path for each in self.asked]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Script:
    """One answer of a series."""

    def __init__(self, answer: object) -> None:
        self.answer = answer


class Fault:
    """An answer with status, headers, or a body that is cut."""

    def __init__(
        self, status: int, body: object = None, *, cut: bool = False, raw: bytes | None = None, **headers: str
    ):
        self.status, self.body, self.cut, self.raw, self.headers = status, body, cut, raw, headers

    def send(self, handler: BaseHTTPRequestHandler) -> None:
        data = self.raw if self.raw is not None else json.dumps(self.body).encode()
        handler.send_response(self.status)
        for name, value in self.headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data) + (100 if self.cut else 0)))
        handler.end_headers()
        handler.wfile.write(data)
        if self.cut:
            handler.wfile.flush()
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
