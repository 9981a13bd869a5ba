"""Records as people know them: key, title, link, and the document they came from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, select

from hub.conformance.answer import Evidence, Subject
from hub.conformance.unit import ORGANISATION
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["evidence_of", "find_sid", "subjects"]

_record = metadata.tables["record"]
_alias = metadata.tables["alias"]
_document = metadata.tables["raw_document"]


def subjects(conn: Connection, sids: Iterable[int | None]) -> dict[int, Subject]:
    """Describe records by their number; a record that was only referred to is known by its id."""
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


def evidence_of(conn: Connection, sids: Iterable[int | None]) -> dict[int, Evidence]:
    """Describe deciding records with the hash of the raw document they came from."""
    described = subjects(conn, sids)
    hashes: dict[int, str] = {}
    for chunk in _chunks(sorted(described)):
        rows = conn.execute(
            select(_record.c.sid, _document.c.hash)
            .join(_document, _document.c.doc == _record.c.document)
            .where(_record.c.sid.in_(chunk))
        )
        hashes |= {row.sid: bytes(row.hash).hex() for row in rows}
    return {sid: Evidence(subject=one, document_hash=hashes.get(sid, "")) for sid, one in described.items()}


def find_sid(conn: Connection, name: str) -> list[int]:
    """Return the numbers of the records people call `name`: an id, a key, or a former key."""
    by_id = conn.scalars(select(_record.c.sid).where(_record.c.id == name)).all()
    return list(by_id or conn.scalars(select(_alias.c.sid).where(_alias.c.key == name).order_by(_alias.c.sid)).all())


def _chunks(values: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(values), 500):
        yield values[start : start + 500]


def _in_chunks(conn: Connection, columns: list[Any], key: Any, values: Sequence[int]) -> list[Any]:
    return [row for chunk in _chunks(values) for row in conn.execute(select(*columns).where(key.in_(chunk)))]
