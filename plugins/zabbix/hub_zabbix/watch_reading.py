"""Hours of triggers that show a service's state, and of items that are measured.

A problem proves that a service was down. That it was up is proven only for hours in which every item of the
trigger had its values: trends tell how many there were. Everything else is unknown.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from hub.sync.source import Document, Page
from hub_zabbix.document import Hour, Span, Trends, Watch
from hub_zabbix.event_reading import instant
from hub_zabbix.vocabulary import SCOPE
from hub_zabbix.wire import Item, Moment, Trend, Trigger, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub_zabbix.client import ZabbixClient
    from hub_zabbix.settings import ZabbixSettings

__all__ = ["Shown", "WatchReading", "find_items", "find_triggers"]

_HOUR, _DAY, _WEEK = 3600, 86_400, 7 * 86_400
_FIRST_DAYS = 62
"""How far back the first reading goes where `since` does not tell."""
_SETTLED_S = 600
"""An hour is looked at this long after it ended: trends are written then."""
_ENOUGH = 0.9
"""Share of the values an item should have had in an hour for it to count as watched."""
Change = tuple[int, bool]
"""When a trigger changed, and whether into problem state."""
_DELAY = re.compile(r"^(\d+)([smhd]?)(?:;|$)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


class Shown(NamedTuple):
    """A trigger that shows the state of a service."""

    key: str
    trigger: Trigger


def find_triggers(client: ZabbixClient, settings: ZabbixSettings) -> list[Shown]:
    """Find the triggers named in `availability`, by host and name as it is written in the trigger: one request."""
    if not settings.availability:
        return []
    pairs = [key.partition(": ")[::2] for key in settings.availability]
    asked = {
        "output": ["triggerid", "description", "value", "state", "status", "type"],
        "filter": {"host": sorted({host for host, _ in pairs}), "description": sorted({name for _, name in pairs})},
        "selectItems": ["itemid", "key_", "delay", "value_type"],
        "selectHosts": ["host"],
    }
    found = []
    for each in client.list("trigger.get", dict[str, Any], asked):
        trigger = msgspec.convert(each, Trigger)
        keys = (
            f"{host.get('host')}: {trigger.description}" for host in each.get("hosts", []) if isinstance(host, dict)
        )
        found += [Shown(key, trigger) for key in keys if key in settings.availability]
    return found


def find_items(client: ZabbixClient, settings: ZabbixSettings) -> dict[str, tuple[str, Item]]:
    """Find the items that are measured: id -> (host, item)."""
    wanted = {(figure.host, figure.key) for figure in settings.measurements}
    if not wanted:
        return {}
    asked = {
        "output": ["itemid", "key_", "delay", "value_type", "units"],
        "filter": {"host": sorted({host for host, _ in wanted}), "key_": sorted({key for _, key in wanted})},
        "selectHosts": ["host"],
    }
    found = client.list("item.get", Item, asked)
    named = ((item.hosts[0].host if item.hosts else "", item) for item in found)
    return {str(item.itemid): (host, item) for host, item in named if (host, item.key_) in wanted}


@dataclass(slots=True)
class WatchReading:
    """One reading of the slice `watch`; seconds by Zabbix's clock."""

    client: ZabbixClient
    settings: ZabbixSettings
    now: int
    since: int | None
    say: Callable[[str], None]

    def pages(self, cursor: Mapping[str, Any], gaps: list[str]) -> Iterator[Page]:
        """Yield a page for each week; the cursor is `through`, the last hour that was looked at."""
        shown, items = find_triggers(self.client, self.settings), find_items(self.client, self.settings)
        for key in sorted(self.settings.availability.keys() - {one.key for one in shown}):
            self.say(f"{key!r} in availability is no trigger of Zabbix, or not to be seen: its service is not watched")
        end = (self.now - _SETTLED_S) // _HOUR * _HOUR
        through = number(cursor.get("through"))
        begin = through - _DAY if through else self.since or end - _FIRST_DAYS * _DAY
        begin = begin // _DAY * _DAY
        changes = self._changes(shown, begin)
        counted = 0
        if begin >= end:
            yield Page([], dict(cursor), self.client.requests, gaps)
        for start in range(begin, end, _WEEK):
            stop = min(start + _WEEK, end)
            documents = list(self._week(shown, items, changes, start, stop))
            last = stop == end
            yield Page(documents, {"through": stop}, self.client.requests - counted, gaps if last else [])
            counted = self.client.requests

    def _changes(self, shown: Sequence[Shown], begin: int) -> dict[str, list[Change]]:
        """Read when the triggers changed since then, in order of time."""
        found = defaultdict[str, list[Change]](list)
        start = 0
        while shown:
            asked: dict[str, Any] = {
                "output": ["eventid", "objectid", "clock", "ns", "value"],
                "source": 0,
                "object": 0,
                "objectids": [one.trigger.triggerid for one in shown],
                "time_from": begin,
                "sortfield": ["eventid"],
                "sortorder": "ASC",
                "limit": self.settings.page_size,
            } | ({"eventid_from": str(start)} if start else {})
            events = self.client.list("event.get", Moment, asked)
            for event in events:
                found[str(event.objectid)].append((instant(event.clock, event.ns), number(event.value) == 1))
            if len(events) < self.settings.page_size:
                break
            start = max(number(event.eventid) for event in events) + 1
        for each in found.values():
            each.sort(key=lambda change: change[0])  # by time; in the same millisecond as they were written
        return found

    def _week(
        self,
        shown: Sequence[Shown],
        items: Mapping[str, tuple[str, Item]],
        changes: Mapping[str, list[Change]],
        start: int,
        stop: int,
    ) -> Iterator[Document]:
        trends = self._trends([*items, *(str(item.itemid) for one in shown for item in one.trigger.items)], start, stop)
        for day in range(start, stop, _DAY):
            hours = range(day, min(day + _DAY, stop), _HOUR)
            for one in shown:
                trigger = str(one.trigger.triggerid)
                down = _down(one.trigger, changes.get(trigger, []), day * 1000, hours.stop * 1000)
                spans = list(_joined(span for hour in hours for span in _hour(one.trigger, trends, hour, down)))
                every_s = max((_every_s(item) for item in one.trigger.items), default=0)
                yield _document("watch", f"{trigger}/{day}", Watch(one.key, trigger, every_s, spans))
            for itemid, (host, item) in items.items():
                rows = [_row(trends[itemid, hour]) for hour in hours if (itemid, hour) in trends]
                if rows:
                    body = Trends(host, item.key_, item.units, _every_s(item), rows)
                    yield _document("figure", f"{itemid}/{day}", body)

    def _trends(self, itemids: Sequence[str], start: int, stop: int) -> dict[tuple[str, int], Trend]:
        if not itemids:
            return {}
        asked = {
            "output": ["itemid", "clock", "num", "value_min", "value_avg", "value_max"],
            "itemids": sorted(set(itemids)),
            "time_from": start,
            "time_till": stop - 1,
        }
        return {(str(row.itemid), number(row.clock)): row for row in self.client.list("trend.get", Trend, asked)}


