"""What keeps requirements from being provable, and the one step that would change it."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import exists, func, select

from hub.conformance.answer import CoverageRow, Gap
from hub.conformance.judge import Judgement
from hub.store.reading import coverage_rows
from hub.store.tables import metadata

__all__ = ["list_coverage", "list_gaps"]

_record = metadata.tables["record"]
_revision = metadata.tables["revision"]
_LACKS_REMEDY = {
    "whose login decided is not known": "tie the login to a person: `accounts` in the register's people.yaml",
    "whether it was somebody else's decision is not known": (
        "record the implementer, and tie both logins to people in the register's people.yaml"
    ),
    "it is no longer visible at its source": "give the hub access to it again",
}


def list_gaps(judgement: Judgement) -> list[Gap]:
    """List reasons for which something is not provable, those that leave most undecided first."""
    tally: Counter[tuple[str, str, str]] = Counter()
    for row in judgement.rows(
        "j.part, j.place, j.lacks, count(*) AS n",
        where="j.verdict = 'not_provable' AND NOT j.baseline",
        tail="GROUP BY j.part, j.place, j.lacks",
    ):
        reach = judgement.reaches[row.part, row.place]
        requirement = judgement.parts[row.part].requirement
        if row.lacks is not None:
            remedy = _LACKS_REMEDY.get(row.lacks, "complete the record at its source, or map the field that holds it")
            tally[requirement, row.lacks, remedy] += row.n
        else:
            tally[requirement, reach.reason or "the last reading is too old", reach.remedy or "run: hub sync"] += row.n
    for one in judgement.requirements:
        for gap in judgement.horizon.unit_gaps(one):
            old = gap.reach.through is not None and gap.reach.through < judgement.as_of - judgement.stale_ms
            if gap.reach.through is None or old:
                reason = gap.reach.reason or "the last reading is too old"
                tally[one.id, reason, gap.reach.remedy if gap.reach.reason else "run: hub sync"] += 0
    gaps = [Gap(requirement=r, reason=why, remedy=remedy, obligations=n) for (r, why, remedy), n in tally.items()]
    return sorted(gaps, key=lambda gap: (-gap.obligations, gap.requirement, gap.reason))


def list_coverage(judgement: Judgement) -> list[CoverageRow]:
    """List how far every kind of every scope of every source was read, as known."""
    by_place = (_record.c.source, _record.c.scope, _record.c.kind)
    asked = select(*by_place, func.count()).group_by(*by_place)
    if judgement.known_at is not None:
        read = _revision.c.sid == _record.c.sid, _revision.c.known_from <= judgement.known_at
        asked = asked.where(exists().where(*read))
    counted = judgement.conn.execute(asked)
    numbers = {(row[0], row[1] or "", row[2]): row[3] for row in counted}
    return [
        CoverageRow(
            source=row.source,
            scope=row.scope,
            kind=row.kind,
            through=row.through,
            reason=row.reason or "",
            records=numbers.get((row.source, row.scope, row.kind), 0),
        )
        for row in coverage_rows(judgement.conn, known_at=judgement.known_at)
    ]
