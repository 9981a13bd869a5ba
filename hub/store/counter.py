"""Keys that count up: how far they have come, so that a copy goes on where the store was.

The change log is emptied when it is worked off and its numbers must never come again: a requirement
remembers the number up to which it has read.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

__all__ = ["counters", "set_counters"]

_SEQUENCES = (
    "SELECT t.relname, a.attname, s.relname FROM pg_depend d "
    "JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' "
    "JOIN pg_class t ON t.oid = d.refobjid "
    "JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid "
    "WHERE d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') "
    "AND t.relnamespace = current_schema()::regnamespace ORDER BY 1"
)


def counters(conn: Connection) -> dict[str, int]:
    """Return table -> the highest number its counting key ever gave itself, as far as the engine keeps it."""
    if conn.dialect.name == "sqlite":
        names = _counting(conn)
        rows = conn.exec_driver_sql("SELECT name, seq FROM sqlite_sequence").all() if names else []
        kept = {str(name): int(seq) for name, seq in rows}
        return {name: kept.get(name, 0) for name in names}
    quote = conn.dialect.identifier_preparer.quote
    found = {}
    for table, _, sequence in conn.exec_driver_sql(_SEQUENCES).all():
        last, called = conn.exec_driver_sql(f"SELECT last_value, is_called FROM {quote(sequence)}").one()
        found[str(table)] = int(last) if called else 0
    return found


def set_counters(conn: Connection, wanted: Mapping[str, int]) -> None:
    """Let every counting key go on above what is wanted and above what its table holds."""
    if conn.dialect.name == "sqlite":
        for name in _counting(conn):
            last = max(wanted.get(name, 0), counters(conn)[name])
            conn.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
            conn.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, last))
        return
    quote = conn.dialect.identifier_preparer.quote
    for table, column, sequence in conn.exec_driver_sql(_SEQUENCES).all():
        held = conn.exec_driver_sql(f"SELECT max({quote(column)}) FROM {quote(table)}").scalar()
        last = max(wanted.get(table, 0), held or 0)
        if last:
            conn.exec_driver_sql("SELECT setval(%s::regclass, %s)", (quote(sequence), last))


def _counting(conn: Connection) -> list[str]:
    """List SQLite's tables that never give a number twice."""
    rows = conn.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'")
    return [str(name) for (name,) in rows]
