"""What the settings of one source mean, worked out once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.monitoring.service_map import RuleMap
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
    services: RuleMap
    outage: RuleMap
    security: RuleMap
    items: RuleMap
    altered: RuleMap
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
            services=RuleMap(settings.services),
            outage=RuleMap(dict.fromkeys(settings.outage, "outage")),
            security=RuleMap(dict.fromkeys(settings.security, "security")),
            items=RuleMap(settings.items),
            altered=RuleMap(dict.fromkeys(settings.altered, "altered")),
            tickets=TicketFinder(settings.ticket_projects),
            maintenance=re.compile(settings.maintenance),
            availability={one.service: one for one in settings.availability},
            figures={one.metric: one for one in settings.measurements},
            asks_alertmanager=bool(settings.alertmanagers),
        )
