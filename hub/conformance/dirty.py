"""Which units changed records may concern.

The change log holds, for every changed record, the record itself and everything it referred to before
or refers to now. `near` adds what refers to the changed record today; `far` adds what those refer to.
A unit that is not found here cannot have changed: `reads` of its part is the promise of that.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from hub.conformance.reading import Reads

__all__ = ["fill_dirty", "needs_whole"]


def needs_whole(conn: Connection, reads: Reads, since: int, high: int) -> bool:
    """Say whether a kind changed that concerns every unit."""
    kinds = [kind for kind, reach in reads.items() if reach == "all"]
    if not kinds:
        return False
    found = conn.exec_driver_sql(f"SELECT 1 FROM change_log WHERE {_changed(kinds, since, high)} LIMIT 1")
    return found.first() is not None


def fill_dirty(conn: Connection, reads: Reads, since: int, high: int) -> int:
    """Fill the temporary table `dirty` with the units to derive again; returns how many."""
    conn.exec_driver_sql("DELETE FROM dirty")
    far = [kind for kind, reach in reads.items() if reach == "far"]
    near = [kind for kind, reach in reads.items() if reach == "near"]
    if far:
        _add_near(conn, _changed(far, since, high))
        conn.exec_driver_sql(
            "INSERT INTO dirty SELECT DISTINCT l.target FROM link l JOIN dirty d ON d.unit = l.sid "
            "WHERE true ON CONFLICT DO NOTHING"
        )
    if near:
        _add_near(conn, _changed(near, since, high))
    count: int = conn.exec_driver_sql("SELECT count(*) FROM dirty").scalar_one()
    if count:
        conn.exec_driver_sql("ANALYZE dirty")  # without figures the planner scans the large table: 140 times slower
    return count


def _changed(kinds: Iterable[str], since: int, high: int) -> str:
    names = ", ".join(f"'{kind}'" for kind in sorted(kinds))
    return f"kind IN ({names}) AND seq > {since} AND seq <= {high}"


def _add_near(conn: Connection, changed: str) -> None:
    conn.exec_driver_sql(
        f"INSERT INTO dirty SELECT DISTINCT touched FROM change_log WHERE touched IS NOT NULL AND {changed} "
        "ON CONFLICT DO NOTHING"
    )
    conn.exec_driver_sql(
        "INSERT INTO dirty SELECT DISTINCT l.sid FROM link l WHERE l.target IN "
        f"(SELECT sid FROM change_log WHERE sid IS NOT NULL AND {changed}) ON CONFLICT DO NOTHING"
    )
