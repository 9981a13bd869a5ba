"""What a Prometheus, as configured, can say of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.sync.source import Provision

if TYPE_CHECKING:
    from hub_prometheus.settings import PrometheusSettings

__all__ = ["provisions"]

_ENVELOPE = frozenset({"created_at", "scope", "service_ids", "title"})
_ALERT = _ENVELOPE | {
    "custom", "ended_after", "ended_at", "fingerprint", "labels", "outage", "references", "resource", "security",
    "severity", "started_at", "status", "ticket_basis", "ticket_id", "url",
}  # fmt: skip
_WINDOW = _ENVELOPE | {"announced_at", "custom", "end", "labels", "start"}
_SAMPLE = _ENVELOPE | {"at", "every_s", "interval_s", "probe", "service_id", "state"}
_FIGURE = (_ENVELOPE - {"service_ids"}) | {
    "actual", "as_of", "coverage", "formula_version", "metric_id", "missing_reason", "period", "query_ref", "subject",
    "target", "unit",
}  # fmt: skip


def provisions(settings: PrometheusSettings) -> list[Provision]:
    """List the kinds and fields of one source as configured."""
    alert = set(_ALERT)
    if not settings.services:
        alert.discard("service_ids")
    if not settings.outage:
        alert.discard("outage")
    if not settings.security:
        alert.discard("security")
    if settings.items:
        alert.add("ci_ids")
    if settings.altered:
        alert.add("altered")
    if settings.alertmanagers:
        alert.add("acknowledged_at")
    found = [Provision("alert", frozenset(alert))]
    if settings.alertmanagers:
        found.append(Provision("maintenance_window", _WINDOW if settings.services else _WINDOW - {"service_ids"}))
    if settings.availability:
        found.append(Provision("availability_sample", _SAMPLE))
    if settings.measurements:
        found.append(Provision("measurement", frozenset(_FIGURE)))
    return found
