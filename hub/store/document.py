"""Raw documents: kept as they came, append-only, each source a chain of hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, Protocol

import zstandard
from sqlalchemy import Connection, Select, and_, bindparam, func, select

from hub.store.bulk import Row, as_listed, listed, put
from hub.store.tables import raw_document

__all__ = [
    "KeptDocument",
    "Place",
    "Raw",
    "append_documents",
    "chain_of",
    "chain_start",
    "compressed",
    "count_disposed",
    "documents_for_replay",
]

CHUNK = 500
LEVEL = 1
"""Of compression: a fifth quicker than the default, one per cent larger."""
_FEW = 8
"""Bodies for which threads are not worth their start."""
_COLUMNS = "doc source stream native_id scope seq fetched_at hash chain size body"


class Raw(Protocol):
    """A document as read (`hub.sync.source.Document`)."""

    @property
    def stream(self) -> str: ...  # noqa: D102 - documented where it is made
    @property
    def native_id(self) -> str: ...  # noqa: D102
    @property
    def scope(self) -> str: ...  # noqa: D102
    @property
    def body(self) -> bytes: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class KeptDocument:
    """A document as it was read once, out of the store."""

    stream: str
    native_id: str
    scope: str
    body: bytes


class Place(NamedTuple):
    """Where a document is kept."""

    doc: int
    """raw_document.doc."""
    new: bool
    """Stored now; False = the latest one kept has the same body."""
    earlier: tuple[int, ...]
    """raw_document.doc of the versions it takes the place of: the one kept before this page, and those of the page."""


def chain_start(source: str) -> bytes:
    """Return what the first document of a source is chained to."""
    return hashlib.sha256(source.encode()).digest()


def chain_of(previous: bytes, stream: str, native_id: str, digest: bytes) -> bytes:
    """Return the chain value of a document; each text is preceded by its length, so that none can lend to the next."""
    state = hashlib.sha256(previous)
    for text in (stream.encode(), native_id.encode()):
        state.update(len(text).to_bytes(4, "big"))
        state.update(text)
    state.update(digest)
    return state.digest()


def compressed(bodies: Sequence[bytes]) -> list[bytes]:
    """Compress each body for itself, many at once on two threads. Raises MemoryError where there is no room for it."""
    compressor = zstandard.ZstdCompressor(level=LEVEL)
    try:
        if len(bodies) < _FEW or not all(bodies):
            return [compressor.compress(body) for body in bodies]
        packed = compressor.multi_compress_to_buffer(list(bodies), threads=2)
        return [packed[place].tobytes() for place in range(len(packed))]
    except zstandard.ZstdError as error:  # writing, it has no other reason; only what is read can be damaged
        raise MemoryError(str(error)) from error


def _latest(conn: Connection, source: str, stream: str, native_ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
    """Return native id -> (doc, hash of the body) of the latest document kept."""
    asked = {"source": source, "stream": stream, **as_listed(conn, native_ids)}
    rows = conn.execute(_latest_listed(conn.dialect.name), asked)
    return {native_id: (doc, digest) for native_id, doc, digest in rows}


@cache
def _latest_listed(engine: str) -> Select[Any]:
    last = (
        select(func.max(raw_document.c.seq).label("seq"))
        .where(
            raw_document.c.source == bindparam("source"),
            raw_document.c.stream == bindparam("stream"),
            listed(engine, raw_document.c.native_id),
        )
        .group_by(raw_document.c.native_id)
        .subquery()
    )
    return select(raw_document.c.native_id, raw_document.c.doc, raw_document.c.hash).join(
        last, and_(raw_document.c.source == bindparam("source"), raw_document.c.seq == last.c.seq)
    )


_LAST_OF_CHAIN = (
    select(raw_document.c.seq, raw_document.c.chain)
    .where(raw_document.c.source == bindparam("source"))
    .order_by(raw_document.c.seq.desc())
    .limit(1)
)
_LAST_DOC = select(func.coalesce(func.max(raw_document.c.doc), 0))


def append_documents(conn: Connection, source: str, incoming: Sequence[Raw], fetched_at: int) -> list[Place]:
    """Keep what differs from the latest document of its id, in order; answer for each where it stands."""
    ids: dict[str, dict[str, None]] = {}
    for document in incoming:
        ids.setdefault(document.stream, {})[document.native_id] = None
    latest: dict[tuple[str, str], tuple[int, bytes, tuple[int, ...]]] = {
        (stream, native_id): (*found, ())
        for stream, native_ids in ids.items()
        for native_id, found in _latest(conn, source, stream, list(native_ids)).items()
    }
    last = conn.execute(_LAST_OF_CHAIN, {"source": source}).first()
    seq, chain = (last.seq, last.chain) if last else (0, chain_start(source))
    next_doc = int(conn.execute(_LAST_DOC).scalar_one()) + 1
    bodies: list[bytes] = []
    rows: list[Row] = []
    answers: list[Place] = []
    for document in incoming:
        key = (document.stream, document.native_id)
        digest = hashlib.sha256(document.body).digest()
        before = latest.get(key)
        if before is not None and before[1] == digest:
            answers.append(Place(before[0], new=False, earlier=before[2]))
            continue
        seq, chain, doc = seq + 1, chain_of(chain, *key, digest), next_doc + len(rows)
        rows.append(
            (
                doc,
                source,
                *key,
                document.scope,
                seq,
                fetched_at,
                digest,
                chain,
                len(document.body),
            )
        )
        bodies.append(document.body)
        earlier = (*before[2], before[0]) if before else ()
        latest[key] = (doc, digest, earlier)
        answers.append(Place(doc, new=True, earlier=earlier))
    put(
        conn, raw_document, [(*row, body) for row, body in zip(rows, compressed(bodies), strict=True)], columns=_COLUMNS
    )
    return answers


def _last_of_each(source: str) -> Select[int]:
    return (
        select(func.max(raw_document.c.seq).label("seq"))
        .where(raw_document.c.source == source)
        .group_by(raw_document.c.stream, raw_document.c.native_id)
    )


def count_disposed(conn: Connection, source: str) -> int:
    """Count the ids whose latest document has no body any more: what a replay leaves as it is."""
    asked = select(func.count()).where(
        raw_document.c.source == source,
        raw_document.c.body.is_(None),
        raw_document.c.seq.in_(_last_of_each(source)),
    )
    return int(conn.execute(asked).scalar_one())


def documents_for_replay(conn: Connection, source: str, *, batch: int = CHUNK) -> Iterator[list[KeptDocument]]:
    """Yield the latest document of every id, in the order they were kept, in batches; disposed ones are left out."""
    last = _last_of_each(source).subquery()
    seqs = list(conn.execute(select(last.c.seq).order_by(last.c.seq)).scalars())
    decompressor = zstandard.ZstdDecompressor()
    for after in range(0, len(seqs), batch):
        rows = conn.execute(
            select(raw_document.c.stream, raw_document.c.native_id, raw_document.c.scope, raw_document.c.body)
            .where(
                raw_document.c.source == source,
                raw_document.c.seq.in_(seqs[after : after + batch]),
                raw_document.c.body.is_not(None),
            )
            .order_by(raw_document.c.seq)
        )
        yield [KeptDocument(r.stream, r.native_id, r.scope, decompressor.decompress(r.body)) for r in rows]
