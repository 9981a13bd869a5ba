"""Past states of a record: what the hub knew of it, and from when to when."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

import zstandard
from sqlalchemy import Connection, Select, Update, and_, bindparam, or_, select, update

from hub.errors import StoreError
from hub.records import decode_record
from hub.records.base import Record
from hub.store.bulk import Row, as_listed, listed, put
from hub.store.document import compressed
from hub.store.identity import CHUNK
from hub.store.tables import record, revision

__all__ = ["Current", "current_of", "current_records", "digest_of", "read_record", "write_revisions"]


class Current(NamedTuple):
    """What the store knows of an id now."""

    sid: int
    kind: str | None
    """None: referred to, never read."""
    document: int | None
    hash: bytes | None
    """SHA-256 of the encoded record."""
    known_from: int | None


def digest_of(body: bytes) -> bytes:
    """Return the hash by which two states of a record are told apart."""
    return hashlib.sha256(body).digest()


def current_of(conn: Connection, ids: Sequence[str]) -> dict[str, Current]:
    """Return id -> what is known now, for the ids the store knows."""
    rows = conn.execute(_states(conn.dialect.name), as_listed(conn, ids))
    return {one: Current(*state) for one, *state in rows}


@cache
def _states(engine: str) -> Select[Any]:
    return (
        select(record.c.id, record.c.sid, record.c.kind, record.c.document, revision.c.hash, revision.c.known_from)
        .outerjoin(revision, and_(revision.c.sid == record.c.sid, revision.c.known_to.is_(None)))
        .where(listed(engine, record.c.id))
    )


def current_records(conn: Connection, ids: Sequence[str]) -> list[Record]:
    """Return records as known now, by id; ids never read are left out."""
    found: list[Record] = []
    ids = sorted(ids)
    decompressor = zstandard.ZstdDecompressor()
    for start in range(0, len(ids), CHUNK):
        bodies = conn.execute(_bodies(conn.dialect.name), as_listed(conn, ids[start : start + CHUNK])).scalars()
        found += [decode_record(decompressor.decompress(body)) for body in bodies]
    return found


@cache
def _bodies(engine: str) -> Select[Any]:
    return (
        select(revision.c.body)
        .join(record, record.c.sid == revision.c.sid)
        .where(listed(engine, record.c.id), revision.c.known_to.is_(None))
        .order_by(record.c.id)
    )


def write_revisions(conn: Connection, states: Iterable[tuple[int, bytes, bytes, int | None]], known_at: int) -> None:
    """Close the current revision and append the new one, for (sid, hash, body, known_from of the current one).

    A revision begins strictly after the one before: within one millisecond it is moved by one.
    """
    closed: dict[int, list[int]] = {}
    opened: list[Row] = []
    bodies: list[bytes] = []
    for sid, digest, body, before in states:
        start = known_at if before is None else max(known_at, before + 1)
        if before is not None:
            closed.setdefault(start, []).append(sid)
        opened.append((sid, start, None, digest))
        bodies.append(body)
    for start, sids in closed.items():
        conn.execute(_closing(conn.dialect.name), {"start": start, **as_listed(conn, sids)})
    rows = [(*row, body) for row, body in zip(opened, compressed(bodies), strict=True)]
    put(conn, revision, rows, columns="sid known_from known_to hash body")


@cache
def _closing(engine: str) -> Update:
    current = listed(engine, revision.c.sid) & revision.c.known_to.is_(None)
    return update(revision).where(current).values(known_to=bindparam("start"))


def read_record(conn: Connection, record_id: str, *, known_at: int | None = None) -> Record | None:
    """Return a record as the hub knew it at an instant, None = now; None where it was not known then.

    Raises StoreError where it was, and that state was disposed of.
    """
    asked = select(revision.c.body).join(record, record.c.sid == revision.c.sid).where(record.c.id == record_id)
    if known_at is None:
        asked = asked.where(revision.c.known_to.is_(None))
    else:
        asked = asked.where(
            revision.c.known_from <= known_at, or_(revision.c.known_to.is_(None), revision.c.known_to > known_at)
        )
    body = conn.execute(asked).scalar()
    if body is not None and not body:
        raise StoreError(f"what was known of {record_id} then was disposed of; see: hub retention log")
    return None if body is None else decode_record(zstandard.ZstdDecompressor().decompress(body))
