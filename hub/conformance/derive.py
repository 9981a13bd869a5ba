"""Turn records into obligations: only what changed, or everything, with the same result.

Units touched by the change log, by old or new references, are derived again set-based, compared with
what is known, closed and appended. A requirement whose definition changed (code, parameters, calendars,
time-zone data) is derived whole. Each requirement commits with its own watermark: killed in between,
nothing is forgotten and nothing is done twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from hub.conformance.dirty import fill_dirty, needs_whole
from hub.conformance.pack import Requirement
from hub.conformance.part import OBLIGATION_COLUMNS, Part
from hub.conformance.unit import ORGANISATION
from hub.errors import LaggingStore, PluginError
from hub.store.identity import intern
from hub.store.store import Store
from hub.store.tables import metadata

__all__ = ["DeriveSummary", "derive", "part_numbers", "require_derived"]

_part = metadata.tables["part"]
_state = metadata.tables["requirement_state"]
_log = metadata.tables["change_log"]
_derivation = metadata.tables["derivation"]
_record = metadata.tables["record"]
_MANY_CHANGES = 1000
"""Rows of the change log from which the planner's figures are refreshed."""
_COLUMNS = (*OBLIGATION_COLUMNS, "place")
_COMPARED = tuple(name for name in _COLUMNS if name not in ("unit", "anchor"))
_TYPES = {
    "unit": "INTEGER NOT NULL",
    "anchor": "BIGINT NOT NULL",
    "n": "INTEGER",
    "d": "INTEGER",
    "evidence": "INTEGER",
    "declared": "BOOLEAN NOT NULL",
    "lacks": "TEXT",
    "place": "INTEGER NOT NULL",
}


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
        numbers = part_numbers(conn)
    done = [_derive_one(store, one, numbers, known_at=known_at, high=high, whole=whole) for one in requirements]
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
        conn.execute(_record.update().where(_record.c.id == ORGANISATION).values(source="hub", scope=""))
    conn.exec_driver_sql(
        "INSERT INTO place (source, scope) SELECT DISTINCT r.source, coalesce(r.scope, '') FROM record r "
        "WHERE r.source IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM place p WHERE p.source = r.source AND p.scope = coalesce(r.scope, ''))"
    )
    last = conn.scalar(select(func.max(_derivation.c.known_at))) or 0
    high = conn.scalar(select(func.max(_log.c.seq)))
    if high is not None and (conn.scalar(select(func.count()).select_from(_log)) or 0) >= _MANY_CHANGES:
        _count_anew(conn)
    if high is None:  # everything is consumed: stay where the last derivation was
        high = conn.scalar(select(func.max(_state.c.watermark))) or 0
    return max(now, last + 1), high


def _count_anew(conn: Connection) -> None:
    """Refresh the planner's figures: after much was read it would choose by those of an empty store."""
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("PRAGMA analysis_limit = 400")
    conn.exec_driver_sql("ANALYZE")


def _derive_one(
    store: Store,
    requirement: Requirement,
    numbers: dict[tuple[str, str], int],
    *,
    known_at: int,
    high: int,
    whole: bool,
) -> tuple[bool, int, int]:
    closed = written = 0
    with store.begin() as conn:
        _make_temporary(conn)
        mark = _fingerprint(conn, store, requirement)
        state = conn.execute(select(_state).where(_state.c.requirement == requirement.id)).one_or_none()
        redefined = state is None or state.fingerprint != mark
        since = 0 if state is None else state.watermark
        if not redefined and not whole and since >= high:
            return False, 0, 0
        for part in requirement.parts:
            everything = whole or redefined or needs_whole(conn, part.reads, since, high)
            if not everything and not fill_dirty(conn, part.reads, since, high):
                continue
            one = _derive_part(conn, part, numbers[part.requirement, part.name], known_at, whole=everything)
            closed, written = closed + one[0], written + one[1]
        values = {"fingerprint": mark, "watermark": high, "derived_at": known_at}
        if state is None:
            conn.execute(insert(_state), [{"requirement": requirement.id, **values}])
        else:
            conn.execute(_state.update().where(_state.c.requirement == requirement.id), values)
        if closed or written or redefined:
            _log_derivation(conn, requirement.id, known_at, redefined=redefined, closed=closed, written=written)
    return whole or redefined, closed, written


