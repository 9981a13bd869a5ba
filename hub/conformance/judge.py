"""Judge obligations at an instant, with the knowledge of an instant: set-based, for all who ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from hub.conformance.derive import part_numbers
from hub.conformance.horizon import Horizon, Reach, load_horizon, places
from hub.conformance.pack import Requirement
from hub.conformance.part import Part
from hub.conformance.verdict import VERDICT
from hub.conformance.waiver import KnownWaiver, covered_units, known_waivers
from hub.conformance.waiver_rule import LONGEST_DAYS

__all__ = ["STALE_MS", "Judgement", "judge", "last_known", "natural_as_of"]

STALE_MS = 26 * 3_600_000
"""A reading counts as current for a day and a little: cron runs daily."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What every question about verdicts shares: the instants, the horizon, the waivers."""

    conn: Connection
    as_of: int
    known_at: int | None
    judge_from: int
    horizon: Horizon
    parts: Mapping[int, Part]
    """Number -> part, of the enabled requirements."""
    requirements: Sequence[Requirement]
    reaches: Mapping[tuple[int, int], Reach]
    """(part number, place) -> how far one may conclude."""
    waivers: Sequence[KnownWaiver]
    """All that are known, ended ones and those to come included."""
    stale_ms: int = STALE_MS
    slot: str = ""
    """Ending of its temporary tables, where two judgements stand side by side."""
    _waived_at: set[int] = field(default_factory=set, compare=False, repr=False)
    """Instants for which the table `waived` is filled."""

    def waivers_at(self, instant: int) -> list[KnownWaiver]:
        """Return the waivers in force at an instant."""
        return [one for one in self.waivers if one.holds(instant)]

    def waive(self, instant: int) -> None:
        """Fill the table `waived` with what is covered at an instant; again does nothing."""
        if instant not in self._waived_at:
            self._waived_at.add(instant)
            _fill_waived(self.conn, self.parts, self.waivers_at(instant), f"waived{self.slot}", instant)

    def sql(
        self,
        columns: str,
        *,
        as_of: int | None = None,
        waived_at: int | None = None,
        settled_from: int | None = None,
        where: str = "",
        tail: str = "",
    ) -> str:
        """Write a select over judged obligations `j`, with `j.verdict` and `j.baseline` beside the table's columns.

        `as_of` judges at an earlier instant than the judgement's own, for the end of a period, and `waived_at` with
        the waivers in force at another than that, for the last instant of a period; `settled_from` reads only what
        was not settled before the period began.
        """
        instant = self.as_of if as_of is None else as_of
        excused = instant if waived_at is None else waived_at
        self.waive(excused)
        sqlite = self.conn.dialect.name == "sqlite"
        verdict = VERDICT.format(as_of=instant, stale_ms=self.stale_ms, false="0" if sqlite else "false")
        decided = (  # what was withdrawn before it was due is decided when it was due
            "CASE WHEN o.met_at < coalesce(o.due_at, o.met_at + 1) "
            f"AND (o.lost_at IS NULL OR o.lost_at > coalesce(o.due_at, {instant})) THEN o.met_at ELSE o.due_at END"
        )
        known = (
            "o.known_to IS NULL"
            if self.known_at is None
            else f"o.known_from <= {self.known_at} AND (o.known_to IS NULL OR o.known_to > {self.known_at})"
        )
        enabled = ", ".join(map(str, self.parts)) or "NULL"
        if left_out := [str(number) for number, part in self.parts.items() if not part.applies]:
            verdict = f"CASE WHEN o.part IN ({', '.join(left_out)}) THEN 'not_applicable' ELSE {verdict} END"
        condition = f"WHERE {where}" if where else ""
        settled = "" if settled_from is None else f"o.settled_at >= {settled_from} AND "
        return (
            f"SELECT {columns} FROM (SELECT o.*, {decided} AS decided_at, {verdict} AS verdict, "
            f"coalesce({decided} < {self.judge_from}, {'0' if sqlite else 'false'}) AS baseline "
            f"FROM obligation o LEFT JOIN horizon{self.slot} h ON h.part = o.part AND h.place = o.place "
            f"LEFT JOIN waived{self.slot} w ON w.at = {excused} AND w.part = o.part AND w.unit = o.unit "
            f"WHERE {settled}{known} AND o.opened_at <= {instant} AND o.part IN ({enabled})) j {condition} {tail}"
        )

    def rows(self, columns: str, **more: Any) -> Sequence[Any]:
        """Run `sql` and return all rows."""
        return self.conn.execute(text(self.sql(columns, **more).replace(":", r"\:"))).all()


