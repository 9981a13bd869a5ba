"""Which verdicts differ between what was known at one instant and at another, and why.

Both sides are judged at the same instant. Only obligations are compared whose row, reach or waiver
differs, so that work and memory follow what changed and not what there is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import text

from hub.conformance.answer import RequirementRow, Subject
from hub.conformance.cause import CAUSES, Cause, Causes
from hub.conformance.judge import Judgement
from hub.conformance.pack import CatalogueEntry
from hub.conformance.rollup import excused_at, roll_up
from hub.conformance.subject import subjects

__all__ = ["Difference", "differences"]

_BATCH = 1000
_NOTHING = -9_000_000_000_000_000
"""How far is read what was never read."""
_KEPT = [
    "part",
    "unit",
    "anchor",
    "known_from",
    "verdict",
    "opened_at",
    "due_at",
    "warn_at",
    "met_at",
    "lost_at",
    "declared",
    "lacks",
    "evidence",
    "place",
]
_KEY = "{0}.part = {1}.part AND {0}.unit = {1}.unit AND {0}.anchor = {1}.anchor"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict that differs: of one obligation, or (without `unit`) of a requirement over the period."""

    requirement: str
    part: str = ""
    unit: Subject | None = None
    anchor: int | None = None
    before: str | None
    """Verdict as first known; None = it was not owed."""
    after: str | None
    obligations: int
    """How many obligations differ; 1 for an obligation."""
    causes: list[Cause]
    """In a fixed order, never none."""


def differences(
    before: Judgement,
    after: Judgement,
    catalogue: Sequence[CatalogueEntry],
    *,
    start: int,
    end: int,
    requirement: str | None = None,
) -> list[Difference]:
    """List what differs over [start, end), judged at its end or at as-of if earlier.

    `before` and `after` are judgements of one transaction and one as-of, each in a slot of its own.
    Sorted by requirement; its own line, if its verdict or any obligation differs, stands before its obligations.
    """
    entries = [one for one in catalogue if requirement in (None, one.id)]
    was, now = (roll_up(side, entries, start=start, end=end) for side in (before, after))
    parts = {n: part for n, part in before.parts.items() if requirement in (None, part.requirement)}
    found: dict[str, list[Difference]] = defaultdict(list)
    if parts:
        instant = min(before.as_of, end)
        excused = excused_at(before, end)
        for side in (before, after):
            side.waive(excused)
        _find_candidates(before, after, instant, start, sorted(parts), excused=excused)
        for one in _of_obligations(before, after, instant, start, excused):
            found[one.requirement].append(one)
    listed = []
    for x, y in sorted(zip(was, now, strict=True), key=lambda pair: pair[0].requirement):
        below = found[x.requirement]
        if below or x.verdict != y.verdict:
            listed.append(_of_requirement(x, y, below))
            listed += sorted(below, key=lambda one: (one.part, one.unit.id if one.unit else "", one.anchor or 0))
    return listed


def _find_candidates(
    before: Judgement, after: Judgement, instant: int, start: int, parts: Sequence[int], *, excused: int
) -> None:
    """Fill the table `differing` with the keys of obligations of which anything differs."""
    conn = before.conn
    known, later = before.known_at, after.known_at
    conn.exec_driver_sql(
        "CREATE TEMPORARY TABLE IF NOT EXISTS differing "
        "(part INTEGER, unit INTEGER, anchor BIGINT, PRIMARY KEY (part, unit, anchor))"
    )
    conn.exec_driver_sql("DELETE FROM differing")
    keys = "INSERT INTO differing SELECT DISTINCT o.part, o.unit, o.anchor FROM"
    chosen = f"o.part IN ({', '.join(map(str, parts))}) AND o.settled_at >= {start}"
    live = f"o.known_from <= {later} AND (o.known_to IS NULL OR o.known_to > {later})"
    between = " OR ".join(f"(o.{name} > {known} AND o.{name} <= {later})" for name in ("known_from", "known_to"))
    conn.exec_driver_sql(f"{keys} obligation o WHERE {chosen} AND ({between}) ON CONFLICT DO NOTHING")
    x, y = (f"coalesce({side}.through, {_NOTHING})" for side in "xy")
    asked = f"CASE WHEN o.due_at <= {instant} THEN o.due_at ELSE {instant - before.stale_ms} END"
    conn.exec_driver_sql(  # what lies beyond the instant decides nothing
        f"{keys} horizon{before.slot} x JOIN horizon{after.slot} y ON y.part = x.part AND y.place = x.place "
        f"JOIN obligation o ON o.part = x.part AND o.place = x.place WHERE ({x} < {instant} OR {y} < {instant}) "
        f"AND {x} <> {y} AND {chosen} AND {live} AND ({x} >= {asked}) <> ({y} >= {asked}) ON CONFLICT DO NOTHING"
    )
    for one, other in ((before, after), (after, before)):
        conn.exec_driver_sql(
            f"{keys} (SELECT part, unit FROM waived{one.slot} WHERE at = {excused} "
            f"EXCEPT SELECT part, unit FROM waived{other.slot} WHERE at = {excused}) w "
            f"JOIN obligation o ON o.part = w.part AND o.unit = w.unit WHERE {chosen} AND {live} ON CONFLICT DO NOTHING"
        )
    conn.exec_driver_sql("ANALYZE differing")


