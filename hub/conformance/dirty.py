"""Which units changed records may concern.

The change log holds, for every changed record, the record itself and everything it referred to before
or refers to now. `near` adds what refers to the changed record today; `far` adds what those refer to.
A unit that is not found here cannot have changed: `reads` of its part is the promise of that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from hub.conformance.part import Part
from hub.conformance.reading import Reads

__all__ = ["Dirty", "Few"]


@dataclass(frozen=True, slots=True)
class Few:
    """Temporary tables `unit` of what a part has to look at; an empty name = nothing of that sort."""

    units: str
    """Units whose obligations may differ, with much else that was touched."""
    own: str
    """Those of them that may owe something now."""
    records: str = ""
    """Records whose rows in line may differ (`hub.conformance.lineup`)."""


class Dirty:
    """Units to derive again, inside one transaction; worked out once for all parts that read alike."""

    def __init__(self, conn: Connection, high: int) -> None:
        self._conn = conn
        self._high = high
        self._kinds: dict[int, frozenset[str]] = {}
        self._tables: dict[tuple[int, frozenset[str], frozenset[str]], str] = {}
        self._few: dict[str, bool] = {}

    def everything(self, reads: Reads, since: int) -> bool:
        """Say whether a kind changed that concerns every unit."""
        return not self._changed_kinds(since).isdisjoint(_kinds(reads, "all"))

    def few(self, part: Part, since: int) -> Few | None:
        """Return what to derive again of a part that nothing concerns as a whole; None = nothing."""
        units, records = (self._table(reads, since) for reads in (part.wide, part.lined))
        if not units and not records:
            return None
        return Few(units, self._among(units, part.unit_kind) if units and part.of_kind else units, records)

    def _table(self, reads: Reads, since: int) -> str:
        """Return the table of the units that changed records may concern."""
        changed = self._changed_kinds(since)
        near, far = changed & _kinds(reads, "near"), changed & _kinds(reads, "far")
        if not near and not far:
            return ""
        key = (since, near, far)
        if key not in self._tables:
            name = f"dirty_{len(self._tables)}"
            self._tables[key] = name if self._fill(name, since, near, far) else ""
        return self._tables[key]

    def _among(self, table: str, kind: str) -> str:
        """Return the table of those units of another that are records of `kind`.

        Most of what changed records refer to is of other kinds, and some of that, a service say, has very many references.
        """
        name = f"{table}_{kind}"
        if name not in self._few:
            chosen = f"SELECT d.unit FROM {table} d WHERE EXISTS (SELECT 1 FROM {kind} k WHERE k.sid = d.unit)"
            self._make(name)
            self._conn.exec_driver_sql(f"INSERT INTO {name} {chosen}")
            self._few[name] = self._counted(name) > 0
        return name if self._few[name] else ""

    def _changed_kinds(self, since: int) -> frozenset[str]:
        if since not in self._kinds:
            found = self._conn.exec_driver_sql(
                f"SELECT DISTINCT kind FROM change_log WHERE seq > {since} AND seq <= {self._high}"
            )
            self._kinds[since] = frozenset(row[0] for row in found)
        return self._kinds[since]

    def _fill(self, name: str, since: int, near: Iterable[str], far: frozenset[str]) -> int:
        conn = self._conn
        self._make(name)
        if far:
            self._add_near(name, since, far)
            conn.exec_driver_sql(
                f"INSERT INTO {name} SELECT DISTINCT l.target FROM link l WHERE l.sid IN (SELECT unit FROM {name}) "
                "ON CONFLICT DO NOTHING"
            )
        if near:
            self._add_near(name, since, near)
        return self._counted(name)

    def _make(self, name: str) -> None:
        self._conn.exec_driver_sql(f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} (unit INTEGER PRIMARY KEY)")
        self._conn.exec_driver_sql(f"DELETE FROM {name}")

    def _counted(self, name: str) -> int:
        count: int = self._conn.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()
        if count:  # without figures the planner scans the large table: 140 times slower
            self._conn.exec_driver_sql(f"ANALYZE {name}")
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
