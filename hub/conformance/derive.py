"""Turn records into obligations: only what changed, or everything, with the same result.

Units touched by the change log, by old or new references, are derived again set-based, compared with
what is known, closed and appended. A requirement whose definition changed (code, parameters, calendars,
time-zone data) is derived whole, in a transaction of its own; what little changed is derived together in one.
Each requirement keeps its watermark: killed in between, nothing is forgotten and nothing is done twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from hub.conformance.append import append
from hub.conformance.definition import Definition, definition_of, what_changed
from hub.conformance.dirty import Dirty
from hub.conformance.pack import Requirement
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
"""Rows of the change log from which the planner's figures are refreshed."""


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


@dataclass(frozen=True, slots=True)
class _Turn:
    """What is to be done for one requirement."""

    requirement: Requirement
    definition: Definition
    since: int
    """Place in the change log it has seen."""
    whole: bool
    redefined: bool
    detail: str
    """What of its definition changed, in words."""


def derive(store: Store, requirements: Sequence[Requirement], *, now: int, whole: bool = False) -> DeriveSummary:
    """Bring obligations up to date with the records; `whole` derives everything again.

    The result is known from `now`, or from one millisecond after the last derivation where the clock
    has not moved on.
    """
    with store.begin() as conn:
        known_at, high = _prepare(conn, requirements, now)
        numbers = part_numbers(conn)
        turns = [_turn(conn, one, whole=whole) for one in requirements]
    turns = [turn for turn in turns if turn.whole or turn.since < high]
    done: list[tuple[bool, int, int]] = []
    for together in ([turn for turn in turns if not turn.whole], *([turn] for turn in turns if turn.whole)):
        if not together:  # little is derived together: a commit each would cost more than deriving it
            continue
        with store.begin() as conn:
            dirty = Dirty(conn, high)
            done += [_derive_one(conn, turn, numbers, dirty, known_at=known_at, high=high) for turn in together]
    with store.begin() as conn:
        _retire(conn, requirements, known_at)
        oldest = conn.scalar(select(func.min(_state.c.watermark)))
        conn.execute(_log.delete().where(_log.c.seq <= (oldest or 0)))
    return DeriveSummary(
        known_at=known_at,
        requirements=len(requirements),
        whole=sum(was_whole for was_whole, _, _ in done),
        closed=sum(closed for _, closed, _ in done),
        written=sum(written for _, _, written in done),
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
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("PRAGMA cache_size = -65536")  # reading needs little, joining much
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
    if high is not None and (conn.scalar(select(func.count()).select_from(_log)) or 0) >= _MANY_CHANGES:
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
    """Refresh the planner's figures: after much was read it would choose by those of an empty store."""
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("PRAGMA analysis_limit = 400")
    conn.exec_driver_sql("ANALYZE")


def _turn(conn: Connection, requirement: Requirement, *, whole: bool) -> _Turn:
    definition = definition_of(conn, requirement)
    state = conn.execute(select(_state).where(_state.c.requirement == requirement.id)).one_or_none()
    since, known = (0, None) if state is None else (state.watermark, state.definition)
    redefined = state is None or state.fingerprint != definition.mark
    detail = what_changed(known, definition.told) if redefined else ""
    return _Turn(requirement, definition, since, whole or redefined, redefined, detail)


def _derive_one(
    conn: Connection,
    turn: _Turn,
    numbers: dict[tuple[str, str], int],
    dirty: Dirty,
    *,
    known_at: int,
    high: int,
) -> tuple[bool, int, int]:
    closed = written = 0
    requirement = turn.requirement
    for part in requirement.parts:
        units = ""
        if not turn.whole and not dirty.everything(part.reads, turn.since):
            units = dirty.table(part.reads, turn.since) or ""
            if not units:
                continue
        one = append(conn, part, numbers[part.requirement, part.name], known_at, units=units)
        closed, written = closed + one[0], written + one[1]
    values = {
        "fingerprint": turn.definition.mark,
        "watermark": high,
        "derived_at": known_at,
        "definition": turn.definition.told,
    }
    known = conn.execute(_state.update().where(_state.c.requirement == requirement.id), values).rowcount
    if not known:
        conn.execute(insert(_state), [{"requirement": requirement.id, **values}])
    if closed or written or turn.redefined:
        _log_derivation(
            conn, requirement.id, known_at, redefined=turn.redefined, detail=turn.detail, closed=closed, written=written
        )
    return turn.whole, closed, written


def _log_derivation(
    conn: Connection, requirement: str, known_at: int, *, redefined: bool, closed: int, written: int, detail: str = ""
) -> None:
    cause = "definition" if redefined else "records"
    counts = {"closed": closed, "written": written}
    row = {"requirement": requirement, "known_at": known_at, "cause": cause, **counts, "detail": detail or None}
    conn.execute(insert(_derivation), [row])


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
        closed = conn.exec_driver_sql(
            f"UPDATE obligation SET known_to = {known_at} WHERE known_to IS NULL "
            f"AND part IN ({', '.join(map(str, numbers))})"
        ).rowcount
        if closed and requirement not in enabled:
            _log_derivation(
                conn, requirement, known_at, redefined=True, closed=closed, written=0, detail="no longer judged"
            )
    for row in conn.execute(select(_state.c.requirement)).all():
        if row.requirement not in enabled:
            conn.execute(_state.delete().where(_state.c.requirement == row.requirement))
