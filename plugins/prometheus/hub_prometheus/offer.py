"""What a Prometheus would say if one more line were written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.sync.source_type import Offer
from hub_prometheus.provision import provisions
from hub_prometheus.settings import Availability, Figure, PrometheusSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["offers"]

_SERVICE = "register:services/<id>"
_LINES = {
    "alertmanagers": 'alertmanagers = ["https://<host>:9093"]',
    "services": f'services = {{ "service=<label value>" = "{_SERVICE}" }}',
    "outage": 'outage = ["severity=critical"]',
    "security": 'security = ["team=security"]',
    "items": 'items = { "instance=<label value>" = "register:configuration_items/<id>" }',
    "altered": 'altered = ["alertname=VersionChanged"]',
    "availability": f'service = "{_SERVICE}"',
    "measurements": 'metric = "cpu_used"',
}
_ADDING = ("services", "outage", "security", "items", "altered")
"""Settings that say more of alerts that are read anyway."""
_WHERE = {
    "availability": "[[sources.{}.availability]], with a query",
    "measurements": "[[sources.{}.measurements]], with a query and a subject",
}


def offers(name: str, settings: PrometheusSettings | None) -> Sequence[Offer]:
    """List one offer for each setting that is empty; without settings there is one, the whole source."""
    plain = PrometheusSettings(plugin="prometheus", url="https://prometheus.example")
    if settings is None:
        where = f"[sources.{name}], with url, alertmanagers, services and availability"
        return [Offer('plugin = "prometheus"', where, tuple(provisions(_with(plain, *_LINES))))]
    found = []
    for setting, line in _LINES.items():
        if not getattr(settings, setting):
            gives = tuple(one for one in provisions(_with(settings, setting)) if one not in provisions(settings))
            where = _WHERE.get(setting, "[sources.{}]").format(name)
            found.append(Offer(line, where, gives, opens=setting not in _ADDING))
    return found


def _with(settings: PrometheusSettings, *names: str) -> PrometheusSettings:
    filled = {
        "alertmanagers": ["https://alertmanager.example"],
        "services": {"service=shop": _SERVICE},
        "outage": ["severity=critical"],
        "security": ["team=security"],
        "items": {"instance=db1": "register:configuration_items/<id>"},
        "altered": ["alertname=VersionChanged"],
        "availability": [Availability(service=_SERVICE, query="up")],
        "measurements": [Figure(metric="cpu_used", query="up", subject=_SERVICE)],
    }
    return settings.model_copy(update={name: filled[name] for name in names})
