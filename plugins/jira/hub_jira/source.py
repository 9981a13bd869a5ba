"""Jira as a source of the hub: which slices there are, how they are read, what they can say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec

from hub.clock import parse_instant
from hub.errors import AuthenticationFailed, PluginError, ProtocolFault, ScopeUnreadable, SourceError
from hub.sync.source import Census, CheckLine, Document, Normalised, Page, Provision, Roster, Slice, SourceContext
from hub_jira.mapping import normalise
from hub_jira.provision import provisions
from hub_jira.vocabulary import Vocabulary

if TYPE_CHECKING:
    from hub_jira.client import JiraClient
    from hub_jira.settings import JiraSettings
    from hub_jira.wire import IssueHead

__all__ = ["JiraSource", "make_source"]

_DOUBT = "issue-level security may hide it; if no security level hides issues from this account: issue_security = false"


def make_source(settings: JiraSettings, context: SourceContext) -> JiraSource:
    """Make a source; no network. Raises PluginError with what to install where the library is missing."""
    try:
        from hub_jira.client import JiraClient  # noqa: PLC0415 - the plugin must load without the library
    except ModuleNotFoundError as fault:
        raise PluginError(
            f"Plugin 'jira' cannot be loaded: No module named '{fault.name}'. Run: pip install 'itsm-hub[jira]'"
        ) from fault
    return JiraSource(settings, context, JiraClient(settings, context))


class JiraSource:
    """One configured Jira.

    Streams: `issue` and `version`, each per project. The cursor of `issue` is `mark` (latest change seen
    in a window read to its end, UTC milliseconds) and, within a window, `from`, `seen`, `began`, `page`
    and, where issues read so far wait for the rest of their changelog, their ids as `held`.
    """

    def __init__(self, settings: JiraSettings, context: SourceContext, client: JiraClient) -> None:
        self._settings = settings
        self._context = context
        self._client = client
        self._vocabulary = Vocabulary.of(context.name, context.zone, settings)
        self._zone: str | None = settings.time_zone
        self._names: dict[str, str] = {}
        self._unsure: dict[str, SourceError] = {}
        """Projects that may or may not be readable: the probe failed in passing."""

    def check(self) -> list[CheckLine]:
        """Try identity, projects, clock, token and maps; every fault is a line."""
        from hub_jira.check import check  # noqa: PLC0415 - it needs the library

        return check(self._client.counting(), self._settings, self._vocabulary, self._context)

    def provides(self) -> list[Provision]:
        """State what the maps let this source say."""
        return provisions(self._vocabulary)

    def slices(self) -> list[Slice]:
        """Probe the identity, then every project, several at once; one that cannot be read is a slice with the reason."""
        from hub_jira.check import passing_trouble  # noqa: PLC0415 - it needs the library

        client = self._client.counting()
        self._identify(client)
        for trouble in passing_trouble(client, self._settings, self._context):
            self._context.log(trouble)
        found: list[Slice] = []
        self._unsure.clear()
        projects = self._settings.projects
        with ThreadPoolExecutor(max(1, min(self._settings.fetchers, len(projects))), "project") as pool:
            faults = list(pool.map(self._probe, projects))
        for project, fault in zip(projects, faults, strict=True):
            reason = str(fault) if isinstance(fault, ScopeUnreadable) else None
            if fault is not None and reason is None:
                self._unsure[project] = fault  # the other projects are read all the same
            sealed = project in self._settings.sealed_projects
            found.append(Slice("issue", project, self._vocabulary.kinds(), reason, sealed))
            found.append(Slice("version", project, frozenset({"release"}), reason, sealed=True))
        return found

    def _probe(self, project: str) -> SourceError | None:
        """Try one project; give why it cannot be read. Raises AuthenticationFailed."""
        from hub_jira.wire import Named  # noqa: PLC0415 - beside the client

        client = self._client.counting()
        try:
            client.get(f"{client.api}/project/{project}", Named)
        except AuthenticationFailed:
            raise
        except SourceError as fault:
            return fault
        return None

    def _identify(self, client: JiraClient) -> None:
        """Read who we are, in which zone, and what mapped fields are called."""
        from hub_jira.wire import Named  # noqa: PLC0415 - beside the client

        me = client.whoami()
        self._zone = _known_zone(me.time_zone) or self._settings.time_zone
        if self._settings.flavour == "data_center":
            fields = client.get(f"{client.api}/field", list[Named])
            called = [each.name for each in fields]
            self._names = {
                str(each.id): each.name
                for each in fields
                if str(each.id) in self._vocabulary.mapped_ids and called.count(each.name) == 1
            }

    def fetch(self, part: Slice, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """Yield the pages of a slice from a committed cursor on."""
        if part.scope in self._unsure:
            raise self._unsure[part.scope]
        client = self._client.counting()
        if part.stream == "version":
            yield from self._versions(client, part)
        else:
            yield from self._issues(client, part, cursor or {})

    def _issues(self, client: JiraClient, part: Slice, cursor: Mapping[str, Any]) -> Iterator[Page]:
        from hub_jira.completion import Completion  # noqa: PLC0415 - they need the library
        from hub_jira.search import IssueSearch, jql_time  # noqa: PLC0415

        if self._zone is None or (self._settings.flavour == "data_center" and not self._names):
            self._identify(client)
        mark: int | None = cursor.get("mark")
        state: dict[str, Any] | None = cursor.get("page")
        seen: int | None = cursor.get("seen") if state else None
        began: int = cursor["began"] if state else client.server_now_ms()
        since = jql_time(mark, self._zone, self._settings.overlap_minutes) if mark is not None else None
        if state:
            since = cursor.get("from")
        counted = 0
        after = dict(cursor)
        completion = Completion(
            client,
            cloud=self._settings.flavour == "cloud",
            names=self._names,
            batch_size=self._settings.page_size,
        )
        for found in IssueSearch(client, self._settings, part.scope).pages(since, state, cursor.get("held", [])):
            seen = max(
                [each for each in map(_updated, found.heads) if each is not None] + ([seen] if seen else []),
                default=None,
            )
            for batch in completion.batches(found):
                documents = [Document("issue", issue_id, part.scope, body) for issue_id, body in batch.issues]
                held = completion.waiting
                if found.state is not None:
                    after = {"mark": mark, "from": since, "began": began, "seen": seen, "page": found.state}
                    after |= {"held": held} if held else {}
                elif not held:
                    after = {"mark": min(seen, began) if seen is not None else mark}
                yield Page(documents, after, requests=client.requests - counted, gaps=batch.gaps)
                counted = client.requests

    def _versions(self, client: JiraClient, part: Slice) -> Iterator[Page]:
        raw = client.get(f"{client.api}/project/{part.scope}/versions", list[msgspec.Raw])
        documents = [Document("version", _native(each), part.scope, bytes(each)) for each in raw]
        yield Page(documents, {}, requests=client.requests)

    def normalise(self, document: Document) -> Normalised:
        """Turn a document into records."""
        return normalise(document, self._vocabulary)

    def census(self, part: Slice) -> Iterator[Census]:
        """Yield the ids visible now. Unless issue-level security is ruled out an absent issue may only be hidden."""
        client = self._client.counting()
        if part.stream == "version":
            raw = client.get(f"{client.api}/project/{part.scope}/versions", list[msgspec.Raw])
            yield Census("version", part.scope, [_native(each) for each in raw])
            return
        from hub_jira.search import IssueSearch  # noqa: PLC0415 - it needs the library

        ids = list(dict.fromkeys(IssueSearch(client, self._settings, part.scope).ids()))
        deletes = self._settings.issue_security is False
        yield Census("issue", part.scope, ids, deletes, "" if deletes else _DOUBT)

    def look_for(self, stream: str, native_ids: Sequence[str]) -> Iterator[Page]:
        """Yield issues that no project that is read lists, and that can be seen all the same: they were moved."""
        from hub_jira.absence import find_issues  # noqa: PLC0415 - it needs the library

        if stream == "issue":
            yield from find_issues(self._client.counting(), self._settings, self._names, native_ids)

    def roster(self, keys: Sequence[str]) -> Roster:
        """Tell which accounts are still active, which are not, and which are no longer there."""
        from hub_jira.roster import find_accounts  # noqa: PLC0415 - it needs the library

        return find_accounts(self._client.counting(), keys, cloud=self._settings.flavour == "cloud")

    def close(self) -> None:
        """Give back connections."""
        self._client.close()


def _native(version: msgspec.Raw) -> str:
    from hub_jira.wire import Named  # noqa: PLC0415 - beside the client

    try:
        return str(msgspec.json.decode(version, type=Named).id)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ProtocolFault("versions: one of them has no id; see the project's versions in Jira") from None


def _updated(head: IssueHead) -> int | None:
    try:
        return parse_instant(head.fields.updated) if isinstance(head.fields.updated, str) else None
    except (ValueError, OverflowError):
        return None


def _known_zone(name: str | None) -> str | None:
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    try:
        return ZoneInfo(name).key if name else None
    except (OSError, ValueError, KeyError):
        return None
