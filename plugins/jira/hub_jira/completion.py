"""What a search answer leaves out of an issue: the rest of its changelog and of its comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from hub.errors import ProtocolFault, ScopeUnreadable
from hub_jira.wire import ChangelogPage, CommentPage

if TYPE_CHECKING:
    from hub_jira.client import JiraClient
    from hub_jira.search import Found
    from hub_jira.wire import ChangelogBlock, IssueHead

__all__ = ["complete"]

EMBEDDED_LIMIT = 40
"""Cloud embeds at most 40 to 100 of the latest entries and its total may say the same; so many mean "ask"."""
ISSUES_A_CALL = 1_000
ENTRIES_A_PAGE = 10_000
COMMENTS_A_PAGE = 100

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def complete(client: JiraClient, found: Found, *, cloud: bool, names: dict[str, str]) -> tuple[list[bytes], list[str]]:
    """Give the bodies of a page's issues, made whole, and the gaps that remain.

    Cloud: one bulk call for all issues whose embedded changelog may be cut. Data Center embeds all of
    it; the display names of mapped fields are added there, for its changelog knows no ids.
    """
    cut = [head.id for head in found.heads if _may_be_cut(head)] if cloud else []
    histories = _bulk(client, cut)
    bodies: list[bytes] = []
    gaps: list[str] = []
    for raw, head in zip(found.issues, found.heads, strict=True):
        patches: dict[str, Any] = {}
        if head.id in histories:
            patches["changelog"] = _block("histories", histories[head.id])
        elif head.id in cut and head.changelog is not None and head.changelog.histories:
            gaps.append(f"issue {head.key or head.id}: changelog incomplete")
            patches["changelog"] = _unfinished(head.changelog)
        elif head.id in cut:
            patches["changelog"] = _block("histories", [])
        if _lacks_comments(head):
            comments = _comments(client, head)
            if comments is None:
                gaps.append(f"issue {head.key or head.id}: comments incomplete")
            else:
                patches["fields"] = _with_comments(raw, comments)
        if names:
            patches["names"] = names
        bodies.append(_patched(raw, patches))
    return bodies, gaps


def _may_be_cut(head: IssueHead) -> bool:
    log = head.changelog
    if log is None or log.total is None:
        return True
    return len(log.histories) < log.total or len(log.histories) >= EMBEDDED_LIMIT


def _bulk(client: JiraClient, issue_ids: list[str]) -> dict[str, list[msgspec.Raw]]:
    """Fetch whole changelogs; an issue without any entry does not appear in the answer but is whole."""
    gathered: dict[str, dict[bytes, msgspec.Raw]] = {}
    for first in range(0, len(issue_ids), ISSUES_A_CALL):
        body: dict[str, Any] = {
            "issueIdsOrKeys": issue_ids[first : first + ISSUES_A_CALL],
            "maxResults": ENTRIES_A_PAGE,
        }
        tokens: set[str] = set()
        while True:
            page = client.post(f"{client.api}/changelog/bulkfetch", ChangelogPage, body)
            for log in page.issue_change_logs:
                # an entry that stands on two pages is one entry
                gathered.setdefault(log.issue_id, {}).update((bytes(each), each) for each in log.change_histories)
            if page.next_page_token is None:
                break
            if page.next_page_token in tokens or (tokens and not page.issue_change_logs):
                raise ProtocolFault("changelog/bulkfetch: Jira's page tokens lead nowhere; reading would never end")
            tokens.add(page.next_page_token)
            body["nextPageToken"] = page.next_page_token
    return {issue_id: list(entries.values()) for issue_id, entries in gathered.items()}


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
