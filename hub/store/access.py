"""Raw documents are read by one door, and who went through it stands in a book.

The entry is committed before the first byte is handed out: where it cannot be written, nothing is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import zstandard
from sqlalchemy import Connection, Select, func, insert, or_, select

from hub.errors import StoreError
from hub.store.store import Store
from hub.store.tables import document_access, raw_document, record

__all__ = ["Access", "RawDocument", "accesses", "missing_accesses", "read_document"]

_NUMBER = re.compile("[0-9]{1,15}")


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
    if not reason.strip():
        raise StoreError("say why the document is read")
    with store.begin() as conn:
        found = conn.execute(_asked(name)).first()
        if found is None:
            raise StoreError(f"there is no document and no record '{name}'")
        last = conn.execute(select(func.coalesce(func.max(document_access.c.aid), 0))).scalar_one()
        conn.execute(
            insert(document_access),
            {
                "aid": int(last) + 1,
                "at": at,
                "doc": found.doc,
                "login": login,
                "acting_as": acting_as,
                "reason": reason.strip(),
            },
        )
        body = None if found.body is None else zstandard.ZstdDecompressor().decompress(found.body)
    # Outside the transaction: it is committed, or an exception has left this function.
    return RawDocument(**{**found._mapping, "body": body})  # noqa: SLF001 - SQLAlchemy's public name for it


def _asked(name: str) -> Select[Any]:
    d = raw_document.c
    columns = [d.doc, d.source, d.stream, d.native_id, d.scope, d.seq, d.fetched_at, d.hash, d.chain, d.size]
    asked: Select[Any] = select(*columns, d.disposed_at, d.disposal, d.body)
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
