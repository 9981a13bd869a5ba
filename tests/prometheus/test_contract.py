from __future__ import annotations

from dataclasses import replace

import httpx
import jsonschema
import pytest
import yaml

from hub.clock import FixedClock
from hub.testing.contract import SourceContract
from hub_prometheus.source import make_source
from tests.prometheus.kit import DAY_S, LABELS, NOW, SECRET, configure, firing, minutes, silence

FAULTS = {
    "unauthorised": httpx.Response(401, text="Unauthorized"),
    "forbidden": httpx.Response(403, text="forbidden"),
    "missing": httpx.Response(404, text="404 page not found"),
    "gone": httpx.Response(410),
    "busy": httpx.Response(429, headers={"Retry-After": "1"}),
    "broken": httpx.Response(503, json={"status": "error", "errorType": "unavailable", "error": "starting up"}),
    "cut": httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
    "not_json": httpx.Response(200, html="<html>log in</html>"),
}


class TestPrometheus(SourceContract):
    secrets = (SECRET,)

    @pytest.fixture(autouse=True)
    def tool(self, servers):
        self.servers = servers
        begun = NOW // 1000 - DAY_S
        servers.fired = [
            (LABELS, begun + 3600, begun + 7200),
            (LABELS, minutes(90), minutes(80)),
            (LABELS, minutes(9), None),
            ({**LABELS, "service": "desk", "team": "security"}, minutes(300), minutes(200)),
        ]
        servers.alerts = [
            firing(minutes(9), silenced="s1", summary="see OPS-12"),
            firing(minutes(30), {"alertname": "FromElsewhere", "service": "shop"}),
        ]
        servers.silences = [silence(minutes(5), "taken, OPS-12")]
        servers.values = {"probe_success": lambda at: "0" if at % DAY_S < 600 else "1", "queue": lambda at: str(at % 7)}

    def make(self, context):
        return make_source(configure(), replace(context, clock=FixedClock(NOW)))

    def make_faulty(self, fault, context):
        self.servers.fault = FAULTS[fault]
        return self.make(context)

    def requests_seen(self):
        return [f"{each.method} {each.url.path}" for each in self.servers.asked]

    def test_asks_and_is_answered_as_the_descriptions_say(self, shared):
        prometheus = yaml.safe_load(
            (shared / "contracts" / "prometheus" / "prometheus-api-v1.openapi-3.1.yaml").read_text()
        )
        place = shared / "contracts" / "alertmanager" / "alertmanager-api-v2.openapi.yaml"
        alertmanager = yaml.safe_load(place.read_text())
        described = {f"/api/v1{path}": item["get"] for path, item in prometheus["paths"].items() if "get" in item}
        described |= {f"/api/v2{path}": item["get"] for path, item in alertmanager["paths"].items() if "get" in item}
        source = self.open()
        source.check()
        self.documents(source)
        assert {one.url.path for one in self.servers.asked} >= {
            "/api/v1/query_range",
            "/api/v2/alerts",
            "/api/v2/silences",
        }
        for request in self.servers.asked:
            operation = described[request.url.path]
            known = {one.get("name"): one for one in operation.get("parameters", [])}
            assert set(request.url.params) <= set(known), request.url
            assert {name for name, one in known.items() if one.get("required")} <= set(request.url.params), request.url
            assert request.headers["authorization"] == f"Bearer {SECRET}"
        for name, answers in (("gettableAlerts", self.servers.alerts), ("gettableSilences", self.servers.silences)):
            schema = {"$ref": f"#/definitions/{name}", "definitions": alertmanager["definitions"]}
            jsonschema.validate(answers, schema)


del SourceContract
