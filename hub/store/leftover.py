"""The texts outside records and documents that may name a person: run log, verdicts' gaps, reports, outbox."""

from __future__ import annotations

from typing import Any

import msgspec
import zstandard
from sqlalchemy import JSON, Connection, Table, and_, delete, select, update
from sqlalchemy import Text as AnyText

from hub.store.redaction import Redaction
from hub.store.schema import child_tables, kind_tables, metadata
from hub.store.tables import (
    alias,
    erased_identifier,
    event,
    link,
    outbox,
    raw_document,
    record,
    report,
    revision,
    since,
    sync_cursor,
    unknown_field,
)

__all__ = ["redact_leftovers"]

_ELSEWHERE = frozenset(
    {
        *kind_tables.values(),
        *child_tables.values(),
        *(alias, erased_identifier, event, link, raw_document, record, revision, since, unknown_field),
    }
)
"""Tables that follow from the records' states, or are gone through on their own."""
_STRUCTURE = frozenset(
    {"source", "scope", "stream", "kind", "channel", "message_id", "hash", "digest", "state", "type"}
)
"""Columns of the hub's own words: nobody is named there, and other rows rest on them."""
NOTICE = b"Subject: erased\r\n\r\nThis message named a person whose data was erased. Issue the report again.\r\n"
"""What stands in the place of a message; what was delivered is out of reach."""


def redact_leftovers(conn: Connection, redaction: Redaction) -> dict[str, int]:
    """Redact in the caller's transaction; return how many texts were changed, by table."""
    counts: dict[str, int] = {}
    for table in metadata.sorted_tables:
        if table in _ELSEWHERE:
            continue
        changed = _texts(conn, table, redaction) + _values(conn, table, redaction)
        if changed:
            counts[table.name] = changed
    for name, changed in (("report", _reports(conn, redaction)), ("outbox", _messages(conn, redaction))):
        if changed:
            counts[name] = counts.get(name, 0) + changed
    return counts


def _texts(conn: Connection, table: Table, redaction: Redaction) -> int:
    """Redact text columns, each distinct text once."""
    changed = 0
    for column in table.c:
        if column.name in _STRUCTURE or not isinstance(column.type, AnyText):
            continue
        for before in conn.execute(select(column).distinct().where(column.is_not(None))).scalars().all():
            if (after := redaction.text(before)) != before:
                changed += conn.execute(update(table).where(column == before).values({column: after})).rowcount
    return changed


def _values(conn: Connection, table: Table, redaction: Redaction) -> int:
    changed = 0
    for column in table.c:
        if not isinstance(column.type, JSON):
            continue
        keys = list(table.primary_key.columns)
        for *key, before in conn.execute(select(*keys, column)).all():
            after = redaction.value(before)
            if after == before:
                continue
            this = and_(*(one == value for one, value in zip(keys, key, strict=True)))
            # A cursor that was changed might leave a gap; without one all is read again.
            conn.execute(delete(table).where(this) if table is sync_cursor else _set(table, this, column.name, after))
            changed += 1
    return changed


def _set(table: Table, this: Any, name: str, value: Any) -> Any:
    return update(table).where(this).values({name: value})


def _reports(conn: Connection, redaction: Redaction) -> int:
    changed = 0
    for row in conn.execute(select(report.c.report_id, report.c.revision, report.c.model)).all():
        before = msgspec.json.decode(zstandard.ZstdDecompressor().decompress(row.model))
        after = redaction.value(before)
        if after != before:
            packed = zstandard.ZstdCompressor().compress(msgspec.json.encode(after))
            this = and_(report.c.report_id == row.report_id, report.c.revision == row.revision)
            conn.execute(update(report).where(this).values(model=packed))
            changed += 1
    return changed


def _messages(conn: Connection, redaction: Redaction) -> int:
    changed = 0
    keys = list(outbox.primary_key.columns)
    for *key, state, message in conn.execute(select(*keys, outbox.c.state, outbox.c.message)).all():
        if not redaction.mail(zstandard.ZstdDecompressor().decompress(message)):
            continue
        values: dict[str, Any] = {"message": zstandard.ZstdCompressor().compress(NOTICE)}
        if state != "sent":
            values |= {"state": "failed", "detail": "named a person whose data was erased; issue the report again"}
        this = and_(*(one == value for one, value in zip(keys, key, strict=True)))
        conn.execute(update(outbox).where(this).values(values))
        changed += 1
    return changed
