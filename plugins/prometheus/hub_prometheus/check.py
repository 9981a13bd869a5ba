"""`hub check` for a Prometheus: may we ask, is it at work, do the queries give what is needed, which alerts have no service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.errors import SourceError
from hub.sync.source import CheckLine
from hub_prometheus.matcher import alerts_that_fire
from hub_prometheus.source import skew_told

if TYPE_CHECKING:
    from hub.sync.source import SourceContext
    from hub_prometheus.client import Alertmanager, Prometheus
    from hub_prometheus.settings import PrometheusSettings
    from hub_prometheus.vocabulary import Vocabulary

__all__ = ["check"]

_SAMPLE_S = 86_400
_SAMPLE_STEP_S = 300


def check(
    prometheus: Prometheus,
    alertmanager: Alertmanager,
    settings: PrometheusSettings,
    words: Vocabulary,
    context: SourceContext,
) -> list[CheckLine]:
    """Try everything once; a fault ends its own lines only."""
    try:
        now_ms = prometheus.now_ms()
    except SourceError as fault:
        return [CheckLine("error", str(fault), "check url, credential and ca_bundle of this source")]
    lines = [CheckLine("ok", f"{settings.url}: Prometheus {_version(prometheus)} answers".replace("  ", " "))]
    told = skew_told(now_ms - context.clock.now_ms())
    if told is not None:
        lines.append(CheckLine("error", told, "until then nothing of this source is read"))
    now = now_ms // 1000
    lines += _queries(prometheus, settings, now)
    lines += _alerts(prometheus, settings, words, now)
    if not alertmanager:
        advice = 'alertmanagers = ["https://<host>:9093"]'
        lines.append(
            CheckLine("warning", "no Alertmanager: who took an alert, and planned work, are not known", advice)
        )
        return lines
    try:
        firing = alertmanager.alerts()
    except SourceError as fault:
        return [*lines, CheckLine("error", str(fault), "check alertmanagers and the credential of this source")]
    return [*lines, CheckLine("ok", f"Alertmanager: {len(firing)} alerts fire")]


def _version(prometheus: Prometheus) -> str:
    try:
        return prometheus.version()
    except SourceError:  # what only looks like Prometheus (Thanos, Mimir) need not tell
        return ""


def _queries(prometheus: Prometheus, settings: PrometheusSettings, now: int) -> list[CheckLine]:
    asked = [("heartbeat", settings.heartbeat, False)]
    asked += [(f"availability of {one.service}", one.query, True) for one in settings.availability]
    asked += [(f"figure {one.metric}", one.query, True) for one in settings.measurements]
    lines = []
    for what, query, alone in asked:
        try:
            found = prometheus.over(query, now - _SAMPLE_STEP_S, now, 60, warnings=[])
        except SourceError as fault:
            lines.append(CheckLine("error", f"{what}: {fault}", f"correct the query: {query}"))
            continue
        if not found:
            lines.append(CheckLine("warning", f"{what}: the query has no value", f"see what is scraped: {query}"))
        elif alone and len(found) > 1:
            lines.append(CheckLine("error", f"{what}: the query gives {len(found)} series", f"min({query})"))
        else:
            lines.append(CheckLine("ok", f"{what}: measured"))
    return lines


def _alerts(prometheus: Prometheus, settings: PrometheusSettings, words: Vocabulary, now: int) -> list[CheckLine]:
    selector = alerts_that_fire(settings.alerts)
    try:
        found = prometheus.over(
            f"count by (alertname) ({selector})",
            now - _SAMPLE_S,
            now,
            _SAMPLE_STEP_S,
            warnings=[],
        )
        every = prometheus.over(selector, now - _SAMPLE_STEP_S, now, _SAMPLE_STEP_S, warnings=[])
    except SourceError as fault:
        return [CheckLine("error", f"alerts: {fault}", f"correct alerts of this source: {settings.alerts}")]
    names = sorted({one.metric.get("alertname", "?") for one in found})
    lines = [CheckLine("ok", f"alerts: {len(names)} rules fired within a day")]
    lost = sorted({one.metric.get("alertname", "?") for one in every if not words.services.named(one.metric.items())})
    return lines + [
        CheckLine(
            "warning",
            f"alert {name} is about no service",
            f'services = {{ "alertname={name}" = "register:services/…" }}',
        )
        for name in lost
    ]