def _every_s(item: Item) -> int:
    """Read how often an item is asked, where that is plainly told; 0 = it is sent to Zabbix, or by a macro."""
    found = _DELAY.match(item.delay)
    return int(found[1]) * _UNITS[found[2]] if found else 0


def _watched(trigger: Trigger, trends: Mapping[tuple[str, int], Trend], hour: int) -> bool:
    """Tell whether every item of the trigger had its values in this hour."""
    for item in trigger.items:
        row = trends.get((str(item.itemid), hour))
        every_s = _every_s(item)
        wanted = _ENOUGH * _HOUR / every_s if 0 < every_s <= _HOUR else 1
        if row is None or number(row.num) < wanted:
            return False
    return bool(trigger.items)


def _down(trigger: Trigger, changes: Sequence[Change], begins: int, ends: int) -> list[tuple[int, int]]:
    """Return when the trigger was in problem state. Before its first change it was what that change ended."""
    start = bisect_left(changes, (begins, False))
    before = changes[start - 1][1] if start else None
    at_first = not changes[0][1] if changes else number(trigger.value) == 1
    bad = at_first if before is None else before
    spans, since = [], begins
    for at, value in changes[start:]:
        if at >= ends:
            break
        if value == bad:
            continue
        if bad:
            spans.append((since, at))
        bad, since = value, at
    return [*spans, (since, ends)] if bad else spans


def _hour(
    trigger: Trigger, trends: Mapping[tuple[str, int], Trend], hour: int, down: Sequence[tuple[int, int]]
) -> Iterator[Span]:
    """Cut one hour into what was down and the rest, which was up or not watched; whole seconds."""
    rest: Literal["up", "unknown"] = "up" if _watched(trigger, trends, hour) else "unknown"
    at, end = hour * 1000, (hour + _HOUR) * 1000
    for begins, ends in down:
        begin, stop = max(begins // 1000 * 1000, at), min(-(-ends // 1000) * 1000, end)
        if begin >= stop:
            continue
        if begin > at:
            yield Span(at, begin, rest)
        yield Span(begin, stop, "down")
        at = stop
    if at < end:
        yield Span(at, end, rest)


def _joined(spans: Iterator[Span]) -> Iterator[Span]:
    """Make one stretch of those that follow each other in the same state."""
    held: Span | None = None
    for span in spans:
        if held is not None and held.state == span.state and held.ends == span.begins:
            held = Span(held.begins, span.ends, span.state)
            continue
        if held is not None:
            yield held
        held = span
    if held is not None:
        yield held


def _row(row: Trend) -> Hour:
    return Hour(
        number(row.clock) * 1000, number(row.num), *(_value(v) for v in (row.value_min, row.value_avg, row.value_max))
    )


def _value(told: str | float) -> float:
    try:
        return float(told)
    except ValueError:
        return 0.0


def _document(stream: str, native: str, body: msgspec.Struct) -> Document:
    return Document(stream, native, SCOPE, msgspec.json.encode(body))
