"""Settings, and a small Zabbix that answers what it holds, as 6.0 or as 7.x would."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx

from hub.clock import FixedClock, format_instant, parse_instant
from hub.sync.source import SourceContext
from hub_zabbix.settings import ZabbixSettings
from hub_zabbix.source import make_source

SECRET = "0cf8c38937445638ca1a0ae2c83cb375e53fa91a4711ab00never0shown00aa"
URL = "https://zabbix.example.net/zabbix"
NOW = parse_instant("2026-10-01T06:30:00Z")
NOW_S = NOW // 1000
HOUR, DAY = 3600, 86_400
SHOP, VPN = "register:services/shop", "register:services/vpn"
WATCHED = "web01: Shop is down"


def configure(**changes) -> ZabbixSettings:
    entries = {
        "plugin": "zabbix",
        "url": URL,
        "token": SECRET,
        "services": {"service=shop": SHOP, "hostgroup=VPN*": VPN, "zabbix_service=Shop": SHOP},
        "availability": {WATCHED: SHOP},
        "measurements": [{"host": "web01", "key": "cpu", "metric": "cpu", "subject": SHOP}],
        "security": ["scope=security"],
        "ticket_projects": ["OPS"],
        "accounts": {"alice": "register:people/alice"},
    }
    return ZabbixSettings.model_validate({**entries, **changes})


def event(number: int, at: int, **more) -> dict:
    """A problem of trigger 100 at web01; `at` in seconds."""
    fields = {
        "eventid": str(number),
        "objectid": "100",
        "clock": str(at),
        "ns": "250000000",
        "value": "1",
        "name": "Shop is down",
        "severity": "4",
        "r_eventid": "0",
        "acknowledged": "0",
        "hosts": [{"hostid": "10", "host": "web01"}],
        "tags": [{"tag": "service", "value": "shop"}],
        "acks": [],
        "suppression_data": [],
    }
    return {**fields, **more}


def ack(number: int, at: int, action: int = 6, text: str = "OPS-12", user: str = "alice") -> dict:
    fields = {"acknowledgeid": str(number), "clock": str(at), "action": str(action), "message": text}
    return fields | {"username": user}


class Zabbix:
    """Answers through respx; the attributes may be changed between readings."""

    def __init__(self, router) -> None:
        self.version = "6.0.14"
        self.now = NOW
        self.refused: dict[str, dict] = {}
        self.fault: httpx.Response | Exception | None = None
        self.events: list[dict] = []
        self.maintenances: list[dict] = []
        self.trends: list[dict] = []
        self.sli: dict = {"periods": [], "serviceids": [], "sli": []}
        self.hosts = [{"hostid": "10", "host": "web01", "groups": [{"name": "Web"}], "tags": []}]
        item = {"itemid": "7", "key_": "shop.state", "delay": "1m", "value_type": "3"}
        self.trigger = {"triggerid": "100", "description": "Shop is down", "value": "0", "state": "0", "status": "0"}
        self.trigger |= {"type": "0", "items": [item], "hosts": [{"host": "web01"}]}
        self.asked: list[dict] = []
        self.headers: list[httpx.Headers] = []
        self.router = router
        self.answer_at(URL)

    def answer_at(self, address: str) -> None:
        self.router.route(url__regex=re.escape(address) + "/api_jsonrpc.php$").mock(side_effect=self.answer)

    @property
    def minor(self) -> tuple[int, int]:
        major, minor, *_ = self.version.split(".")
        return int(major), int(minor)

    def answer(self, request: httpx.Request) -> httpx.Response:
        assert request.method == "POST"
        body = json.loads(request.content)
        self.asked.append(body)
        self.headers.append(request.headers)
        method, params = body["method"], body["params"]
        open_to_all = method in {"apiinfo.version", "user.checkAuthentication"}
        if self.fault is not None and (not open_to_all or getattr(self.fault, "status_code", 0) == 401):
            if isinstance(self.fault, Exception):
                raise type(self.fault)(str(self.fault))
            return self.fault
        if method in self.refused:
            return self.reply({"error": {"code": -32602, "message": "Invalid params."} | self.refused[method]})
        bearer = "authorization" in request.headers
        if not open_to_all and (self.minor >= (6, 4)) != bearer:
            return self.reply({"error": {"code": -32602, "message": "Invalid params.", "data": "Not authorized."}})
        assert ("auth" in body) == (not open_to_all and not bearer)
        return self.reply({"result": getattr(self, method.replace(".", "_"))(params)})

    def reply(self, told: dict) -> httpx.Response:
        stamp = format_instant(self.now)
        from datetime import datetime
        from email.utils import format_datetime

        date = format_datetime(datetime.fromisoformat(stamp), usegmt=False)
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, **told}, headers={"Date": date})

    def apiinfo_version(self, _):
        return self.version

    def user_checkAuthentication(self, params):  # noqa: N802 - Zabbix's name
        assert params == {"token": SECRET}
        return {"userid": "1", "username": "hub"}

    def token_get(self, _):
        return [{"name": "hub", "expires_at": "0", "status": "0"}]

    def host_get(self, params):
        if params.get("countOutput"):
            return str(len(self.hosts))
        asked = "selectHostGroups" if self.minor >= (6, 2) else "selectGroups"
        assert asked in params
        key = "hostgroups" if self.minor >= (6, 2) else "groups"
        return [{**{k: v for k, v in each.items() if k != "groups"}, key: each["groups"]} for each in self.hosts]

    def problem_get(self, _):
        return [
            {"eventid": each["eventid"]} for each in self.events if each["value"] == "1" and each["r_eventid"] == "0"
        ]

    def event_get(self, params):
        found = self.events
        if "eventids" in params:
            found = [each for each in found if each["eventid"] in params["eventids"]]
        if "objectids" in params:
            found = [each for each in found if each["objectid"] in params["objectids"]]
        if "value" in params:
            found = [each for each in found if int(each["value"]) in params["value"]]
        if "severities" in params:
            found = [each for each in found if int(each["severity"]) in params["severities"]]
        found = [each for each in found if int(each["eventid"]) >= int(params.get("eventid_from", 0))]
        found = [each for each in found if int(each["clock"]) >= int(params.get("time_from", 0))]
        found = sorted(found, key=lambda each: int(each["eventid"]))[: int(params.get("limit", 10**9))]
        name = "selectAcknowledges" if self.minor >= (7, 0) else "select_acknowledges"
        out = []
        for each in found:
            shown = {key: each[key] for key in each if key != "acks"}
            out.append(shown | ({"acknowledges": each["acks"]} if name in params else {}))
        return out

    def maintenance_get(self, _):
        return self.maintenances

    def trigger_get(self, _):
        return [self.trigger]

    def item_get(self, _):
        cpu = {"itemid": "8", "key_": "cpu", "delay": "30s", "value_type": "0", "units": "%"}
        return [cpu | {"hosts": [{"host": "web01"}]}]

    def trend_get(self, params):
        first, last = int(params.get("time_from", 0)), int(params.get("time_till", 0))
        return [
            each for each in self.trends if each["itemid"] in params["itemids"] and first <= int(each["clock"]) <= last
        ]

    def sla_get(self, _):
        fields = {"slaid": "3", "name": "Gold", "period": "0", "slo": "99.9", "timezone": "UTC", "status": "1"}
        return [fields | {"effective_date": "0"}]

    def service_get(self, _):
        return [{"serviceid": "5", "name": "Shop", "tags": []}]

    def sla_getsli(self, params):
        start = int(params.get("period_from", 0))
        kept = [n for n, each in enumerate(self.sli["periods"]) if int(each["period_from"]) >= start]
        return {
            "periods": [self.sli["periods"][n] for n in kept],
            "serviceids": [int(each) for each in params["serviceids"]],
            "sli": [self.sli["sli"][n] for n in kept],
        }

    def watch_all(self, start: int, stop: int, *, of: str = "7", num: int = 60, **values) -> None:
        """Let an item have its values in every hour."""
        fields = {"value_min": "0", "value_avg": "10.5", "value_max": "20", **values}
        self.trends += [
            {"itemid": of, "clock": str(hour), "num": str(num), **fields} for hour in range(start, stop, HOUR)
        ]


def make(**changes):
    settings = {k: changes.pop(k) for k in list(changes) if k in ZabbixSettings.model_fields}
    fields = {
        "name": "mon",
        "base_dir": Path("/nowhere"),
        "zone": "Europe/Berlin",
        "clock": FixedClock(NOW),
        "call": lambda request: request(),
    }
    return make_source(configure(**settings), SourceContext(**{**fields, **changes}))


def read(source, stream: str, cursor: dict | None = None):
    """Read one slice; gives (documents, records, pages)."""
    (part,) = [each for each in source.slices() if each.stream == stream]
    pages = list(source.fetch(part, json.loads(json.dumps(cursor)) if cursor is not None else None))
    documents = [each for page in pages for each in page.documents]
    records = [record for each in documents for record in source.normalise(each).records]
    return documents, records, pages
