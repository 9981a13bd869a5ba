"""Raw documents are read by one door, and who went through it stands in a book.

The entry is committed before the first byte is handed out: where it cannot be written, nothing is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import zstandard
from sqlalchemy import Connection, Select, func, insert, or_, select

from hub.errors import StoreError
from hub.store.store import Store
from hub.store.tables import document_access, raw_document, record

__all__ = ["Access", "RawDocument", "accesses", "missing_accesses", "read_document", "read_documents"]

_NUMBER = re.compile("[0-9]{1,15}")
_BATCH = 100
"""Documents noted in one transaction and held in memory at once."""


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A document with its place in the chain of its source."""

    doc: int
    source: str
    stream: str
    native_id: str
    scope: str
    seq: int
    """Place in the chain, from 1."""
    fetched_at: int
    hash: bytes
    chain: bytes
    size: int
    disposed_at: int | None
    disposal: int | None
    """Number in the log of disposals."""
    body: bytes | None
    """None = disposed of."""


@dataclass(frozen=True, slots=True)
class Access:
    """One entry of the book."""

    aid: int
    at: int
    doc: int
    source: str | None
    stream: str | None
    native_id: str | None
    login: str
    acting_as: str | None
    reason: str


def read_document(
    store: Store, name: str, *, login: str, reason: str, at: int, acting_as: str | None = None
) -> RawDocument:
    """Return one document, by its number or by the id of a record made from it, and note who read it.

    `login` is the name at the machine, `acting_as` what the reader says of himself. Raises StoreError where
    there is no such document, no reason, or the note cannot be written.
    """
    found = _note_and_read(store, _asked(name), login=login, reason=reason, at=at, acting_as=acting_as)
    if not found:
        raise StoreError(f"there is no document and no record '{name}'")
    return found[0]


def read_documents(
    store: Store, docs: Sequence[int], *, login: str, reason: str, at: int, acting_as: str | None = None
) -> Iterator[RawDocument]:
    """Yield documents by their numbers, in ascending order, and note each before it is given; see `read_document`."""
    wanted = sorted(set(docs))
    for start in range(0, len(wanted), _BATCH):
        asked = select(raw_document).where(raw_document.c.doc.in_(wanted[start : start + _BATCH]))
        yield from _note_and_read(
            store, asked.order_by(raw_document.c.doc), login=login, reason=reason, at=at, acting_as=acting_as
        )


def _note_and_read(
    store: Store, asked: Select[Any], *, login: str, reason: str, at: int, acting_as: str | None
) -> list[RawDocument]:
    if not reason.strip():
        raise StoreError("say why the document is read")
    with store.begin() as conn:
        found = conn.execute(asked).mappings().all()
        last = int(conn.execute(select(func.coalesce(func.max(document_access.c.aid), 0))).scalar_one())
        entry = {"at": at, "login": login, "acting_as": acting_as, "reason": reason.strip()}
        entries = [{"aid": last + n, "doc": row["doc"], **entry} for n, row in enumerate(found, 1)]
        if entries:
            conn.execute(insert(document_access), entries)
        unpack = zstandard.ZstdDecompressor().decompress
        bodies = [None if row["body"] is None else unpack(row["body"]) for row in found]
    # Outside the transaction: it is committed, or an exception has left this function.
    return [RawDocument(**{**row, "body": body}) for row, body in zip(found, bodies, strict=True)]


def _asked(name: str) -> Select[Any]:
    d = raw_document.c
    asked: Select[Any] = select(raw_document)
    if _NUMBER.fullmatch(name):
        return asked.where(d.doc == int(name))
    return asked.join(record, record.c.document == d.doc).where(record.c.id == name)


def accesses(conn: Connection, *, name: str | None = None) -> Iterator[Access]:
    """Yield the book, the oldest entry first; all, or those of one document or record's document."""
    a, d = document_access.c, raw_document.c
    asked = (
        select(a.aid, a.at, a.doc, d.source, d.stream, d.native_id, a.login, a.acting_as, a.reason)
        .outerjoin(raw_document, d.doc == a.doc)
        .order_by(a.aid)
    )
    if name is not None:
        made = select(record.c.document).where(record.c.id == name)
        asked = asked.where(or_(a.doc == (int(name) if _NUMBER.fullmatch(name) else -1), a.doc.in_(made)))
    for row in conn.execute(asked):
        yield Access(*row)


def missing_accesses(conn: Connection) -> int:
    """Count entries that were taken out of the book: its numbers have no gap."""
    last, present = conn.execute(select(func.coalesce(func.max(document_access.c.aid), 0), func.count())).one()
    return int(last) - int(present)
