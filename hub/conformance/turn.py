"""One requirement's turn in a derivation: what is to be done for it, doing it, and noting that it was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from sqlalchemy import Connection, insert, select

from hub.conformance.append import append, empty, fill, settle
from hub.conformance.definition import Definition, definition_of, what_changed
from hub.conformance.dirty import Dirty
from hub.conformance.pack import Requirement
from hub.store.store import Store
from hub.store.tables import metadata

__all__ = ["Outcome", "Round", "Turn", "derive_little", "derive_whole", "log_derivation", "turn_of"]

_state = metadata.tables["requirement_state"]
_derivation = metadata.tables["derivation"]
_COUNT = tuple[int, int]
"""Obligations (closed, written)."""


@dataclass(frozen=True, slots=True)
class Round:
    """What the turns of one derivation share."""

    known_at: int
    """Instant from which the result is known."""
    high: int
    """Place in the change log up to which records are taken into account."""
    numbers: Mapping[tuple[str, str], int]
    """(requirement, part) -> number under which its obligations are kept."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What is to be done for one requirement."""

    requirement: Requirement
    definition: Definition
    since: int
    """Place in the change log it has seen."""
    whole: bool
    redefined: bool
    detail: str
    """What of its definition changed, in words."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a turn did."""

    whole: bool
    closed: int
    written: int


def turn_of(conn: Connection, requirement: Requirement, *, whole: bool) -> Turn:
    """Compare a requirement with what was last derived of it; `whole` derives it again in any case."""
    definition = definition_of(conn, requirement)
    state = conn.execute(select(_state).where(_state.c.requirement == requirement.id)).one_or_none()
    since, known = (0, None) if state is None else (state.watermark, state.definition)
    redefined = state is None or state.fingerprint != definition.mark
    detail = what_changed(known, definition.told) if redefined else ""
    return Turn(requirement, definition, since, whole or redefined, redefined, detail)


def derive_little(conn: Connection, turn: Turn, given: Round, dirty: Dirty) -> Outcome:
    """Derive what changed since the requirement's last turn, within a transaction that writes."""
    counts = []
    for part in turn.requirement.parts:
        units, records = "", ""
        if not dirty.everything(part.reads, turn.since):
            units, records = (dirty.table(reads, turn.since) or "" for reads in (part.wide, part.lined))
            if not units and not records:
                continue
        number = given.numbers[part.requirement, part.name]
        counts.append(append(conn, part, number, given.known_at, units=units, records=records))
    return _noted(conn, turn, given, counts)


def derive_whole(store: Store, conn: Connection, turn: Turn, given: Round, writers: Lock) -> Outcome:
    """Derive a requirement whole in a session: what it gives is worked out beside others, and written in turn.

    What is read meanwhile by a sync stands later in the change log, so that the next derivation sees it.
    """
    numbers = [given.numbers[part.requirement, part.name] for part in turn.requirement.parts]
    with conn.begin():
        empty(conn)
        for part, number in zip(turn.requirement.parts, numbers, strict=True):
            fill(conn, part, number)
    with writers, store.writing(conn):
        counts = [
            settle(conn, part, number, given.known_at)
            for part, number in zip(turn.requirement.parts, numbers, strict=True)
        ]
        return _noted(conn, turn, given, counts)


def _noted(conn: Connection, turn: Turn, given: Round, counts: list[_COUNT]) -> Outcome:
    closed, written = (sum(each) for each in zip(*counts, strict=True)) if counts else (0, 0)
    values = {
        "fingerprint": turn.definition.mark,
        "watermark": given.high,
        "derived_at": given.known_at,
        "definition": turn.definition.told,
    }
    rid = turn.requirement.id
    if not conn.execute(_state.update().where(_state.c.requirement == rid), values).rowcount:
        conn.execute(insert(_state), [{"requirement": rid, **values}])
    if closed or written or turn.redefined:
        log_derivation(
            conn, rid, given.known_at, redefined=turn.redefined, detail=turn.detail, closed=closed, written=written
        )
    return Outcome(turn.whole, closed, written)


def log_derivation(
    conn: Connection, requirement: str, known_at: int, *, redefined: bool, closed: int, written: int, detail: str = ""
) -> None:
    """Write down that obligations changed, and whether the records or we changed them."""
    cause = "definition" if redefined else "records"
    counts = {"closed": closed, "written": written}
    row = {"requirement": requirement, "known_at": known_at, "cause": cause, **counts, "detail": detail or None}
    conn.execute(insert(_derivation), [row])