def _of_obligations(
    before: Judgement, after: Judgement, instant: int, start: int, excused: int
) -> Iterator[Difference]:
    conn = before.conn
    for side in (before, after):
        _judge_candidates(side, instant, start, excused)
    sides = ", ".join(f"{s}.{name} AS {s}_{name}" for s in "xy" for name in _KEPT[3:])
    rows = conn.exec_driver_sql(
        f"SELECT d.part, d.unit, d.anchor, {sides}, v.part AS x_waived, w.part AS y_waived FROM differing d "
        f"LEFT JOIN judged{before.slot} x ON {_KEY.format('x', 'd')} LEFT JOIN judged{after.slot} y ON {_KEY.format('y', 'd')} "
        f"LEFT JOIN waived{before.slot} v ON v.at = {excused} AND v.part = d.part AND v.unit = d.unit "
        f"LEFT JOIN waived{after.slot} w ON w.at = {excused} AND w.part = d.part AND w.unit = d.unit "
        "WHERE coalesce(x.verdict, '') <> coalesce(y.verdict, '') ORDER BY d.part, d.unit, d.anchor"
    ).all()
    causes = Causes(before, after, _transitions(before, after, {(row.part, row.unit, row.anchor) for row in rows}))
    for first in range(0, len(rows), _BATCH):
        batch = rows[first : first + _BATCH]
        described = subjects(conn, (row.unit for row in batch))
        for row, why in zip(batch, causes.of(batch, instant, excused), strict=True):
            part = before.parts[row.part]
            yield Difference(
                requirement=part.requirement,
                part=part.name,
                unit=described[row.unit],
                anchor=row.anchor,
                before=row.x_verdict,
                after=row.y_verdict,
                obligations=1,
                causes=why,
            )


def _judge_candidates(side: Judgement, instant: int, start: int, excused: int) -> None:
    """Keep the verdicts of the candidates that count in the period."""
    table = f"judged{side.slot}"
    types = {"verdict": "TEXT", "lacks": "TEXT", "declared": "BOOLEAN"}
    columns = ", ".join(f"{name} {types.get(name, 'BIGINT')}" for name in _KEPT)
    side.conn.exec_driver_sql(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {table} ({columns}, PRIMARY KEY (part, unit, anchor))"
    )
    side.conn.exec_driver_sql(f"DELETE FROM {table}")
    counted = f"(j.decided_at IS NULL OR j.decided_at >= {start}) AND NOT j.baseline"
    candidate = "(j.part, j.unit, j.anchor) IN (SELECT part, unit, anchor FROM differing)"
    columns = ", ".join(f"j.{name}" for name in _KEPT)
    chosen = side.sql(columns, as_of=instant, waived_at=excused, where=f"{candidate} AND {counted}")
    side.conn.execute(text(f"INSERT INTO {table} {chosen}".replace(":", r"\:")))


def _transitions(
    before: Judgement, after: Judgement, keys: set[tuple[int, int, int]]
) -> dict[tuple[int, int, int], list[int]]:
    """Return key -> instants between both at which what is known of the obligation changed."""
    found: dict[tuple[int, int, int], set[int]] = defaultdict(set)
    rows: Any = before.conn.exec_driver_sql(
        "SELECT o.part, o.unit, o.anchor, o.known_from, o.known_to FROM differing d "
        f"JOIN obligation o ON {_KEY.format('o', 'd')}"
    )
    low, high = before.known_at or 0, after.known_at or 0
    for row in rows:
        if (key := (row.part, row.unit, row.anchor)) in keys:
            found[key].update(at for at in (row.known_from, row.known_to) if at is not None and low < at <= high)
    return {key: sorted(instants) for key, instants in found.items()}


def _of_requirement(x: RequirementRow, y: RequirementRow, below: Sequence[Difference]) -> Difference:
    """Gather the causes of a requirement's obligations; what was never read may keep it from being met by itself."""
    tally = Counter(cause.name for one in below for cause in one.causes)
    details = {name: f"{n} of {len(below)} obligations" for name, n in tally.items()}
    unread = [row.reasons for row in (x, y) if row.verdict == "not_provable" and not row.counts.get("not_provable")]
    if x.verdict != y.verdict and (unread or not below):
        reasons = "; ".join(dict.fromkeys(reason for several in unread for reason in several))
        details["coverage"] = reasons or details.get("coverage", "units could not all be read")
    return Difference(
        requirement=x.requirement,
        before=x.verdict,
        after=y.verdict,
        obligations=len(below),
        causes=[Cause(name=name, detail=details[name]) for name in CAUSES if name in details],
    )
