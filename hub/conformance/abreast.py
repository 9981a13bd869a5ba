"""Requirements derived whole, several side by side.

Engines work without Python's lock: each thread works out requirements on a connection of its own. Only one can write;
whoever finds another writing does not wait, but lays the next requirement aside with what it has.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from threading import Lock

from sqlalchemy import Connection, func, literal, select, union_all

from hub.conformance.append import empty
from hub.conformance.turn import Outcome, Round, Turn, lay_whole, write_whole
from hub.store.schema import kind_tables
from hub.store.store import Store
from hub.store.tables import metadata

__all__ = ["derive_abreast", "how_many", "in_order"]

_record = metadata.tables["record"]
_MANY_RECORDS = 2000
"""Records from which several requirements are derived side by side: of fewer, connections would cost more than they save."""
_MOST = 4
"""More would wait for the one that writes."""
_MOST_LAID = 500_000
"""Obligations laid aside, some 50 MB, from which a thread waits until it can write."""


def how_many(conn: Connection) -> int:
    """Return how many requirements to derive side by side."""
    many = (conn.scalar(select(func.max(_record.c.sid))) or 0) >= _MANY_RECORDS
    return min(os.cpu_count() or 1, _MOST) if many else 1


def in_order(conn: Connection, turns: Sequence[Turn]) -> list[Turn]:
    """Put first what reads most records, so that all threads end at about the same time."""
    if len(turns) <= 1:
        return list(turns)
    kinds = {kind for turn in turns for part in turn.requirement.parts for kind in part.reads} & kind_tables.keys()
    each = [select(literal(kind), func.count()).select_from(kind_tables[kind]) for kind in sorted(kinds)]
    records = dict(conn.execute(union_all(*each)).all()) if each else {}
    return sorted(
        turns, key=lambda turn: -sum(records.get(k, 0) for part in turn.requirement.parts for k in part.reads)
    )


def derive_abreast(store: Store, turns: Sequence[Turn], given: Round, count: int) -> list[Outcome]:
    """Derive requirements whole in this order, `count` at a time. The first fault ends it: what was not begun is not."""
    writers = Lock()  # waiting for the store's own lock would sleep
    todo = deque(turns)

    def work() -> list[Outcome]:
        with store.session() as conn:
            return _work(store, conn, _taken(todo), given, writers)

    count = min(len(turns), count)
    if count <= 1:
        return work()
    try:
        with ThreadPoolExecutor(count, "derive") as pool:
            try:
                return [
                    one for done in as_completed([pool.submit(work) for _ in range(count)]) for one in done.result()
                ]
            finally:
                todo.clear()
    finally:
        store.close()  # connections hold the memory of the largest requirement


def _taken(todo: deque[Turn]) -> Iterator[Turn]:
    with suppress(IndexError):
        while True:
            yield todo.popleft()


def _work(store: Store, conn: Connection, turns: Iterator[Turn], given: Round, writers: Lock) -> list[Outcome]:
    """Lay aside what requirements give, and write it when nobody else does, or when there is much of it."""
    done: list[Outcome] = []
    laid: list[Turn] = []
    rows = 0
    for turn in turns:
        with conn.begin():
            if not laid:
                empty(conn)
            rows += lay_whole(conn, turn, given)
        laid.append(turn)
        if writers.acquire(blocking=rows >= _MOST_LAID):
            try:
                done += [write_whole(store, conn, one, given) for one in laid]
            finally:
                writers.release()
            laid, rows = [], 0
    with writers:
        return done + [write_whole(store, conn, one, given) for one in laid]
