"""What a search answer leaves out of an issue: the rest of its changelog and of its comments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec
import zstandard

from hub.errors import ProtocolFault, ScopeUnreadable
from hub_jira.search import read_head
from hub_jira.wire import ChangelogPage, CommentPage

if TYPE_CHECKING:
    from hub_jira.client import JiraClient
    from hub_jira.search import Found
    from hub_jira.wire import ChangelogBlock, IssueHead

__all__ = ["Batch", "Completion"]

EMBEDDED_LIMIT = 40
"""Cloud embeds at most 40 to 100 of the latest entries and its total may say the same; so many mean "ask"."""
ISSUES_A_CALL = 1_000
ENTRIES_A_PAGE = 10_000
COMMENTS_A_PAGE = 100
LARGE = 1_000_000
"""Bytes of a batch that nothing is added to: issues with long changelogs are several times as large as others."""

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_entries = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(slots=True)
class Batch:
    """Issues made whole, and the gaps that remain."""

    issues: list[tuple[str, bytes]] = field(default_factory=list)
    """Id and body."""
    gaps: list[str] = field(default_factory=list)
    size: int = 0
    """Bytes of all bodies."""


class Completion:
    """Makes the issues of one reading whole.

    Cloud: an issue whose embedded changelog may be cut waits until 1,000 are together or the reading ends;
    then one bulk call serves them all. What waits is kept compressed, a tenth of its size: a large reading
    waits for many, in several projects at once. Data Center embeds all of it; the display names of mapped
    fields are added there, for its changelog knows no ids.
    """

    def __init__(self, client: JiraClient, *, cloud: bool, names: dict[str, str], batch_size: int) -> None:
        self._client = client
        self._cloud = cloud
        self._names = names
        self._batch_size = batch_size
        self._waiting: dict[str, bytes] = {}
        """Id -> compressed body."""
        self._compressor = zstandard.ZstdCompressor(level=1)
        self._unpack = zstandard.ZstdDecompressor().decompress

    @property
    def waiting(self) -> list[str]:
        """Ids of the issues that were read and not yet handed on."""
        return list(self._waiting)

    def batches(self, found: Found) -> Iterator[Batch]:
        """Take in a page of a search; yield at least one batch of what is whole by now."""
        batch = Batch()
        self._take(found, batch)
        while len(self._waiting) >= ISSUES_A_CALL or (self._waiting and found.state is None):
            called = list(islice(self._waiting, ISSUES_A_CALL))
            histories = self._bulk(called)
            for issue_id in called:
                if len(batch.issues) >= self._batch_size or batch.size >= LARGE:
                    yield batch
                    batch = Batch()
                raw = msgspec.Raw(self._unpack(self._waiting.pop(issue_id)))
                head = read_head(raw)
                patch = self._changelog(batch, head, histories.pop(issue_id, None))
                self._add(batch, raw, head, {"changelog": patch})
        yield batch

    def _take(self, found: Found, batch: Batch) -> None:
        """Copy what is whole into the batch and let go of the page: any piece of it keeps its whole answer in memory."""
        for raw, head in zip(found.issues, found.heads, strict=True):
            self._waiting.pop(head.id, None)  # of an issue read twice the later reading counts
            if self._cloud and _may_be_cut(head):
                self._waiting[head.id] = self._pack(bytes(raw))
            else:
                self._add(batch, raw, head, {})
        found.issues.clear()
        found.heads.clear()

    def _pack(self, body: bytes) -> bytes:
        """Compress, and copy the little there is: what the library gives keeps the room it might have needed."""
        return bytes(memoryview(self._compressor.compress(body)))

    def _bulk(self, issue_ids: list[str]) -> dict[str, list[bytes]]:
        """Fetch the whole changelogs of at most 1,000 issues; one without any entry does not appear in the answer.

        Gives what each page of the answer held of an issue, compressed.
        """
        gathered: dict[str, list[bytes]] = {}
        body: dict[str, Any] = {"issueIdsOrKeys": issue_ids, "maxResults": ENTRIES_A_PAGE}
        tokens: set[str] = set()
        while True:
            page = self._client.post(f"{self._client.api}/changelog/bulkfetch", ChangelogPage, body)
            for log in page.issue_change_logs:
                gathered.setdefault(log.issue_id, []).append(self._pack(msgspec.json.encode(log.change_histories)))
            if page.next_page_token is None:
                return gathered
            if page.next_page_token in tokens or (tokens and not page.issue_change_logs):
                raise ProtocolFault("changelog/bulkfetch: Jira's page tokens lead nowhere; reading would never end")
            body["nextPageToken"] = page.next_page_token
            tokens.add(page.next_page_token)
            del page  # or it would stay until the next has come

    def _changelog(self, batch: Batch, head: IssueHead, told: list[bytes] | None) -> dict[str, Any]:
        """Give the changelog of an issue that was asked for; without any entry it is not in the answer, but whole."""
        if told is None and head.changelog is not None and head.changelog.histories:
            batch.gaps.append(f"issue {head.key or head.id}: changelog incomplete")
            return _unfinished(head.changelog)
        entries = (bytes(entry) for part in told or () for entry in _entries.decode(self._unpack(part)))
        # an entry that stands on two pages is one entry
        return _block("histories", [msgspec.Raw(each) for each in dict.fromkeys(entries)])

    def _add(self, batch: Batch, raw: msgspec.Raw, head: IssueHead, patches: dict[str, Any]) -> None:
        if _lacks_comments(head):
            comments = _comments(self._client, head)
            if comments is None:
                batch.gaps.append(f"issue {head.key or head.id}: comments incomplete")
            else:
                patches["fields"] = _with_comments(raw, comments)
        if self._names:
            patches["names"] = self._names
        body = _patched(raw, patches)
        batch.issues.append((head.id, body))
        batch.size += len(body)


def _may_be_cut(head: IssueHead) -> bool:
    log = head.changelog
    if log is None or log.total is None:
        return True
    return len(log.histories) < log.total or len(log.histories) >= EMBEDDED_LIMIT


def _lacks_comments(head: IssueHead) -> bool:
    block = head.fields.comment
    return block is not None and block.total is not None and block.total > len(block.comments)


def _comments(client: JiraClient, head: IssueHead) -> list[msgspec.Raw] | None:
    """Fetch all comments of an issue; None = Jira does not give them all, and the document keeps its total."""
    gathered: dict[bytes, msgspec.Raw] = {}
    start = 0
    while True:
        try:
            page = client.get(
                f"{client.api}/issue/{head.id}/comment", CommentPage, startAt=start, maxResults=COMMENTS_A_PAGE
            )
        except ScopeUnreadable:
            return None  # the issue went away meanwhile
        known = len(gathered)
        gathered.update((bytes(each), each) for each in page.comments)
        start += len(page.comments)
        if len(gathered) >= page.total:
            return list(gathered.values())
        if len(gathered) == known:
            return None


def _with_comments(raw: msgspec.Raw, comments: list[msgspec.Raw]) -> dict[str, Any]:
    fields: dict[str, Any] = dict(_members.decode(_members.decode(raw)["fields"]))
    fields["comment"] = _block("comments", comments)
    return fields


def _block(name: str, entries: list[msgspec.Raw]) -> dict[str, Any]:
    return {"startAt": 0, "maxResults": len(entries), "total": len(entries), name: entries}


def _unfinished(log: ChangelogBlock) -> dict[str, Any]:
    return {**_block("histories", log.histories), "total": max(len(log.histories) + 1, log.total or 0)}


def _patched(raw: msgspec.Raw, patches: dict[str, Any]) -> bytes:
    if not patches:
        return bytes(raw)
    return msgspec.json.encode({**_members.decode(raw), **patches})
