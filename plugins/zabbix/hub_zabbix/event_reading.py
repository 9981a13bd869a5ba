"""Problems of Zabbix in the order of their ids: those that were open, then what is new, each with its recovery.

Ids are given in the order in which events are written, also where a proxy delivers late; only the youngest may
still come in between, so they are read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from hub.sync.source import Document, Page
from hub_zabbix.document import Problem, Update
from hub_zabbix.vocabulary import SCOPE
from hub_zabbix.wire import Event, Host, Moment, number

if TYPE_CHECKING:
    from hub_zabbix.client import ZabbixClient
    from hub_zabbix.settings import ZabbixSettings

__all__ = ["EventReading", "in_batches", "instant", "plain"]

T = TypeVar("T")
_OLD_NAMES = (7, 0)
"""Before this version acknowledgements are asked for by another name."""


def instant(clock: Any, ns: Any = 0) -> int:
    """Turn Zabbix's seconds and nanoseconds into UTC milliseconds."""
    return number(clock) * 1000 + min(number(ns) // 1_000_000, 999)


def in_batches(all_of_them: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield them in pieces."""
    for start in range(0, len(all_of_them), size):
        yield all_of_them[start : start + size]


def plain(one: msgspec.Struct) -> Any:
    """Turn it into what a cursor can hold."""
    return msgspec.json.decode(msgspec.json.encode(one))


@dataclass(slots=True)
class EventReading:
    """One reading of the slice `event`. `shown`: ids of triggers -> key in `availability`."""

    client: ZabbixClient
    settings: ZabbixSettings
    now: int
    """Present instant, seconds by Zabbix's clock."""
    shown: Mapping[str, str]
    since: int | None

    def pages(self, cursor: Mapping[str, Any], gaps: list[str]) -> Iterator[Page]:
        """Yield pages; the cursor is `next` (id to go on from), `read_at` and `open` (problems not over)."""
        groups = self._groups()
        open_now: dict[str, Any] = dict(cursor.get("open", {}))
        after = {"next": cursor.get("next", 0), "read_at": cursor.get("read_at", 0), "open": open_now}
        counted = 0
        read: set[str] = set()
        for ids in in_batches([*open_now, *self._unknown(open_now)], self.settings.page_size):
            found = self._by_id(ids)
            problems = [self._problem(event, groups) for event in found]
            problems = self._with_recovery(problems, found)
            there = {one.id for one in problems}
            read |= there
            gone = [
                self._gone(open_now[each], after["read_at"]) for each in ids if each in open_now and each not in there
            ]
            after = self._remember(after, problems)
            after["open"] = {key: held for key, held in after["open"].items() if key not in {one.id for one in gone}}
            yield Page(_documents([*problems, *gone]), after, self.client.requests - counted)
            counted = self.client.requests
        start = max(number(cursor.get("next")), 0)
        young: int | None = None
        while True:
            events = self._after(start)
            problems = self._with_recovery([self._problem(event, groups) for event in events], events)
            for event in events:
                if number(event.clock) >= self.now - self.settings.overlap_minutes * 60:
                    young = min(number(event.eventid), young or number(event.eventid))
            start = max([start, *(number(event.eventid) + 1 for event in events)])
            after = self._remember(after, problems)
            last = len(events) < self.settings.page_size
            after["next"] = (young or start) if last else start
            if last:
                after["read_at"] = self.now * 1000
            fresh = [one for one in problems if one.id not in read]
            yield Page(_documents(fresh), dict(after), self.client.requests - counted, gaps if last else [])
            counted = self.client.requests
            if last:
                return

    def _remember(self, after: Mapping[str, Any], problems: Iterable[Problem]) -> dict[str, Any]:
        held = dict(after["open"])
        for one in problems:
            if one.ended is None:
                held[one.id] = plain(one)
            else:
                held.pop(one.id, None)
        return {**after, "open": held}

    def _groups(self) -> dict[str, list[str]]:
        """Return the groups of every host by its id."""
        asked = {"output": ["hostid", "host"], self.client.version.groups: ["name"]}
        hosts = self.client.list("host.get", Host, asked)
        return {str(each.hostid): [group.name for group in [*each.hostgroups, *each.groups]] for each in hosts}

    def _unknown(self, known: Mapping[str, Any]) -> list[str]:
        """List problems that are open and began before anything we read."""
        if self.since is None:
            return []
        asked = {"output": ["eventid"], "source": 0, "object": 0, "severities": self._severities()}
        listed = self.client.list("problem.get", dict[str, Any], asked)
        return [each for each in (str(one.get("eventid", "")) for one in listed) if each and each not in known]

    def _severities(self) -> list[int]:
        return list(range(self.settings.least_severity, 6))

    def _asked(self) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "output": ["eventid", "objectid", "clock", "ns", "value", "name", "severity", "r_eventid", "acknowledged"],
            "source": 0,
            "object": 0,
            "value": [1],
            "selectHosts": ["hostid", "host"],
            "selectTags": "extend",
            "selectAcknowledges": "extend",
            "selectSuppressionData": ["maintenanceid"],
            "sortfield": ["eventid"],
            "sortorder": "ASC",
        }
        if self.client.version < _OLD_NAMES:
            asked["select_acknowledges"] = asked.pop("selectAcknowledges")
        return asked

    def _by_id(self, ids: Sequence[str]) -> Sequence[Event]:
        return self.client.list("event.get", Event, {**self._asked(), "eventids": list(ids)})

    def _after(self, start: int) -> Sequence[Event]:
        asked = {**self._asked(), "severities": self._severities(), "limit": self.settings.page_size}
        if start:
            asked["eventid_from"] = str(start)
        if self.since is not None:
            asked["time_from"] = self.since
        return self.client.list("event.get", Event, asked)

    def _problem(self, event: Event, groups: Mapping[str, list[str]]) -> Problem:
        told = event.acknowledges
        updates = [] if told is msgspec.UNSET else told
        trigger = str(event.objectid)
        facts = [(tag.tag, tag.value) for tag in event.tags]
        facts += [("host", host.host) for host in event.hosts]
        facts += [("hostgroup", group) for host in event.hosts for group in groups.get(str(host.hostid), [])]
        hiding = sorted({str(each.maintenanceid) for each in event.suppression_data} - {"0"})
        return Problem(
            id=str(event.eventid),
            trigger=trigger,
            at=instant(event.clock, event.ns),
            name=event.name,
            severity=number(event.severity),
            acknowledged=number(event.acknowledged) == 1,
            hosts=[host.host for host in event.hosts],
            facts=list(dict.fromkeys(facts)),
            updates=[
                Update(str(each.acknowledgeid), instant(each.clock), number(each.action), each.username, each.message)
                for each in sorted(updates, key=lambda each: number(each.acknowledgeid))
            ],
            maintenances=hiding,
            shows=self.shown.get(trigger, ""),
        )

    def _with_recovery(self, problems: list[Problem], events: Sequence[Event]) -> list[Problem]:
        """Add when each was over: one request for all of them."""
        named = {str(event.eventid): str(event.r_eventid) for event in events if number(event.r_eventid)}
        if named:
            asked = {"output": ["eventid", "clock", "ns"], "eventids": sorted(set(named.values()), key=int)}
            ends = {
                str(one.eventid): instant(one.clock, one.ns) for one in self.client.list("event.get", Moment, asked)
            }
            for one in problems:
                if one.id in named:
                    one.recovery = named[one.id]
                    one.ended = max(ends.get(named[one.id], one.at), one.at)
        return problems

    def _gone(self, known: Any, read_at: int) -> Problem:
        """Say that a problem is no longer there: its trigger or host was deleted, or Zabbix has cleaned up."""
        one = msgspec.convert(known, Problem)
        one.gone = (max(read_at, one.at), max(self.now * 1000, one.at))
        return one


def _documents(problems: Iterable[Problem]) -> list[Document]:
    return [Document("event", one.id, SCOPE, msgspec.json.encode(one)) for one in problems]
