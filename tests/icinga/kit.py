"""Settings, and a small Icinga that answers what its objects say; every question is held against Icinga's own documentation."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx

from hub.clock import FixedClock, parse_instant
from hub.sync.source import SourceContext
from hub_icinga.settings import IcingaSettings
from hub_icinga.source import make_source

SECRET = "api-password-4711-never-shown"
URL = "https://icinga.example.net:5665"
NOW = parse_instant("2026-10-01T06:00:00Z")
SHOP, VPN = "register:services/shop", "register:services/vpn"


def s(instant_ms: int) -> float:
    """Icinga's seconds."""
    return instant_ms / 1000


def minutes(count: float) -> int:
    """An instant so many minutes before NOW."""
    return NOW - round(count * 60_000)


def configure(**changes) -> IcingaSettings:
    entries = {
        "plugin": "icinga",
        "url": URL,
        "user": "hub",
        "password": SECRET,
        "services": {"hostgroup=shop*": SHOP, "vars.team=net": VPN},
        "availability": {"web01!http": SHOP},
        "security": ["servicegroup=ids"],
        "ticket_projects": ["OPS"],
        "accounts": {"alice": "register:people/alice"},
        "measurements": [{"object": "web01!disk", "label": "/", "metric": "disk", "subject": SHOP, "unit": "GB"}],
    }
    return IcingaSettings.model_validate({**entries, **changes})


def context(**changes) -> SourceContext:
    fields = {
        "name": "mon",
        "base_dir": Path("/nowhere"),
        "zone": "Europe/Berlin",
        "clock": FixedClock(NOW),
        "call": lambda request: request(),
    }
    return SourceContext(**{**fields, **changes})


def service(name: str, state: int = 0, *, since: int = minutes(600), checked: int = NOW, ok: int | None = None, **more):
    """A service of web01 whose hard state is `state` since then."""
    attrs = {
        "__name": f"web01!{name}",
        "display_name": name,
        "host_name": "web01",
        "groups": [],
        "vars": {"password": "held back"},
        "last_hard_state": float(state),
        "last_hard_state_change": s(since),
        "last_check": s(checked),
        "next_update": s(checked + 65_000),
        "check_interval": 60,
        "max_check_attempts": 3,
        "last_state_ok": s(checked if state == 0 else minutes(601) if ok is None else ok),
        "last_state_warning": s(checked) if state == 1 else 0,
        "last_state_critical": s(checked) if state == 2 else 0,
        "last_state_unknown": s(checked) if state == 3 else 0,
        "last_check_result": {"execution_end": s(checked), "performance_data": ["/=41.5GB;80;90", "inode=U"]},
    }
    return {"attrs": attrs | more, "joins": {"host": {"groups": ["shop-web"], "vars": None}}, "name": f"web01!{name}"}


def host(state: int = 0, *, since: int = minutes(600), **more):
    attrs = {
        "__name": "web01",
        "display_name": "web01",
        "groups": ["shop-web"],
        "vars": None,
        "last_hard_state": state,
        "last_hard_state_change": s(since),
        "last_check": s(NOW),
        "next_update": s(NOW + 65_000),
        "check_interval": 60,
        "max_check_attempts": 3,
        "last_state_up": s(NOW if state == 0 else minutes(601)),
        "last_state_down": s(NOW) if state else 0,
        "last_check_result": None,
    }
    return {"attrs": attrs | more, "joins": {}, "name": "web01"}


def comment(text: str, at: int, *, kind: int = 4, on: str = "http", name: str = "web01!http!c1"):
    return {
        "attrs": {
            "__name": name,
            "host_name": "web01",
            "service_name": on,
            "author": "alice",
            "text": text,
            "entry_time": s(at),
            "entry_type": kind,
        },
        "joins": {},
    }


def downtime(begins: int, ends: int, *, entered: int = minutes(4000), name: str = "web01!d1", **more):
    attrs = {
        "__name": name,
        "host_name": "web01",
        "service_name": "",
        "author": "alice",
        "comment": "CHG-1",
        "start_time": s(begins),
        "end_time": s(ends),
        "entry_time": s(entered),
        "trigger_time": 0,
        "duration": 0,
        "fixed": True,
    }
    return {"attrs": attrs | more, "joins": {"host": {"groups": ["shop-web"]}}}


class Icinga:
    """Answers through respx; `lists` and `permissions` may be changed between readings."""

    def __init__(self, router) -> None:
        self.now = NOW
        self.started = minutes(60 * 24 * 30)
        self.permissions: list[object] = ["*"]
        self.lists = {
            "hosts": [host()],
            "services": [service("http"), service("disk")],
            "comments": [],
            "downtimes": [],
        }
        self.fault: httpx.Response | Exception | None = None
        self.asked: list[httpx.Request] = []
        router.route(url__regex=re.escape(URL) + ".*").mock(side_effect=self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.path
        if self.fault is not None and (path != "/v1" or getattr(self.fault, "status_code", 0) == 401):
            if isinstance(self.fault, Exception):
                raise type(self.fault)(str(self.fault))
            return self.fault
        if path == "/v1":
            told = {"user": "hub", "permissions": self.permissions, "version": "r2.14.2-1", "info": ""}
            return httpx.Response(200, json={"results": [told]})
        if path == "/v1/status/IcingaApplication":
            status = {"icingaapplication": {"app": {"program_start": s(self.started), "version": "r2.14.2-1"}}}
        elif path == "/v1/status/CIB":
            status = {"uptime": s(self.now) - s(self.started)}
        else:
            return httpx.Response(200, json={"results": self.lists[path.rpartition("/")[2]]})
        return httpx.Response(200, json={"results": [{"name": "x", "perfdata": [], "status": status}]})


def make(**changes):
    settings = {k: changes.pop(k) for k in list(changes) if k in IcingaSettings.model_fields}
    return make_source(configure(**settings), context(**changes))


def read(source, stream: str = "state", cursor: dict | None = None):
    """Read one slice; gives (documents by stream, records by kind, last page)."""
    (part,) = [each for each in source.slices() if each.stream == stream]
    pages = list(source.fetch(part, json.loads(json.dumps(cursor)) if cursor is not None else None))
    documents = [each for page in pages for each in page.documents]
    records = [record for each in documents for record in source.normalise(each).records]
    return documents, records, pages[-1]


def of(records, kind):
    return [record for record in records if type(record).__name__ == kind]
