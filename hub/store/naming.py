"""Records that another tool knows only by what people call them: `desk:key/OPS-12` is whatever bears OPS-12 in `desk`.

A key leads to a record while exactly one of that source bears it or bore it. Until then the reference points to
a record that was never read, and what rests on it is not provable.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, select

from hub.records.base import Record
from hub.store.bulk import Row, among, as_listed, listed, put, remove
from hub.store.identity import sids_of
from hub.store.tables import alias, link, record

__all__ = ["named_sids", "settle_names", "untied"]

_MARK = ":key/"


def named_sids(conn: Connection, ids: Iterable[str]) -> dict[str, int]:
    """Return id -> record.sid of those ids that name a record by its key, where one and no other bears it.

    What stands inside a record (`desk:issue/7/approval/1`, its review) may bear its key and is not meant by it.
    """
    wanted: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for one in ids:
        source, mark, key = one.partition(_MARK)
        if mark:
            wanted[key].append((source, one))
    if not wanted:
        return {}
    bearing: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for row in conn.execute(_bearers(conn.dialect.name), as_listed(conn, wanted)):
        known = bearing[row.source, row.key]
        if not any(row.id.startswith(f"{other}/") for other, _ in known):
            known.append((row.id, row.sid))
    found = {}
    for key, named in wanted.items():
        for source, one in named:
            known = bearing.get((source, key), [])
            if len(known) == 1:
                found[one] = known[0][1]
    return found


@cache
def _bearers(engine: str) -> Select[Any]:
    return (
        select(alias.c.key, record.c.source, record.c.id, record.c.sid)
        .join(record, record.c.sid == alias.c.sid)
        .where(listed(engine, alias.c.key), record.c.kind != "approval")
        .order_by(record.c.id)
    )


def settle_names(conn: Connection, written: Iterable[Record]) -> list[Row]:
    """Lead to these records what was tied to their keys before they were read; return rows of the change log."""
    keys = {f"{one.source}{_MARK}{key}" for one in written for key in (one.key, *one.aliases) if key is not None}
    unread = sids_of(conn, keys)
    meant = {unread[one]: sid for one, sid in named_sids(conn, unread).items()}
    if not meant:
        return []
    tied = set(conn.execute(select(link.c.sid).where(among(conn, link.c.target, meant))).scalars())
    return _lead(conn, tied, meant)


def untied(conn: Connection, source: str, relation: str) -> list[str]:
    """List the keys to which records of a source are tied by a relation, and that no record, or several, bear."""
    named, tied = record.alias(), record.alias()
    asked = (
        select(named.c.id)
        .distinct()
        .join(link, link.c.target == named.c.sid)
        .join(tied, tied.c.sid == link.c.sid)
        .where(named.c.kind.is_(None), named.c.id.like(f"%{_MARK}%"), link.c.type == relation, tied.c.source == source)
        .order_by(named.c.id)
    )
    return list(conn.scalars(asked))


def _lead(conn: Connection, tied: set[int], meant: Mapping[int, int]) -> list[Row]:
    """Write the links of some records anew, with what is meant as their target."""
    if not tied:
        return []
    kinds = dict(conn.execute(select(record.c.sid, record.c.kind).where(among(conn, record.c.sid, tied))).all())
    asked = select(link.c.sid, link.c.type, link.c.target, link.c.at, link.c.source_ref)
    rows: dict[tuple[int, str, int], Row] = {}
    log: list[Row] = []
    for sid, kind, target, *said in conn.execute(asked.where(among(conn, link.c.sid, tied)).order_by(link.c.at)):
        led = meant.get(target, target)
        rows.setdefault((sid, kind, led), (sid, kind, led, *said))
        if led != target:
            log += [(kinds[sid], sid, touched) for touched in (sid, led)]
    remove(conn, (link,), tied)
    put(conn, link, list(rows.values()))
    return list(dict.fromkeys(log))
