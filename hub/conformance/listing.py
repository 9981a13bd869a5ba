"""Obligations as rows for people and programs, with reason and evidence."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hub.conformance.answer import Evidence, ObligationRow
from hub.conformance.judge import Judgement
from hub.conformance.subject import evidence_of, opener, subjects

__all__ = ["list_obligations", "reason_of"]


def list_obligations(
    judgement: Judgement,
    *,
    requirement: str | None = None,
    verdicts: Collection[str] = (),
    units: Collection[int] = (),
    due_before: int | None = None,
    baseline: bool = True,
    limit: int | None = None,
) -> list[ObligationRow]:
    """List judged obligations, sorted by requirement, part, due instant and unit.

    `verdicts`, `units` empty = all; `due_before` keeps those with a due instant up to then; `baseline`
    False leaves out what was decided before the organisation began to be judged.
    """
    parts = {n: part for n, part in judgement.parts.items() if requirement in (None, part.requirement)}
    if not parts:
        return []
    where = [f"j.part IN ({', '.join(map(str, parts))})"]
    if verdicts:
        where.append(f"j.verdict IN ({', '.join(repr(str(v)) for v in sorted(verdicts))})")
    if units:
        where.append(f"j.unit IN ({', '.join(map(str, sorted(units)))})")
    if due_before is not None:
        where.append(f"j.due_at <= {due_before}")
    if not baseline:
        where.append("NOT j.baseline")
    found = judgement.rows("j.*", where=" AND ".join(where))
    found = sorted(
        found, key=lambda r: (parts[r.part].requirement, parts[r.part].name, r.due_at or 0, r.unit, r.anchor)
    )
    if limit is not None:
        found = found[:limit]
    described = subjects(judgement.conn, (sid for row in found for sid in (row.unit, row.anchor)), judgement.known_at)
    proofs = evidence_of(judgement.conn, (row.evidence for row in found), judgement.known_at)
    return [
        ObligationRow(
            requirement=parts[row.part].requirement,
            part=parts[row.part].name,
            unit=described[row.unit],
            anchor=row.anchor,
            opened_by=opener(described, row.anchor),
            opened_at=row.opened_at,
            due_at=row.due_at,
            warn_at=row.warn_at,
            met_at=row.met_at,
            lost_at=row.lost_at,
            verdict=row.verdict,
            reason=reason_of(judgement, row),
            evidence=_evidence(proofs, row),
            baseline=bool(row.baseline),
        )
        for row in found
    ]


def _evidence(proofs: dict[int, Evidence], row: Any) -> list[Evidence]:
    return [proofs[row.evidence]] if row.evidence is not None else []


def reason_of(judgement: Judgement, row: Any) -> str:
    """Say why an obligation is not met or not provable; empty where it is met or still open."""
    if row.verdict == "not_provable":
        reach = judgement.reaches[row.part, row.place]
        return row.lacks or reach.reason or "the last reading is too old"
    if row.verdict in ("not_met", "waived"):
        words = judgement.parts[row.part].words
        if row.met_at is not None and row.lost_at is not None and row.lost_at <= row.due_at:
            return f"{words.missing} What had been given was withdrawn before."
        if row.met_at is not None and row.met_at <= judgement.as_of and row.met_at > row.due_at:
            return f"{words.missing} It came late."
        return words.missing
    return judgement.parts[row.part].words.missing if row.verdict == "not_applicable" else ""
