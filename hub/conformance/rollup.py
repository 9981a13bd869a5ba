"""Requirements over a period: the worst verdict of their obligations, always with k of n."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from hub.conformance.answer import VERDICTS, RequirementRow, Verdict
from hub.conformance.judge import Judgement
from hub.conformance.pack import CatalogueEntry
from hub.conformance.verdict import needs_through

__all__ = ["roll_up"]


def roll_up(judgement: Judgement, catalogue: Sequence[CatalogueEntry], *, start: int, end: int) -> list[RequirementRow]:
    """Roll every catalogue entry up over the period [start, end), judged at its end or at as-of if earlier.

    Counted are obligations decided in the period or open at its end; baseline ones are not. A place
    that was not read, or a kind no source gives, leaves a requirement not provable at best.
    """
    instant = min(judgement.as_of, end)
    counts = _counts(judgement, instant, start)
    reasons = _reasons(judgement, instant, start)
    judged = {one.id: one for one in judgement.requirements}
    rows = []
    for entry in catalogue:
        gaps: list[str] = []
        if entry.id in judged:
            needed = needs_through(instant, None, judgement.stale_ms) if instant == judgement.as_of else instant
            gaps = [
                gap.reach.reason or "the last reading is too old"
                for gap in judgement.horizon.unit_gaps(judged[entry.id])
                if gap.reach.through is None or gap.reach.through < needed
            ]
        found = counts[entry.id]
        verdict: Verdict = "not_judged" if entry.id not in judged else _worst(found, provable=not gaps)
        rows.append(
            RequirementRow(
                requirement=entry.id,
                clause=entry.clause,
                title=entry.title,
                statement=entry.statement,
                severity=entry.severity,
                verdict=verdict,
                counts=dict(sorted(found.items())),
                reasons=list(dict.fromkeys([*gaps, *reasons[entry.id]])),
            )
        )
    return rows


def _window(start: int) -> str:
    return f"(j.decided_at IS NULL OR j.decided_at >= {start}) AND NOT j.baseline"


def _counts(judgement: Judgement, instant: int, start: int) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in judgement.rows(
        "j.part, j.verdict, count(*) AS n",
        as_of=instant,
        settled_from=start,
        where=_window(start),
        tail="GROUP BY j.part, j.verdict",
    ):
        counts[judgement.parts[row.part].requirement][row.verdict] += row.n
    return counts


def _reasons(judgement: Judgement, instant: int, start: int) -> dict[str, list[str]]:
    """Say why obligations are not provable, most frequent first."""
    tally: dict[str, Counter[str]] = defaultdict(Counter)
    for row in judgement.rows(
        "j.part, j.place, j.lacks, count(*) AS n",
        as_of=instant,
        settled_from=start,
        where=f"{_window(start)} AND j.verdict = 'not_provable'",
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
        if verdict in ("at_risk", "pending"):
            continue
        if found[verdict]:
            return verdict
    if found["at_risk"]:
        return "at_risk"
    return "pending" if found["pending"] else "not_applicable"
