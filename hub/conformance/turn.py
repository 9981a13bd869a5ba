"""One requirement's turn in a derivation: what is to be done for it, doing it, and noting that it was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from hub.conformance.append import append, fill, settle
from hub.conformance.definition import Definition, calendars_of, definition_of, what_changed
from hub.conformance.dirty import Dirty
from hub.conformance.pack import Requirement
from hub.conformance.part import Part
from hub.store.store import Store
from hub.store.tables import metadata

__all__ = [
    "Outcome",
    "Round",
    "Turn",
    "derive_little",
    "lay_whole",
    "log_derivation",
    "note",
    "turns_of",
    "write_whole",
]

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

    turn: Turn
    closed: int
    written: int


def turns_of(conn: Connection, requirements: Sequence[Requirement], *, whole: bool) -> list[Turn]:
    """Compare requirements with what was last derived of them; `whole` derives them again in any case."""
    states = {row.requirement: row for row in conn.execute(select(_state))}
    calendars = calendars_of(conn)
    turns = []
    for requirement in requirements:
        definition = definition_of(conn, requirement, calendars)
        state = states.get(requirement.id)
        since, known = (0, None) if state is None else (state.watermark, state.definition)
        redefined = state is None or state.fingerprint != definition.mark
        detail = what_changed(known, definition.told) if redefined else ""
        turns.append(Turn(requirement, definition, since, whole or redefined, redefined, detail))
    return turns


def derive_little(conn: Connection, turn: Turn, given: Round, dirty: Dirty) -> Outcome:
    """Derive what changed since the requirement's last turn, within a transaction that writes and `note`s it."""
    counts = []
    for part, number in _numbered(turn, given):
        if dirty.everything(part.reads, turn.since):
            counts.append(append(conn, part, number, given.known_at))
            continue
        few = dirty.few(part, turn.since)
        if few is not None:
            counts.append(append(conn, part, number, given.known_at, few))
    return _outcome(turn, counts)


def lay_whole(conn: Connection, turn: Turn, given: Round) -> int:
    """Work out what a requirement gives and lay it aside, for `write_whole`; returns how many obligations. Locks nothing.

    What is read meanwhile by a sync stands later in the change log, so that the next derivation sees it.
    """
    return sum(fill(conn, part, number) for part, number in _numbered(turn, given))


def write_whole(store: Store, conn: Connection, turn: Turn, given: Round) -> Outcome:
    """Write what was laid aside in this session, in a transaction of its own."""
    with store.writing(conn):
        done = _outcome(turn, [settle(conn, part, number, given.known_at) for part, number in _numbered(turn, given)])
        note(conn, given, [done])
        return done


def _numbered(turn: Turn, given: Round) -> list[tuple[Part, int]]:
    return [(part, given.numbers[part.requirement, part.name]) for part in turn.requirement.parts]


def _outcome(turn: Turn, counts: list[_COUNT]) -> Outcome:
    closed, written = (sum(each) for each in zip(*counts, strict=True)) if counts else (0, 0)
    return Outcome(turn, closed, written)


def note(conn: Connection, given: Round, done: Sequence[Outcome]) -> None:
    """Write down what turns have seen, and what they did."""
    states = [
        {
            "requirement": one.turn.requirement.id,
            "fingerprint": one.turn.definition.mark,
            "watermark": given.high,
            "derived_at": given.known_at,
            "definition": one.turn.definition.told,
        }
        for one in done
    ]
    conn.execute(_state.delete().where(_state.c.requirement.in_([state["requirement"] for state in states])))
    conn.execute(insert(_state), states)
    for one in done:
        turn, counts = one.turn, {"closed": one.closed, "written": one.written}
        if one.closed or one.written or turn.redefined:
            log_derivation(
                conn, turn.requirement.id, given.known_at, redefined=turn.redefined, detail=turn.detail, **counts
            )


def log_derivation(
    conn: Connection, requirement: str, known_at: int, *, redefined: bool, closed: int, written: int, detail: str = ""
) -> None:
    """Write down that obligations changed, and whether the records or we changed them."""
    cause = "definition" if redefined else "records"
    counts = {"closed": closed, "written": written}
    row = {"requirement": requirement, "known_at": known_at, "cause": cause, **counts, "detail": detail or None}
    conn.execute(insert(_derivation), [row])
