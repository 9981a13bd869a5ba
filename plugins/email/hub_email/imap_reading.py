"""How a folder is read: by UID, in small pages, from where the last page was committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from hub.errors import ProtocolFault, Retriable, ScopeUnreadable, SourceError
from hub.sync.source import Document, Page
from hub_email.imap_folder import Folder, FolderState, Mail, has_message_id, native_id
from hub_email.mapping import ENVELOPE

__all__ = ["MAIL", "read_folder", "visible_ids"]

MAIL = "mail"
"""Stream of whole mails."""
_LISTED = 500
"""Mails whose sizes or names are asked after at once."""
_PAGE_BYTES = 8_000_000
"""Bytes a page holds at most, unless one mail alone is larger."""


def read_folder(
    folder: Folder,
    scope: str,
    cursor: Mapping[str, Any] | None,
    *,
    largest: int,
    page_size: int,
    log: Callable[[str], None],
) -> Iterator[Page]:
    """Yield the mails with a higher UID than the cursor's, and the place reached.

    The cursor is `uid_validity`, `uid` (all mails up to it were read), `largest` (in force meanwhile) and,
    once the end was reached, `mod_seq` where the server has CONDSTORE: as long as it stays, nothing is asked.
    A mail that the server lists and does not give is a gap.
    """
    state = folder.open()
    after = _resume(folder, state, cursor, largest, log)
    mark = {"uid_validity": state.uid_validity, "largest": largest}
    at_end = {**mark, "uid": state.uid_next - 1, "mod_seq": state.mod_seq}
    if cursor is not None and dict(cursor) == at_end and state.mod_seq is not None:
        return
    counted, too_large = 0, 0
    for window in folder.uids(after + 1, state.uid_next - 1):
        for first in range(0, len(window), _LISTED):
            sizes = folder.sizes(window[first : first + _LISTED])
            for chunk in _chunks(sizes, largest=largest, page_size=page_size):
                mails, gaps = _take(folder, [u for u in chunk if sizes[u] <= largest], partial(folder.mails, largest))
                heads, more = _take(folder, [u for u in chunk if sizes[u] > largest], folder.headers)
                mails, gaps = mails + heads, gaps + more
                too_large += sum(not mail.is_whole for mail in mails)
                documents = [_document(mail, scope) for mail in sorted(mails, key=lambda mail: mail.uid)]
                yield Page(documents, {**mark, "uid": chunk[-1]}, requests=folder.requests - counted, gaps=gaps)
                counted = folder.requests
    if too_large:
        log(f"{scope}: {too_large} mails are larger than {largest // 1_000_000} MB and were not read; see largest_mb")
    yield Page([], at_end, requests=folder.requests - counted)


def visible_ids(folder: Folder, *, largest: int) -> list[str]:
    """Name every mail that is in the folder now."""
    state = folder.open()
    found: list[str] = []
    for window in folder.uids(1, state.uid_next - 1):
        for first in range(0, len(window), _LISTED):
            listed = window[first : first + _LISTED]
            named = folder.identities(listed)
            if folder.are_there(sorted(set(listed) - named.keys())):
                raise SourceError(f"{folder.place}: the server lists mails and does not name them")
            found += [native_id(identity, b"") for identity in named.values() if has_message_id(identity)]
            nameless = [uid for uid, identity in named.items() if not has_message_id(identity)]
            sizes = folder.sizes(nameless)
            for chunk in _chunks(sizes, largest=largest, page_size=_LISTED):
                mails = folder.mails(largest, [uid for uid in chunk if sizes[uid] <= largest])
                found += [mail.native_id for mail in mails]
    return list(dict.fromkeys(found))


def _resume(
    folder: Folder, state: FolderState, cursor: Mapping[str, Any] | None, largest: int, log: Callable[[str], None]
) -> int:
    """Give the UID up to which nothing is left to read."""
    if cursor is None:
        return 0
    uid = int(cursor.get("uid", 0))
    if cursor.get("uid_validity") != state.uid_validity or uid >= state.uid_next:
        log(
            f"{folder.place}: UIDs were given anew (the folder was made anew, moved or restored); it is read from its beginning"
        )
        return 0
    if int(cursor.get("largest", 0)) < largest:
        return 0  # larger mails than before are read: what was too large then may not be now
    return uid


def _chunks(sizes: Mapping[int, int], *, largest: int, page_size: int) -> Iterator[list[int]]:
    """Cut mails into pages, ascending: not too many, not too much."""
    chunk: list[int] = []
    room = _PAGE_BYTES
    for uid in sorted(sizes):
        size = sizes[uid] if sizes[uid] <= largest else 0
        if chunk and (len(chunk) == page_size or size > room):
            yield chunk
            chunk, room = [], _PAGE_BYTES
        chunk.append(uid)
        room -= size
    if chunk:
        yield chunk


def _take(
    folder: Folder, uids: Sequence[int], fetch: Callable[[Sequence[int]], list[Mail]]
) -> tuple[list[Mail], list[str]]:
    """Fetch mails; where the server refuses some, or cuts the connection over them, the bad one costs itself only.

    Dovecot cuts when it cannot read a mail. Whether the server is there at all is asked before the halves are tried.
    """
    try:
        mails = fetch(uids)
    except (ScopeUnreadable, Retriable, ProtocolFault) as error:
        there = folder.are_there(uids)  # raises where nothing is answered now
        if len(uids) == 1:
            return [], [f"mail with UID {uid} is listed but cannot be read: {error}" for uid in uids if uid in there]
        middle = len(uids) // 2
        halves = [_take(folder, half, fetch) for half in (uids[:middle], uids[middle:])]
        return [mail for taken, _ in halves for mail in taken], [gap for _, gaps in halves for gap in gaps]
    missing = sorted(set(uids) - {mail.uid for mail in mails})
    still = folder.are_there(missing)  # what was deleted meanwhile is no gap
    return mails, [f"mail with UID {uid} is listed but cannot be read" for uid in missing if uid in still]


def _document(mail: Mail, scope: str) -> Document:
    return Document(MAIL if mail.is_whole else ENVELOPE, mail.native_id, scope, mail.body)
