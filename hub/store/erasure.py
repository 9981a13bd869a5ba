"""Take a person's data out of everything kept: the person becomes a tombstone, the deeds stay.

The number (`record.sid`) stays, and with it every tie, obligation and verdict; names, addresses and
logins become tokens wherever they stand. Documents that hold them lose their body; the latest version of
each is kept again, redacted, at the end of the chain. Killed anywhere, the next call goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import msgspec
import zstandard
from sqlalchemy import Connection, delete, func, insert, select, update

from hub.records import Person, decode_record
from hub.store.disposal import Authority, begin_disposal, finish
from hub.store.document import KeptDocument, append_documents
from hub.store.dropped import Write
from hub.store.identifier import find_identifiers, hashes_of, people_behind
from hub.store.leftover import redact_leftovers
from hub.store.redaction import Redaction, key_bytes, load_redaction
from hub.store.revision import current_records, digest_of
from hub.store.store import Store
from hub.store.tables import (
    disposal_run,
    erased_identifier,
    erased_person,
    raw_document,
    record,
    revision,
)
from hub.store.writer import write_records

__all__ = ["begin_erasure", "finish_erasures", "open_erasures", "tombstones"]

BATCH = 500
"""Rows one transaction looks at."""
_KEPT = frozenset(
    (
        *("kind", "id", "source", "scope", "key", "created_at", "updated_at", "status", "status_category"),
        *("account", "same_as", "party", "employment", "active_from", "active_to", "competences", "assessments"),
        *(
            "service_ids",
            "customer_id",
            "confidentiality",
            "declared_by",
            "unknown_fields",
            "since",
            "vanished_at",
            "invisible_at",
        ),
    )
)
"""What a tombstone keeps: what verdicts rest on, and nothing that names anybody."""
_NAME = "Erased person"


def begin_erasure(
    conn: Connection, person_id: str, authority: Authority, *, key: str, at: int, also: Iterable[str] = ()
) -> tuple[int, list[str]] | None:
    """Write down whom to erase, as hashes only; from here on no source names the person again.

    Returns the number in the log, and names that are left in texts because they are usual words or name
    somebody else too. None where nobody of this id is known.
    """
    sids = people_behind(conn, person_id)
    if not sids:
        return None
    load_redaction(conn, key)  # refuses another key than the one used so far
    _tie(conn, sids, at)
    found = find_identifiers(conn, sids, also)
    rows = hashes_of(key_bytes(key), found)
    redaction = Redaction(key_bytes(key), rows)
    reason = Authority(authority.login, authority.operator, authority.approver, redaction.text(authority.reason))
    did = begin_disposal(conn, "erasure", reason, at=at, persons=len(sids), identifiers=len(found.whole | found.tails))
    known = set(conn.execute(select(erased_identifier.c.hash)).scalars())
    new = [{"hash": digest, "words": words, "did": did} for digest, words in rows.items() if digest not in known]
    if new:
        conn.execute(insert(erased_identifier), new)
    present = set(conn.execute(select(erased_person.c.sid)).scalars())
    if persons := [{"sid": sid, "did": did} for sid in sids if sid not in present]:
        conn.execute(insert(erased_person), persons)
    return did, found.left


def _tie(conn: Connection, sids: Sequence[int], at: int) -> None:
    """State for good what so far only addresses tell: whose logins these are. The addresses go."""
    known = conn.execute(select(record.c.sid, record.c.id, record.c.canonical).where(record.c.sid.in_(sids))).all()
    human = next((row.id for row in known if row.sid == row.canonical), None)
    tied = [
        Write(msgspec.structs.replace(one, same_as=[*one.same_as, human]))
        for one in current_records(conn, [row.id for row in known])
        if human is not None and isinstance(one, Person) and one.account and human not in one.same_as
    ]
    write_records(conn, tied, at)


def open_erasures(conn: Connection) -> list[int]:
    """Return the numbers of the erasures that are not through."""
    asked = select(disposal_run.c.did).where(disposal_run.c.type == "erasure", disposal_run.c.finished_at.is_(None))
    return list(conn.execute(asked.order_by(disposal_run.c.did)).scalars())


def finish_erasures(store: Store, *, key: str, now: int, batch: int = BATCH) -> dict[str, int]:
    """Carry out what was begun; return how much was changed, by what it is.

    Nobody else may read sources, derive or report meanwhile.
    """
    with store.connect() as conn:
        waiting = open_erasures(conn)
        redaction = load_redaction(conn, key)
    if not waiting:
        return {}
    work = _Sweep(store, redaction, waiting[-1], now=now, batch=batch)
    counts = {"ids": work.ids(), "states": work.states(), "documents": work.documents()}
    with store.begin() as conn:
        _overwrite(conn)
        counts |= redact_leftovers(conn, redaction)
    with store.begin() as conn:
        for did in waiting:
            finish(conn, did, at=now, changed=counts)
    return counts


def tombstones(conn: Connection) -> dict[str, bytes]:
    """Return id -> encoded record of every erased person and account, as it stands for good."""
    asked = (
        select(record.c.id, revision.c.body)
        .join(erased_person, erased_person.c.sid == record.c.sid)
        .join(revision, revision.c.sid == record.c.sid)
        .where(revision.c.known_to.is_(None))
    )
    decompressor = zstandard.ZstdDecompressor()
    return {row.id: decompressor.decompress(row.body) for row in conn.execute(asked)}


def _overwrite(conn: Connection) -> None:
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("PRAGMA secure_delete=ON")


class _Sweep:
    """Goes through everything once; what was done already looks done, and costs a look."""

    def __init__(self, store: Store, redaction: Redaction, did: int, *, now: int, batch: int) -> None:
        self._store = store
        self._redaction = redaction
        self._did = did
        self._now = now
        self._batch = batch
        with store.connect() as conn:
            self._persons = set(conn.execute(select(erased_person.c.sid)).scalars())

    def _each(self, step: Callable[[Connection, Any], tuple[int, Any]], start: Any) -> int:
        """Call `step` from one place to the next, a transaction each, until it says None."""
        total, place = 0, start
        while place is not None:
            with self._store.begin() as conn:
                _overwrite(conn)
                count, place = step(conn, place)
            total += count
        return total

    def ids(self) -> int:
        """Rename records whose id holds a login; their number stays."""
        return self._each(self._ids, 0)

    def _ids(self, conn: Connection, after: int) -> tuple[int, int | None]:
        rows = conn.execute(
            select(record.c.sid, record.c.id).where(record.c.sid > after).order_by(record.c.sid).limit(self._batch * 10)
        ).all()
        changed = 0
        for row in rows:
            if (name := self._redaction.text(row.id)) != row.id:
                conn.execute(update(record).where(record.c.sid == row.sid).values(id=name))
                changed += 1
        return changed, rows[-1].sid if rows else None

    def states(self) -> int:
        """Redact every state of every record; the current ones fill their tables anew."""
        return self._each(self._states, (0, -1))

    def _states(self, conn: Connection, after: tuple[int, int]) -> tuple[int, tuple[int, int] | None]:
        r = revision.c
        rows = conn.execute(
            select(r.sid, r.known_from, r.known_to, r.body)
            .where((r.sid > after[0]) | ((r.sid == after[0]) & (r.known_from > after[1])))
            .order_by(r.sid, r.known_from)
            .limit(self._batch)
        ).all()
        decompressor, compressor = zstandard.ZstdDecompressor(), zstandard.ZstdCompressor()
        current: list[Any] = []
        changed = 0
        for row in rows:
            if not row.body:
                continue
            before = decompressor.decompress(row.body)
            after_body = self._redacted(row.sid, before)
            if after_body is None:
                continue
            changed += 1
            if row.known_to is None:
                current.append((row.sid, row.known_from, decode_record(after_body)))
            else:
                conn.execute(
                    update(revision)
                    .where(r.sid == row.sid, r.known_from == row.known_from)
                    .values(hash=digest_of(after_body), body=compressor.compress(after_body))
                )
        self._replace(conn, current)
        return changed, (rows[-1].sid, rows[-1].known_from) if rows else None

    def _redacted(self, sid: int, body: bytes) -> bytes | None:
        """Return the state without what names anybody; None where it is so already."""
        state: dict[str, Any] = msgspec.json.decode(body)
        if sid in self._persons:
            names = {name: _NAME for name in ("name", "title") if state.get(name)}
            kept = {**{name: value for name, value in state.items() if name in _KEPT}, **names}
        else:
            kept = state
        after = self._redaction.value(kept)
        return None if after == state else msgspec.json.encode(after)

    def _replace(self, conn: Connection, current: Sequence[tuple[int, int, Any]]) -> None:
        """Write current states as any other, then take away that there was one before."""
        if not current:
            return
        write_records(conn, [Write(one) for _, _, one in current], self._now)
        r = revision.c
        for sid, known_from, _ in current:
            conn.execute(delete(revision).where(r.sid == sid, r.known_from == known_from))
            conn.execute(update(revision).where(r.sid == sid, r.known_to.is_(None)).values(known_from=known_from))

    def documents(self) -> int:
        """Dispose of bodies that name anybody; keep the latest of each id again, redacted."""
        with self._store.connect() as conn:
            sources = (
                conn.execute(select(raw_document.c.source).distinct().order_by(raw_document.c.source)).scalars().all()
            )
        return sum(self._each(partial(self._documents, source), 0) for source in sources)

    def _documents(self, source: str, conn: Connection, after: int) -> tuple[int, int | None]:
        d = raw_document.c
        rows = conn.execute(
            select(d.doc, d.stream, d.native_id, d.scope, d.seq, d.body)
            .where(d.source == source, d.seq > after)
            .order_by(d.seq)
            .limit(self._batch)
        ).all()
        decompressor = zstandard.ZstdDecompressor()
        changed = 0
        for row in rows:
            body = None if row.body is None else decompressor.decompress(row.body)
            redacted = None if body is None else self._redaction.body(body)
            name = self._redaction.text(row.native_id)
            if name == row.native_id and redacted == body:
                continue
            changed += 1
            is_last = not conn.execute(
                select(func.count()).where(
                    d.source == source, d.stream == row.stream, d.native_id == row.native_id, d.seq > row.seq
                )
            ).scalar_one()
            values: dict[str, Any] = {"native_id": name}
            if redacted != body:
                values |= {"body": None, "disposed_at": self._now, "disposal": self._did}
            conn.execute(update(raw_document).where(d.doc == row.doc).values(values))
            if redacted and redacted != body and is_last:
                again = KeptDocument(row.stream, name, row.scope, redacted)
                (place,) = append_documents(conn, source, [again], self._now)
                conn.execute(update(record).where(record.c.document == row.doc).values(document=place.doc))
        return changed, rows[-1].seq if rows else None
