"""Records as people know them: key, title, link, and the document they came from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import zstandard
from sqlalchemy import Connection, Select, and_, func, or_, select

from hub.conformance.answer import Evidence, Subject
from hub.conformance.unit import ORGANISATION
from hub.records import decode_record
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["declarations", "evidence_of", "find_sid", "opener", "subjects"]

_record = metadata.tables["record"]
_alias = metadata.tables["alias"]
_document = metadata.tables["raw_document"]
_revision = metadata.tables["revision"]


def subjects(conn: Connection, sids: Iterable[int | None], known_at: int | None = None) -> dict[int, Subject]:
    """Describe records by their number, as known at an instant (None = now).

    A record that was only referred to, or whose past state was disposed of, is known by its id.
    """
    wanted = sorted({sid for sid in sids if sid is not None})
    by_kind: dict[str, dict[int, str]] = defaultdict(dict)
    for row in _in_chunks(conn, [_record.c.sid, _record.c.id, _record.c.kind], _record.c.sid, wanted):
        by_kind[row.kind or ""][row.sid] = row.id
    found: dict[int, Subject] = {}
    for kind, ids in by_kind.items():
        table = kind_tables.get(kind)
        shown: dict[int, Any] = {}
        if table is not None:
            columns = [table.c.sid, table.c.key, table.c.title, table.c.url]
            shown = {row.sid: row for row in _in_chunks(conn, columns, table.c.sid, sorted(ids))}
        if shown and known_at is not None:
            _as_known(conn, shown, known_at)
        for sid, record_id in ids.items():
            row = shown.get(sid)
            if row is None:
                whole = record_id == ORGANISATION
                found[sid] = Subject(
                    id=record_id,
                    kind="organisation" if whole else kind or "record",
                    key="organisation" if whole else record_id,
                )
            else:
                found[sid] = Subject(
                    id=record_id, kind=kind, key=row.key or record_id, title=row.title or "", url=row.url or ""
                )
    return found


def opener(described: Mapping[int, Subject], anchor: int) -> str:
    """Return the id of the record an anchor is; empty for the start of a period, and for none."""
    return described[anchor].id if anchor in described else ""


def _as_known(conn: Connection, shown: dict[int, Any], known_at: int) -> None:
    """Put what was known of records at an instant in the place of what is known now."""
    r, opened = _revision.c, zstandard.ZstdDecompressor()
    for chunk in _chunks(sorted(shown)):
        then = r.sid.in_(chunk), r.known_from <= known_at, or_(r.known_to.is_(None), r.known_to > known_at)
        known = dict(conn.execute(select(r.sid, r.known_to).where(*then)).all())
        for sid in chunk:
            if known.get(sid, known_at) is not None:
                del shown[sid]
        for row in conn.execute(select(r.sid, r.body).where(*then, r.known_to.is_not(None))):
            if row.body:
                shown[row.sid] = decode_record(opened.decompress(row.body))


def evidence_of(conn: Connection, sids: Iterable[int | None], known_at: int | None = None) -> dict[int, Evidence]:
    """Describe deciding records with the hash of the raw document they came from, as known at an instant."""
    described = subjects(conn, sids, known_at)
    hashes: dict[int, str] = {}
    for chunk in _chunks(sorted(described)):
        rows = conn.execute(_documents(chunk, known_at))
        hashes |= {row.sid: bytes(row.hash).hex() for row in rows}
    return {sid: Evidence(subject=one, document_hash=hashes.get(sid, "")) for sid, one in described.items()}


def _documents(sids: Sequence[int], known_at: int | None) -> Select[Any]:
    """Select (sid, hash) of the document each record came from; of its latest version at an instant."""
    now, d = _document.alias(), _document
    if known_at is None:
        return select(_record.c.sid, d.c.hash).join(d, d.c.doc == _record.c.document).where(_record.c.sid.in_(sids))
    same = and_(d.c.source == now.c.source, d.c.stream == now.c.stream, d.c.native_id == now.c.native_id)
    last = (
        select(_record.c.sid, now.c.source, func.max(d.c.seq).label("seq"))
        .join(now, now.c.doc == _record.c.document)
        .join(d, same)
        .where(d.c.fetched_at <= known_at, _record.c.sid.in_(sids))
        .group_by(_record.c.sid, now.c.source)
        .subquery()
    )
    return select(last.c.sid, d.c.hash).join(d, and_(d.c.source == last.c.source, d.c.seq == last.c.seq))


def declarations(conn: Connection, sids: Iterable[int]) -> dict[int, tuple[int, int | None]]:
    """Return record -> (who vouches for it, first instant at which it no longer counts); others are missing."""
    by_kind: dict[str, list[int]] = defaultdict(list)
    for row in _in_chunks(conn, [_record.c.sid, _record.c.kind], _record.c.sid, sorted(set(sids))):
        by_kind[row.kind or ""].append(row.sid)
    found: dict[int, tuple[int, int | None]] = {}
    for kind, some in by_kind.items():
        table = kind_tables.get(kind)
        if table is not None and "declared_by" in table.c:
            columns = [table.c.sid, table.c.declared_by, table.c.expires_at]
            rows = _in_chunks(conn, columns, table.c.sid, some)
            found |= {row.sid: (row.declared_by, row.expires_at) for row in rows if row.declared_by is not None}
    return found


def find_sid(conn: Connection, name: str) -> list[int]:
    """Return the numbers of the records people call `name`: an id, a key, or a former key."""
    by_id = conn.scalars(select(_record.c.sid).where(_record.c.id == name)).all()
    return list(by_id or conn.scalars(select(_alias.c.sid).where(_alias.c.key == name).order_by(_alias.c.sid)).all())


def _chunks(values: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(values), 500):
        yield values[start : start + 500]


def _in_chunks(conn: Connection, columns: list[Any], key: Any, values: Sequence[int]) -> list[Any]:
    return [row for chunk in _chunks(values) for row in conn.execute(select(*columns).where(key.in_(chunk)))]