def judge(
    conn: Connection,
    requirements: Sequence[Requirement],
    *,
    as_of: int,
    known_at: int | None,
    judge_from: int,
    stale_ms: int = STALE_MS,
    slot: str = "",
    longest_days: int = LONGEST_DAYS,
) -> Judgement:
    """Prepare judging inside the caller's transaction; `known_at` None = with all that is known.

    Two judgements of one transaction need two names of `slot`. `longest_days` is how long a waiver may hold. Raises
    ConfigurationError for a malformed waiver, and where waivers could not be read.
    """
    numbers = part_numbers(conn)
    parts = {
        numbers[one.id, part.name]: part for one in requirements for part in one.parts if (one.id, part.name) in numbers
    }
    horizon = load_horizon(conn, known_at=known_at)
    there = places(conn)
    named = [(source, scope) for _, source, scope in there]
    reaches = {
        (number, place): reach
        for number, part in parts.items()
        for (place, *_), reach in zip(there, horizon.reaches(part, named), strict=True)
    }
    roles = {one.id: one.entry.role for one in requirements}
    waivers = known_waivers(conn, as_of=as_of, known_at=known_at, requirements=roles, longest_days=longest_days)
    _fill_horizon(conn, parts, reaches, f"horizon{slot}")
    _empty_waived(conn, f"waived{slot}")
    return Judgement(conn, as_of, known_at, judge_from, horizon, parts, requirements, reaches, waivers, stale_ms, slot)


def natural_as_of(conn: Connection, known_at: int | None = None) -> int | None:
    """Return the latest instant anything was read through: later than that nobody knows anything."""
    return load_horizon(conn, known_at=known_at).newest()


def last_known(conn: Connection) -> int | None:
    """Return the instant of the last derivation that changed an obligation."""
    found: int | None = conn.execute(text("SELECT max(known_at) FROM derivation")).scalar()
    return found


def _fill_horizon(
    conn: Connection, parts: Mapping[int, Part], reaches: Mapping[tuple[int, int], Reach], table: str
) -> None:
    conn.exec_driver_sql(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {table} "
        "(part INTEGER, place INTEGER, through BIGINT, complete BOOLEAN, PRIMARY KEY (part, place))"
    )
    conn.exec_driver_sql(f"DELETE FROM {table}")
    rows = [
        {"part": number, "place": place, "through": reach.through, "complete": parts[number].complete}
        for (number, place), reach in reaches.items()
    ]
    if rows:
        conn.execute(text(f"INSERT INTO {table} VALUES (:part, :place, :through, :complete)"), rows)


def _empty_waived(conn: Connection, table: str) -> None:
    conn.exec_driver_sql(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {table} "
        "(at BIGINT, part INTEGER, unit INTEGER, PRIMARY KEY (at, part, unit))"
    )
    conn.exec_driver_sql(f"DELETE FROM {table}")


def _fill_waived(
    conn: Connection, parts: Mapping[int, Part], waivers: Sequence[KnownWaiver], table: str, at: int
) -> None:
    for one in waivers:
        units = covered_units(conn, one.waiver)
        numbers = [number for number, part in parts.items() if part.requirement == one.waiver.requirement_id]
        for number in numbers:
            if units is None:
                conn.exec_driver_sql(
                    f"INSERT INTO {table} SELECT DISTINCT {at}, {number}, unit FROM obligation WHERE part = {number} "
                    "ON CONFLICT DO NOTHING"
                )
            elif units:
                rows = [{"at": at, "part": number, "unit": unit} for unit in sorted(units)]
                conn.execute(text(f"INSERT INTO {table} VALUES (:at, :part, :unit) ON CONFLICT DO NOTHING"), rows)
