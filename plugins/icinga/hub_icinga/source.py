"""Icinga 2 as a source of the hub: what it shows now, joined with what readings before have shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from hub.errors import PluginError
from hub.sync.source import Census, CheckLine, Document, Normalised, Page, Provision, Slice, SourceContext
from hub_icinga.document import Downtime, Note, Problem, Reading, Watch
from hub_icinga.mapping import SCOPE, normalise
from hub_icinga.offer import provisions
from hub_icinga.perfdata import figures
from hub_icinga.transition import Episodes, Past, Seen, known_spans, seen
from hub_icinga.vocabulary import Vocabulary
from hub_icinga.wire import Joined, ms

if TYPE_CHECKING:
    from hub_icinga.client import IcingaClient, Process
    from hub_icinga.settings import IcingaSettings
    from hub_icinga.wire import Checked

__all__ = ["IcingaSource", "make_source", "skew_told"]

LARGEST_SKEW_MS = 5 * 60 * 1000
_ACKNOWLEDGEMENT = 4
_STATE, _DOWNTIME = "state", "downtime"
RIGHTS = {
    _STATE: ("status/query", "objects/query/Host", "objects/query/Service", "objects/query/Comment"),
    _DOWNTIME: ("status/query", "objects/query/Downtime"),
}
"""Permissions each stream needs."""


def make_source(settings: IcingaSettings, context: SourceContext) -> IcingaSource:
    """Make a source; no network. Raises PluginError with what to install where the library is missing."""
    try:
        from hub_icinga.client import IcingaClient  # noqa: PLC0415 - the plugin must load without the library
    except ModuleNotFoundError as fault:
        raise PluginError(
            f"Plugin 'icinga' cannot be loaded: No module named '{fault.name}'. Run: pip install 'itsm-hub[icinga]'"
        ) from fault
    return IcingaSource(settings, context, IcingaClient(settings, context))


class IcingaSource:
    """One configured Icinga 2.

    Slices: `state` (hosts, services, comments; documents of the streams `problem`, `watch`, `figure`) and `downtime`.
    The cursor of both is `read_at`, the instant of the last whole reading by Icinga's clock, and `open`: problems
    that were not over, downtimes that had not ended, as they were last seen.
    """

    def __init__(self, settings: IcingaSettings, context: SourceContext, client: IcingaClient) -> None:
        self._settings = settings
        self._context = context
        self._client = client
        self._words = Vocabulary.of(context.name, settings)
        self._vars = settings.variables

    def check(self) -> list[CheckLine]:
        """Try identity, permissions, clock and maps; every fault is a line."""
        from hub_icinga.check import check  # noqa: PLC0415 - it needs the library

        return check(self._client.counting(), self._words, self._facts)

    def provides(self) -> list[Provision]:
        """State what the settings let this source say."""
        return provisions(self._settings)

    def slices(self) -> list[Slice]:
        """Ask who we are; a stream for which a permission is missing is a slice with the reason."""
        account = self._client.counting().whoami()
        kinds = {each.kind for each in self.provides()}
        streams = {_STATE: kinds - {"maintenance_window"}, _DOWNTIME: frozenset({"maintenance_window"})}
        found = []
        for stream, held in streams.items():
            lacking = account.lacks(*RIGHTS[stream])
            reason = (
                f"the ApiUser {account.user} lacks {', '.join(lacking)}; add it to its permissions" if lacking else None
            )
            found.append(Slice(stream, SCOPE, frozenset(held), reason))
        return found

    def fetch(self, part: Slice, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """Read everything there is now, and tell what it says of the time since the reading before.

        Pages before the last carry the cursor they began with: a reading is whole or it was not made.
        """
        client = self._client.counting()
        held = dict(cursor or {})
        process = client.process()
        past = Past(held.get("read_at"), process.now, process.started)
        if part.stream == _DOWNTIME:
            documents, still = self._downtimes(client, held.get("open", {}), past)
        else:
            documents, still = self._states(client, held.get("open", {}), past)
        after = {"read_at": process.now, "open": still}
        gaps = _gaps(process)
        size = self._settings.page_size
        pages = [documents[n : n + size] for n in range(0, len(documents), size)] or [[]]
        for number, page in enumerate(pages):
            last = number == len(pages) - 1
            yield Page(page, after if last else held, client.requests if last else 0, gaps if last else [])

    def _states(
        self, client: IcingaClient, before: Mapping[str, Any], past: Past
    ) -> tuple[list[Document], dict[str, Any]]:
        listed = [*client.hosts().results, *client.services().results]
        notes = self._notes(client)
        objects = [seen(each.attrs, self._facts(each)) for each in listed]
        memory = {name: msgspec.convert(known, Problem) for name, known in before.items()}
        episodes = Episodes(memory, past, notes)
        documents = [_document("problem", one.native, one) for one in episodes.of(objects)]
        documents += self._watched(objects, past)
        documents += self._figures(listed)
        return documents, {name: _plain(one) for name, one in episodes.open.items()}

    def _notes(self, client: IcingaClient) -> dict[str, list[Note]]:
        found = defaultdict[str, list[Note]](list)
        for each in client.comments().results:
            told = each.attrs
            acknowledges = int(told.entry_type) == _ACKNOWLEDGEMENT
            note = Note(told.name, ms(told.entry_time), told.author, told.text, acknowledges)
            found[_object(told.host_name, told.service_name)].append(note)
        return found

    def _facts(self, one: Checked) -> list[tuple[str, str]]:
        attrs, host = one.attrs, one.joins.host
        if attrs.host_name:
            return self._chosen(attrs.host_name, attrs.name, host, Joined(attrs.groups, attrs.vars))
        return self._chosen(attrs.name, "", Joined(attrs.groups, attrs.vars), None)

    def _chosen(
        self, host: str, service: str, of_host: Joined | None, of_service: Joined | None
    ) -> list[tuple[str, str]]:
        """Name what settings may map: groups, host, service, and the vars named there (others may be secrets)."""
        found = [("service", service)] if service else []
        found.append(("host", host))
        for kind, joined in (("servicegroup", of_service), ("hostgroup", of_host)):
            found += [(kind, group) for group in (joined.groups if joined else None) or []]
            variables = (joined.vars if joined else None) or {}
            told = ((f"vars.{name}", str(value)) for name, value in variables.items())
            found += [fact for fact in told if fact[0] in self._vars]
        return list(dict.fromkeys(found))

    def _watched(self, objects: Sequence[Seen], past: Past) -> Iterator[Document]:
        if not self._settings.availability or past.read_at is None:
            return
        there = {one.name: one for one in objects if one.name in self._settings.availability}
        for name in sorted(self._settings.availability):
            if name not in there:
                self._context.log(f"{name} in availability is not in Icinga, or not to be seen: its state is unknown")
            spans = known_spans(there.get(name), past)
            if spans:
                every_s = there[name].every_s if name in there else 0
                yield _document("watch", f"{name}/{past.read_at}", Watch(name, spans, every_s))

    def _figures(self, listed: Iterable[Checked]) -> Iterator[Document]:
        wanted = {(figure.object, figure.label) for figure in self._settings.measurements}
        for each in listed if wanted else ():
            result, name = each.attrs.last_check_result, each.attrs.name
            at = ms(result.execution_end) if result else 0
            if result is None or not at:
                continue
            for label, value, unit in figures(result.performance_data or []):
                if (name, label) in wanted:
                    yield _document("figure", f"{name}/{label}/{at}", Reading(name, label, at, value, unit))

    def _downtimes(
        self, client: IcingaClient, before: Mapping[str, Any], past: Past
    ) -> tuple[list[Document], dict[str, Any]]:
        now: dict[str, Downtime] = {}
        for each in client.downtimes().results:
            told = each.attrs
            now[told.name] = Downtime(
                native=told.name,
                object=_object(told.host_name, told.service_name),
                begins=ms(told.start_time),
                ends=ms(told.end_time),
                entered=ms(told.entry_time),
                author=told.author,
                comment=told.comment,
                fixed=told.fixed,
                triggered=ms(told.trigger_time),
                lasts=ms(told.duration),
                facts=self._chosen(
                    told.host_name,
                    f"{told.host_name}!{told.service_name}" if told.service_name else "",
                    each.joins.host,
                    each.joins.service,
                ),
            )
        gone = []
        for name, known in before.items():
            if name not in now and known["ends"] > past.now and past.read_at is not None:
                lost = msgspec.convert(known, Downtime)
                lost.removed = (past.read_at, past.now)
                gone.append(lost)
        documents = [_document("downtime", one.native, one) for one in [*now.values(), *gone]]
        return documents, {name: _plain(one) for name, one in now.items()}

    def normalise(self, document: Document) -> Normalised:
        """Turn a document into records."""
        return normalise(document, self._words)

    def census(self, part: Slice) -> Iterator[Census]:  # noqa: ARG002 - the protocol hands it over
        """Yield nothing: what is over is no longer shown, and is not gone for that."""
        return iter(())

    def look_for(self, stream: str, native_ids: Sequence[str]) -> Iterator[Page]:  # noqa: ARG002 - as above
        """Yield nothing: Icinga has no history to look in."""
        return iter(())

    def close(self) -> None:
        """Give back connections."""
        self._client.close()


def skew_told(process: Process) -> str | None:
    """Say that Icinga's clock and ours are too far apart to compare instants; None = they are not."""
    if abs(process.skew) <= LARGEST_SKEW_MS:
        return None
    side = "ahead of" if process.skew > 0 else "behind"
    return f"Icinga's clock is {abs(process.skew) // 60_000} minutes {side} this machine's; set both by NTP"


def _gaps(process: Process) -> list[str]:
    told = skew_told(process)
    return [f"{told}: its instants cannot be compared with others"] if told else []


def _object(host: str, service: str) -> str:
    return f"{host}!{service}" if service else host


def _plain(one: msgspec.Struct) -> Any:
    """Turn it into what a cursor can hold."""
    return msgspec.json.decode(msgspec.json.encode(one))


def _document(stream: str, native: str, body: msgspec.Struct) -> Document:
    return Document(stream, native, SCOPE, msgspec.json.encode(body))
