"""Write what was read: documents, records, revisions and the change log, in one transaction a page.

What is as known already is not written: the same page twice leaves every table as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update

from hub.records import kind_of
from hub.records.base import Record
from hub.store.document import Raw, append_documents
from hub.store.dropped import Translated, Write, find_dropped, keep_marks
from hub.store.identity import CHUNK, intern, resolve_persons
from hub.store.revision import Current, current_of, digest_of, write_revisions
from hub.store.row import Rows, references, rows_of
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import alias, change_log, event, link, record, since, unknown_field
from hub.store.text import encode_clean

__all__ = ["Write", "WriteCount", "write_page", "write_records"]

_SHARED = (event, link, since, unknown_field, alias)


@dataclass(frozen=True, slots=True)
class WriteCount:
    """What a page changed in the store."""

    documents: int = 0
    """Documents of the page."""
    documents_new: int = 0
    """Of those, kept now; the others were kept already."""
    records: int = 0
    """Records of the page, each id once."""
    changed: int = 0
    """Records written because they are new or differ."""
    unchanged: int = 0
    """Records that were as known."""
    duplicates: int = 0
    """Records given up because the same id came again in the page; the last counts."""
    dropped: int = 0
    """Records that no longer stand inside their document."""
    repaired: int = 0
    """Records in whose text a NUL or half a surrogate pair was replaced by U+FFFD."""

    def __add__(self, other: WriteCount) -> WriteCount:
        """Add two counts, field by field."""
        return WriteCount(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


@dataclass(frozen=True, slots=True)
class _Change:
    """A record ready to be compared and written."""

    record: Record
    body: bytes
    digest: bytes
    document: int | None
    earlier: tuple[int, ...]


def write_page(
    conn: Connection,
    *,
    source: str,
    documents: Sequence[Raw],
    normalised: Sequence[Translated],
    known_at: int,
    replay: bool = False,
) -> WriteCount:
    """Write documents and what each of them became, in the caller's transaction.

    `normalised[i]` belongs to `documents[i]`. Every changed record closes its current revision at
    `known_at` (UTC milliseconds) and marks itself and everything it refers or referred to as changed.
    A record that stood inside a document (its id continues another's: `<id>/approval/7`) and does so
    no longer is marked as vanished, or as invisible where something of the document was skipped.
    `replay`: the documents come from the store, so they do not show that a record is there again.
    """
    kept = append_documents(conn, source, documents, known_at)
    latest: dict[str, Write] = {}
    given = 0
    for place, translated in zip(kept, normalised, strict=True):
        given += len(translated.records)
        for one in translated.records:
            latest.pop(one.id, None)
            latest[one.id] = Write(one, place.doc, place.earlier)
    dropped = find_dropped(conn, kept, normalised, latest.keys(), known_at)
    if replay:
        keep_marks(conn, latest)
    count = WriteCount(
        documents=len(documents),
        documents_new=sum(place.new for place in kept),
        records=len(latest),
        duplicates=given - len(latest),
        dropped=len(dropped),
    )
    count += write_records(conn, list(latest.values()), known_at)
    if dropped:
        write_records(conn, dropped, known_at)
    return count


def write_records(conn: Connection, records: Sequence[Write], known_at: int) -> WriteCount:
    """Write records; ids must not repeat. Counts changed, unchanged and repaired only."""
    count = WriteCount()
    persons = False
    for start in range(0, len(records), CHUNK):
        part, saw_person = _write_chunk(conn, records[start : start + CHUNK], known_at)
        count, persons = count + part, persons or saw_person
    if persons:
        resolve_persons(conn)
    return count


def _write_chunk(conn: Connection, records: Sequence[Write], known_at: int) -> tuple[WriteCount, bool]:
    encoded: list[_Change] = []
    repaired = 0
    for given in records:
        one, body, touched = encode_clean(given.record)
        repaired += touched
        encoded.append(_Change(one, body, digest_of(body), given.document, given.earlier))
    current = current_of(conn, [change.record.id for change in encoded])
    changes: list[_Change] = []
    moved: list[dict[str, Any]] = []
    for change in encoded:
        known = current.get(change.record.id)
        if known is None or known.hash != change.digest:
            changes.append(change)
        elif known.document in change.earlier:
            moved.append({"which": known.sid, "document": change.document})
    if moved:
        conn.execute(
            update(record).where(record.c.sid == bindparam("which")).values(document=bindparam("document")), moved
        )
    if changes:
        _write_changes(conn, changes, current, known_at)
    persons = any("person" in (kind_of(c.record), _kind_before(c, current)) for c in changes)
    return WriteCount(changed=len(changes), unchanged=len(encoded) - len(changes), repaired=repaired), persons


def _kind_before(change: _Change, current: Mapping[str, Current]) -> str | None:
    known = current.get(change.record.id)
    return None if known is None else known.kind


def _write_changes(conn: Connection, changes: Sequence[_Change], current: Mapping[str, Current], known_at: int) -> None:
    ids = [change.record.id for change in changes]
    sids = intern(conn, [*ids, *(one for change in changes for one in references(change.record))])
    conn.execute(
        update(record)
        .where(record.c.sid == bindparam("which"))
        .values(
            kind=bindparam("kind"), source=bindparam("source"), scope=bindparam("scope"), document=bindparam("document")
        ),
        [
            {
                "which": sids[change.record.id],
                "kind": kind_of(change.record),
                "source": change.record.source,
                "scope": change.record.scope,
                "document": _document(change, current),
            }
            for change in changes
        ],
    )
    before = {sids[one]: kind for one in ids if one in current and (kind := current[one].kind) is not None}
    targets_before = _targets(conn, list(before))
    _delete_rows(conn, before)
    rows = Rows()
    for change in changes:
        rows_of(change.record, sids, rows)
    _insert_rows(conn, rows)
    write_revisions(
        conn,
        (
            (sids[c.record.id], c.digest, c.body, current[c.record.id].known_from if c.record.id in current else None)
            for c in changes
        ),
        known_at,
    )
    targets: dict[int, set[int]] = {}
    for row in rows.link:
        targets.setdefault(row["sid"], set()).add(row["target"])
    log: list[dict[str, Any]] = []
    for change in changes:
        sid = sids[change.record.id]
        touched = sorted({sid} | targets_before.get(sid, set()) | targets.get(sid, set()))
        for kind in dict.fromkeys((kind_of(change.record), before.get(sid, kind_of(change.record)))):
            log += [{"kind": kind, "sid": sid, "touched": other} for other in touched]
    conn.execute(insert(change_log), log)


def _document(change: _Change, current: Mapping[str, Current]) -> int | None:
    known = current.get(change.record.id)
    return change.document if change.document is not None or known is None else known.document


def _targets(conn: Connection, sids: Sequence[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for start in range(0, len(sids), CHUNK):
        for sid, target in conn.execute(
            select(link.c.sid, link.c.target).where(link.c.sid.in_(sids[start : start + CHUNK]))
        ):
            found.setdefault(sid, set()).add(target)
    return found


def _delete_rows(conn: Connection, before: Mapping[int, str]) -> None:
    by_kind: dict[str, list[int]] = {}
    for sid, kind in before.items():
        by_kind.setdefault(kind, []).append(sid)
    for kind, sids in by_kind.items():
        for table in (kind_tables[kind], *(child for (owner, _), child in child_tables.items() if owner == kind)):
            _delete(conn, table, sids)
    for table in _SHARED:
        _delete(conn, table, list(before))


def _delete(conn: Connection, table: Table, sids: Sequence[int]) -> None:
    for start in range(0, len(sids), CHUNK):
        conn.execute(delete(table).where(table.c.sid.in_(sids[start : start + CHUNK])))


def _insert_rows(conn: Connection, rows: Rows) -> None:
    filled: Iterable[tuple[Table, list[dict[str, Any]]]] = [
        *((kind_tables[kind], found) for kind, found in rows.kinds.items()),
        *((child_tables[key], found) for key, found in rows.children.items()),
        (event, rows.event),
        (link, rows.link),
        (since, rows.since),
        (unknown_field, rows.unknown_field),
        (alias, rows.alias),
    ]
    for table, found in filled:
        if found:
            conn.execute(insert(table), found)
