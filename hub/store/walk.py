"""Go through the kept documents a stretch at a time: what is no longer as it was written, unreadable, or not to be found.

Documents are numbered without a gap in the order they were kept, so that a stretch is two numbers. `hub.store.verify`
looks at everything at once; this is for looking at some of it in every run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import zstandard
from sqlalchemy import Connection, and_, func, select

from hub.records import decode_record
from hub.store.document import chain_of, chain_start
from hub.store.redaction import TOKEN, known_tokens
from hub.store.revision import digest_of
from hub.store.tables import raw_document, record, revision

__all__ = ["Flaw", "altered", "cut_off", "newest", "unfounded", "unreadable"]

_BATCH = 1000
_JSON = (b"{", b"[")


class Flaw(NamedTuple):
    """Something that is wrong with a document, or with a record made from it."""

    doc: int
    """raw_document.doc."""
    said: str
    """What, and where, in words."""


def newest(conn: Connection) -> int:
    """Return the number of the last document kept; 0 = there is none."""
    return int(conn.execute(select(func.coalesce(func.max(raw_document.c.doc), 0))).scalar_one())


def cut_off(conn: Connection) -> str | None:
    """Say which record rests on a document later than the last one kept: the end of the store was taken away."""
    found = conn.execute(
        select(record.c.id, record.c.document).where(record.c.document > newest(conn)).order_by(record.c.document)
    ).first()
    return None if found is None else f"record {found.id} was made from document {found.document}, which is not there"


def altered(conn: Connection, after: int, through: int) -> Iterator[Flaw]:
    """Yield the documents numbered `after` < doc <= `through` that were altered, moved or follow a removed one."""
    decompressor, tokens = zstandard.ZstdDecompressor(), known_tokens(conn)
    before: dict[str, tuple[int, bytes]] = {}
    expected = after + 1
    for row in _documents(conn, after, through):
        place = f"{row.source}, document {row.seq} ({row.stream} {row.native_id})"
        seq, chain = before[row.source] if row.source in before else _before(conn, row.source, row.seq)
        before[row.source] = row.seq, row.chain
        follows = row.chain == chain_of(chain, row.stream, row.native_id, row.hash)
        if row.seq != seq + 1 or row.doc != expected:
            yield Flaw(row.doc, f"{place}: what came before it was removed or reordered")
        elif not follows and tokens.isdisjoint(TOKEN.findall(row.native_id)):
            yield Flaw(row.doc, f"{place}: does not follow from the one before it")
        elif row.body is None and row.disposed_at is None:
            yield Flaw(row.doc, f"{place}: its body was removed, and nothing says that it was disposed of")
        elif row.body is not None and _digest(decompressor, row.body) != row.hash:
            yield Flaw(row.doc, f"{place}: its body was altered")
        expected = row.doc + 1
    if expected <= through:
        yield Flaw(expected, f"document {expected} was removed")


def unreadable(conn: Connection, after: int, through: int) -> Iterator[Flaw]:
    """Yield the documents that do not decode, or of which a record does not; one flaw a document at most."""
    decompressor = zstandard.ZstdDecompressor()
    states = _states(conn, after, through)
    for row in _documents(conn, after, through):
        place = f"{row.source}, document {row.seq} ({row.stream} {row.native_id})"
        if row.body is not None and not _decodes(decompressor, row.body):
            yield Flaw(row.doc, f"{place} cannot be read")
            continue
        for state in states.get(row.doc, ()):
            if state.body and not _is_record(decompressor, state.body):
                yield Flaw(row.doc, f"record {state.id} cannot be read")
                break


def unfounded(conn: Connection, after: int, through: int) -> Iterator[Flaw]:
    """Yield the documents of which a record has no present state, or one that does not fit its hash and id."""
    decompressor = zstandard.ZstdDecompressor()
    for doc, states in sorted(_states(conn, after, through).items()):
        for state in states:
            if state.body is None:
                yield Flaw(doc, f"record {state.id} has no present state")
                break
            if state.body and not _is_state(decompressor, state.body, state.hash, state.id):
                yield Flaw(doc, f"the present state of record {state.id} was altered")
                break


def _before(conn: Connection, source: str, seq: int) -> tuple[int, bytes]:
    """Return place and chain of the document before one, in the chain of its source."""
    d = raw_document.c
    last = conn.execute(
        select(d.seq, d.chain).where(d.source == source, d.seq < seq).order_by(d.seq.desc()).limit(1)
    ).first()
    return (0, chain_start(source)) if last is None else (last.seq, last.chain)


def _documents(conn: Connection, after: int, through: int) -> Iterator[Any]:
    d = raw_document.c
    while after < through:
        rows = conn.execute(
            select(d.doc, d.source, d.seq, d.stream, d.native_id, d.hash, d.chain, d.body, d.disposed_at)
            .where(d.doc > after, d.doc <= through)
            .order_by(d.doc)
            .limit(_BATCH)
        ).all()
        yield from rows
        if len(rows) < _BATCH:
            return
        after = rows[-1].doc


def _states(conn: Connection, after: int, through: int) -> dict[int, list[Any]]:
    """Return document -> the records made from it with what is known of them now."""
    found: dict[int, list[Any]] = {}
    rows = conn.execute(
        select(record.c.document, record.c.id, revision.c.hash, revision.c.body)
        .outerjoin(revision, and_(revision.c.sid == record.c.sid, revision.c.known_to.is_(None)))
        .where(record.c.document > after, record.c.document <= through)
        .order_by(record.c.document, record.c.sid)
    )
    for row in rows:
        found.setdefault(row.document, []).append(row)
    return found


def _digest(decompressor: zstandard.ZstdDecompressor, body: bytes) -> bytes | None:
    try:
        return hashlib.sha256(decompressor.decompress(body)).digest()
    except zstandard.ZstdError:
        return None


def _decodes(decompressor: zstandard.ZstdDecompressor, body: bytes) -> bool:
    """Say whether a body decompresses, says something, and is JSON where it begins like it."""
    try:
        text = decompressor.decompress(body).strip()
        if text.startswith(_JSON):
            msgspec.json.decode(text)
    except (zstandard.ZstdError, msgspec.DecodeError, UnicodeDecodeError):
        return False
    return bool(text)


def _is_record(decompressor: zstandard.ZstdDecompressor, body: bytes) -> bool:
    try:
        decode_record(decompressor.decompress(body))
    except (zstandard.ZstdError, msgspec.DecodeError):
        return False
    return True


def _is_state(decompressor: zstandard.ZstdDecompressor, body: bytes, digest: bytes, name: str) -> bool:
    try:
        text = decompressor.decompress(body)
    except zstandard.ZstdError:
        return False
    return digest_of(text) == digest and msgspec.json.decode(text)["id"] == name
