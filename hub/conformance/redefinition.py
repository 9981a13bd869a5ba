"""Which findings are there, or gone, because the rules changed: code, parameters, calendars or time-zone data."""

from __future__ import annotations

from sqlalchemy import Connection, text

__all__ = ["redefined"]

_LATE = "{0}.due_at <= d.known_at AND ({0}.met_at IS NULL OR {0}.met_at > {0}.due_at OR {0}.lost_at <= {0}.due_at)"
_SAME = "{0}.part = f.part AND {0}.unit = f.unit AND {0}.anchor = f.anchor"
_REDEFINED = text(
    f"""
WITH d AS (
    SELECT p.part, x.known_at, (SELECT max(y.known_at) FROM derivation y WHERE y.known_at < x.known_at) AS before
    FROM derivation x JOIN part p ON p.requirement = x.requirement WHERE x.cause = 'definition'
)
SELECT f.part, f.unit, f.anchor
FROM finding f
JOIN obligation o ON {_SAME.format("o")} AND o.known_to IS NULL
JOIN d ON d.part = f.part AND d.known_at = o.known_from
WHERE f.state = 'open' AND o.due_at <= d.known_at
AND NOT EXISTS (SELECT 1 FROM obligation w WHERE {_SAME.format("w")} AND w.known_to = d.known_at AND {_LATE.format("w")})
AND NOT EXISTS (SELECT 1 FROM revision r WHERE (r.sid = f.unit OR r.sid = o.evidence)
    AND r.known_from > d.before AND r.known_from <= d.known_at)
AND d.before IS NOT NULL
UNION
SELECT f.part, f.unit, f.anchor
FROM finding f
JOIN obligation w ON {_SAME.format("w")} AND w.known_to IS NOT NULL
JOIN d ON d.part = f.part AND d.known_at = w.known_to
WHERE f.state = 'withdrawn' AND {_LATE.format("w")}
AND NOT EXISTS (SELECT 1 FROM obligation n WHERE {_SAME.format("n")} AND n.known_to > w.known_to)
AND NOT EXISTS (SELECT 1 FROM revision r WHERE r.sid = f.unit AND r.known_from > d.before AND r.known_from <= d.known_at)
"""
)


def redefined(conn: Connection) -> set[tuple[int, int, int]]:
    """Return (part, unit, anchor) of findings that a changed definition opened or withdrew.

    A finding is not ours to explain away where its record changed in the same derivation, or where it
    was a miss under the former definition too. What is judged first in a store is no change.
    """
    return {(row.part, row.unit, row.anchor) for row in conn.execute(_REDEFINED)}
