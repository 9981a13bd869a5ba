"""What the hub asks of a source, and what it gives in return.

A source plugin turns a tool into documents (raw, kept) and documents into neutral records. The
runner (`hub.sync.runner`) does everything else: order, threads, transactions, cursors, coverage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import msgspec

from hub.clock import Clock
from hub.records.base import Record

__all__ = [
    "Census",
    "CheckLine",
    "Document",
    "KnowsAccounts",
    "Normalised",
    "Page",
    "Provision",
    "Roster",
    "Skip",
    "Slice",
    "Source",
    "SourceContext",
]

T = TypeVar("T")


class Document(msgspec.Struct, frozen=True):
    """One answer object of the tool, as bytes; kept so that a mapping can be replayed."""

    stream: str
    """Which list of the tool it came from, such as `issue`."""
    native_id: str
    """The tool's immutable id within the stream."""
    scope: str
    """Project, mailbox or file it belongs to."""
    body: bytes
    """UTF-8 JSON, or the raw message."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one step of reading brought. Page and cursor are committed together."""

    documents: list[Document]
    cursor: dict[str, Any]
    """Where to go on: JSON-serialisable, understood by the plugin only."""
    requests: int = 1
    """Requests this page took, retries included."""
    gaps: list[str] = field(default_factory=list)
    """What could not be read though it should have been; any entry makes the slice incomplete."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One stream of one scope: the unit of reading, of cursors and of coverage."""

    stream: str
    scope: str
    kinds: frozenset[str]
    """Record kinds whose absence may be concluded from this slice once it was read."""
    unreadable: str | None = None
    """Why the scope cannot be read at all (no permission, not found); None = readable."""
    sealed: bool = False
    """Nothing is moved into this scope: while it is closed, what is absent elsewhere is not in here."""


@dataclass(frozen=True, slots=True)
class Provision:
    """What a source can say of a kind; decides what is provable at all."""

    kind: str
    fields: frozenset[str]
    """Neutral fields it fills; dotted for a struct's field."""
    within_subject: bool = False
    """Records of this kind stand in the document of what they are about (approvals in the change):
    reading the subject's scope is enough to conclude that there is none."""


@dataclass(frozen=True, slots=True)
class Skip:
    """A document, or a piece of one, that gave no record, and why. Counted, never silent."""

    native_id: str
    reason: str
    """Stable short text; skips are counted by it."""


@dataclass(frozen=True, slots=True)
class Normalised:
    """What a document became. records + skipped is never empty."""

    records: list[Record]
    skipped: list[Skip] = field(default_factory=list)
    unmapped: dict[str, str] = field(default_factory=dict)
    """Words of the tool without a mapping: `status:Waiting` -> what to write to map it."""


@dataclass(frozen=True, slots=True)
class Census:
    """Which native ids of a stream are visible now."""

    stream: str
    scope: str
    native_ids: list[str]
    deletes: bool = True
    """Absence proves deletion. False = an absent id may only have become invisible."""
    doubt: str = ""
    """Where `deletes` is False: what may hide it, and what to set if that cannot be."""


@dataclass(frozen=True, slots=True)
class Roster:
    """What a tool said of accounts it was asked after, by their keys. What stands nowhere here is not known."""

    active: frozenset[str] = frozenset()
    inactive: frozenset[str] = frozenset()
    """Shown as no longer active."""
    gone: frozenset[str] = frozenset()
    """No longer shown, though we may see accounts."""
    requests: int = 0


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One line of `hub check`."""

    level: Literal["ok", "warning", "error"]
    text: str
    """What works or does not."""
    advice: str = ""
    """What to do, ready to paste where that is possible."""


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What the hub hands a source when it makes one."""

    name: str
    """Configured name; the prefix of all record ids."""
    base_dir: Path
    """Folder of the configuration file; relative paths start here."""
    zone: str
    """The organisation's IANA zone."""
    clock: Clock
    call: Callable[[Callable[[], T]], T]
    """Runs one request under the retry policy: the only layer that retries."""
    log: Callable[[str], None] = lambda _message: None
    """Says something to the person who watches the run."""
    proxy: str | None = None
    ca_bundle: Path | None = None
    fetchers: int = 4
    """How many threads may read from this source at once."""


class Source(Protocol):
    """A tool that can be read. Everything except `normalise` may use the network."""

    def check(self) -> list[CheckLine]:
        """Tell wrong host, wrong credential, missing permission, expiring token, clock skew, unmapped words apart.

        Never raises SourceError: a fault is a line.
        """
        ...

    def provides(self) -> list[Provision]:
        """State which kinds and fields this source can fill as configured. No network."""
        ...

    def slices(self) -> list[Slice]:
        """List every configured stream and scope, unreadable ones included.

        Raises AuthenticationFailed before anything else is concluded from an answer.
        """
        ...

    def fetch(self, part: Slice, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """Yield pages from `cursor` on (None = from the beginning), until nothing is left.

        Resuming from any committed cursor leaves no gap; reading a little again is expected.
        """
        ...

    def normalise(self, document: Document) -> Normalised:
        """Turn one document into records. Pure and total: no network, no clock, no exception.

        It may run in a copy of this process, made after `slices` and before `fetch`: what `fetch` learns is not there.
        """
        ...

    def census(self, part: Slice) -> Iterator[Census]:
        """Yield the ids visible now in one slice: exactly one Census, or none where the tool has no way."""
        ...

    def look_for(self, stream: str, native_ids: Sequence[str]) -> Iterator[Page]:
        """Yield the documents of those that the tool still shows, wherever they are now; their cursors are not kept.

        Asked once of ids that no slice lists any more. What is neither given nor a fault is not to be seen
        by us. Yields nothing where the tool has no other way to ask.
        """
        ...

    def close(self) -> None:
        """Give back connections."""
        ...


@runtime_checkable
class KnowsAccounts(Protocol):
    """What a source may be able to do besides: tell which accounts are still there."""

    def roster(self, keys: Sequence[str]) -> Roster:
        """Ask after accounts by what their records have as `key`, with every census.

        Raises SourceError where the tool cannot tell, ScopeUnreadable where we may not see accounts.
        """
        ...
