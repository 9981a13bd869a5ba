"""What an Icinga says as configured, and what it would say if one more line were written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.sync.source import Provision
from hub.sync.source_type import Offer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub_icinga.settings import IcingaSettings

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
    }
)
_WINDOW = _ENVELOPE | frozenset({"announced_at", "creator", "end", "start"})
_SAMPLE = frozenset({"at", "every_s", "interval_s", "probe", "scope", "service_id", "state", "title"})
_FIGURE = frozenset(
    {"actual", "as_of", "created_at", "metric_id", "period", "query_ref", "scope", "subject", "title", "unit"}
)
_SERVED = frozenset({"service_ids"})
_SECURITY = frozenset({"security"})
_NAMED = frozenset({"references"})
_OUTAGE = frozenset({"outage"})
_ITEMS, _ALTERED = frozenset({"ci_ids"}), frozenset({"altered"})
_SAID = {"altered": _ALTERED, "items": _ITEMS, "security": _SECURITY, "ticket_projects": _NAMED}
"""Setting -> what it lets be said of alerts."""


def provisions(settings: IcingaSettings) -> list[Provision]:
    """List the kinds and fields of one source as configured."""
    alert, window = _ALERT, _WINDOW
    if settings.services or settings.availability:
        alert, window = alert | _SERVED, window | _SERVED
    for setting, fields in _SAID.items():
        if getattr(settings, setting):
            alert |= fields
    if settings.availability or settings.outage:
        alert |= _OUTAGE
    found = [Provision("alert", alert), Provision("maintenance_window", window)]
    if settings.availability:
        found.append(Provision("availability_sample", _SAMPLE))
    if settings.measurements:
        told = {"target"} if any(figure.target is not None for figure in settings.measurements) else set[str]()
        found.append(Provision("measurement", _FIGURE | told))
    return found


def offers(name: str, settings: IcingaSettings | None) -> Sequence[Offer]:
    """List one offer for each line; without settings there is one, the whole source."""
    if settings is None:
        gives = (Provision("alert", _ALERT | _SERVED), Provision("maintenance_window", _WINDOW | _SERVED))
        return [Offer('plugin = "icinga"', f"[sources.{name}], with url, user, password and services", gives)]
    alerts = (Provision("alert", _SERVED), Provision("maintenance_window", _SERVED))
    line = '"hostgroup=<name>" = "register:services/<id>"'
    figure = '{ object = "host!service", label = "load1", metric = "load", subject = "register:services/<id>" }'
    return [
        Offer(line, f"[sources.{name}.services]", alerts, opens=False),
        Offer('ticket_projects = ["OPS"]', f"[sources.{name}]", (Provision("alert", _NAMED),), opens=False),
        Offer('outage = ["servicegroup=<name>"]', f"[sources.{name}]", (Provision("alert", _OUTAGE),), opens=False),
        Offer('security = ["hostgroup=<name>"]', f"[sources.{name}]", (Provision("alert", _SECURITY),), opens=False),
        Offer(
            '"host=<name>" = "register:configuration_items/<id>"',
            f"[sources.{name}.items]",
            (Provision("alert", _ITEMS),),
            opens=False,
        ),
        Offer('altered = ["servicegroup=<name>"]', f"[sources.{name}]", (Provision("alert", _ALTERED),), opens=False),
        Offer(
            '"host!service" = "register:services/<id>"',
            f"[sources.{name}.availability]",
            (Provision("availability_sample", _SAMPLE), Provision("alert", _SERVED | _OUTAGE)),
        ),
        Offer(f"measurements = [{figure}]", f"[sources.{name}]", (Provision("measurement", _FIGURE),)),
    ]
