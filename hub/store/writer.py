"""Write what was read: documents, records, revisions and the change log, in one transaction a page.

What is as known already is not written: the same page twice leaves every table as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Select, Table, select

from hub.records import kind_of
from hub.records.base import Record
from hub.store.account import keep_departures
from hub.store.bulk import Row, as_listed, listed, put, remove
from hub.store.document import Raw, append_documents
from hub.store.dropped import Translated, Write, find_dropped, keep_marks
from hub.store.identity import CHUNK, kept_id, next_sid, resolve_persons, sids_of
from hub.store.matched import keep_ends, keep_hand_overs, keep_matches
from hub.store.naming import named_sids, settle_names
from hub.store.revision import Current, current_of, digest_of, write_revisions
from hub.store.row import Rows, Stated, references, rows_of, stated
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import alias, change_log, event, link, record, since, unknown_field
from hub.store.text import Encodings, encode_clean

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


@dataclass(slots=True)  # a frozen one takes four times as long to make
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
    encoded: Encodings = MappingProxyType({}),
) -> WriteCount:
    """Write documents and what each of them became, in the caller's transaction.

    `normalised[i]` belongs to `documents[i]`. Every changed record closes its current revision at
    `known_at` (UTC milliseconds) and marks itself and everything it refers or referred to as changed.
    A record that stood inside a document (its id continues another's: `<id>/approval/7`) and does so
    no longer is marked as vanished, or as invisible where something of the document was skipped.
    `replay`: the documents come from the store, so they do not show that a record is there again. An account
    called inactive is so from `known_at` on, unless it was before. `encoded`: records that need not be encoded again.
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
    keep_departures(conn, latest, known_at, replay=replay)
    keep_ends(conn, latest)
    keep_matches(conn, latest)
    keep_hand_overs(conn, latest)
    count = WriteCount(
        documents=len(documents),
        documents_new=sum(place.new for place in kept),
        records=len(latest),
        duplicates=given - len(latest),
        dropped=len(dropped),
    )
    count += write_records(conn, list(latest.values()), known_at, encoded)
    if dropped:
        write_records(conn, dropped, known_at)
    return count


def write_records(
    conn: Connection, records: Sequence[Write], known_at: int, encoded: Encodings = MappingProxyType({})
) -> WriteCount:
    """Write records; ids must not repeat. Counts changed, unchanged and repaired only."""
    count = WriteCount()
    persons = False
    for start in range(0, len(records), CHUNK):
        part, saw_person = _write_chunk(conn, records[start : start + CHUNK], known_at, encoded)
        count, persons = count + part, persons or saw_person
    if persons:
        resolve_persons(conn)
    return count


def _write_chunk(
    conn: Connection, records: Sequence[Write], known_at: int, encoded: Encodings
) -> tuple[WriteCount, bool]:
    prepared: list[_Change] = []
    repaired = 0
    for given in records:
        known_body = encoded.get(id(given.record))
        one, body, touched = (*known_body, False) if known_body is not None else encode_clean(given.record)
        repaired += touched
        prepared.append(_Change(one, body, digest_of(body), given.document, given.earlier))
    current = current_of(conn, [change.record.id for change in prepared])
    changes: list[_Change] = []
    moved: list[Row] = []
    for change in prepared:
        known = current.get(change.record.id)
        if known is None or known.hash != change.digest:
            changes.append(change)
        elif known.document in change.earlier:
            moved.append((known.sid, change.record.id, change.document))
    put(conn, record, moved, columns="sid id document", key="sid")
    if changes:
        _write_changes(conn, changes, current, known_at)
    before = {known.kind for change in changes if (known := current.get(change.record.id)) is not None}
    persons = "person" in before | {kind_of(change.record) for change in changes}
    return WriteCount(changed=len(changes), unchanged=len(prepared) - len(changes), repaired=repaired), persons


def _write_changes(conn: Connection, changes: Sequence[_Change], current: Mapping[str, Current], known_at: int) -> None:
    ids = [change.record.id for change in changes]
    own = [stated(change.record) for change in changes]
    sids = _number(conn, changes, own, current)
    before = {sids[one]: kind for one in ids if one in current and (kind := current[one].kind) is not None}
    targets_before = _targets(conn, before.keys())
    _delete_rows(conn, before)
    rows = Rows()
    for change, found in zip(changes, own, strict=True):
        rows_of(change.record, found, sids, rows)
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
    for sid, _, target, *_ in rows.link:
        targets.setdefault(sid, set()).add(target)
    log: list[Row] = []
    for change in changes:
        sid = sids[change.record.id]
        touched = sorted({sid} | targets_before.get(sid, set()) | targets.get(sid, set()))
        for kind in dict.fromkeys((kind_of(change.record), before.get(sid, kind_of(change.record)))):
            log += [(kind, sid, other) for other in touched]
    log += settle_names(conn, (change.record for change in changes))
    put(conn, change_log, log, columns="kind sid touched")


def _number(
    conn: Connection, changes: Sequence[_Change], own: Sequence[Stated], current: Mapping[str, Current]
) -> dict[str, int]:
    """Return id -> record.sid of the records and all they refer to; the rows of `record` say what they are."""
    written = [change.record.id for change in changes]
    sids = {one: current[one].sid for one in written if one in current}
    referred: dict[str, None] = {}
    for change, found in zip(changes, own, strict=True):
        referred.update(dict.fromkeys(references(change.record, found)))
    sids |= sids_of(conn, referred.keys() - sids.keys())
    sids |= named_sids(conn, referred)
    new = [one for one in dict.fromkeys([*written, *referred]) if one not in sids]
    if new:
        sids |= {one: sid for sid, one in enumerate(new, next_sid(conn))}
    rows: list[Row] = [
        (
            sids[change.record.id],
            change.record.id,
            kind_of(change.record),
            change.record.source,
            change.record.scope,
            _document(change, current),
        )
        for change in changes
    ]
    known = set(written)
    rows += [(sids[one], kept_id(one), None, None, None, None) for one in new if one not in known]
    put(conn, record, rows, columns="sid id kind source scope document", key="sid")
    return sids


def _document(change: _Change, current: Mapping[str, Current]) -> int | None:
    known = current.get(change.record.id)
    return change.document if change.document is not None or known is None else known.document


def _targets(conn: Connection, sids: Collection[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    if sids:
        for sid, target in conn.execute(_links(conn.dialect.name), as_listed(conn, sids)):
            found.setdefault(sid, set()).add(target)
    return found


@cache
def _links(engine: str) -> Select[Any]:
    return select(link.c.sid, link.c.target).where(listed(engine, link.c.sid))


def _delete_rows(conn: Connection, before: Mapping[int, str]) -> None:
    by_kind: dict[str, list[int]] = {}
    for sid, kind in before.items():
        by_kind.setdefault(kind, []).append(sid)
    for kind, sids in by_kind.items():
        remove(conn, _tables_of(kind), sids)
    remove(conn, _SHARED, before.keys())


@cache
def _tables_of(kind: str) -> tuple[Table, ...]:
    return kind_tables[kind], *(child for (owner, _), child in child_tables.items() if owner == kind)


def _insert_rows(conn: Connection, rows: Rows) -> None:
    for kind, found in rows.kinds.items():
        put(conn, kind_tables[kind], found)
    for key, found in rows.children.items():
        put(conn, child_tables[key], found)
    for table, found in zip(_SHARED, (rows.event, rows.link, rows.since, rows.unknown_field, rows.alias), strict=True):
        put(conn, table, found)
