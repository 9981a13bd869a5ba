"""What a Zabbix says as configured, and what it would say if one more line were written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.sync.source import Provision
from hub.sync.source_type import Offer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub_zabbix.settings import ZabbixSettings

__all__ = ["offers", "provisions"]

_ENVELOPE = frozenset({"title", "status", "status_category", "created_at", "labels", "scope"})
_ALERT = _ENVELOPE | frozenset(
    {
        "acknowledged_at",
        "ended_after",
        "ended_at",
        "events",
        "fingerprint",
        "resource",
        "severity",
        "started_at",
        "updated_at",
        "url",
    }
)
_WINDOW = _ENVELOPE | frozenset({"announced_at", "end", "start"})
_SAMPLE = frozenset({"at", "every_s", "interval_s", "probe", "scope", "service_id", "state", "title"})
_FIGURE = frozenset(
    {
        "actual",
        "as_of",
        "coverage",
        "created_at",
        "metric_id",
        "period",
        "query_ref",
        "scope",
        "subject",
        "title",
        "unit",
    }
)
_LEVEL = (_FIGURE - {"coverage"}) | {"denominator", "missing_reason", "numerator", "service_ids", "target"}
_SERVED, _SECURITY = frozenset({"service_ids"}), frozenset({"security"})
_NAMED, _OUTAGE = frozenset({"references"}), frozenset({"outage"})
_ITEMS, _ALTERED = frozenset({"ci_ids"}), frozenset({"altered"})
_SAID = {"altered": _ALTERED, "items": _ITEMS, "security": _SECURITY, "ticket_projects": _NAMED}
"""Setting -> what it lets be said of alerts."""


def provisions(settings: ZabbixSettings) -> list[Provision]:
    """List the kinds and fields of one source as configured."""
    alert, window, figure = _ALERT, _WINDOW, frozenset[str]()
    if settings.services:
        window |= _SERVED
        figure |= _LEVEL
    if settings.services or settings.availability:
        alert |= _SERVED
    for setting, fields in _SAID.items():
        if getattr(settings, setting):
            alert |= fields
    if settings.availability or settings.outage:
        alert |= _OUTAGE
    if settings.measurements:
        figure |= _FIGURE
    if any(each.target is not None for each in settings.measurements):
        figure |= {"target"}
    found = [Provision("alert", alert), Provision("maintenance_window", window)]
    if settings.availability:
        found.append(Provision("availability_sample", _SAMPLE))
    if figure:
        found.append(Provision("measurement", figure))
    return found


def offers(name: str, settings: ZabbixSettings | None) -> Sequence[Offer]:
    """List one offer for each line; without settings there is one, the whole source."""
    if settings is None:
        gives = (Provision("alert", _ALERT | _SERVED), Provision("maintenance_window", _WINDOW | _SERVED))
        return [Offer('plugin = "zabbix"', f"[sources.{name}], with url, token and services", gives)]
    served = (Provision("alert", _SERVED), Provision("maintenance_window", _SERVED), Provision("measurement", _LEVEL))
    figure = '{ host = "web01", key = "system.cpu.util", metric = "cpu", subject = "register:services/<id>" }'
    here = f"[sources.{name}]"
    return [
        Offer('"hostgroup=<name>" = "register:services/<id>"', f"[sources.{name}.services]", served, opens=False),
        Offer('ticket_projects = ["OPS"]', here, (Provision("alert", _NAMED),), opens=False),
        Offer('outage = ["<tag>=<value>"]', here, (Provision("alert", _OUTAGE),), opens=False),
        Offer('security = ["hostgroup=<name>"]', here, (Provision("alert", _SECURITY),), opens=False),
        Offer(
            '"host=<name>" = "register:configuration_items/<id>"',
            f"[sources.{name}.items]",
            (Provision("alert", _ITEMS),),
            opens=False,
        ),
        Offer('altered = ["problem=<beginning of a name>*"]', here, (Provision("alert", _ALTERED),), opens=False),
        Offer(
            '"<host>: <trigger>" = "register:services/<id>"',
            f"[sources.{name}.availability]",
            (Provision("availability_sample", _SAMPLE), Provision("alert", _SERVED | _OUTAGE)),
        ),
        Offer(f"measurements = [{figure}]", here, (Provision("measurement", _FIGURE),)),
    ]
