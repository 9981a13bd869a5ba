"""The answers of a period narrowed to one audience: nothing is judged again."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec
from sqlalchemy import Connection, select

from hub.conformance.answer import Answers, AttestationRow, RequirementRow
from hub.conformance.situation.audience import Audience
from hub.conformance.situation.fact import Situation
from hub.store.tables import metadata

__all__ = ["narrowed"]

_record = metadata.tables["record"]
_MOST = 500


def narrowed(
    conn: Connection,
    whole: Answers,
    audience: Audience,
    *,
    requirements: list[RequirementRow],
    attestations: list[AttestationRow],
    beside: Situation,
) -> Answers:
    """Keep what concerns an audience: findings and deadlines of its records or owned by its people, waivers and gaps that touch it.

    `requirements` and `attestations` are rolled up over the audience's records; `beside` is asked of them. What was read is the same for all.
    """
    units = {row.unit.id for row in whole.findings} | {row.unit.id for row in whole.coming}
    owners = {row.owner.id for row in whole.findings if row.owner is not None}
    own = _among(conn, audience, units | owners)
    touched = {row.requirement: row.counts for row in requirements}
    gaps = [
        msgspec.structs.replace(gap, obligations=touched.get(gap.requirement, {}).get("not_provable", 0))
        for gap in whole.gaps
        if touched.get(gap.requirement, {}).get("not_provable") or not gap.obligations
    ]
    return msgspec.structs.replace(
        whole,
        requirements=requirements,
        findings=[row for row in whole.findings if row.unit.id in own or (row.owner and row.owner.id in own)],
        coming=[row for row in whole.coming if row.unit.id in own],
        waivers=[row for row in whole.waivers if touched.get(row.requirement, {}).get("waived")],
        gaps=gaps,
        situation=beside,
        attestations=attestations,
    )


def _among(conn: Connection, audience: Audience, ids: Collection[str]) -> set[str]:
    """Return those of the ids that are among an audience's records."""
    found: set[str] = set()
    for chunk in _chunks(sorted(ids)):
        found |= set(conn.scalars(select(_record.c.id).where(_record.c.id.in_(chunk), audience.holds(_record.c.sid))))
    return found


def _chunks(values: list[str]) -> Iterable[list[str]]:
    return (values[start : start + _MOST] for start in range(0, len(values), _MOST))
