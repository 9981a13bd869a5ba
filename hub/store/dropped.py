"""Records that stood inside a document and no longer do, such as an approval taken out of a change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple, Protocol

import msgspec
from sqlalchemy import Connection, Select, select

from hub.records.base import Record
from hub.store.bulk import as_listed, listed
from hub.store.document import Place
from hub.store.identity import CHUNK
from hub.store.revision import current_records
from hub.store.tables import record

__all__ = ["Translated", "Write", "find_dropped", "keep_marks"]


class Translated(Protocol):
    """What a document became (`hub.sync.source.Normalised`)."""

    @property
    def records(self) -> list[Record]: ...  # noqa: D102 - documented where it is made
    @property
    def skipped(self) -> Sequence[object]: ...  # noqa: D102


class Write(NamedTuple):
    """A record to be written."""

    record: Record
    document: int | None = None
    """raw_document.doc it comes from; None = the one it came from before, or none."""
    earlier: tuple[int, ...] = ()
    """raw_document.doc of versions that document takes the place of."""


def find_dropped(
    conn: Connection,
    places: Sequence[Place],
    translated: Sequence[Translated],
    given: Collection[str],
    known_at: int,
) -> list[Write]:
    """Return what stood inside the documents before and is not given now, marked.

    Inside stands what continues the id of another record of the document: `sd:issue/7/approval/1` in
    `sd:issue/7`. Other records of a document (an account it names) may stand in others too and are
    left alone; so is everything of a document that gave no record at all.
    """
    owners: dict[int, tuple[list[str], bool]] = {}
    for place, one in zip(places, translated, strict=True):
        for doc in {place.doc, *place.earlier}:
            owners[doc] = ([r.id for r in one.records], place.new and not one.skipped)
    marks: dict[str, bool] = {}
    docs = list(owners)
    for start in range(0, len(docs), CHUNK):
        for row in conn.execute(_derived(conn.dialect.name), as_listed(conn, docs[start : start + CHUNK])):
            ids, whole = owners[row.document]
            if row.id not in given and any(row.id.startswith(f"{one}/") for one in ids):
                marks[row.id] = whole
    return list(_marked(current_records(conn, list(marks)), marks, known_at))


@cache
def _derived(engine: str) -> Select[Any]:
    return select(record.c.id, record.c.document).where(listed(engine, record.c.document)).order_by(record.c.sid)


def _marked(records: Iterable[Record], marks: dict[str, bool], known_at: int) -> Iterable[Write]:
    for one in records:
        if one.vanished_at is None and marks[one.id]:
            yield Write(msgspec.structs.replace(one, vanished_at=known_at, invisible_at=None))
        elif one.vanished_at is None and one.invisible_at is None:
            yield Write(msgspec.structs.replace(one, invisible_at=known_at))


def keep_marks(conn: Connection, writes: dict[str, Write]) -> None:
    """Carry over what a census said of records that are made again from kept documents."""
    for before in current_records(conn, list(writes)):
        if before.vanished_at is not None or before.invisible_at is not None:
            write = writes[before.id]
            marked = msgspec.structs.replace(
                write.record, vanished_at=before.vanished_at, invisible_at=before.invisible_at
            )
            writes[before.id] = Write(marked, write.document, write.earlier)
