"""Alerts of one service become its outages: what overlaps, or follows within a minute, is one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from hub.monitoring.match import Match, Tickets, by_time
from hub.records import Link, Maintenance, Outage
from hub.records.base import Since

__all__ = ["MERGE_GAP_MS", "Raised", "Window", "outage_record", "outages"]

MERGE_GAP_MS = 60_000
"""Alerts nearer than this are one outage that flaps."""
_OPEN = 9_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert that says that the service is out."""

    id: str
    source: str
    title: str
    started_at: int
    ended_at: int | None
    ended_after: int | None
    acknowledged_at: int | None
    ticket: Match
    """The ticket it names; what time alone suggests is asked of the outage, not of each alert."""

    @property
    def through(self) -> int:
        """When it was certainly over."""
        return _OPEN if self.ended_at is None else max(self.ended_at, self.started_at)

    @property
    def proven(self) -> int:
        """Until when it certainly lasted."""
        return self.through if self.ended_after is None else max(self.ended_after, self.started_at)


@dataclass(frozen=True, slots=True)
class Window:
    """Planned work on the service."""

    id: str
    start: int
    end: int
    announced_at: int | None

    def plans(self, instant: int) -> bool:
        """Tell whether an outage that begins then was announced: a window made for an outage plans nothing."""
        return self.announced_at is not None and self.announced_at <= self.start <= instant < self.end


@dataclass(slots=True)
class _Stretch:
    alerts: list[Raised] = field(default_factory=list)
    through: int = 0

    def takes(self, alert: Raised) -> bool:
        return not self.alerts or alert.started_at <= self.through + MERGE_GAP_MS


def outages(alerts: Iterable[Raised]) -> Iterator[list[Raised]]:
    """Yield the alerts of each outage; `alerts` in order of their start."""
    now = _Stretch()
    for alert in alerts:
        if not now.takes(alert):
            yield now.alerts
            now = _Stretch()
        now.alerts.append(alert)
        now.through = max(now.through, alert.through)
    if now.alerts:
        yield now.alerts


def outage_record(
    service: str, alerts: Sequence[Raised], tickets: Tickets, windows: Sequence[Window], *, windows_known: bool
) -> Outage:
    """Say what is known of one outage.

    It ends when the last alert is proven to have lasted; where that is not when it was over, `ended_at` is among
    its unknown fields. Whether it was planned is known only where some source tells of planned work.
    """
    first = alerts[0]
    through, proven = max(one.through for one in alerts), max(one.proven for one in alerts)
    ended_at = None if through == _OPEN else proven
    found, named = _incident(alerts, tickets, None if through == _OPEN else through)
    planning = next((one for one in windows if one.plans(first.started_at)), None)
    planned = planning is not None if windows_known else None
    unsure = [name for name, is_so in (("ended_at", through > proven), ("incident_id", found.unknown)) if is_so]
    linked_at = None if found.ticket is None else max(found.ticket.recorded_at, first.started_at)
    return Outage(
        id=f"hub:outage/{service}/{first.started_at}",
        source="hub",
        title=first.title,
        created_at=first.started_at,
        service_ids=[service],
        service_id=service,
        started_at=first.started_at,
        ended_at=ended_at,
        planned=planned,
        maintenance=None if planning is None else Maintenance(announced_at=planning.announced_at, window=planning.id),
        detected_by=first.source,
        detected_at=first.started_at,
        acknowledged_at=min((one.acknowledged_at for one in alerts if one.acknowledged_at is not None), default=None),
        alert_ids=[one.id for one in alerts],
        incident_id=None if found.ticket is None else found.ticket.id,
        incident_basis=found.basis,
        links=named,
        since=[] if linked_at is None else [Since(field="incident_id", at=linked_at)],
        unknown_fields=unsure,
    )


def _incident(alerts: Sequence[Raised], tickets: Tickets, ended_at: int | None) -> tuple[Match, list[Link]]:
    """Find the incident: the one the alerts name, else the only one at that time; several that are named are all linked."""
    named = {one.ticket.ticket.id: one.ticket.ticket for one in alerts if one.ticket.ticket is not None}
    if len(named) == 1:
        return Match(next(iter(named.values())), "reference"), []
    if named:
        ordered = sorted(named.values(), key=lambda one: (one.reported_at, one.id))
        started = alerts[0].started_at
        return Match(None, "reference"), [
            Link(type="incident", target=one.id, at=max(one.recorded_at, started)) for one in ordered
        ]
    doubtful = next((one.ticket for one in alerts if one.ticket.unknown), None)
    if doubtful is not None:
        return doubtful, []
    return by_time(tickets.near(alerts[0].started_at, ended_at)), []
