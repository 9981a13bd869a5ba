from __future__ import annotations

import json
from dataclasses import replace

import httpx
import pytest

from hub.clock import FixedClock
from hub.testing.contract import SourceContract
from hub_icinga.source import make_source
from tests.icinga.kit import NOW, SECRET, comment, configure, downtime, minutes, service

ONLY_TRIED = {"/v1/status/CIB", "/v1/objects/downtimes"}
"""Paths no example shows; the real server answers them."""
FAULTS = {
    "unauthorised": httpx.Response(401, html="<h1>Unauthorized. Please check your user credentials.</h1>"),
    "forbidden": httpx.Response(403, json={"error": 403, "status": "no"}),
    "missing": httpx.Response(404, json={"error": 404, "status": "No objects found."}),
    "gone": httpx.Response(410),
    "busy": httpx.Response(429),
    "broken": httpx.Response(503, json={"error": 503, "status": "Icinga is reloading."}),
    "cut": httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
    "not_json": httpx.Response(200, html="<html>log in</html>"),
}


class TestIcinga(SourceContract):
    secrets = (SECRET,)
    reads_by_post = (r"^/v1/objects/(hosts|services|comments|downtimes)$",)

    @pytest.fixture(autouse=True)
    def tool(self, icinga):
        self.icinga = icinga
        icinga.lists |= {
            "services": [
                service("http", 2, since=minutes(9), ok=minutes(12)),
                service("disk", 1, since=minutes(99), ok=minutes(100), last_state_unknown=minutes(99.5) / 1000),
                service("load"),
            ],
            "comments": [comment("OPS-12 seen", minutes(8)), comment("look", minutes(7), kind=1, name="web01!http!c2")],
            "downtimes": [downtime(NOW, NOW + 3_600_000)],
        }

    def make(self, context):
        return make_source(configure(page_size=2), replace(context, clock=FixedClock(NOW)))

    def make_faulty(self, fault, context):
        self.icinga.fault = FAULTS[fault]
        return self.make(context)

    def requests_seen(self):
        assert all(
            each.headers.get("X-HTTP-Method-Override") == "GET" for each in self.icinga.asked if each.method == "POST"
        )
        return [f"{each.method} {each.url.path}" for each in self.icinga.asked]

    def test_asks_as_the_documentation_shows(self, shared):
        """Every path, method and key of a question stands in an example of Icinga's API documentation."""
        examples = json.loads((shared / "contracts" / "icinga" / "icinga2-api-doc-examples.json").read_text())
        shown = " ".join(f"{one['text']} {json.dumps(one['json'])}" for one in examples)
        source = self.open()
        source.check()
        self.documents(source)
        assert len(self.icinga.asked) > 5
        for request in self.icinga.asked:
            assert request.url.path in shown or request.url.path in ONLY_TRIED, request.url.path
            assert request.headers["accept"] == "application/json"
            for key in json.loads(request.content) if request.content else ():
                assert f'"{key}"' in shown, key
        assert "X-HTTP-Method-Override: GET' -X POST" in shown
        assert "/v1/status" in shown


del SourceContract
