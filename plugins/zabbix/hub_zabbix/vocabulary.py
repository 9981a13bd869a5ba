"""Settings made ready for mapping: whose service, what touches security, which tickets are named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.monitoring.service_map import ServiceMap
from hub.monitoring.ticket_finder import TicketFinder

if TYPE_CHECKING:
    from hub_zabbix.settings import Figure, ZabbixSettings

__all__ = ["SCOPE", "SEVERITIES", "Vocabulary"]

SCOPE = "monitoring"
"""All that one token may see."""
SEVERITIES = ("Not classified", "Information", "Warning", "Average", "High", "Disaster")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What one source's settings say of names."""

    source: str
    settings: ZabbixSettings
    services: ServiceMap
    guarded: ServiceMap
    unusable: ServiceMap
    tickets: TicketFinder
    figures: dict[tuple[str, str], Figure]

    @classmethod
    def of(cls, source: str, settings: ZabbixSettings) -> Vocabulary:
        """Make it from validated settings."""
        return cls(
            source,
            settings,
            ServiceMap(settings.services),
            ServiceMap(dict.fromkeys(settings.security, "fits")),
            ServiceMap(dict.fromkeys(settings.outage, "fits")),
            TicketFinder(settings.ticket_projects),
            {(figure.host, figure.key): figure for figure in settings.measurements},
        )

    def services_of(self, facts: Iterable[tuple[str, str]], shows: str = "") -> list[str]:
        """Return the services these facts stand for, the one whose state a trigger shows first."""
        shown = self.settings.availability.get(shows)
        return list(dict.fromkeys([*([shown] if shown else []), *self.services.services(facts)]))

    def security(self, facts: Iterable[tuple[str, str]]) -> bool | None:
        """Tell whether an alert touches security; None where no rule says what does."""
        return bool(self.guarded.services(facts)) if self.guarded else None

    def outage(self, facts: Iterable[tuple[str, str]], shows: str) -> bool | None:
        """Tell whether a service cannot be used while this lasts; None where nobody has said what does that."""
        if shows in self.settings.availability:
            return True
        return bool(self.unusable.services(facts)) if self.unusable else None

    def person(self, user: str) -> str | None:
        """Return the person behind a user."""
        return self.settings.accounts.get(user)
