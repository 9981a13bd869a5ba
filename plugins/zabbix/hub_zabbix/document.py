"""What is kept of Zabbix: events with their recovery, maintenance, service levels, hours of a state, hours of an item.

Instants are UTC milliseconds. Nothing stands in a document that changes while nothing happens.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from hub.clock import LAST_MS

__all__ = ["Facts", "Hour", "Instant", "Level", "Problem", "Span", "Trends", "Update", "Watch", "Work"]

Instant = Annotated[int, msgspec.Meta(ge=0, le=LAST_MS)]
Facts = list[tuple[str, str]]
"""What settings may map: tags, hosts, host groups."""


class Update(msgspec.Struct, omit_defaults=True):
    """What somebody did to a problem; `action` is Zabbix's sum of bits."""

    id: str
    at: Instant
    action: int
    author: str = ""
    text: str = ""


class Problem(msgspec.Struct, omit_defaults=True):
    """An event that is a problem, and its recovery."""

    id: str
    trigger: str
    at: Instant
    name: str
    severity: int
    acknowledged: bool = False
    hosts: list[str] = []
    facts: Facts = []
    updates: list[Update] = []
    maintenances: list[str] = []
    """Maintenance that hid it."""
    shows: str = ""
    """Key in `availability` of the trigger."""
    recovery: str = ""
    """Event that ended it."""
    ended: Instant | None = None
    gone: tuple[Instant, Instant] | None = None
    """No longer there though it was not over: last seen, first missed."""


class Span(msgspec.Struct, array_like=True):
    """A stretch of one state, half-open."""

    begins: Instant
    ends: Instant
    state: Literal["up", "down", "unknown"]


class Watch(msgspec.Struct):
    """One day (UTC) of a trigger that shows the state of a service."""

    key: str
    trigger: str
    every_s: Annotated[int, msgspec.Meta(ge=0, le=10**9)]
    """Seconds between two values; 0 = Zabbix does not tell."""
    spans: list[Span]


class Hour(msgspec.Struct, array_like=True):
    """One hour of an item."""

    begins: Instant
    count: Annotated[int, msgspec.Meta(ge=0, le=10**9)]
    value_min: float
    value_avg: float
    value_max: float


class Trends(msgspec.Struct):
    """One day (UTC) of an item that is measured."""

    host: str
    key: str
    unit: str
    every_s: Annotated[int, msgspec.Meta(ge=0, le=10**9)]
    hours: list[Hour]


class Work(msgspec.Struct):
    """A maintenance, written out."""

    id: str
    """Maintenance and a hash of its definition: one that is changed is another."""
    maintenance: str
    name: str
    noticed: Instant
    """When the hub saw it first as it is now: Zabbix does not tell when it was entered."""
    windows: list[tuple[Instant, Instant]]
    facts: Facts
    removed: Instant | None = None
    """Last reading that showed it, where it was taken away or changed before its end."""


class Level(msgspec.Struct):
    """What Zabbix computed of one service in one period."""

    sla: str
    sla_name: str
    service: str
    service_name: str
    facts: Facts
    begins: Instant
    ends: Instant
    target: float
    up_s: int
    down_s: int
    share: float | None
    """Percentage; None = Zabbix has no figure."""
    excluded: list[tuple[Instant, Instant]]
