"""Zabbix as a source of the hub: which slices there are, how they are read, what they can say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hub.errors import PluginError, ProtocolFault, ScopeUnreadable
from hub.sync.source import Census, CheckLine, Document, Normalised, Page, Provision, Slice, SourceContext
from hub_zabbix.mapping import normalise
from hub_zabbix.offer import provisions
from hub_zabbix.vocabulary import SCOPE, Vocabulary

if TYPE_CHECKING:
    from hub_zabbix.client import ZabbixClient
    from hub_zabbix.settings import ZabbixSettings

__all__ = ["PROBES", "ZabbixSource", "make_source", "skew_told"]

LARGEST_SKEW_MS = 5 * 60 * 1000
PROBES: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "event": (("event.get", {"output": ["eventid"], "limit": 1}), ("problem.get", {"output": ["eventid"], "limit": 1})),
    "maintenance": (("maintenance.get", {"output": ["maintenanceid"], "limit": 1}),),
    "sli": (("sla.get", {"output": ["slaid"], "limit": 1}), ("service.get", {"output": ["serviceid"], "limit": 1})),
    "watch": (
        ("trigger.get", {"output": ["triggerid"], "limit": 1}),
        ("item.get", {"output": ["itemid"], "limit": 1}),
        ("trend.get", {"output": ["itemid"], "itemids": ["1"], "limit": 1}),
    ),
}
"""Methods each stream needs, asked once for next to nothing: a role may forbid any of them."""


def make_source(settings: ZabbixSettings, context: SourceContext) -> ZabbixSource:
    """Make a source; no network. Raises PluginError with what to install where the library is missing."""
    try:
        from hub_zabbix.client import ZabbixClient  # noqa: PLC0415 - the plugin must load without the library
    except ModuleNotFoundError as fault:
        raise PluginError(
            f"Plugin 'zabbix' cannot be loaded: No module named '{fault.name}'. Run: pip install 'itsm-hub[zabbix]'"
        ) from fault
    return ZabbixSource(settings, context, ZabbixClient(settings, context))


class ZabbixSource:
    """One configured Zabbix.

    Slices: `event` (alerts), `maintenance`, `sli` (what Zabbix computed) and `watch` (hours of triggers and items;
    documents of the streams `watch` and `figure`), all of one scope.
    """

    def __init__(self, settings: ZabbixSettings, context: SourceContext, client: ZabbixClient) -> None:
        self._settings = settings
        self._context = context
        self._client = client
        self._words = Vocabulary.of(context.name, settings)

    def check(self) -> list[CheckLine]:
        """Try identity, rights, clock and maps; every fault is a line."""
        from hub_zabbix.check import check  # noqa: PLC0415 - it needs the library

        return check(self._client.counting(), self._words, self._context)

    def provides(self) -> list[Provision]:
        """State what the settings let this source say."""
        return provisions(self._settings)

    def slices(self) -> list[Slice]:
        """Ask who we are, whether we see any host, and try each method; a stream that is closed says why."""
        client = self._client.counting()
        user = client.whoami()
        blind = None
        if not hosts_seen(client):
            blind = f"{user} sees no host; give its user group the permission to read host groups"
        return [
            Slice(stream, SCOPE, kinds, blind or _refused(client, stream)) for stream, kinds in self._streams().items()
        ]

    def _streams(self) -> dict[str, frozenset[str]]:
        found = {"event": frozenset({"alert"}), "maintenance": frozenset({"maintenance_window"})}
        if self._settings.services:
            found["sli"] = frozenset({"measurement"})
        watch = {"availability_sample"} if self._settings.availability else set[str]()
        if self._settings.measurements:
            watch.add("measurement")
        return found | ({"watch": frozenset(watch)} if watch else {})

    def fetch(self, part: Slice, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """Yield pages of one slice."""
        from hub_zabbix.event_reading import EventReading  # noqa: PLC0415 - they need the library
        from hub_zabbix.level_reading import read_levels  # noqa: PLC0415
        from hub_zabbix.watch_reading import WatchReading, find_triggers  # noqa: PLC0415
        from hub_zabbix.work_reading import WorkReading  # noqa: PLC0415

        client, settings, held = self._client.counting(), self._settings, cursor or {}
        client.whoami()
        now = (self._context.clock.now_ms() + (client.clock_skew_ms or 0)) // 1000
        told = skew_told(client.clock_skew_ms)
        gaps = [f"{told}: its instants cannot be compared with others"] if told else []
        since = _day(settings)
        if part.stream == "event":
            shown = {str(one.trigger.triggerid): one.key for one in find_triggers(client, settings)}
            yield from EventReading(client, settings, now, shown, since).pages(held, gaps)
        elif part.stream == "maintenance":
            zone = settings.time_zone or self._context.zone
            yield from WorkReading(client, settings, zone, now).pages(held, gaps)
        elif part.stream == "sli":
            yield from read_levels(client, now, held, gaps)
        elif part.stream == "watch":
            yield from WatchReading(client, settings, now, since, self._context.log).pages(held, gaps)
        else:
            raise ProtocolFault(f"no such stream: {part.stream}")

    def normalise(self, document: Document) -> Normalised:
        """Turn a document into records."""
        return normalise(document, self._words)

    def census(self, part: Slice) -> Iterator[Census]:  # noqa: ARG002 - the protocol hands it over
        """Yield nothing: Zabbix cleans up what is old, and what is cleaned up has happened all the same."""
        return iter(())

    def look_for(self, stream: str, native_ids: Sequence[str]) -> Iterator[Page]:  # noqa: ARG002 - as above
        """Yield nothing: there is no other place to look."""
        return iter(())

    def close(self) -> None:
        """Give back connections."""
        self._client.close()


def hosts_seen(client: ZabbixClient) -> int:
    """Count the hosts we may see. Without permission Zabbix answers with nothing, and no fault."""
    told: Any = client.call("host.get", {"countOutput": True}, object)
    return int(told) if str(told).isdecimal() else 0


def _refused(client: ZabbixClient, stream: str) -> str | None:
    for method, params in PROBES[stream]:
        try:
            client.call(method, params, list[Any])
        except ScopeUnreadable as fault:
            return str(fault)
    return None


def skew_told(skew_ms: int | None) -> str | None:
    """Say that Zabbix's clock and ours are too far apart to compare instants; None = they are not."""
    if skew_ms is None or abs(skew_ms) <= LARGEST_SKEW_MS:
        return None
    side = "ahead of" if skew_ms > 0 else "behind"
    return f"Zabbix's clock is {abs(skew_ms) // 60_000} minutes {side} this machine's; set both by NTP"


def _day(settings: ZabbixSettings) -> int | None:
    if settings.since is None:
        return None
    day = settings.since
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
