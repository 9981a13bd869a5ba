"""A tool in memory, and the source that reads it: for tests of everything behind a source."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from hub.records import KINDS, Record, decode_record, encode_record, kind_of
from hub.sync.source import Census, CheckLine, Document, Normalised, Page, Provision, Skip, Slice

__all__ = ["MemorySource", "MemoryTool"]

_STREAM = "record"


class MemoryTool:
    """Records in the order they were written, by scope; what a test does to a tool is done here."""

    def __init__(self, *records: Record) -> None:
        self.unreadable: dict[str, str] = {}
        """Scope -> why the credential may not read it."""
        self.faults: dict[str, tuple[int, Exception]] = {}
        """Scope -> (after so many pages, what reading raises)."""
        self.gaps: dict[str, str] = {}
        """Scope -> what every page of it says it could not read."""
        self.refusal: Exception | None = None
        """What listing the slices raises."""
        self.census_fault: Exception | None = None
        """What listing the ids raises."""
        self.deletes = True
        """Absence proves deletion."""
        self.elsewhere: list[Document] = []
        """What can be asked after by its id only, for it stands in no scope that is read."""
        self.asked_after: list[str] = []
        """Ids that were asked after, in order."""
        self.sealed: set[str] = set()
        """Scopes nothing is moved into."""
        self._lock = threading.Lock()
        self._scopes: list[str] = []
        self._kinds: dict[str, set[str]] = {}
        self._written: list[tuple[str, str, bytes]] = []
        self.put(*records)

    def put(self, *records: Record) -> None:
        """Write records, new or changed."""
        for each in records:
            self._kinds.setdefault(each.scope, set()).add(kind_of(each))
            self.put_raw(each.scope, each.id, encode_record(each))

    def put_raw(self, scope: str, native_id: str, body: bytes) -> None:
        """Write a document as it is, valid or not."""
        with self._lock:
            if scope not in self._scopes:
                self._scopes.append(scope)
            self._written.append((scope, native_id, body))

    def delete(self, *native_ids: str) -> None:
        """Remove documents without a trace, as a tool does."""
        with self._lock:
            # A place stays behind: the numbers cursors hold must go on meaning the same.
            self._written = [("", "", b"") if entry[1] in native_ids else entry for entry in self._written]

    def scopes(self) -> list[str]:
        """List all scopes, in the order they came."""
        return sorted({*self._scopes, *self.unreadable}, key=[*self._scopes, *self.unreadable].index)

    def kinds(self, scope: str) -> frozenset[str]:
        """Give the kinds a scope ever held; `change` for one that was never written to."""
        return frozenset(self._kinds.get(scope, {"change"}))

    def after(self, scope: str, place: int) -> list[tuple[int, str, bytes]]:
        """List (place, native id, body) of what was written in a scope after `place`, last version only."""
        with self._lock:
            latest = {native_id: place for place, (_, native_id, _) in enumerate(self._written, start=1)}
            return [
                (at, native_id, body)
                for at, (where, native_id, body) in enumerate(self._written, start=1)
                if where == scope and at > place and latest[native_id] == at
            ]


class MemorySource:
    """Reads a `MemoryTool` page by page. A document's body is the record itself, encoded."""

    def __init__(self, name: str, tool: MemoryTool, *, page_size: int = 2) -> None:
        self.name = name
        self.tool = tool
        self.page_size = page_size
        self.retitle: str | None = None
        """A mapping that changed: every record gets this title."""
        self.closed = False

    def __repr__(self) -> str:
        """Name the source, nothing else."""
        return f"MemorySource({self.name!r})"

    def check(self) -> list[CheckLine]:
        """Say which scopes can be read."""
        return [
            CheckLine("warning", f"{scope}: {self.tool.unreadable[scope]}", "grant the permission")
            if scope in self.tool.unreadable
            else CheckLine("ok", f"{scope} can be read")
            for scope in self.tool.scopes()
        ]

    def provides(self) -> list[Provision]:
        """Every field of every kind."""
        return [Provision(name, frozenset(kind.__struct_fields__)) for name, kind in KINDS.items()]

    def slices(self) -> list[Slice]:
        """One slice a scope, with the kinds it ever held."""
        if self.tool.refusal is not None:
            raise self.tool.refusal
        return [
            Slice(_STREAM, scope, self.tool.kinds(scope), self.tool.unreadable.get(scope), scope in self.tool.sealed)
            for scope in self.tool.scopes()
        ]

    def fetch(self, part: Slice, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """Yield what was written after the cursor."""
        place = int(cursor["place"]) if cursor else 0
        entries = self.tool.after(part.scope, place)
        pages_until, fault = self.tool.faults.get(part.scope, (len(entries) + 1, None))
        gaps = [self.tool.gaps[part.scope]] if part.scope in self.tool.gaps else []
        for number, start in enumerate(range(0, len(entries), self.page_size)):
            if fault is not None and number >= pages_until:
                raise fault
            chunk = entries[start : start + self.page_size]
            documents = [Document(_STREAM, native_id, part.scope, body) for _, native_id, body in chunk]
            yield Page(documents, {"place": chunk[-1][0]}, gaps=gaps)
        if fault is not None:
            raise fault

    def normalise(self, document: Document) -> Normalised:
        """Decode the record; what is none is skipped."""
        try:
            record = decode_record(document.body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return Normalised([], [Skip(document.native_id, "not a record")])
        if record.source != self.name or not record.id.startswith(f"{self.name}:"):
            return Normalised([], [Skip(document.native_id, "record of another source")])
        return Normalised([record if self.retitle is None else msgspec.structs.replace(record, title=self.retitle)])

    def census(self, part: Slice) -> Iterator[Census]:
        """List the ids of a scope."""
        if self.tool.census_fault is not None:
            raise self.tool.census_fault
        ids = [native_id for _, native_id, _ in self.tool.after(part.scope, 0)]
        yield Census(
            _STREAM, part.scope, ids, deletes=self.tool.deletes, doubt="" if self.tool.deletes else "they may be hidden"
        )

    def look_for(self, stream: str, native_ids: Sequence[str]) -> Iterator[Page]:
        """Give what stands elsewhere."""
        self.tool.asked_after += native_ids
        yield Page([each for each in self.tool.elsewhere if each.stream == stream and each.native_id in native_ids], {})

    def close(self) -> None:
        """Remember that it was called."""
        self.closed = True
