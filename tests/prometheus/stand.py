"""What tests do with the real servers: fire, silence, restart; and 29 days of history to begin with."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml

from hub.clock import Clock, SystemClock, format_instant
from hub.sync.source import SourceContext
from hub_prometheus.settings import PrometheusSettings
from hub_prometheus.source import PrometheusSource, make_source

FEBRUARY = 1_706_745_600
"""2024-02-01T00:00Z in seconds: a month of 29 days."""
DAYS = 29
DOWN_FROM, DOWN_TO = 600, 630
"""Minutes of each day in which the shop is down: 30 of 1440, so that it is up for 0.97916666 of the time."""
SHOP = "register:services/shop"


def backfill(data: Path) -> None:
    """Write the month of February 2024 as promtool takes it."""
    lines = ["# TYPE demo_up gauge"]
    for minute in range(DAYS * 1440):
        up = 0 if DOWN_FROM <= minute % 1440 < DOWN_TO else 1
        lines.append(f'demo_up{{service="shop"}} {up} {FEBRUARY + minute * 60}')
    data.mkdir(parents=True, exist_ok=True)
    text = data.parent / "february.txt"
    text.write_text("\n".join([*lines, "# EOF", ""]))
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=720h"]
    subprocess.run([*command, str(text), str(data)], check=True, capture_output=True)


def context(folder: Path, clock: Clock | None = None, **more: Any) -> SourceContext:
    return SourceContext("metrics", folder, "UTC", clock or SystemClock(), lambda request: request(), **more)


class Stand:
    """The running pair."""

    def __init__(self, facts: dict[str, Any], folder: Path) -> None:
        self.facts, self.folder = facts, folder
        self.prometheus: str = facts["prometheus"]
        self.alertmanager: str = facts["alertmanager"]
        self._tests = 0
        self._made: list[PrometheusSource] = []
        self._children: list[subprocess.Popen[bytes]] = []

    def settings(self, **more: Any) -> PrometheusSettings:
        fields = {
            "plugin": "prometheus",
            "url": self.prometheus,
            "alertmanagers": [self.alertmanager],
            "services": {"service=shop": SHOP},
            "outage": ["severity=critical"],
            "ticket_projects": ["OPS"],
            "step_s": 2,
            "history_days": 1,
            "alerts": f'alertname="QueueTooLong",queue="{self.named}"',
            "overlap_minutes": 1,
        }
        return PrometheusSettings.model_validate(fields | more)

    def source(self, folder: Path, *, clock: Clock | None = None, **more: Any) -> PrometheusSource:
        self._made.append(make_source(self.settings(**more), context(folder, clock)))
        return self._made[-1]

    @property
    def named(self) -> str:
        """The queue of this test: what fired for an earlier test is remembered by both servers, and is none of its alerts."""
        return f"orders-{self._tests}"

    def close(self) -> None:
        """End what the test opened; the next one has a queue of its own."""
        self._tests += 1
        while self._made:
            self._made.pop().close()

    def queue(self, length: int) -> None:
        """More than 10 fires the alert."""
        Path(self.facts["metrics_file"]).write_text(
            f'# TYPE demo_queue_length gauge\ndemo_queue_length{{queue="{self.named}"}} {length}\n'
            '# TYPE demo_up gauge\ndemo_up{service="shop"} 1\n'
        )

    def scrape(self, text: str, rules: Path) -> None:
        """Let Prometheus scrape this text too, and load these rules beside its own."""
        metrics = Path(self.facts["metrics_file"])
        metrics.write_text(metrics.read_text() + text)
        own = Path(self.facts["rules_file"])
        both = [one for path in (own, rules) for one in yaml.safe_load(path.read_text())["groups"]]
        own.write_text(yaml.safe_dump({"groups": list({one["name"]: one for one in both}.values())}))
        httpx.post(f"{self.prometheus}/-/reload").raise_for_status()

    def fired(self) -> dict[str, list[dict[str, str]]]:
        """Return the labels of every alert that fires in Prometheus, by its name."""
        found: dict[str, list[dict[str, str]]] = {}
        for one in httpx.get(f"{self.prometheus}/api/v1/alerts").json()["data"]["alerts"]:
            if one["state"] == "firing":
                found.setdefault(one["labels"]["alertname"], []).append(one["labels"])
        return found

    def firing(self) -> list[dict[str, Any]]:
        found = httpx.get(f"{self.alertmanager}/api/v2/alerts").json()
        return [one for one in found if one["labels"].get("queue") == self.named]

    def silence(
        self, comment: str, matchers: dict[str, str], *, start: datetime | None = None, hours: float = 1
    ) -> str:
        begins = start or datetime.now(UTC)
        body = {
            "matchers": [{"name": k, "value": v, "isRegex": False, "isEqual": True} for k, v in matchers.items()],
            "startsAt": begins.isoformat(),
            "endsAt": (begins + timedelta(hours=hours)).isoformat(),
            "createdBy": "alice",
            "comment": comment,
        }
        answer = httpx.post(f"{self.alertmanager}/api/v2/silences", json=body)
        return str(answer.raise_for_status().json()["silenceID"])

    def expire(self, silence: str) -> None:
        httpx.delete(f"{self.alertmanager}/api/v2/silence/{silence}").raise_for_status()

    def tell(self, labels: dict[str, str]) -> None:
        """Let Alertmanager have an alert of somebody else, of a minute ago."""
        began = format_instant(SystemClock().now_ms() - 60_000)
        alert = {"labels": labels, "startsAt": began}
        httpx.post(f"{self.alertmanager}/api/v2/alerts", json=[alert]).raise_for_status()

    def pause(self, name: str, seconds: float) -> None:
        """Let one of the two do nothing for a while, as a machine does that is too busy."""
        pid = int((self.folder / f"{name}.pid").read_text().split()[0])
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)

    def restart(self, name: str) -> None:
        """Stop one of the two and start it again as it was, over the same data.

        What fires reaches an Alertmanager that was restarted a minute later at most: Prometheus tells it again only then.
        """
        place = self.folder / f"{name}.pid"
        pid = int(place.read_text().split()[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: _ended(pid))
        with (self.folder / f"{name}.log").open("ab") as log:
            started = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        place.write_text(f"{started.pid} {_stat(started.pid)[19]}\n")
        self._children.append(started)
        wait_until(lambda: _answers(f"{getattr(self, name)}/-/ready"))

    def measured(self, query: str) -> bool:
        """Tell whether a query has a value now; the first scrape comes some seconds after the start."""
        found = httpx.get(f"{self.prometheus}/api/v1/query", params={"query": query}).json()
        return bool(found["data"]["result"])

    def steady(self) -> None:
        """Let the alert outlast a scrape that a busy machine did not answer in time: it would end and fire anew."""
        rules = Path(self.facts["rules_file"])
        plain = "demo_queue_length > 10"
        assert plain in rules.read_text()
        rules.write_text(rules.read_text().replace(plain, "last_over_time(demo_queue_length[10s]) > 10"))
        httpx.post(f"{self.prometheus}/-/reload").raise_for_status()

    def scraped(self) -> None:
        """Wait until both were scraped once, and as long as a step is: only then has every look a value to see."""
        wait_until(lambda: self.measured("up == 1") and self.measured("demo_up"))
        time.sleep(self.settings().step_s)

    def reap(self) -> None:
        for one in self._children:
            one.wait(10)

    def value(self, query: str, at_s: int) -> float:
        """Ask Prometheus itself."""
        found = httpx.get(f"{self.prometheus}/api/v1/query", params={"query": query, "time": at_s}).json()
        return float(found["data"]["result"][0]["value"][1])


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def _ended(pid: int) -> bool:
    try:
        return _stat(pid)[0] == "Z"
    except OSError:
        return True


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.HTTPError:
        return False


def wait_until(true: Callable[[], Any], seconds: float = 20) -> Any:
    """Wait until something is so; the servers look once a second."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} seconds, it is {format_instant(SystemClock().now_ms())}")
