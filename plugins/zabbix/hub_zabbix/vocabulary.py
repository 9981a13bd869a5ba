"""Settings made ready for mapping: whose service, what touches security, which tickets are named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.monitoring.service_map import RuleMap
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
    services: RuleMap
    guarded: RuleMap
    unusable: RuleMap
    items: RuleMap
    changing: RuleMap
    tickets: TicketFinder
    figures: dict[tuple[str, str], Figure]

    @classmethod
    def of(cls, source: str, settings: ZabbixSettings) -> Vocabulary:
        """Make it from validated settings."""
        return cls(
            source,
            settings,
            RuleMap(settings.services),
            RuleMap(dict.fromkeys(settings.security, "fits")),
            RuleMap(dict.fromkeys(settings.outage, "fits")),
            RuleMap(settings.items),
            RuleMap(dict.fromkeys(settings.altered, "fits")),
            TicketFinder(settings.ticket_projects),
            {(figure.host, figure.key): figure for figure in settings.measurements},
        )

    def services_of(self, facts: Iterable[tuple[str, str]], shows: str = "") -> list[str]:
        """Return the services these facts stand for, the one whose state a trigger shows first."""
        shown = self.settings.availability.get(shows)
        return list(dict.fromkeys([*([shown] if shown else []), *self.services.named(facts)]))

    def security(self, facts: Iterable[tuple[str, str]]) -> bool | None:
        """Tell whether an alert touches security; None where no rule says what does."""
        return bool(self.guarded.named(facts)) if self.guarded else None

    def altered(self, facts: Iterable[tuple[str, str]]) -> bool | None:
        """Tell whether an alert reports a change of its items; None where no rule says what does."""
        return bool(self.changing.named(facts)) if self.changing else None

    def outage(self, facts: Iterable[tuple[str, str]], shows: str) -> bool | None:
        """Tell whether a service cannot be used while this lasts; None where nobody has said what does that."""
        if shows in self.settings.availability:
            return True
        return bool(self.unusable.named(facts)) if self.unusable else None

    def person(self, user: str) -> str | None:
        """Return the person behind a user."""
        return self.settings.accounts.get(user)
