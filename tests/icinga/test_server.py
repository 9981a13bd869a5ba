"""A real Icinga 2: fire, acknowledge, downtime, resolve, a restart in between, and what goes wrong."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from hub.clock import FixedClock, SystemClock
from hub_icinga.source import make_source
from tests.icinga.kit import SHOP, configure, context, of, read

pytestmark = [pytest.mark.peer, pytest.mark.timeout(900), pytest.mark.sqlite("no store takes part: once is enough")]
"""Its start counts too, on a machine that does much else."""
WAIT_S = 60


class Stage:
    """The server, a hand on its checks, and a source that reads it from run to run."""

    def __init__(self, server: dict, shared: Path) -> None:
        self.server, self.shared = server, shared
        self.cursors: dict[str, dict | None] = {"state": None, "downtime": None}

    def make(self, *, clock=None, **changes):
        entries = {
            "url": self.server["url"],
            "user": "hub",
            "password": "secret",
            "ca_bundle": self.server["ca_file"],
            "services": {"vars.team=ops": SHOP, "host=web01": SHOP},
            "availability": {"web01!ping": SHOP},
            "measurements": [{"object": "web01!disk", "label": "value", "metric": "disk", "subject": SHOP}],
        }
        return make_source(configure(**entries | changes), context(clock=clock or SystemClock()))

    def run(self, stream: str = "state"):
        source = self.make()
        _, records, page = read(source, stream, self.cursors[stream])
        source.close()
        assert page.gaps == []
        self.cursors[stream] = page.cursor
        return records

    def post(self, path: str, *, method: str = "POST", **body):
        trust = ssl.create_default_context(cafile=self.server["ca_file"])
        headers = {"Accept": "application/json"}
        answer = httpx.request(
            method, self.server["url"] + path, json=body, auth=("hub", "secret"), verify=trust, headers=headers
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["results"]

    def turn(self, name: str, state: int) -> None:
        """Let a check give this state, and wait until that is hard."""
        Path(self.server["state_files"].replace("{http,disk,ping}", name)).write_text(f"{state}\n")
        self.until(lambda: self.shows(name, state))

    def shows(self, name: str, state: int) -> bool:
        (found,) = self.post(f"/v1/objects/services/web01!{name}", method="GET")
        return (found["attrs"]["last_hard_state"], found["attrs"]["state_type"]) == (state, 1)

    def until(self, holds) -> None:
        end = time.monotonic() + WAIT_S
        while not holds():
            assert time.monotonic() < end, "it did not come to that"
            time.sleep(0.1)

    def restart(self) -> None:
        command = [sys.executable, "-B", str(self.shared / "peers" / "icinga2.py")]
        subprocess.run([*command, "down", self.server["folder"]], check=True, capture_output=True)
        kept = Path(self.server["folder"]) / "state"
        saved = {each.name: each.read_text() for each in kept.iterdir() if each.suffix != ".sh"}
        up = subprocess.run([*command, "up", self.server["folder"]], check=True, capture_output=True, text=True)
        for name, text in saved.items():
            (kept / name).write_text(text)
        self.server.update(json.loads(up.stdout.splitlines()[-1]))


@pytest.fixture
def stage(server, shared):
    return Stage(server, shared)


def test_from_fire_to_resolved_with_a_restart_in_between(stage):
    stage.until(lambda: stage.shows("http", 2) and stage.shows("disk", 1))
    alerts = {one.fingerprint: one for one in of(stage.run(), "Alert")}
    assert {name: one.severity for name, one in alerts.items()} == {"web01!http": "CRITICAL", "web01!disk": "WARNING"}
    assert stage.run("downtime") == []

    stage.turn("ping", 2)
    fired = time.time() * 1000
    named = {"type": "Service", "filter": 'service.name=="ping"', "author": "alice"}
    stage.post("/v1/actions/acknowledge-problem", **named, comment="OPS-42 we look", sticky=True)
    now = int(time.time())
    whole_host = {"type": "Host", "filter": 'host.name=="web01"', "author": "alice", "comment": "CHG-1"}
    entered = stage.post(
        "/v1/actions/schedule-downtime", **whole_host, start_time=now - 60, end_time=now + 3600, fixed=True
    )
    time.sleep(1.1)  # samples are of whole seconds
    records = stage.run()
    ping = next(one for one in of(records, "Alert") if one.fingerprint == "web01!ping")
    assert abs(ping.started_at - fired) < 10_000
    assert ping.started_at < ping.acknowledged_at < time.time() * 1000
    assert [one.key for one in ping.references] == ["OPS-42"]
    assert (ping.ended_at, ping.outage, ping.service_ids) == (None, True, [SHOP])
    states = [one.state for one in of(records, "AvailabilitySample")]
    assert states[:2] == ["unknown", "down"], "between the readings it changed"
    assert [one.actual for one in of(records, "Measurement")] == [1.0]
    (window,) = stage.run("downtime")
    assert (window.start, window.end) == ((now - 60) * 1000, (now + 3600) * 1000)
    assert abs(window.announced_at - now * 1000) < 10_000

    stage.restart()
    records = stage.run()
    again = next(one for one in of(records, "Alert") if one.fingerprint == "web01!ping")
    assert again == ping, "a restart changes nothing of what is known"
    assert {one.state for one in of(records, "AvailabilitySample")} == {"unknown"}, "Icinga did not run all the time"

    stage.turn("ping", 0)
    stage.post("/v1/actions/remove-downtime", downtime=entered[0]["name"])
    resolved = next(one for one in of(stage.run(), "Alert") if one.fingerprint == "web01!ping")
    assert resolved.id == ping.id
    assert resolved.ended_at > ping.acknowledged_at
    assert (resolved.status_category, resolved.acknowledged_at) == ("resolved", ping.acknowledged_at)
    assert "web01!ping" not in stage.cursors["state"]["open"]
    (removed,) = stage.run("downtime")
    assert (removed.id, removed.status_category) == (window.id, "cancelled")
    assert removed.end < window.end


def test_what_goes_wrong_is_one_clear_line(stage):
    def only(**changes):
        source = stage.make(**changes)
        lines = [each for each in source.check() if each.level == "error"]
        source.close()
        return [each.text for each in lines]

    assert only() == []
    (untrusted,) = only(ca_bundle=None)
    assert "the certificate of 127.0.0.1 is not trusted" in untrusted
    (refused,) = only(password="wrong")
    assert "Icinga does not accept the credential" in refused
    rights = ["objects/query/Host", "status/query"]
    stage.post("/v1/objects/apiusers/limited", method="PUT", attrs={"password": "secret", "permissions": rights})
    found = only(user="limited")
    assert [text for text in found if text.startswith("permission")] == [
        "permission objects/query/Service is missing: services cannot be read",
        "permission objects/query/Comment is missing: acknowledgements and comments cannot be read",
        "permission objects/query/Downtime is missing: downtimes cannot be read",
    ]
    assert any("No objects found" in text or "objects/query/Service" in text for text in found[3:])
    limited = stage.make(user="limited")
    assert all(part.unreadable for part in limited.slices())
    limited.close()
    (behind,) = only(clock=FixedClock(int(time.time() * 1000) + 630_000))
    assert "10 minutes behind" in behind
    source = stage.make(clock=FixedClock(int(time.time() * 1000) - 630_000))
    (gap,) = read(source)[2].gaps
    source.close()
    assert "10 minutes ahead of" in gap, "the reading is incomplete, so nothing is concluded from it"
