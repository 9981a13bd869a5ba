"""Bring the obligations of one part up to date: close what is no longer so, append what is new or differs.

What a part gives is laid aside first, which is nearly all of the work and needs no lock; then it is compared and written.
"""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from hub.conformance.decision import best_first
from hub.conformance.dirty import Few
from hub.conformance.expression import narrow
from hub.conformance.lineup import SLOT, lay_line, lined_up, slots
from hub.conformance.part import OBLIGATION_COLUMNS, Part
from hub.conformance.tally import keep_tally, lay_tally, recount, tallied, with_tally
from hub.errors import PluginError
from hub.store.fault import is_conflict
from hub.store.tables import NEVER

__all__ = ["FRESH", "append", "empty", "fill", "settle"]

_COLUMNS = (*OBLIGATION_COLUMNS, "place")
_COMPARED = tuple(name for name in _COLUMNS if name not in ("unit", "anchor"))
_TYPES = {
    "part": "SMALLINT NOT NULL",
    "unit": "INTEGER NOT NULL",
    "anchor": "BIGINT NOT NULL",
    "n": "INTEGER",
    "d": "INTEGER",
    "evidence": "INTEGER",
    "declared": "BOOLEAN NOT NULL",
    "lacks": "TEXT",
    "place": "INTEGER NOT NULL",
}
FRESH = ", ".join(f"{name} {_TYPES.get(name, 'BIGINT')}" for name in ("part", *_COLUMNS))
"""Columns of the temporary table that holds what parts give before it is compared."""
_NAMES = ", ".join(_COLUMNS)


def _settled(row: str) -> str:
    """From when on passing time changes nothing: met before it was due, or due."""
    return (
        f"CASE WHEN {row}.met_at < coalesce({row}.due_at, {row}.met_at + 1) "
        f"AND ({row}.lost_at IS NULL OR {row}.lost_at > {row}.due_at) THEN {row}.met_at "
        f"ELSE coalesce({row}.due_at, {NEVER}) END"
    )


def append(conn: Connection, part: Part, number: int, known_at: int, few: Few | None = None) -> tuple[int, int]:
    """Derive one part for `few` units, or for all; returns (closed, written).

    Needs a transaction that writes: what the part remembers is brought up to date first.
    """
    empty(conn)
    if few is None:
        fill(conn, part, number)
        return settle(conn, part, number, known_at)
    units, own = few.units, few.own
    written = part.written(conn.dialect)
    if part.lined:
        units = own = SLOT
        written = slots(conn, written, number, few.records, few.units)
        if not written:
            return 0, 0
    elif tallied(written):
        recount(conn, written, number, units)
        written = with_tally(written, "tally", number)
    if own:
        _lay(conn, part, number, narrow(written, own), own)
    return settle(conn, part, number, known_at, units=units)


def empty(conn: Connection) -> None:
    """Make room for what parts give; it lasts as long as the connection."""
    keyed = ""
    if conn.dialect.name == "sqlite":
        keyed = " WITHOUT ROWID"
        conn.exec_driver_sql("PRAGMA cache_size = -32768")  # joining needs more than reading; 64 MB are slower again
    conn.exec_driver_sql(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS fresh ({FRESH}, PRIMARY KEY (part, unit, anchor)){keyed}"
    )
    conn.exec_driver_sql("DELETE FROM fresh")


def fill(conn: Connection, part: Part, number: int) -> int:
    """Lay aside what the part gives for all units, and return how many obligations; only reads, and locks nothing.

    Raises PluginError where the part gives one unit two obligations with one anchor.
    """
    written = part.written(conn.dialect)
    if tallied(written):
        lay_tally(conn, written, number)
        written = with_tally(written, "fresh_tally", number)
    elif lined_up(written):
        written = lay_line(conn, written, number)
    return _lay(conn, part, number, narrow(written))


def _lay(conn: Connection, part: Part, number: int, derived: str, units: str = "") -> int:
    place, owner = "coalesce(r.place, 0)", "LEFT JOIN record r ON r.sid = {}.unit"  # joined: its cursor stays open
    rows = best_first(derived, str(number), place, owner.format("chosen")) if units != SLOT else ""
    if rows:
        rows += " ON CONFLICT DO NOTHING"
    else:
        taken = ", ".join(f"s.{name}" for name in OBLIGATION_COLUMNS)
        only = f" WHERE {_among('s', SLOT)}" if units == SLOT else ""
        rows = f"SELECT {number}, {taken}, {place} FROM ({derived}) s {owner.format('s')}{only}"
    try:
        return conn.exec_driver_sql(f"INSERT INTO fresh (part, {_NAMES}) {rows}").rowcount
    except DBAPIError as error:
        if not is_conflict(error):
            raise
        raise PluginError(
            f"part {part.name!r} of {part.requirement} gives one unit two obligations with one anchor"
        ) from error


def settle(conn: Connection, part: Part, number: int, known_at: int, *, units: str = "") -> tuple[int, int]:
    """Close what differs from what was laid aside for the part and append that; returns (closed, written).

    Only what is owed by the units of the table `units`, or in its slots, is compared; empty = all.
    """
    if not units:
        keep_tally(conn, part.written(conn.dialect), number)
    live = f"o.part = {number} AND o.known_to IS NULL"
    laid = f"f.part = {number}"
    append = (
        f"INSERT INTO obligation (part, {_NAMES}, settled_at, known_from) "
        f"SELECT f.part, {', '.join(f'f.{name}' for name in _COLUMNS)}, {_settled('f')}, {known_at} FROM fresh f "
        f"WHERE {laid}"
    )
    if not units and conn.exec_driver_sql(f"SELECT 1 FROM obligation o WHERE {live} LIMIT 1").first() is None:
        return 0, conn.exec_driver_sql(append).rowcount  # nothing to compare with
    scope = f"AND {_among('o', units)}" if units else ""
    same = " AND ".join(f"f.{name} IS NOT DISTINCT FROM o.{name}" for name in _COMPARED)
    if conn.dialect.name == "sqlite":
        same = same.replace("IS NOT DISTINCT FROM", "IS")
    closed = conn.exec_driver_sql(
        f"UPDATE obligation AS o SET known_to = {known_at} WHERE {live} {scope} "
        f"AND NOT EXISTS (SELECT 1 FROM fresh f WHERE {laid} AND f.unit = o.unit AND f.anchor = o.anchor AND {same})"
    ).rowcount
    known = f"SELECT 1 FROM obligation o WHERE {live} AND o.unit = f.unit AND o.anchor = f.anchor"
    return closed, conn.exec_driver_sql(f"{append} AND NOT EXISTS ({known})").rowcount


def _among(row: str, units: str) -> str:
    """Write the condition that an obligation is owed by a unit of the table, or stands in one of its slots."""
    if units == SLOT:
        return f"({row}.unit, {row}.anchor) IN (SELECT unit, anchor FROM {units})"
    return f"{row}.unit IN (SELECT unit FROM {units})"
