"""Maintenance of Zabbix. It is shown as it is now: what was taken away or changed is told by what we remember."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from hub.sync.source import Document, Page
from hub_zabbix.document import Work
from hub_zabbix.event_reading import in_batches, plain
from hub_zabbix.recurrence import windows
from hub_zabbix.vocabulary import SCOPE
from hub_zabbix.wire import Maintenance

if TYPE_CHECKING:
    from hub_zabbix.client import ZabbixClient
    from hub_zabbix.settings import ZabbixSettings

__all__ = ["WorkReading"]

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class WorkReading:
    """One reading of the slice `maintenance`."""

    client: ZabbixClient
    settings: ZabbixSettings
    zone: str
    """IANA zone of Zabbix's server."""
    now: int
    """Present instant, seconds by Zabbix's clock."""

    def pages(self, cursor: Mapping[str, Any], gaps: list[str]) -> Iterator[Page]:
        """Yield pages; the cursor is `read_at` and `open`, what was there then."""
        known: Mapping[str, Any] = cursor.get("open", {})
        listed = list(self._listed(known))
        there = {one.id for one in listed}
        removed = [_removed(held, cursor.get("read_at", 0)) for native, held in known.items() if native not in there]
        documents = [Document("maintenance", one.id, SCOPE, msgspec.json.encode(one)) for one in [*listed, *removed]]
        after = {"read_at": self.now * 1000, "open": {one.id: plain(one) for one in listed}}
        pages = list(in_batches(documents, self.settings.page_size)) or [[]]
        for number, page in enumerate(pages, 1):
            last = number == len(pages)
            requests = self.client.requests if last else 0
            yield Page(list(page), after if last else dict(cursor), requests, gaps if last else [])

    def _listed(self, known: Mapping[str, Any]) -> Iterator[Work]:
        asked = {
            "output": "extend",
            "selectTimeperiods": "extend",
            "selectHosts": ["host"],
            "selectTags": "extend",
            self.client.version.groups: ["name"],
        }
        until = (self.now // _DAY_S + self.settings.maintenance_days) * _DAY_S
        for one in self.client.list("maintenance.get", Maintenance, asked):
            native = f"{one.maintenanceid}/{_definition(one)}"
            noticed = known[native]["noticed"] if native in known else self.now * 1000
            yield _work(one, native, noticed, windows(one, self.zone, until))


def _definition(one: Maintenance) -> str:
    """Name what a maintenance says, so that one that was changed is another."""
    times = msgspec.json.encode([one.active_since, one.active_till, one.timeperiods])
    return hashlib.sha256(times).hexdigest()[:12]


def _work(one: Maintenance, native: str, noticed: int, found: list[tuple[int, int]]) -> Work:
    facts = [("host", host.host) for host in one.hosts]
    facts += [("hostgroup", group.name) for group in [*one.hostgroups, *one.groups]]
    facts += [(tag.tag, tag.value) for tag in one.tags]
    spans = [(begins * 1000, ends * 1000) for begins, ends in found]
    return Work(native, str(one.maintenanceid), one.name, noticed, spans, list(dict.fromkeys(facts)))


def _removed(held: Any, read_at: int) -> Work:
    one = msgspec.convert(held, Work)
    one.removed = read_at
    return one
