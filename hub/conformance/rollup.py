"""Requirements over a period: the worst verdict of their obligations, always with k of n."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from hub.conformance.answer import VERDICTS, AttestationRow, RequirementRow, Verdict
from hub.conformance.judge import Judgement
from hub.conformance.pack import CatalogueEntry
from hub.conformance.situation.audience import Audience
from hub.conformance.subject import declarations, subjects
from hub.conformance.verdict import needs_through

__all__ = ["excused_at", "judge_period", "list_attestations", "roll_up"]

_TABLE = "period_verdict"


def judge_period(judgement: Judgement, *, start: int, end: int) -> None:
    """Judge the obligations of a period once and keep the verdicts in a temporary table, for `roll_up(judged=True)`."""
    seen = _Seen(judgement, min(judgement.as_of, end), excused_at(judgement, end), start)
    judgement.conn.exec_driver_sql(f"DROP TABLE IF EXISTS {_TABLE}")
    chosen = seen.sql("j.part, j.unit, j.place, j.lacks, j.verdict, j.evidence").replace(":", r"\:")
    judgement.conn.execute(text(f"CREATE TEMPORARY TABLE {_TABLE} AS {chosen}"))


def roll_up(
    judgement: Judgement,
    catalogue: Sequence[CatalogueEntry],
    *,
    start: int,
    end: int,
    audience: Audience | None = None,
    judged: bool = False,
    out: Mapping[str, str] | None = None,
) -> list[RequirementRow]:
    """Roll every catalogue entry up over the period [start, end), judged at its end or at as-of if earlier.

    Waivers count as they were in force at the period's last instant, or at as-of: a month that has ended
    stays as it was when one of them ends later.
    Counted are obligations decided in the period or open at its end; baseline ones are not. A place
    that was not read, or a kind no source gives, leaves a requirement not provable at best.
    `audience` narrows to its records; `judged` = `judge_period` was called for the same period. `out` are requirements
    the organisation asks of nobody, with the reason: not applicable, and not for want of a pack that judges them.
    """
    instant = min(judgement.as_of, end)
    seen = _Seen(judgement, instant, excused_at(judgement, end), start, audience, judged)
    counts, reasons = _counts(seen), _reasons(seen)
    asked = {one.id: one for one in judgement.requirements}
    rows = []
    for entry in catalogue:
        gaps: list[str] = []
        if entry.id in asked:
            needed = needs_through(instant, None, judgement.stale_ms) if instant == judgement.as_of else instant
            gaps = [
                gap.reach.reason or "the last reading is too old"
                for gap in judgement.horizon.unit_gaps(asked[entry.id])
                if gap.reach.through is None or gap.reach.through < needed
            ]
        found = counts[entry.id]
        why_out = "" if entry.id in asked or out is None else out.get(entry.id, "")
        verdict: Verdict = "not_applicable" if why_out else "not_judged"
        if entry.id in asked:
            verdict = _worst(found, provable=not gaps)
        rows.append(
            RequirementRow(
                requirement=entry.id,
                clause=entry.clause,
                title=entry.title,
                statement=entry.statement,
                severity=entry.severity,
                verdict=verdict,
                counts=dict(sorted(found.items())),
                reasons=[why_out] if why_out else list(dict.fromkeys([*gaps, *reasons[entry.id]])),
            )
        )
    return rows


def list_attestations(
    judgement: Judgement, *, start: int, end: int, audience: Audience | None = None, judged: bool = False
) -> list[AttestationRow]:
    """List what rests on declarations in a period: which record, who vouches for it, and until when."""
    instant = min(judgement.as_of, end)
    seen = _Seen(judgement, instant, excused_at(judgement, end), start, audience, judged)
    rows = seen.rows(
        "j.part, j.evidence, count(*) AS n",
        where="j.verdict = 'attested' AND j.evidence IS NOT NULL",
        tail="GROUP BY j.part, j.evidence",
    )
    cases: Counter[tuple[str, int]] = Counter()
    for row in rows:
        cases[judgement.parts[row.part].requirement, row.evidence] += row.n
    declared = declarations(judgement.conn, {sid for _, sid in cases})
    named = subjects(
        judgement.conn, [sid for one, (who, _) in declared.items() for sid in (one, who)], judgement.known_at
    )
    listed = [
        AttestationRow(
            requirement=requirement,
            record=named[sid],
            declared_by=named[declared[sid][0]],
            expires_at=declared[sid][1],
            obligations=n,
        )
        for (requirement, sid), n in cases.items()
        if sid in declared
    ]
    return sorted(listed, key=lambda one: (one.requirement, one.record.id))


def excused_at(judgement: Judgement, end: int) -> int:
    """Return the instant whose waivers count in a period that ends before `end`: its last, or as-of if earlier."""
    return min(judgement.as_of, end - 1)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The obligations that count in a period."""

    judgement: Judgement
    instant: int
    waived_at: int
    start: int
    audience: Audience | None = None
    judged: bool = False
    """The verdicts stand in a table already."""

    def rows(self, columns: str, *, where: str = "", tail: str = "") -> Sequence[Any]:
        return self.judgement.conn.execute(text(self.sql(columns, where=where, tail=tail).replace(":", r"\:"))).all()

    def sql(self, columns: str, *, where: str = "", tail: str = "") -> str:
        conditions = [where] if where else []
        if self.audience is not None:
            conditions.append(self.audience.condition("j.unit"))
        if self.judged:
            narrowed = f"WHERE {' AND '.join(conditions)}" if conditions else ""
            return f"SELECT {columns} FROM {_TABLE} j {narrowed} {tail}"
        conditions.append(f"(j.decided_at IS NULL OR j.decided_at >= {self.start}) AND NOT j.baseline")
        return self.judgement.sql(
            columns,
            as_of=self.instant,
            waived_at=self.waived_at,
            settled_from=self.start,
            where=" AND ".join(conditions),
            tail=tail,
        )


def _counts(seen: _Seen) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in seen.rows("j.part, j.verdict, count(*) AS n", tail="GROUP BY j.part, j.verdict"):
        counts[seen.judgement.parts[row.part].requirement][row.verdict] += row.n
    return counts


def _reasons(seen: _Seen) -> dict[str, list[str]]:
    """Say why obligations are not provable, most frequent first."""
    tally: dict[str, Counter[str]] = defaultdict(Counter)
    judgement = seen.judgement
    for row in seen.rows(
        "j.part, j.place, j.lacks, count(*) AS n",
        where="j.verdict = 'not_provable'",
        tail="GROUP BY j.part, j.place, j.lacks",
    ):
        reach = judgement.reaches[row.part, row.place]
        reason = row.lacks or reach.reason or "the last reading is too old"
        tally[judgement.parts[row.part].requirement][reason] += row.n
    return defaultdict(list, {rid: [reason for reason, _ in one.most_common()] for rid, one in tally.items()})


def _worst(found: Counter[str], *, provable: bool) -> Verdict:
    for verdict in VERDICTS:
        if verdict == "not_provable" and not provable:
            return "not_provable"
        if verdict in ("at_risk", "pending", "not_applicable"):
            continue
        if found[verdict]:
            return verdict
    if found["at_risk"]:
        return "at_risk"
    return "pending" if found["pending"] else "not_applicable"
