from __future__ import annotations

import json
from dataclasses import replace

import httpx
import pytest

from hub.clock import FixedClock
from hub.errors import AuthenticationFailed, ScopeUnreadable
from hub.testing.contract import SourceContract
from hub_zabbix.source import make_source
from tests.zabbix.kit import DAY, HOUR, NOW, NOW_S, SECRET, ack, configure, event, make


def told(data: str) -> httpx.Response:
    """An error as Zabbix sends it: with HTTP 200."""
    error = {"code": -32602, "message": "Invalid params.", "data": data}
    return httpx.Response(200, json={"jsonrpc": "2.0", "error": error, "id": 1})


FAULTS = {
    "unauthorised": told("Not authorized."),
    "forbidden": told('No permissions to call "event.get".'),
    "missing": httpx.Response(404, text="no such page"),
    "gone": httpx.Response(410),
    "busy": httpx.Response(429),
    "broken": httpx.Response(502, html="<h1>Bad gateway</h1>"),
    "cut": httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
    "not_json": httpx.Response(200, html="<!DOCTYPE html><title>Zabbix</title>"),
}


class ZabbixContract(SourceContract):
    secrets = (SECRET,)
    reads_by_post = (r"^/zabbix/api_jsonrpc.php#[a-z]+\.(get|getsli|version|checkAuthentication)$",)
    version = "6.0.14"

    @pytest.fixture(autouse=True)
    def tool(self, zabbix):
        self.zabbix = zabbix
        zabbix.version = self.version
        zabbix.events = [
            event(1, NOW_S - 5 * DAY, r_eventid="2", acknowledged="1", acks=[ack(1, NOW_S - 5 * DAY + 60)]),
            event(2, NOW_S - 5 * DAY + HOUR, value="0"),
            event(3, NOW_S - DAY, objectid="200", hosts=[], tags=[], suppression_data=[{"maintenanceid": "9"}]),
            event(4, NOW_S - 3 * HOUR, name="Disk", severity="2", objectid="201"),
            event(5, NOW_S - 120),
        ]
        zabbix.watch_all(NOW_S // DAY * DAY - 40 * DAY, NOW_S)
        zabbix.watch_all(NOW_S // DAY * DAY - 2 * DAY, NOW_S, of="8", num=120)
        times = {"timeperiod_type": "3", "every": "1", "dayofweek": "64", "start_time": "7200", "period": "3600"}
        zabbix.maintenances = [
            {
                "maintenanceid": str(n),
                "name": f"Sunday {n}",
                "active_since": str(NOW_S - 20 * DAY),
                "active_till": str(NOW_S + 20 * DAY),
                "timeperiods": [times],
                "hosts": [{"host": "web01"}],
                "groups": [{"name": "VPN gateways"}],
                "tags": [{"tag": "service", "value": "shop"}],
            }
            for n in range(3)
        ]
        first = NOW_S // DAY * DAY - 2 * DAY
        cell = {"uptime": 86_000, "downtime": 400, "sli": 99.53703703703704, "error_budget": 0}
        zabbix.sli = {
            "periods": [{"period_from": first + n * DAY, "period_to": first + (n + 1) * DAY} for n in range(3)],
            "sli": [[cell | {"excluded_downtimes": []}]] * 3,
        }

    def make(self, context):
        return make_source(configure(page_size=2, since="2026-09-15"), replace(context, clock=FixedClock(NOW)))

    def make_faulty(self, fault, context):
        self.zabbix.fault = FAULTS[fault]
        return self.make(context)

    def requests_seen(self):
        return [f"POST /zabbix/api_jsonrpc.php#{each['method']}" for each in self.zabbix.asked]

    def test_the_token_goes_where_this_version_takes_it(self):
        list(self.open().slices())
        for body, headers in zip(self.zabbix.asked, self.zabbix.headers, strict=True):
            free = body["method"] in {"apiinfo.version", "user.checkAuthentication"}
            if self.version < "6.4":
                assert (body.get("auth"), headers.get("authorization")) == (None if free else SECRET, None)
            else:
                assert (body.get("auth"), headers.get("authorization")) == (None, None if free else f"Bearer {SECRET}")

    def test_asks_as_the_documentation_shows(self, shared):
        """Every method and parameter stands in an example of the documentation of 7.x, or is named as only tried."""
        examples = json.loads((shared / "contracts" / "zabbix" / "zabbix-api-doc-request-examples.json").read_text())
        shown: dict[str, set[str]] = {}
        for one in examples.values():
            params = one["params"] if isinstance(one["params"], dict) else {}
            shown.setdefault(one["method"], set()).update(params)
        everywhere = set().union(*shown.values())
        source = self.open()
        source.check()
        self.documents(source)
        for body in self.zabbix.asked:
            assert body["method"] in shown, body["method"]
            assert body["jsonrpc"] == "2.0"
            params = body["params"] if isinstance(body["params"], dict) else {}
            assert set(params) <= everywhere | ONLY_TRIED[self.version], body


ONLY_TRIED = {
    "6.0.14": {"eventids", "eventid_from", "slaids", "selectGroups", "select_acknowledges", "token", "selectItems"},
    "7.2.0": {"eventids", "eventid_from", "slaids", "token", "selectItems"},
}
"""Parameters no example shows; 6.0 calls some by other names, and the real server takes these."""


class TestZabbix60(ZabbixContract):
    pass


class TestZabbix72(ZabbixContract):
    version = "7.2.0"


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ("Session terminated, re-login, please.", AuthenticationFailed),
        ("API token expired.", AuthenticationFailed),
        ('No permissions to call "problem.get".', ScopeUnreadable),
    ],
)
def test_an_error_with_http_200_is_a_fault(zabbix, data, fault):
    zabbix.fault = told(data)
    source = make()
    if fault is AuthenticationFailed:
        with pytest.raises(fault, match=r"host\.get: Invalid params"):
            source.slices()
    else:
        zabbix.fault = None
        zabbix.refused["problem.get"] = {"data": data}
        event_slice, *others = source.slices()
        assert event_slice.unreadable.startswith(f"problem.get: Invalid params. {data[:-1]}")
        assert [each.unreadable for each in others] == [None, None, None]


del ZabbixContract, SourceContract
