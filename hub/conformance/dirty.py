"""Which units changed records may concern.

The change log holds, for every changed record, the record itself and everything it referred to before
or refers to now. `near` adds what refers to the changed record today; `far` adds what those refer to.
A unit that is not found here cannot have changed: `reads` of its part is the promise of that.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from hub.conformance.reading import Reads

__all__ = ["Dirty"]


class Dirty:
    """Units to derive again, inside one transaction; worked out once for all parts that read alike."""

    def __init__(self, conn: Connection, high: int) -> None:
        self._conn = conn
        self._high = high
        self._kinds: dict[int, frozenset[str]] = {}
        self._tables: dict[tuple[int, frozenset[str], frozenset[str]], str | None] = {}

    def everything(self, reads: Reads, since: int) -> bool:
        """Say whether a kind changed that concerns every unit."""
        return not self._changed_kinds(since).isdisjoint(_kinds(reads, "all"))

    def table(self, reads: Reads, since: int) -> str | None:
        """Return the temporary table `unit` of the units to derive again; None = there are none."""
        changed = self._changed_kinds(since)
        near, far = changed & _kinds(reads, "near"), changed & _kinds(reads, "far")
        if not near and not far:
            return None
        key = (since, near, far)
        if key not in self._tables:
            name = f"dirty_{len(self._tables)}"
            self._tables[key] = name if self._fill(name, since, near, far) else None
        return self._tables[key]

    def _changed_kinds(self, since: int) -> frozenset[str]:
        if since not in self._kinds:
            found = self._conn.exec_driver_sql(
                f"SELECT DISTINCT kind FROM change_log WHERE seq > {since} AND seq <= {self._high}"
            )
            self._kinds[since] = frozenset(row[0] for row in found)
        return self._kinds[since]

    def _fill(self, name: str, since: int, near: Iterable[str], far: frozenset[str]) -> int:
        conn = self._conn
        conn.exec_driver_sql(f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} (unit INTEGER PRIMARY KEY)")
        conn.exec_driver_sql(f"DELETE FROM {name}")
        if far:
            self._add_near(name, since, far)
            conn.exec_driver_sql(
                f"INSERT INTO {name} SELECT DISTINCT l.target FROM link l JOIN {name} d ON d.unit = l.sid "
                "WHERE true ON CONFLICT DO NOTHING"
            )
        if near:
            self._add_near(name, since, near)
        count: int = conn.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()
        if count:  # without figures the planner scans the large table: 140 times slower
            conn.exec_driver_sql(f"ANALYZE {name}")
        return count

    def _add_near(self, name: str, since: int, kinds: Iterable[str]) -> None:
        listed = ", ".join(f"'{kind}'" for kind in sorted(kinds))
        changed = f"kind IN ({listed}) AND seq > {since} AND seq <= {self._high}"
        self._conn.exec_driver_sql(
            f"INSERT INTO {name} SELECT DISTINCT touched FROM change_log WHERE touched IS NOT NULL AND {changed} "
            "ON CONFLICT DO NOTHING"
        )
        self._conn.exec_driver_sql(
            f"INSERT INTO {name} SELECT DISTINCT l.sid FROM link l WHERE l.target IN "
            f"(SELECT sid FROM change_log WHERE sid IS NOT NULL AND {changed}) ON CONFLICT DO NOTHING"
        )


def _kinds(reads: Reads, wanted: str) -> frozenset[str]:
    return frozenset(kind for kind, reach in reads.items() if reach == wanted)