def _log_derivation(
    conn: Connection, requirement: str, known_at: int, *, redefined: bool, closed: int, written: int
) -> None:
    cause = "definition" if redefined else "records"
    row = {"requirement": requirement, "known_at": known_at, "cause": cause, "closed": closed, "written": written}
    conn.execute(insert(_derivation), [row])


def _make_temporary(conn: Connection) -> None:
    columns = ", ".join(f"{name} {_TYPES.get(name, 'BIGINT')}" for name in _COLUMNS)
    conn.exec_driver_sql(f"CREATE TEMPORARY TABLE IF NOT EXISTS fresh ({columns}, PRIMARY KEY (unit, anchor))")
    conn.exec_driver_sql("CREATE TEMPORARY TABLE IF NOT EXISTS dirty (unit INTEGER PRIMARY KEY)")


def _fingerprint(conn: Connection, store: Store, requirement: Requirement) -> str:
    """Hash everything but the records that decides what the obligations of a requirement are."""
    digest = hashlib.sha256()
    for part in requirement.parts:
        digest.update(f"{part.name}\0{part.sql(store.engine.dialect)}\0{sorted(part.reads.items())}\0".encode())
    if any("calendar" in part.reads or "period" in part.reads for part in requirement.parts):
        rows = conn.execute(
            text(
                "SELECT name, value FROM fingerprint WHERE name LIKE 'calendar:%' OR name LIKE 'period:%' ORDER BY name"
            )
        )
        digest.update("\0".join(f"{row.name}={row.value}" for row in rows).encode())
    return digest.hexdigest()


def _derive_part(conn: Connection, part: Part, number: int, known_at: int, *, whole: bool) -> tuple[int, int]:
    """Derive one part for all units, or for those in `dirty`; returns (closed, written)."""
    conn.exec_driver_sql("DELETE FROM fresh")
    names = ", ".join(_COLUMNS)
    derived = part.sql(conn.dialect, units="" if whole else "dirty")
    select_list = ", ".join(f"s.{name}" for name in OBLIGATION_COLUMNS)
    try:
        conn.exec_driver_sql(
            f"INSERT INTO fresh ({names}) SELECT {select_list}, coalesce(p.place, 0) FROM ({derived}) s "
            "JOIN record r ON r.sid = s.unit "
            "LEFT JOIN place p ON p.source = r.source AND p.scope = coalesce(r.scope, '')"
        )
    except IntegrityError as error:
        raise PluginError(
            f"part {part.name!r} of {part.requirement} gives one unit two obligations with one anchor"
        ) from error
    scope = "" if whole else "AND o.unit IN (SELECT unit FROM dirty)"
    same = " AND ".join(f"f.{name} IS NOT DISTINCT FROM o.{name}" for name in _COMPARED)
    if conn.dialect.name == "sqlite":
        same = same.replace("IS NOT DISTINCT FROM", "IS")
    closed = conn.exec_driver_sql(
        f"UPDATE obligation AS o SET known_to = {known_at} WHERE o.part = {number} AND o.known_to IS NULL {scope} "
        f"AND NOT EXISTS (SELECT 1 FROM fresh f WHERE f.unit = o.unit AND f.anchor = o.anchor AND {same})"
    ).rowcount
    written = conn.exec_driver_sql(
        f"INSERT INTO obligation (part, {names}, known_from) "
        f"SELECT {number}, {', '.join(f'f.{name}' for name in _COLUMNS)}, {known_at} FROM fresh f "
        f"WHERE NOT EXISTS (SELECT 1 FROM obligation o WHERE o.part = {number} AND o.known_to IS NULL "
        "AND o.unit = f.unit AND o.anchor = f.anchor)"
    ).rowcount
    return closed, written


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
            _log_derivation(conn, requirement, known_at, redefined=True, closed=closed, written=0)
    for row in conn.execute(select(_state.c.requirement)).all():
        if row.requirement not in enabled:
            conn.execute(_state.delete().where(_state.c.requirement == row.requirement))
