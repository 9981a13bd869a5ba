"""Which document a record stood in as the hub knew it at an instant, and where that stands in its chain."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, and_, func, select

from hub.store.bulk import among
from hub.store.document import chain_start
from hub.store.tables import raw_document, record

__all__ = ["ChainHead", "Provenance", "chain_heads", "documents_known"]


class Provenance(NamedTuple):
    """A document with what it takes to follow its chain by one step."""

    doc: int
    """raw_document.doc."""
    source: str
    hash: str
    """SHA-256 of the body, hexadecimal, as the next."""
    chain_before: str


class ChainHead(NamedTuple):
    """How far the chain of a source had grown."""

    source: str
    position: int
    """Of the last document kept by then, from 1."""
    chain: str
    """Hexadecimal."""


def documents_known(conn: Connection, ids: Collection[str], known_at: int) -> dict[str, Provenance]:
    """Return record id -> the version of its document that was the latest at `known_at` (UTC milliseconds).

    A record that came from no document, or from none kept by then, is left out.
    """
    now, then, d = raw_document.alias(), raw_document.alias(), raw_document.alias()
    before = raw_document.alias()
    same = and_(then.c.source == now.c.source, then.c.stream == now.c.stream, then.c.native_id == now.c.native_id)
    last = (
        select(record.c.id, now.c.source, func.max(then.c.seq).label("seq"))
        .join(now, now.c.doc == record.c.document)
        .join(then, same)
        .where(among(conn, record.c.id, ids), then.c.fetched_at <= known_at)
        .group_by(record.c.id, now.c.source)
        .subquery()
    )
    rows = conn.execute(
        select(last.c.id, d.c.source, d.c.doc, d.c.hash, before.c.chain)
        .join(d, and_(d.c.source == last.c.source, d.c.seq == last.c.seq))
        .outerjoin(before, and_(before.c.source == last.c.source, before.c.seq == last.c.seq - 1))
    )
    return {
        row.id: Provenance(
            row.doc,
            row.source,
            bytes(row.hash).hex(),
            (chain_start(row.source) if row.chain is None else bytes(row.chain)).hex(),
        )
        for row in rows
    }


def chain_heads(conn: Connection, sources: Collection[str], known_at: int) -> list[ChainHead]:
    """Return how far the chain of each of these sources had grown at `known_at`, by source."""
    d = raw_document.c
    heads = []
    for source in sorted(sources):
        row = conn.execute(
            select(d.seq, d.chain).where(d.source == source, d.fetched_at <= known_at).order_by(d.seq.desc()).limit(1)
        ).first()
        if row is not None:
            heads.append(ChainHead(source, row.seq, bytes(row.chain).hex()))
    return heads
