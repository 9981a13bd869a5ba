"""Answers of Zabbix's API, as far as they are read. Numbers are texts there; some versions write numbers all the same."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

__all__ = [
    "Acknowledge",
    "Event",
    "Host",
    "Item",
    "Maintenance",
    "Moment",
    "ServiceObject",
    "Sla",
    "Sli",
    "TimePeriod",
    "Trend",
    "Trigger",
    "number",
]

Text = Annotated[str | int | float, msgspec.Meta(description="a number, as text or not")]
_LARGEST = 253_402_300_799
"""Last second of the year 9999."""


def number(told: str | float | None) -> int:
    """Read a whole number; 0 for what is none or beyond any clock."""
    try:
        found = int(told) if told is not None else 0
    except (ValueError, OverflowError):
        return 0
    return found if 0 <= found <= _LARGEST else 0


class Tag(msgspec.Struct):
    """A tag."""

    tag: str
    value: str = ""


class Named(msgspec.Struct):
    """A group, or a host that came along."""

    name: str = ""
    host: str = ""
    hostid: Text = ""


class Acknowledge(msgspec.Struct):
    """An update of a problem: `action` is a sum of 1 close, 2 acknowledge, 4 message, 8 severity, 16 take back."""

    acknowledgeid: Text
    clock: Text = 0
    action: Text = 0
    message: str = ""
    username: str = ""


class Suppression(msgspec.Struct):
    """A maintenance that hides a problem; 0 = a person did."""

    maintenanceid: Text = 0


class Event(msgspec.Struct):
    """A problem, or a recovery."""

    eventid: Text
    objectid: Text = 0
    clock: Text = 0
    ns: Text = 0
    value: Text = 0
    name: str = ""
    severity: Text = 0
    r_eventid: Text = 0
    acknowledged: Text = 0
    hosts: list[Named] = []
    tags: list[Tag] = []
    acknowledges: list[Acknowledge] | msgspec.UnsetType = msgspec.UNSET
    suppression_data: list[Suppression] = []


class Moment(msgspec.Struct):
    """When an event was."""

    eventid: Text
    clock: Text
    ns: Text = 0
    objectid: Text = 0
    value: Text = 0


class Host(msgspec.Struct):
    """A host, and its groups: `groups` until 6.0, `hostgroups` since 6.2."""

    hostid: Text
    host: str = ""
    groups: list[Named] = []
    hostgroups: list[Named] = []
    tags: list[Tag] = []


class Item(msgspec.Struct):
    """An item of a trigger, or one that is measured."""

    itemid: Text
    key_: str = ""
    delay: str = ""
    value_type: Text = 0
    units: str = ""
    hosts: list[Named] = []


class Trigger(msgspec.Struct):
    """A trigger that shows the state of a service; `type` 1 makes several problems at a time."""

    triggerid: Text
    description: str = ""
    value: Text = 0
    state: Text = 0
    status: Text = 0
    type: Text = 0
    items: list[Item] = []


class Trend(msgspec.Struct):
    """What an item was in an hour, from how many values."""

    itemid: Text
    clock: Text
    num: Text = 0
    value_min: Text = 0
    value_avg: Text = 0
    value_max: Text = 0


class TimePeriod(msgspec.Struct):
    """When a maintenance is: type 0 once, 2 daily, 3 weekly, 4 monthly."""

    timeperiod_type: Text = 0
    every: Text = 1
    month: Text = 0
    dayofweek: Text = 0
    day: Text = 0
    start_time: Text = 0
    period: Text = 0
    start_date: Text = 0


class Maintenance(msgspec.Struct):
    """A maintenance."""

    maintenanceid: Text
    name: str = ""
    active_since: Text = 0
    active_till: Text = 0
    description: str = ""
    timeperiods: list[TimePeriod] = []
    hosts: list[Named] = []
    groups: list[Named] = []
    hostgroups: list[Named] = []
    tags: list[Tag] = []


class ServiceObject(msgspec.Struct):
    """A service in Zabbix's own tree."""

    serviceid: Text
    name: str = ""
    tags: list[Tag] = []


class Sla(msgspec.Struct):
    """A service level; `period` 0 daily, 1 weekly, 2 monthly, 3 quarterly, 4 annually."""

    slaid: Text
    name: str = ""
    period: Text = 0
    slo: Text = 0
    timezone: str = ""
    status: Text = 1
    effective_date: Text = 0


class SliPeriod(msgspec.Struct):
    """A period, in seconds."""

    period_from: Text
    period_to: Text


class SliCell(msgspec.Struct):
    """What Zabbix computed; `sli` -1 = the service did not exist, or no time was agreed."""

    uptime: Text = 0
    downtime: Text = 0
    sli: float = -1
    excluded_downtimes: list[dict[str, Any]] = []


class Sli(msgspec.Struct):
    """Answer of sla.getsli: a row a period, a column a service."""

    periods: list[SliPeriod]
    serviceids: list[Text]
    sli: list[list[SliCell]]
