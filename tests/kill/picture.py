"""What a store says, without what may differ after a kill: sequence numbers, when something was noticed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import zstandard
from sqlalchemy import Connection, Table, func, select

from hub.cli.judging import judged
from hub.cli.session import Session
from hub.clock import FixedClock, format_instant
from hub.conformance.derive import require_derived
from hub.conformance.listing import list_obligations
from hub.errors import LaggingStore
from hub.records import KINDS
from hub.store import tables
from hub.store.reading import CENSUS
from hub.store.schema import child_tables, field_shapes, kind_tables
from hub.store.verify import verify_chain, verify_revisions

__all__ = ["Picture", "take_picture"]

Picture = dict[str, Counter[Any]]
"""Name of a table or a question -> rows, each with how often it is there."""
AS_OFS = ("2026-02-01T00:00:00Z", "2026-07-15T12:00:00Z", "2026-10-01T06:00:00Z", None)
"""None = when the command ran."""


def take_picture(folder: Path, now: int, nows: Collection[int]) -> Picture:
    """Describe the store of a workplace and the mails beside it, as seen at `now`.

    Sids are written as record ids, and all of `nows` (when something could be noticed) as one word.
    """
    with Session(folder / "hub.toml", clock=FixedClock(now)) as session:
        session.__dict__["_requirements"] = _requirements(session)
        with session.store.connect() as conn:
            picture = {name: Counter(rows) for name, rows in _tables(conn, nows)}
            try:
                require_derived(conn)
                assert not [one for one in (*verify_chain(conn), verify_revisions(conn)) if one.broken]
            except LaggingStore:
                return picture
        for as_of in AS_OFS:
            with judged(session, as_of or format_instant(now), None) as judgement:
                picture[f"verdicts at {as_of}"] = Counter(
                    (row.requirement, row.part, row.unit.id, _noticed(row.due_at, nows), row.verdict, row.reason)
                    for row in list_obligations(judgement)
                )
    picture["files"] = Counter(path.name for path in (folder / "out").glob("*"))
    return picture


_packs: list[Any] = []


def _requirements(session: Session) -> list[Any]:
    """Load the packs once; every workplace has the same."""
    if not _packs:
        _packs.extend(session.requirements())
    return _packs


def _noticed(value: Any, nows: Collection[int]) -> str:
    return "now" if value in nows else str(value)


def _tables(conn: Connection, nows: Collection[int]) -> Iterator[tuple[str, list[Any]]]:
    names: dict[int, str] = dict(conn.execute(select(tables.record.c.sid, tables.record.c.id)).all())
    made_from = {
        row.doc: (row.source, row.stream, row.native_id, row.hash.hex())
        for row in conn.execute(select(tables.raw_document))
    }
    places = {row.place: (row.source, row.scope) for row in conn.execute(select(tables.place))}
    parts = {row.part: (row.requirement, row.name) for row in conn.execute(select(tables.part))}

    def teller(name: str, ids: set[str]) -> Callable[[Any], Any]:
        if name in ids:
            return lambda value: names.get(value, value)
        named = {"document": made_from.get, "place": places.get, "part": parts.__getitem__}
        return named.get(name) or partial(_noticed, nows=nows)

    def rows(table: Table, *, ids: set[str], without: tuple[str, ...] = (), where: Any = True) -> list[Any]:
        columns = [column for column in table.c if column.name not in without]
        tellers = [teller(column.name, ids) for column in columns]
        return [
            tuple(tell(value) for tell, value in zip(tellers, row, strict=True))
            for row in conn.execute(select(*columns).where(where))
        ]

    yield "documents", list(made_from.values())
    for kind, table in kind_tables.items():
        yield kind, rows(table, ids={"sid", *_references(KINDS[kind])})
    for (kind, name), table in child_tables.items():
        part = next(shape.part for shape in field_shapes(KINDS[kind]) if shape.name == name)
        yield table.name, rows(table, ids={"sid", *_references(part)})
    record = tables.record
    person = record.c.kind == "person"
    yield "record", rows(record, ids={"canonical"}, without=("sid",), where=~person)
    # A login stands in many documents: which of them came first is chance.
    yield "person of record", rows(record, ids={"canonical"}, without=("sid", "document"), where=person)
    for name in ("event", "link", "since", "unknown_field", "alias"):
        yield name, rows(getattr(tables, name), ids={"sid", "actor", "target"})
    yield "current states", [_state(body, nows) for body in _current(conn)]
    yield (
        "coverage",
        rows(
            tables.coverage,
            ids=set(),
            without=("cid", "through", "known_from"),
            where=tables.coverage.c.known_to.is_(None),
        ),
    )
    yield (
        "provision",
        rows(tables.provision, ids=set(), without=("pid", "known_from"), where=tables.provision.c.known_to.is_(None)),
    )
    yield "fingerprint", rows(tables.fingerprint, ids=set())
    asked = tables.sync_cursor.c.stream == CENSUS  # holds when it was; coverage holds what came of it
    yield "cursor", rows(tables.sync_cursor, ids=set(), without=("committed_at",), where=~asked)
    yield "censuses", rows(tables.sync_cursor, ids=set(), without=("committed_at", "cursor"), where=asked)
    for name in ("open_interval", "local_day", "period"):
        yield name, [conn.scalar(select(func.count()).select_from(getattr(tables, name)))]
    yield (
        "obligation",
        rows(
            tables.obligation,
            ids={"unit", "anchor", "evidence"},
            without=("oid", "known_from"),
            where=tables.obligation.c.known_to.is_(None),
        ),
    )
    seen = ("fid", "first_seen_at", "state_at", "due_at")
    yield "finding", rows(tables.finding, ids={"unit", "anchor", "owner"}, without=seen)
    keys = {row.fid: (parts[row.part], names[row.unit], names.get(row.anchor, row.anchor)) for row in _all(conn)}
    yield "finding_event", [(keys[row.fid], row.state) for row in conn.execute(select(tables.finding_event))]
    yield "report", rows(tables.report, ids=set(), without=("as_of", "known_at", "created_at", "model", "hash"))
    told = ("message", "detail", "queued_at", "sent_at", "attempts")
    yield "outbox", rows(tables.outbox, ids=set(), without=told)


def _all(conn: Connection) -> Any:
    return conn.execute(select(tables.finding))


def _references(struct: Any, prefix: str = "") -> Iterator[str]:
    for shape in field_shapes(struct):
        if shape.role == "reference":
            yield f"{prefix}{shape.name}"
        elif shape.role == "struct":
            yield from _references(shape.part, f"{prefix}{shape.name}_")


def _current(conn: Connection) -> list[bytes]:
    revision = tables.revision
    unpack = zstandard.ZstdDecompressor().decompress
    return [unpack(body) for body in conn.scalars(select(revision.c.body).where(revision.c.known_to.is_(None)))]


def _state(body: bytes, nows: Collection[int]) -> bytes:
    state = msgspec.json.decode(body)
    for name in ("vanished_at", "invisible_at"):
        if name in state:
            state[name] = _noticed(state[name], nows)
    return msgspec.json.encode(state, order="sorted")
