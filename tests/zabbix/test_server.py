"""A real Zabbix: fire, acknowledge, maintenance, a restart in between, resolve, its service levels, and what goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import httpx
import msgspec
import psycopg
import pytest

from hub.clock import FixedClock, SystemClock
from tests.zabbix.kit import DAY, HOUR, SHOP, make, read

pytestmark = [pytest.mark.peer, pytest.mark.timeout(900), pytest.mark.sqlite("no store takes part: once is enough")]
"""Its start counts too, on a machine that does much else."""
WAIT_S = 120
KEY = "shop01: Shop is down"


class Stage:
    """The server, a hand on its values, and a source that reads it from run to run."""

    def __init__(self, server: dict, shared: Path) -> None:
        self.server, self.script = server, shared / "peers" / "zabbix.py"
        self.cursors: dict[str, dict | None] = {}

    def make(self, *, clock=None, **changes):
        entries = {
            "url": self.server["url"],
            "token": self.server["token"],
            "services": {"service=shop": SHOP, "zabbix_service=Shop": SHOP},
            "availability": {KEY: SHOP},
            "measurements": [],
            "timeout_s": 240,  # one process of PHP answers, on a machine that does much else
        }
        return make(clock=clock or SystemClock(), **entries | changes)

    def run(self, stream: str, **changes):
        source = self.make(**changes)
        _, records, pages = read(source, stream, self.cursors.get(stream))
        source.close()
        assert not any(page.gaps for page in pages)
        self.cursors[stream] = pages[-1].cursor
        return records

    def call(self, method: str, params, token: str | None = None):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params, "auth": token or self.server["token"]}
        answer = httpx.post(
            self.server["url"], json=body, headers={"Content-Type": "application/json-rpc"}, timeout=240
        ).json()
        assert "error" not in answer, answer
        return answer["result"]

    def send(self, value: int) -> None:
        command = [sys.executable, "-B", str(self.script), "send", self.server["folder"], str(value)]
        subprocess.run(command, check=True, capture_output=True)

    def until(self, holds):
        end = time.monotonic() + WAIT_S
        while not (found := holds()):
            assert time.monotonic() < end, "it did not come to that"
            time.sleep(0.2)
        return found

    def restart(self) -> None:
        for verb in ("down", "up"):
            command = [sys.executable, "-B", str(self.script), verb, self.server["folder"]]
            told = subprocess.run(command, check=True, capture_output=True, text=True)
        self.server.update(json.loads(told.stdout.splitlines()[-1]))

    def token_of(self, name: str, *, groups: list[str], role: str) -> str:
        """Make a user in these groups and give its API token."""
        user = {"username": name, "passwd": "Very-s3cret-4711", "roleid": role}
        made = self.call("user.create", user | {"usrgrps": [{"usrgrpid": each} for each in groups]})
        token = self.call("token.create", {"name": name, "userid": made["userids"][0]})["tokenids"]
        return self.call("token.generate", token)[0]["token"]


def test_a_real_zabbix(server, shared):
    """One test: workers that share the rest would each start a server."""
    stage = Stage(server, shared)
    from_fire_to_resolved_with_a_restart_in_between(stage)
    history_and_service_levels_agree_to_the_second(stage)
    what_goes_wrong_is_one_clear_line(stage)


def from_fire_to_resolved_with_a_restart_in_between(stage):
    (fired,) = stage.run("event")
    assert (fired.title, fired.severity, fired.resource) == ("Shop is down", "High", "shop01")
    assert (fired.service_ids, fired.outage, fired.ended_at) == ([SHOP], True, None)
    assert stage.run("maintenance") == []

    number = fired.id.rpartition("/")[2]
    stage.call("event.acknowledge", {"eventids": number, "action": 6, "message": "OPS-42 we look"})
    now = int(time.time())
    stage.call(
        "maintenance.create",
        {
            "name": "CHG-1",
            "active_since": now - HOUR,
            "active_till": now + 9 * DAY,
            "hosts": [{"hostid": stage.server["hostid"]}],
            "timeperiods": [{"timeperiod_type": 0, "start_date": now // 60 * 60 + 3 * DAY, "period": HOUR}],
        },
    )
    (taken,) = stage.run("event")
    assert taken.id == fired.id
    assert taken.acknowledged_at >= fired.started_at // 1000 * 1000
    assert [one.key for one in taken.references] == ["OPS-42"]
    (window,) = stage.run("maintenance")
    assert (window.start, window.end - window.start) == ((now // 60 * 60 + 3 * DAY) * 1000, HOUR * 1000)
    assert window.announced_at <= window.start - 48 * HOUR * 1000

    stage.restart()
    (again,) = stage.run("event")
    assert msgspec.structs.replace(again, url=taken.url) == taken, "its port alone is another"
    stage.send(0)
    stage.until(lambda: stage.call("problem.get", {"output": ["eventid"]}) == [])
    (resolved,) = stage.run("event")
    assert (resolved.id, resolved.status_category) == (fired.id, "resolved")
    assert taken.acknowledged_at <= resolved.ended_at + 1000
    assert stage.cursors["event"]["open"] == {}
    assert stage.run("maintenance") == [window]


def history_and_service_levels_agree_to_the_second(stage):
    """Two days, half an hour down in each, written into Zabbix's own tables."""
    today = int(time.time()) // DAY * DAY
    days = (today - 2 * DAY, today - DAY)
    trigger, service = int(stage.server["triggerid"]), int(stage.server["serviceid"])
    (item,) = stage.call("item.get", {"hostids": [stage.server["hostid"]], "output": ["itemid"]})
    with psycopg.connect(stage.server["postgres"], dbname="zabbix", autocommit=True) as conn:
        conn.execute("update services set created_at = %s", [days[0] - DAY])
        conn.execute("update sla set effective_date = %s", [days[0] - DAY])
        for n, day in enumerate(days):
            for hour in range(day, day + DAY, HOUR):
                row = [item["itemid"], hour, 60, 0, 0, 1]
                conn.execute("insert into trends_uint values (%s, %s, %s, %s, %s, %s)", row)
            for value, at in ((1, day + 9 * HOUR), (0, day + 9 * HOUR + 1800)):
                number = 1000 + 2 * n + 1 - value
                conn.execute(
                    "insert into events (eventid, source, object, objectid, clock, value, ns, name, severity)"
                    " values (%s, 0, 0, %s, %s, %s, 0, 'Shop is down', 4)",
                    [number, trigger, at, value],
                )
                alarm = [number, service, at, 4 if value else -1]
                conn.execute(
                    "insert into service_alarms (servicealarmid, serviceid, clock, value) values (%s, %s, %s, %s)",
                    alarm,
                )
            recovery = [1000 + 2 * n, 1000 + 2 * n + 1]
            conn.execute("insert into event_recovery (eventid, r_eventid) values (%s, %s)", recovery)
    alerts = [one for one in stage.run("event") if one.started_at < today * 1000]
    assert [(one.started_at // 1000, one.ended_at // 1000) for one in alerts] == [
        (day + 9 * HOUR, day + 9 * HOUR + 1800) for day in days
    ]
    told = [one for one in stage.run("sli") if one.period.start >= days[0] * 1000]
    assert [round(one.actual, 8) for one in told] == [97.91666667, 97.91666667]
    samples = stage.run("watch", since=time.strftime("%Y-%m-%d", time.gmtime(days[0])))
    for one in told:
        ours = [each for each in samples if one.period.start <= each.at < one.period.end]
        seconds = {state: sum(each.interval_s for each in ours if each.state == state) for state in ("up", "down")}
        assert seconds == {"up": one.numerator, "down": one.denominator - one.numerator}


def what_goes_wrong_is_one_clear_line(stage):
    def only(**changes):
        source = stage.make(**changes)
        lines = [each.text for each in source.check() if each.level == "error"]
        source.close()
        return lines

    assert only() == []
    (refused,) = only(token="0" * 64)
    assert "user.checkAuthentication: Invalid params. Not authorized" in refused
    (apart,) = only(clock=FixedClock(int(time.time() * 1000) - 630_000))
    assert "Zabbix's clock is 10 minutes ahead of this machine's" in apart

    nobody = stage.call("usergroup.create", {"name": "sees nothing"})["usrgrpids"]
    blind = stage.token_of("blind", groups=nobody, role="1")
    assert only(token=blind)[0] == "no host is visible"
    source = stage.make(token=blind)
    assert {part.unreadable for part in source.slices()} == {
        "blind sees no host; give its user group the permission to read host groups"
    }
    source.close()
    rules = {"api.access": 1, "api.mode": 0, "api": ["event.get", "maintenance.get"]}
    role = stage.call("role.create", {"name": "narrow", "type": 3, "rules": rules})["roleids"][0]
    narrow = stage.token_of("narrow", groups=["7"], role=role)
    told = only(token=narrow)
    assert [text.partition(":")[0] for text in told] == ["event.get", "maintenance.get"]
    assert all("No permissions to call" in text for text in told)
    source = stage.make(token=narrow)
    found = {part.stream: part.unreadable for part in source.slices()}
    source.close()
    assert [stream for stream, reason in found.items() if reason] == ["event", "maintenance"]
