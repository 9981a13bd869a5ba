"""Settings made ready for mapping: whose service, what touches security, which tickets are named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.monitoring.service_map import RuleMap
from hub.monitoring.ticket_finder import TicketFinder

if TYPE_CHECKING:
    from hub_icinga.settings import Figure, IcingaSettings

__all__ = ["Vocabulary"]

_UNUSABLE = frozenset({"CRITICAL", "DOWN"})
_USABLE = frozenset({"WARNING"})


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What one source's settings say of names."""

    source: str
    settings: IcingaSettings
    services: RuleMap
    guarded: RuleMap
    unusable: RuleMap
    items: RuleMap
    changing: RuleMap
    tickets: TicketFinder
    figures: dict[tuple[str, str], Figure]

    @classmethod
    def of(cls, source: str, settings: IcingaSettings) -> Vocabulary:
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
            {(figure.object, figure.label): figure for figure in settings.measurements},
        )

    def services_of(self, name: str, facts: Iterable[tuple[str, str]]) -> list[str]:
        """Return the services an object stands for, the one whose state it shows first."""
        shown = self.settings.availability.get(name)
        found = self.services.named(facts)
        return list(dict.fromkeys([*([shown] if shown else []), *found]))

    def security(self, facts: Iterable[tuple[str, str]]) -> bool | None:
        """Tell whether an alert touches security; None where no rule says what does."""
        return bool(self.guarded.named(facts)) if self.guarded else None

    def altered(self, facts: Iterable[tuple[str, str]]) -> bool | None:
        """Tell whether an alert reports a change of its items; None where no rule says what does."""
        return bool(self.changing.named(facts)) if self.changing else None

    def outage(self, name: str, facts: Iterable[tuple[str, str]], severity: str | None) -> bool | None:
        """Tell whether a service cannot be used while this lasts; None where nobody has said what does that."""
        shows = name in self.settings.availability
        if severity is None or not (shows or self.unusable):
            return None
        if not shows and not self.unusable.named(facts):
            return False
        return True if severity in _UNUSABLE else False if severity in _USABLE else None

    def person(self, author: str) -> str | None:
        """Return the person behind an author's name."""
        return self.settings.accounts.get(author)
