"""Records that their source no longer shows: deleted, or no longer visible to us, or seen again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, func, select

from hub.records import Person
from hub.store.account import ACTIVE
from hub.store.identity import CHUNK
from hub.store.revision import current_records
from hub.store.schema import kind_tables
from hub.store.tables import raw_document, record
from hub.store.writer import Write, write_records

__all__ = ["Absent", "CensusCount", "believed", "find_absent", "mark_accounts", "mark_invisible", "mark_vanished"]

BELIEVED = 10
BELIEVED_SHARE = 0.2
"""More missing at once than both is rather a lost permission, a lost index or another tool than so many deletions."""


@dataclass(frozen=True, slots=True)
class CensusCount:
    """What a census changed; records that stand inside a document count with it."""

    vanished: int = 0
    """Records marked as deleted at their source."""
    invisible: int = 0
    """Records marked as no longer visible."""
    reappeared: int = 0
    """Records seen again, whose mark was taken away."""
    held: int = 0
    """Documents no longer listed, too many to be believed; nothing was marked."""
    known: int = 0
    """Documents there were before, where `held` is not 0."""


@dataclass(frozen=True, slots=True)
class Absent:
    """Documents of one slice that are no longer listed."""

    native_ids: list[str]
    """Those without a mark, sorted."""
    marked: list[str]
    """Those marked before as no longer visible, sorted."""
    known: int
    """How many without a mark there are, listed or not."""

    @property
    def too_many(self) -> bool:
        """They are more than is believed without a person's word."""
        return not believed(len(self.native_ids), self.known)


def believed(missing: int, known: int) -> bool:
    """Tell whether so many may be missing at once without a person's word."""
    return missing <= max(BELIEVED, known * BELIEVED_SHARE)


def find_absent(
    conn: Connection,
    *,
    source: str,
    stream: str,
    scope: str,
    visible_ids: Iterable[str],
    kinds: Collection[str] | None = None,
) -> Absent:
    """Tell which documents of a slice are not among the ids visible now; marks nothing."""
    visible = set(visible_ids)
    present: set[str] = set()
    hidden: set[str] = set()
    for one in _records(conn, source, stream, scope, kinds):
        if one.vanished_at is None:
            (present if one.invisible_at is None else hidden).add(one.native_id)
    return Absent(sorted(present - visible), sorted(hidden - present - visible), len(present))


def mark_vanished(
    conn: Connection,
    *,
    source: str,
    stream: str,
    scope: str,
    visible_ids: Iterable[str],
    deletes: bool,
    at: int,
    kinds: Collection[str] | None = None,
    accept: bool = True,
) -> CensusCount:
    """Compare the records of one slice with the native ids visible now.

    To be called when every slice of the source has been read: what moved to another scope belongs to
    that scope then and has not vanished. All records of a document follow it, except persons (an
    account outlives the ticket that names it); `kinds` limits it to these kinds instead. A change is
    a revision and stands in the change log like any other. `accept` False: where more than a fifth of
    the slice, and more than ten documents, are missing at once, nothing is marked but counted as held.
    """
    visible = set(visible_ids)
    found = list(_records(conn, source, stream, scope, kinds))
    if not accept:
        present = {one.native_id for one in found if one.vanished_at is None and one.invisible_at is None}
        absent = Absent(sorted(present - visible), [], len(present))
        if absent.too_many:
            return CensusCount(held=len(absent.native_ids), known=absent.known)
    marks: dict[str, tuple[int | None, int | None]] = {}
    count = {"vanished": 0, "invisible": 0, "reappeared": 0}
    for one in found:
        if one.native_id not in visible:
            if deletes and one.vanished_at is None:
                marks[one.id] = (at, None)
                count["vanished"] += 1
            elif not deletes and one.vanished_at is None and one.invisible_at is None:
                marks[one.id] = (None, at)
                count["invisible"] += 1
        elif one.latest and (one.vanished_at is not None or one.invisible_at is not None):
            marks[one.id] = (None, None)
            count["reappeared"] += 1
    changed = [
        Write(msgspec.structs.replace(each, vanished_at=marks[each.id][0], invisible_at=marks[each.id][1]))
        for each in current_records(conn, list(marks))
    ]
    write_records(conn, changed, at)
    return CensusCount(**count)


def mark_invisible(conn: Connection, *, source: str, stream: str, native_ids: Iterable[str], at: int) -> int:
    """Mark what stands in these documents as no longer visible, persons excepted; return how many records."""
    named = list(native_ids)
    marks: list[str] = []
    for start in range(0, len(named), CHUNK):
        rows = conn.execute(
            select(record.c.id)
            .join(raw_document, raw_document.c.doc == record.c.document)
            .where(record.c.source == source, record.c.kind != "person")
            .where(raw_document.c.stream == stream, raw_document.c.native_id.in_(named[start : start + CHUNK]))
            .order_by(record.c.sid)
        )
        marks += rows.scalars()
    shown = [each for each in current_records(conn, marks) if each.vanished_at is None and each.invisible_at is None]
    write_records(conn, [Write(msgspec.structs.replace(each, invisible_at=at)) for each in shown], at)
    return len(shown)


def mark_accounts(conn: Connection, statuses: Mapping[str, str], at: int) -> Counter[str]:
    """Write what the tool said of accounts, record id -> status; return status -> how many had another before.

    Since when one is no longer active is `at`, unless it was known before; an active one has no such instant.
    """
    changed: list[Write] = []
    count: Counter[str] = Counter()
    for each in current_records(conn, list(statuses)):
        status = statuses[each.id]
        if not isinstance(each, Person) or (each.status == status and (each.active_to is None) == (status == ACTIVE)):
            continue
        since = None if status == ACTIVE else at if each.active_to is None else each.active_to
        changed.append(Write(msgspec.structs.replace(each, status=status, active_to=since)))
        count[status] += 1
    write_records(conn, changed, at)
    return count


@dataclass(frozen=True, slots=True)
class _Seen:
    id: str
    native_id: str
    latest: bool
    """It stands in the latest version of its document; False = an earlier version had it."""
    vanished_at: int | None
    invisible_at: int | None


def _records(conn: Connection, source: str, stream: str, scope: str, kinds: Collection[str] | None) -> Iterable[_Seen]:
    present = conn.execute(
        select(record.c.kind).where(record.c.source == source, record.c.scope == scope).distinct()
    ).scalars()
    followed = [k for k in present if k is not None and (k != "person" if kinds is None else k in kinds)]
    last: dict[str, int] = dict(
        conn.execute(
            select(raw_document.c.native_id, func.max(raw_document.c.seq))
            .where(raw_document.c.source == source, raw_document.c.stream == stream)
            .group_by(raw_document.c.native_id)
        ).all()
    )
    for kind in sorted(followed):
        table = kind_tables[kind]
        rows = conn.execute(
            select(record.c.id, raw_document.c.native_id, raw_document.c.seq, table.c.vanished_at, table.c.invisible_at)
            .join(table, table.c.sid == record.c.sid)
            .join(raw_document, raw_document.c.doc == record.c.document)
            .where(record.c.kind == kind, record.c.source == source, record.c.scope == scope)
            .where(raw_document.c.stream == stream)
            .order_by(record.c.sid)
        )
        for row in rows:
            yield _Seen(row.id, row.native_id, last[row.native_id] == row.seq, row.vanished_at, row.invisible_at)
