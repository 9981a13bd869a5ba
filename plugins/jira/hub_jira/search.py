"""Reading the issues of a project page by page, in both dialects, without a gap.

Pages are ordered by key, never by `updated`, which would make them jump while people work. A window
(`updated >= from`) is read to its end; only then the mark moves. Search reads times to the minute and in
the account's own zone, so the window begins earlier than the mark.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from hub.errors import ProtocolFault, ScopeUnreadable
from hub_jira.client import BadRequest
from hub_jira.wire import CloudPage, IssueHead, IssueName, OffsetPage

if TYPE_CHECKING:
    from hub_jira.client import JiraClient
    from hub_jira.settings import JiraSettings

__all__ = ["Found", "IssueSearch", "jql_time", "read_head"]

RESULT_WINDOW = 9_000
"""Data Center refuses offsets from 10,000 on; before that the search begins anew behind the last key."""
IDS_A_PAGE = 1_000
IDS_A_QUERY = 100
"""A query stands in the address, and addresses have a limit."""
WESTERNMOST = timezone(timedelta(hours=-12))
CHANGE_OF_CLOCKS = timedelta(hours=3)
EARLIEST_MS = 7 * 86_400_000
"""No issue is older than Jira; a clock gone wrong may say so."""
DIGITS = 19
"""A key with more is not one of Jira's."""
PATIENCE = 20
"""Steps without anything new, in one reading, after which it is given up: pages without issues, steps back."""


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search; who takes its issues over may empty it."""

    issues: list[msgspec.Raw]
    heads: list[IssueHead]
    state: dict[str, Any] | None
    """Where to go on; None = this was the last page."""


def jql_time(instant_ms: int, zone: str | None, overlap_minutes: int) -> str:
    """Write an instant for JQL, to the minute, in the account's zone and at least the overlap earlier.

    An unknown zone is taken as the westernmost, and near a change of clocks three hours are added:
    reading again is cheap, a gap is not.
    """
    moment = datetime.fromtimestamp(max(instant_ms, EARLIEST_MS) / 1000, tz=UTC) - timedelta(minutes=overlap_minutes)
    local = moment.astimezone(ZoneInfo(zone) if zone else WESTERNMOST)
    around = [(moment + shift).astimezone(local.tzinfo).utcoffset() for shift in (-CHANGE_OF_CLOCKS, CHANGE_OF_CLOCKS)]
    if around[0] != around[1]:
        local = (moment - CHANGE_OF_CLOCKS).astimezone(local.tzinfo)
    return local.strftime("%Y-%m-%d %H:%M")


@dataclass(slots=True)
class _Progress:
    """Sees to it that a reading ends, whatever tokens and totals say: keys rise from page to page."""

    reached: int = -1
    still: int = 0

    def note(self, found: Found) -> None:
        """Take a page in; ProtocolFault where more is promised and nothing new came."""
        highest = max((_number(head.key) for head in found.heads), default=self.reached)
        if found.state is not None and found.heads and highest <= self.reached:
            raise ProtocolFault("search: Jira gives the same issues again; reading would never end")
        if found.state is not None and not found.heads:
            self.stand_still()
        self.reached = highest

    def stand_still(self) -> None:
        """Count a step that brought nothing; what follows may repeat what was read."""
        self.still += 1
        self.reached = -1
        if self.still > PATIENCE:
            raise ProtocolFault(f"search: {PATIENCE} answers brought nothing new; reading would never end")


class IssueSearch:
    """Searches one project with one client."""

    def __init__(self, client: JiraClient, settings: JiraSettings, project: str) -> None:
        self._client = client
        self._cloud = settings.flavour == "cloud"
        self._page_size = settings.page_size
        self._project = project

    def pages(self, since: str | None, state: dict[str, Any] | None, held: Sequence[str] = ()) -> Iterator[Found]:
        """Yield the pages of the window that begins at `since` (text for JQL; None = everything).

        `state` is that of a committed page, `held` are ids read before it and not committed: they come first.
        Where Jira no longer knows the state or one of the ids, the window begins again.
        """
        project = f'project = "{self._project}"'
        asked: dict[str, Any] = {"fields": "*all", "expand": "changelog", "size": self._page_size}
        try:
            for first in range(0, len(held), IDS_A_QUERY):
                query = f"{project} AND id in ({', '.join(held[first : first + IDS_A_QUERY])})"
                for found in self._read(query, None, **asked):
                    yield replace(found, state=state)
        except BadRequest:
            state = None
        yield from self._read(project + (f' AND updated >= "{since}"' if since else ""), state, **asked)

    def ids(self) -> Iterator[str]:
        """Yield the ids of all issues visible now."""
        query = f'project = "{self._project}"'
        for found in self._read(query, None, fields="id", expand="", size=IDS_A_PAGE):
            yield from (head.id for head in found.heads)

    def _read(self, query: str, state: dict[str, Any] | None, **asked: Any) -> Iterator[Found]:
        """Yield pages until Jira says that there are no more; ProtocolFault where it never would."""
        begun_again = False
        progress = _Progress()
        while True:
            try:
                found = self._page(query, state, **asked)
            except BadRequest as fault:
                if state is None or begun_again:
                    raise self._closed(fault) from None
                state, begun_again, progress = None, True, _Progress()
                continue
            if found is None:
                progress.stand_still()
                state = self._step_back(state, asked["size"])
                continue
            if found.state is None and not found.heads:
                self._client.whoami()  # nothing is also what Jira shows to strangers
            progress.note(found)
            yield found
            if found.state is None:
                return
            state = found.state

    def _closed(self, fault: BadRequest) -> Exception:
        """Jira says 400 where the account may not see the project that the query names."""
        if "project" in str(fault).partition("(400)")[2]:
            return ScopeUnreadable(f"project {self._project} cannot be searched: {fault}")
        return fault

    def _page(self, query: str, state: dict[str, Any] | None, *, fields: str, expand: str, size: int) -> Found | None:
        if self._cloud:
            return self._cloud_page(query, state, fields=fields, expand=expand, size=size)
        return self._offset_page(query, state, fields=fields, expand=expand, size=size)

    def _cloud_page(self, query: str, state: dict[str, Any] | None, *, fields: str, expand: str, size: int) -> Found:
        token = state["token"] if state else None
        params: dict[str, str | int] = {"jql": f"{query} ORDER BY key ASC", "fields": fields, "maxResults": size}
        if expand:
            params["expand"] = expand
        if token:
            params["nextPageToken"] = token
        page = self._client.get(f"{self._client.api}/search/jql", CloudPage, **params)
        if page.next_page_token is not None and page.next_page_token == token:
            raise ProtocolFault("search: Jira gave the same page token twice; reading would never end")
        last = page.next_page_token is None or page.is_last is True
        return Found(page.issues, _heads(page.issues), None if last else {"token": page.next_page_token})

    def _offset_page(
        self, query: str, state: dict[str, Any] | None, *, fields: str, expand: str, size: int
    ) -> Found | None:
        """Read one page, one issue overlapping the page before; None = issues vanished in front of it."""
        start, after, last = _offset(state)
        overlap = 1 if start else 0
        behind = f' AND key > "{after}"' if after else ""
        params: dict[str, str | int] = {
            "jql": f"{query}{behind} ORDER BY key ASC",
            "fields": fields,
            "startAt": start - overlap,
            "maxResults": size + overlap,
        }
        if expand:
            params["expand"] = expand
        page = self._client.get(f"{self._client.api}/search", OffsetPage, **params)
        heads = _heads(page.issues)
        if overlap and (_number(heads[0].key) > _number(last or "") if heads else page.total < start):
            return None
        reached = start - overlap + len(page.issues)
        if len(heads) <= overlap and reached < page.total:
            raise ProtocolFault(f"search: Jira counts {page.total} issues and gives {reached}; have it indexed anew")
        if len(heads) <= overlap or (reached >= page.total and len(heads) < size + overlap):
            return Found(page.issues, heads, None)  # a full page may have more behind it, whatever the total says
        here = {"start": reached, "after": after, "last": heads[-1].key}
        if reached >= RESULT_WINDOW:
            here = {"start": 0, "after": heads[-1].key, "last": heads[-1].key}
        return Found(page.issues, heads, here)

    def _step_back(self, state: dict[str, Any] | None, size: int) -> dict[str, Any] | None:
        start, after, last = _offset(state)
        start = max(0, start - size)
        return {"start": start, "after": after, "last": last} if start or after else None


def _offset(state: dict[str, Any] | None) -> tuple[int, str | None, str | None]:
    return (state["start"], state.get("after"), state.get("last")) if state else (0, None, None)


def _heads(issues: list[msgspec.Raw]) -> list[IssueHead]:
    try:
        return [read_head(each) for each in issues]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolFault(f"search: an issue of an unexpected shape ({error})") from None


def read_head(issue: msgspec.Raw) -> IssueHead:
    """Look at an issue; where only its id can be read it is kept all the same, and the mapping says what is odd."""
    try:
        return _head.decode(issue)
    except msgspec.ValidationError:
        bare = msgspec.json.decode(issue, type=IssueName)
        return IssueHead(bare.id, bare.key if isinstance(bare.key, str) else "")


_head = msgspec.json.Decoder(IssueHead)


def _number(key: str) -> int:
    digits = key.rpartition("-")[2]
    return int(digits) if digits.isdecimal() and digits.isascii() and len(digits) < DIGITS else 0
