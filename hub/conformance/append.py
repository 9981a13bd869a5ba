"""Bring the obligations of one part up to date: close what is no longer so, append what is new or differs."""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from hub.conformance.part import OBLIGATION_COLUMNS, Part
from hub.errors import PluginError
from hub.store.tables import NEVER

__all__ = ["FRESH", "append"]

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
FRESH = ", ".join(f"{name} {_TYPES.get(name, 'BIGINT')}" for name in _COLUMNS)
"""Columns of the temporary table that holds what a part gives before it is compared."""
_NAMES = ", ".join(_COLUMNS)


def _settled(row: str) -> str:
    """From when on passing time changes nothing: met before it was due, or due."""
    return (
        f"CASE WHEN {row}.met_at < coalesce({row}.due_at, {row}.met_at + 1) "
        f"AND ({row}.lost_at IS NULL OR {row}.lost_at > {row}.due_at) THEN {row}.met_at "
        f"ELSE coalesce({row}.due_at, {NEVER}) END"
    )


def append(conn: Connection, part: Part, number: int, known_at: int, *, units: str = "") -> tuple[int, int]:
    """Derive one part for the units of the table `units`, empty = all; returns (closed, written).

    Raises PluginError where the part gives one unit two obligations with one anchor.
    """
    derived = part.sql(conn.dialect, units=units)
    taken = ", ".join(f"s.{name}" for name in OBLIGATION_COLUMNS)
    place = "coalesce((SELECT r.place FROM record r WHERE r.sid = s.unit), 0)"
    live = f"o.part = {number} AND o.known_to IS NULL"
    try:
        if not units and conn.exec_driver_sql(f"SELECT 1 FROM obligation o WHERE {live} LIMIT 1").first() is None:
            # nothing to compare with: straight to its place
            written = conn.exec_driver_sql(
                f"INSERT INTO obligation (part, {_NAMES}, settled_at, known_from) "
                f"SELECT {number}, {taken}, {place}, {_settled('s')}, {known_at} FROM ({derived}) s"
            ).rowcount
            return 0, written
        conn.exec_driver_sql(f"CREATE TEMPORARY TABLE IF NOT EXISTS fresh ({FRESH}, PRIMARY KEY (unit, anchor))")
        conn.exec_driver_sql("DELETE FROM fresh")
        conn.exec_driver_sql(f"INSERT INTO fresh ({_NAMES}) SELECT {taken}, {place} FROM ({derived}) s")
    except IntegrityError as error:
        raise PluginError(
            f"part {part.name!r} of {part.requirement} gives one unit two obligations with one anchor"
        ) from error
    scope = f"AND o.unit IN (SELECT unit FROM {units})" if units else ""
    same = " AND ".join(f"f.{name} IS NOT DISTINCT FROM o.{name}" for name in _COMPARED)
    if conn.dialect.name == "sqlite":
        same = same.replace("IS NOT DISTINCT FROM", "IS")
    closed = conn.exec_driver_sql(
        f"UPDATE obligation AS o SET known_to = {known_at} WHERE {live} {scope} "
        f"AND NOT EXISTS (SELECT 1 FROM fresh f WHERE f.unit = o.unit AND f.anchor = o.anchor AND {same})"
    ).rowcount
    written = conn.exec_driver_sql(
        f"INSERT INTO obligation (part, {_NAMES}, settled_at, known_from) "
        f"SELECT {number}, {', '.join(f'f.{name}' for name in _COLUMNS)}, {_settled('f')}, {known_at} FROM fresh f "
        f"WHERE NOT EXISTS (SELECT 1 FROM obligation o WHERE {live} AND o.unit = f.unit AND o.anchor = f.anchor)"
    ).rowcount
    return closed, written
