"""One folder of one mailbox, opened read-only; a connection that was cut is opened again where it was."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from hub.errors import ProtocolFault, ScopeUnreadable, SourceError
from hub_email.imap_connection import Account, close, sorted_fault

__all__ = ["Folder", "FolderState", "Mail", "has_message_id", "native_id"]

T = TypeVar("T")
_IDENTITY = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE FROM SUBJECT RECEIVED)]"
_HEADER = 65_536
"""Bytes of a header that are kept of a mail that is too large, or hashed of one without Message-ID."""
_MESSAGE_ID = re.compile(rb"(?im)^message-id:[ \t\r\n]*\S")
_SPACE = re.compile(rb"[ \t\r\n]+")
WINDOW = 50_000
"""UIDs asked after at once in a folder of more mails than that: the answer is one line, and may not be endless."""


@dataclass(frozen=True, slots=True)
class FolderState:
    """What the server says when the folder is opened."""

    uid_validity: int
    """Changes when UIDs were given anew."""
    uid_next: int
    """No mail has this UID yet, nor a higher one."""
    exists: int
    """Mails in it."""
    mod_seq: int | None
    """Grows with every change, where the server has CONDSTORE."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as the server gives it."""

    uid: int
    native_id: str
    body: bytes
    """The whole mail; where it is too large, the beginning of its header."""
    is_whole: bool


class Folder:
    """A folder; used by one thread, closed by the same."""

    def __init__(self, account: Account, name: str) -> None:
        self._account = account
        self._client: IMAPClient | None = None
        self.name = name
        self.place = f"{account.place}, folder {name}"
        self.state: FolderState | None = None
        self.requests = 0
        """Requests sent, retries included."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            close(self._client)
            self._client = None

    def open(self) -> FolderState:
        """Connect and open the folder read-only."""
        self.ask(lambda _client: None)
        assert self.state is not None  # noqa: S101 - set by whatever was asked
        return self.state

    def ask(self, request: Callable[[IMAPClient], T]) -> T:
        """Ask something, again where the connection was cut. Raises SourceError."""
        return self._account.context.call(lambda: self._once(request))

    def uids(self, low: int, high: int) -> Iterator[list[int]]:
        """Yield the UIDs there are from `low` to `high`, in windows, ascending."""
        width = max(high - low + 1, 1) if self.state is not None and self.state.exists <= WINDOW else WINDOW
        for first in range(low, high + 1, width):
            last = min(first + width - 1, high)
            found = self.ask(lambda client, a=first, b=last: client.search(["UID", f"{a}:{b}"]))  # type: ignore[misc]
            if inside := sorted({uid for uid in found if first <= uid <= last}):
                yield inside

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Give the size of each mail in bytes; what is gone by now is missing."""
        found = self._fetch(uids, ["RFC822.SIZE"])
        return {uid: size for uid in uids if isinstance(size := found.get(uid, {}).get(b"RFC822.SIZE"), int)}

    def larger(self, size: int) -> int:
        """Count the mails larger than `size` bytes."""
        return len(self.ask(lambda client: client.search(["LARGER", str(size)])))

    def mails(self, largest: int, uids: Sequence[int]) -> list[Mail]:
        """Give mails whole; one that turns out larger than it was said to be is cut to its header."""
        mails = []
        for uid, found in self._fetch(uids, [_IDENTITY, f"BODY.PEEK[]<0.{largest + 1}>"]).items():
            raw = found.get(b"BODY[]<0>")
            if not isinstance(raw, bytes):
                continue
            if len(raw) > largest:
                mails += self.headers([uid])
            else:
                mails.append(Mail(uid, native_id(_identity_of(found), raw), raw, is_whole=True))
        return mails

    def headers(self, uids: Sequence[int]) -> list[Mail]:
        """Give the beginnings of mails' headers."""
        mails = []
        for uid, found in self._fetch(uids, [_IDENTITY, f"BODY.PEEK[HEADER]<0.{_HEADER}>"]).items():
            raw = found.get(b"BODY[HEADER]<0>")
            if isinstance(raw, bytes):
                mails.append(Mail(uid, native_id(_identity_of(found), raw), raw, is_whole=False))
        return mails

    def identities(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Give the header fields that mails are told apart by."""
        return {uid: _identity_of(found) for uid, found in self._fetch(uids, [_IDENTITY]).items()}

    def are_there(self, uids: Sequence[int]) -> set[int]:
        """Tell which of some mails are still there."""
        return set(self._fetch(uids, ["UID"])) if uids else set()

    def _fetch(self, uids: Sequence[int], items: list[str]) -> dict[int, dict[bytes, Any]]:
        return self.ask(lambda client: dict(client.fetch(list(uids), items))) if uids else {}

    def _once(self, request: Callable[[IMAPClient], T]) -> T:
        self.requests += 1
        fault: SourceError
        try:
            return request(self._opened())
        except SourceError as error:
            fault = error
        except (OSError, IMAPClientError, ValueError, LookupError, AttributeError, TypeError) as error:
            fault = sorted_fault(error, self.place)
        if self._client is not None and not isinstance(fault, ScopeUnreadable):
            close(self._client, politely=False)
            self._client = None
        raise fault from None

    def _opened(self) -> IMAPClient:
        if self._client is not None:
            return self._client
        client = self._account.connect()
        try:
            state = self._examine(client)
        except BaseException:
            close(client, politely=False)
            raise
        self._client, self.state = client, self.state or state
        return client

    def _examine(self, client: IMAPClient) -> FolderState:
        try:
            if client.has_capability("CONDSTORE") and client.has_capability("ENABLE"):
                client.enable("CONDSTORE")
            told = client.select_folder(self.name, readonly=True)
        except IMAPClientError as error:
            fault = sorted_fault(error, self.place)
            if isinstance(fault, ScopeUnreadable):
                raise ScopeUnreadable(f"{fault}; the folder is missing or closed to this account") from None
            raise fault from None
        validity, uid_next, mod_seq = (told.get(key) for key in (b"UIDVALIDITY", b"UIDNEXT", b"HIGHESTMODSEQ"))
        if not isinstance(validity, int) or not isinstance(uid_next, int):
            raise ProtocolFault(
                f"{self.place}: the server tells no UIDVALIDITY or UIDNEXT; what is new cannot be known"
            )
        if self.state is not None and self.state.uid_validity != validity:
            raise SourceError(f"{self.place} was made anew while it was read; the next run reads it from its beginning")
        changes = mod_seq if isinstance(mod_seq, int) else None
        return FolderState(validity, uid_next, int(told.get(b"EXISTS", 0)), changes)


def native_id(identity: bytes, whole: bytes) -> str:
    """Name a mail by its Message-ID, date, sender, subject and way, or by all of it where it has no Message-ID.

    The way (`Received`) is written by our own server: nobody outside can send another mail of the same name,
    and the name stays when a mail is moved, or the folder's UIDs are given anew.
    """
    if not _MESSAGE_ID.search(identity):
        return "bytes-" + hashlib.sha256(whole).hexdigest()[:40]
    return "mail-" + hashlib.sha256(_SPACE.sub(b" ", identity).strip()).hexdigest()[:40]


def has_message_id(identity: bytes) -> bool:
    """Tell whether the header fields alone name the mail."""
    return _MESSAGE_ID.search(identity) is not None


def _identity_of(found: dict[bytes, Any]) -> bytes:
    """Find the header fields: servers write the item's name back in different ways."""
    for key, value in found.items():
        if key.upper().startswith(b"BODY[HEADER.FIELDS") and isinstance(value, bytes):
            return value
    return b""
