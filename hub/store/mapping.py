"""By which mapping the kept documents of a source became its records.

Every function works in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import msgspec
from sqlalchemy import (
    Boolean,
    Connection,
    Select,
    Text,
    and_,
    column,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    values,
)

from hub.records.base import Record
from hub.store.identity import CHUNK
from hub.store.revision import current_records
from hub.store.tables import fingerprint, provision, raw_document, record, unknown_field
from hub.store.writer import Write, write_records

__all__ = [
    "KnownProvision",
    "Provided",
    "current_provisions",
    "get_fingerprint",
    "has_documents",
    "mark_unread",
    "set_fingerprint",
]


@dataclass(frozen=True, slots=True)
class KnownProvision:
    """What a source is known to say of a kind."""

    kind: str
    fields: frozenset[str]
    within_subject: bool


class Provided(Protocol):
    """What a source can say of a kind (`hub.sync.source.Provision`)."""

    @property
    def kind(self) -> str: ...  # noqa: D102 - documented where it is made
    @property
    def fields(self) -> frozenset[str]: ...  # noqa: D102
    @property
    def within_subject(self) -> bool: ...  # noqa: D102


def get_fingerprint(conn: Connection, source: str) -> str | None:
    """Return the fingerprint of the mapping all kept documents went through; None = there is none yet."""
    found: str | None = conn.execute(
        select(fingerprint.c.value).where(fingerprint.c.name == _name(source))
    ).scalar_one_or_none()
    return found


def set_fingerprint(conn: Connection, source: str, value: str) -> None:
    """State the mapping; nothing is written where it is the same."""
    if get_fingerprint(conn, source) != value:
        conn.execute(delete(fingerprint).where(fingerprint.c.name == _name(source)))
        conn.execute(insert(fingerprint), [{"name": _name(source), "value": value}])


def has_documents(conn: Connection, source: str) -> bool:
    """Tell whether anything was ever kept of a source."""
    return conn.execute(select(raw_document.c.doc).where(raw_document.c.source == source).limit(1)).first() is not None


def current_provisions(conn: Connection, source: str) -> list[KnownProvision]:
    """List what a source is known to provide now."""
    fields: dict[tuple[str, bool], set[str]] = {}
    for row in conn.execute(
        select(provision.c.kind, provision.c.field, provision.c.within_subject).where(
            provision.c.source == source, provision.c.known_to.is_(None)
        )
    ):
        named = fields.setdefault((row.kind, row.within_subject), set())
        if row.field:
            named.add(row.field)
    return [KnownProvision(kind, frozenset(named), within) for (kind, within), named in sorted(fields.items())]


def mark_unread(conn: Connection, source: str, provided: Iterable[Provided], known_at: int) -> int:
    """Mark what no mapping read while the document was there as unknown; return how many records changed.

    `provided` is what the source provides from now on. A record whose document was disposed of before the
    source provided a field will never get it: its absence there proves nothing. Records of a kind that
    stands inside its subject may be missing altogether, so the subject is marked, with `approval.*`
    and `approval.decision`. A field that holds a value all the same is left alone. Writes nothing where it is
    marked already.
    """
    gone = and_(raw_document.c.source == source, raw_document.c.body.is_(None), raw_document.c.disposed_at.is_not(None))
    first = conn.execute(select(func.min(raw_document.c.disposed_at)).where(gone)).scalar_one()
    if first is None:
        return 0
    p = provision.c
    asked = select(p.kind, p.field).where(p.source == source, p.known_from <= first, p.known_to.is_(None))
    all_along = {(row.kind, row.field) for row in conn.execute(asked)}
    wanted = sorted(row for each in provided for row in _names(each) if row[:2] not in all_along)
    if not wanted:
        return 0
    found = conn.execute(_unread(source, wanted).where(gone)).all()
    names = {one: [row.name for row in rows] for one, rows in groupby(found, key=lambda row: str(row.id))}
    ids, changed = list(names), 0
    for start in range(0, len(ids), CHUNK):
        marked = [
            Write(msgspec.structs.replace(each, unknown_fields=[*each.unknown_fields, *unread]))
            for each in current_records(conn, ids[start : start + CHUNK])
            if (unread := [name for name in names[each.id] if not _holds(each, name)])
        ]
        changed += write_records(conn, marked, known_at).changed
    return changed


def _names(one: Provided) -> Iterator[tuple[str, str, str, bool]]:
    """Yield (kind, field, what it is called where it is not known, whether that is in the subject)."""
    for field in one.fields:
        yield one.kind, field, field, False
    if one.within_subject:
        yield one.kind, "", f"{one.kind}.*", True
        for field in one.fields:
            yield one.kind, field, f"{one.kind}.{field}", True


def _unread(source: str, wanted: Sequence[tuple[str, str, str, bool]]) -> Select[str, str]:
    """Select (id, name) of what was not provided when the record's document was disposed of, nor is marked."""
    named = (column("kind", Text), column("field", Text), column("name", Text), column("inside", Boolean))
    new = values(*named, name="new").data(wanted).cte("wanted")
    p, gone_at = provision.c, raw_document.c.disposed_at
    known = exists().where(p.source == source, p.kind == new.c.kind, p.field == new.c.field)
    known = known.where(p.known_from <= gone_at, or_(p.known_to.is_(None), p.known_to > gone_at))
    marked = exists().where(unknown_field.c.sid == record.c.sid, unknown_field.c.field == new.c.name)
    subject = and_(new.c.inside, record.c.kind.not_in(("person", new.c.kind)))
    return (
        select(record.c.id, new.c.name)
        .join(raw_document, raw_document.c.doc == record.c.document)
        .join(new, or_(subject, and_(~new.c.inside, record.c.kind == new.c.kind)))
        .where(~known.correlate_except(provision), ~marked.correlate_except(unknown_field))
        .order_by(record.c.sid, new.c.name)
    )


def _holds(given: Record, name: str) -> bool:
    """Tell whether a field, dotted for a struct's, holds a value."""
    value: object = given
    for attribute in name.split("."):
        value = getattr(value, attribute, None)
    return bool(value)


def _name(source: str) -> str:
    return f"mapping:{source}"
