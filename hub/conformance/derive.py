"""Turn records into obligations: only what changed, or everything, with the same result.

Units touched by the change log, by old or new references, are derived again set-based, compared with
what is known, closed and appended. A requirement whose definition changed (code, parameters, calendars,
time-zone data) is derived whole and written in a transaction of its own, several side by side where there is much to
read; what little changed is derived together in one transaction. Each requirement keeps its watermark: killed in
between, nothing is forgotten and nothing is done twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from hub.conformance.abreast import derive_abreast, how_many, in_order
from hub.conformance.dirty import Dirty
from hub.conformance.pack import Requirement
from hub.conformance.tally import forget_tally
from hub.conformance.turn import Outcome, Round, derive_little, log_derivation, note, turns_of
from hub.conformance.unit import ORGANISATION
from hub.errors import LaggingStore
from hub.store.identity import intern
from hub.store.store import Store
from hub.store.tables import metadata

__all__ = ["DeriveSummary", "derive", "part_numbers", "require_derived"]

_part = metadata.tables["part"]
_state = metadata.tables["requirement_state"]
_log = metadata.tables["change_log"]
_derivation = metadata.tables["derivation"]
_record = metadata.tables["record"]
_place = metadata.tables["place"]
_MANY_CHANGES = 1000
"""Rows of the change log, or written by deriving whole, from which the planner's figures are refreshed ..."""
_SHARE = 0.1
"""... if so many rows of the change log come on each record there is: it takes a second of a million."""


@dataclass(frozen=True, slots=True)
class DeriveSummary:
    """What a derivation did."""

    known_at: int
    """Instant from which its result is known."""
    requirements: int
    whole: int
    """Requirements derived whole."""
    closed: int
    """Obligations that are no longer so."""
    written: int
    """Obligations that are new or differ."""


def derive(store: Store, requirements: Sequence[Requirement], *, now: int, whole: bool = False) -> DeriveSummary:
    """Bring obligations up to date with the records; `whole` derives everything again.

    The result is known from `now`, or from one millisecond after the last derivation where the clock
    has not moved on.
    """
    with store.begin() as conn:
        known_at, high = _prepare(conn, requirements, now)
        given = Round(known_at, high, part_numbers(conn))
        turns = turns_of(conn, requirements, whole=whole)
        whole_turns, count = in_order(conn, [turn for turn in turns if turn.whole]), how_many(conn)
    little = [turn for turn in turns if not turn.whole and turn.since < high]
    done: list[Outcome] = []
    if little:  # together: a commit each would cost more than deriving it
        with store.begin() as conn:
            dirty = Dirty(conn, high)
            done += [derive_little(conn, turn, given, dirty) for turn in little]
            note(conn, given, done)
    done += derive_abreast(store, whole_turns, given, count)
    with store.begin() as conn:
        _retire(conn, requirements, known_at)
        oldest = conn.scalar(select(func.min(_state.c.watermark)))
        conn.execute(_log.delete().where(_log.c.seq <= (oldest or 0)))
        if sum(one.written for one in done if one.turn.whole) >= _MANY_CHANGES:
            _count_anew(conn)
    return DeriveSummary(
        known_at=known_at,
        requirements=len(requirements),
        whole=sum(one.turn.whole for one in done),
        closed=sum(one.closed for one in done),
        written=sum(one.written for one in done),
    )


def part_numbers(conn: Connection) -> dict[tuple[str, str], int]:
    """Return (requirement, part) -> number under which its obligations are kept."""
    return {(row.requirement, row.name): row.part for row in conn.execute(select(_part))}


def require_derived(conn: Connection) -> None:
    """Raise LaggingStore when records were read that no derivation has seen."""
    behind = conn.scalar(select(func.max(_log.c.seq)))
    reached = conn.scalar(select(func.min(_state.c.watermark)))
    if behind is not None and (reached is None or reached < behind):
        raise LaggingStore(
            f"what was read is not judged yet ({behind - (reached or 0)} changes behind); run: hub derive"
        )


def _prepare(conn: Connection, requirements: Sequence[Requirement], now: int) -> tuple[int, int]:
    known = set(part_numbers(conn))
    fresh = [
        {"requirement": one.id, "name": part.name}
        for one in requirements
        for part in one.parts
        if (one.id, part.name) not in known
    ]
    if fresh:
        start = (conn.scalar(select(func.max(_part.c.part))) or 0) + 1
        conn.execute(insert(_part), [{"part": start + i, **row} for i, row in enumerate(fresh)])
    if conn.scalar(select(_record.c.sid).where(_record.c.id == ORGANISATION)) is None:
        intern(conn, [ORGANISATION])
        placed = conn.scalar(insert(_place).values(source="hub", scope="").returning(_place.c.place))
        owner = _record.update().where(_record.c.id == ORGANISATION)
        conn.execute(owner.values(source="hub", scope="", place=placed))
    _place_changed(conn)
    last = conn.scalar(select(func.max(_derivation.c.known_at))) or 0
    high = conn.scalar(select(func.max(_log.c.seq)))
    changes = 0 if high is None else conn.scalar(select(func.count()).select_from(_log)) or 0
    if changes >= max(_MANY_CHANGES, _SHARE * (conn.scalar(select(func.max(_record.c.sid))) or 0)):
        _count_anew(conn)
    if high is None:  # everything is consumed: stay where the last derivation was
        high = conn.scalar(select(func.max(_state.c.watermark))) or 0
    return max(now, last + 1), high


def _place_changed(conn: Connection) -> None:
    """Number where changed records were read from, so that an obligation can say it in a few bytes."""
    changed = "sid IN (SELECT sid FROM change_log)"
    conn.exec_driver_sql(
        "INSERT INTO place (source, scope) SELECT DISTINCT r.source, coalesce(r.scope, '') FROM record r "
        f"WHERE r.{changed} AND r.source IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM place p WHERE p.source = r.source AND p.scope = coalesce(r.scope, ''))"
    )
    found = "(SELECT p.place FROM place p WHERE p.source = record.source AND p.scope = coalesce(record.scope, ''))"
    conn.exec_driver_sql(
        f"UPDATE record SET place = {found} WHERE {changed} AND coalesce(place, 0) <> coalesce({found}, 0)"
    )


def _count_anew(conn: Connection) -> None:
    """Refresh the planner's figures: after much was read or derived it would choose by those of an empty store."""
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("PRAGMA analysis_limit = 400")
    conn.exec_driver_sql("ANALYZE")


def _retire(conn: Connection, requirements: Sequence[Requirement], known_at: int) -> None:
    """Close the obligations of parts that are no longer declared or enabled.

    A requirement that is no longer enabled is written down like one that was defined anew, so that the
    next derivation is known from later.
    """
    declared = {(one.id, part.name) for one in requirements for part in one.parts}
    gone: dict[str, list[int]] = {}
    for (requirement, name), number in part_numbers(conn).items():
        if (requirement, name) not in declared:
            gone.setdefault(requirement, []).append(number)
    enabled = {one.id for one in requirements}
    for requirement, numbers in sorted(gone.items()):
        forget_tally(conn, numbers)
        closed = conn.exec_driver_sql(
            f"UPDATE obligation SET known_to = {known_at} WHERE known_to IS NULL "
            f"AND part IN ({', '.join(map(str, numbers))})"
        ).rowcount
        if closed and requirement not in enabled:
            log_derivation(
                conn, requirement, known_at, redefined=True, closed=closed, written=0, detail="no longer judged"
            )
    for row in conn.execute(select(_state.c.requirement)).all():
        if row.requirement not in enabled:
            conn.execute(_state.delete().where(_state.c.requirement == row.requirement))
