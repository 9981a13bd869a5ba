"""A small Prometheus with an Alertmanager, answering from what a test says fired."""

from __future__ import annotations

import re
from typing import Any

import httpx

from hub.clock import format_instant, parse_instant
from hub_prometheus.settings import PrometheusSettings

SECRET = "tok-77aa-never-shown"
NOW = parse_instant("2026-10-01T06:00:00Z")
URL, ALERTMANAGER = "https://prometheus.example:9090", "https://alertmanager.example:9093"
SHOP = "register:services/shop"
DB = "register:configuration_items/db1"
DAY_S = 86_400
_REPEATED_S = 300
"""For so long Prometheus repeats a value whose series is not marked as ended."""
LABELS = {"alertname": "ShopDown", "service": "shop", "severity": "critical"}


def configure(**more: Any) -> PrometheusSettings:
    fields = {
        "plugin": "prometheus",
        "url": URL,
        "alertmanagers": [ALERTMANAGER],
        "token": SECRET,
        "services": {"service=shop": SHOP},
        "outage": ["severity=critical"],
        "security": ["team=security"],
        "items": {"instance=db1*": DB},
        "altered": ["alertname=VersionChanged"],
        "ticket_projects": ["OPS"],
        "history_days": 1,
        "availability": [{"service": SHOP, "query": 'probe_success{service="shop"}'}],
        "measurements": [{"metric": "queue", "query": "max(queue)", "subject": SHOP, "target": 10, "every": "hour"}],
    }
    return PrometheusSettings.model_validate(fields | more)


def minutes(ago: float) -> int:
    """Seconds since 1970, so many minutes before now."""
    return NOW // 1000 - round(ago * 60)


class Servers:
    """What both servers answer."""

    def __init__(self) -> None:
        self.now_ms = NOW
        self.fired: list[tuple[dict[str, str], int, int | None]] = []
        """(labels, first second, second after the last; None = it fires)."""
        self.off: list[tuple[int, int]] = []
        """Times in which Prometheus was not at work."""
        self.late_s = 0
        """Seconds after such a time until its rules are evaluated again."""
        self.values: dict[str, Any] = {}
        """Part of a query -> function of the second, or None where there is no value."""
        self.alerts: list[dict[str, Any]] = []
        self.silences: list[dict[str, Any]] = []
        self.most_points = 11_000
        self.largest = 0
        """Points of the largest answer."""
        self.warnings: list[str] = []
        self.fault: httpx.Response | Exception | None = None
        self.alertmanager_fault: httpx.Response | Exception | None = None
        self.asked: list[httpx.Request] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.host == "alertmanager.example":
            if (fault := self.alertmanager_fault or self.fault) is not None:
                return self._fail(fault)
            return httpx.Response(200, json=self.alerts if request.url.path.endswith("alerts") else self.silences)
        if self.fault is not None:
            return self._fail(self.fault)
        asked = request.url.params
        if request.url.path == "/api/v1/query_range":
            return self._range(asked["query"], int(asked["start"]), int(asked["end"]), int(asked["step"]))
        if request.url.path == "/api/v1/query":
            return self._good("scalar", [self.now_ms / 1000, str(self.now_ms / 1000)])
        return httpx.Response(200, json={"status": "success", "data": {"version": "2.53.0"}})

    @staticmethod
    def _fail(fault: httpx.Response | Exception) -> httpx.Response:
        if isinstance(fault, Exception):
            raise fault
        return httpx.Response(fault.status_code, headers=fault.headers, content=fault.content)

    def _good(self, kind: str, result: Any) -> httpx.Response:
        answer = {"status": "success", "data": {"resultType": kind, "result": result}}
        return httpx.Response(200, json=answer | ({"warnings": self.warnings} if kind == "matrix" else {}))

    def _range(self, query: str, start: int, end: int, step: int) -> httpx.Response:
        looks = range(start, end + 1, step)
        if len(looks) > self.most_points:
            text = f"exceeded maximum resolution of {self.most_points:,} points per timeseries."
            return httpx.Response(400, json={"status": "error", "errorType": "bad_data", "error": text})
        if "ALERTS" in query:
            series: dict[str, dict[str, Any]] = {}
            for labels, first, after in self.fired:
                here = looks[max(0, -(-(first - start) // step)) :]
                here = here if after is None else here[: max(0, (after + _REPEATED_S - here.start) // step)]
                if seen := [[at, str(of)] for at in here if (of := self._fired(first, after or end + 1, at))]:
                    metric = {**labels, "alertstate": "firing"}
                    series.setdefault(str(metric), {"metric": metric, "values": []})["values"] += seen
            found = [{**one, "values": sorted(one["values"])} for one in series.values()]
            self.largest = max(self.largest, sum(len(one["values"]) for one in found))
            return self._good("matrix", found)
        if "(up)" in query:
            beats = [[at, str(of)] for at in looks if (of := self._measured(at))]
            return self._good("matrix", [{"metric": {}, "values": beats}])
        for part, value in self.values.items():
            if part in query:
                told = [[at, text] for at in looks if (text := value(at)) is not None and self._on(at)]
                return self._good("matrix", [{"metric": {}, "values": told}] if told else [])
        return self._good("matrix", [])

    def _on(self, at: int, late_s: int = 0) -> bool:
        return not any(first <= at < after + late_s for first, after in self.off)

    def _measured(self, at: int, late_s: int = 0) -> int | None:
        """When the value was measured that Prometheus gives for an instant."""
        last = min((first - 1 for first, after in self.off if first <= at < after + late_s), default=at)
        return last if at - last < _REPEATED_S else None

    def _fired(self, first: int, after: int, at: int) -> int | None:
        """The same of an alert: one that is over is marked, unless Prometheus was not at work when it ended."""
        last = self._measured(min(at, after - 1), self.late_s)
        if last is None or last < first or at - last >= _REPEATED_S or (at >= after and self._on(after, self.late_s)):
            return None
        return last


def firing(
    started_s: int, labels: dict[str, str] | None = None, *, silenced: str = "", **annotations: str
) -> dict[str, Any]:
    """An alert as Alertmanager has it."""
    return {
        "fingerprint": re.sub(r"\W", "", str(sorted((labels or LABELS).items())))[:16],
        "startsAt": format_instant(started_s * 1000 + 250),
        "endsAt": format_instant(NOW + 240_000),
        "updatedAt": format_instant(NOW - 1000),
        "labels": {**(labels or LABELS), "site": "lab"},
        "annotations": annotations,
        "receivers": [{"name": "desk"}],
        "generatorURL": f"{URL}/graph",
        "status": {
            "state": "suppressed" if silenced else "active",
            "silencedBy": [silenced] if silenced else [],
            "inhibitedBy": [],
            "mutedBy": [],
        },
    }


def silence(
    start_s: int, comment: str, *, name: str = "s1", changed_s: int | None = None, **matchers: str
) -> dict[str, Any]:
    """A silence as Alertmanager has it."""
    return {
        "id": name,
        "startsAt": format_instant(start_s * 1000),
        "endsAt": format_instant((start_s + 3600) * 1000),
        "updatedAt": format_instant((changed_s or start_s) * 1000),
        "comment": comment,
        "createdBy": "alice",
        "annotations": {},
        "matchers": [
            {"name": key, "value": value, "isRegex": False, "isEqual": True}
            for key, value in (matchers or {"service": "shop"}).items()
        ],
        "status": {"state": "active"},
    }
