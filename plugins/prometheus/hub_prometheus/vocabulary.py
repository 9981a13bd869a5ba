"""What the settings of one source mean, worked out once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.monitoring.service_map import ServiceMap
from hub.monitoring.ticket_finder import TicketFinder

if TYPE_CHECKING:
    from hub_prometheus.settings import Availability, Figure, PrometheusSettings

__all__ = ["Vocabulary"]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words of one source."""

    name: str
    """Configured name; the prefix of all record ids."""
    url: str
    severity_label: str
    services: ServiceMap
    outage: ServiceMap
    security: ServiceMap
    tickets: TicketFinder
    maintenance: re.Pattern[str]
    availability: dict[str, Availability]
    """Service -> query."""
    figures: dict[str, Figure]
    """Metric -> query."""
    asks_alertmanager: bool

    @classmethod
    def of(cls, name: str, settings: PrometheusSettings) -> Vocabulary:
        """Read the settings."""
        return cls(
            name=name,
            url=settings.url,
            severity_label=settings.severity_label,
            services=ServiceMap(settings.services),
            outage=ServiceMap(dict.fromkeys(settings.outage, "outage")),
            security=ServiceMap(dict.fromkeys(settings.security, "security")),
            tickets=TicketFinder(settings.ticket_projects),
            maintenance=re.compile(settings.maintenance),
            availability={one.service: one for one in settings.availability},
            figures={one.metric: one for one in settings.measurements},
            asks_alertmanager=bool(settings.alertmanagers),
        )
