"""What is read of erased persons is redacted before it is kept, so that no reading names them again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from hub.errors import StoreError
from hub.records import decode_record, encode_record
from hub.records.base import Record
from hub.store.erasure import open_erasures, tombstones
from hub.store.redaction import load_redaction
from hub.store.store import Connection
from hub.sync.run import SourceSummary
from hub.sync.source import Census, Document, Normalised

__all__ = ["Erased"]


class Erased:
    """The persons erased from a store, as reading needs them; does nothing where there are none."""

    def __init__(self, conn: Connection, key: str | None) -> None:
        self._redaction = load_redaction(conn, key)
        if self._redaction and open_erasures(conn):
            raise StoreError("an erasure was interrupted; run: hub retention erase")
        self._tombstones = tombstones(conn) if self._redaction else {}

    def __bool__(self) -> bool:
        """Tell whether anybody was erased."""
        return bool(self._redaction)

    def documents(self, documents: Sequence[Document]) -> Sequence[Document]:
        """Redact documents as they come; the same document always becomes the same bytes."""
        if not self._redaction:
            return documents
        text = self._redaction.text
        return [Document(d.stream, text(d.native_id), d.scope, self._redaction.body(d.body)) for d in documents]

    def normalised(self, given: list[Normalised]) -> list[Normalised]:
        """Redact what configuration put into records; an erased person stays the tombstone it is."""
        if not self._redaction:
            return given
        return [Normalised([self._record(one) for one in each.records], each.skipped, each.unmapped) for each in given]

    def _record(self, record: Record) -> Record:
        body = encode_record(record)
        state = msgspec.json.decode(body)
        after = self._redaction.value(state)
        if (tombstone := self._tombstones.get(after["id"])) is not None:
            return decode_record(tombstone)
        return record if after == state else decode_record(msgspec.json.encode(after))

    def census(self, census: Census | None) -> Census | None:
        """Redact the ids that are visible now."""
        if census is None or not self._redaction:
            return census
        ids = [self._redaction.text(one) for one in census.native_ids]
        return Census(census.stream, census.scope, ids, census.deletes, census.doubt)

    def texts(self, texts: Iterable[str]) -> list[str]:
        """Redact faults and warnings before they are kept."""
        return [self._redaction.text(text) for text in texts] if self._redaction else list(texts)

    def summary(self, summary: SourceSummary) -> None:
        """Redact what a run says of itself, in place."""
        summary.faults = self.texts(summary.faults)
        summary.warnings = self.texts(summary.warnings)
        if self._redaction:
            summary.unmapped = self._redaction.value(summary.unmapped)
