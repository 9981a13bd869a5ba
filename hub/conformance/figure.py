"""Figures of a period: what a share and a mean have in common once their sums stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, or_, select

from hub.conformance.evidence import Rows
from hub.conformance.expression import no_instant, no_text
from hub.conformance.owed import HIDDEN
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need, merge_reads
from hub.conformance.unit import Unit

__all__ = ["figure"]


def figure(
    requirement: str,
    name: str,
    words: Words,
    *,
    unit: Unit,
    of: Rows,
    sums: Any,
    n: ColumnElement[Any],
    holds: ColumnElement[bool],
    fails: ColumnElement[bool],
    why: str,
    fields: Sequence[str],
    needs: Sequence[Need],
) -> Part:
    """Judge a period by its `sums`: one row a unit and period with what it owes and `counted`.

    `holds` and `fails` say that it is so whatever is not known turns out to be; where neither is, it is not
    provable, and `why` says so.
    """
    known = and_(sums.doubt.is_(None), sums.hidden_at.is_(None))
    unsaid = case((or_(holds, fails), no_text()), else_=why)
    return Part(
        requirement=requirement,
        name=name,
        shape="threshold",
        unit_kind=unit.kind,
        select=select(
            sums.unit,
            sums.anchor,
            sums.opened_at,
            sums.due_at,
            no_instant().label("warn_at"),
            case((and_(holds, known), sums.due_at)).label("met_at"),
            no_instant().label("lost_at"),
            n.label("n"),
            sums.counted.label("d"),
            no_instant().label("evidence"),
            false().label("declared"),
            func.coalesce(case((sums.hidden_at.is_not(None), HIDDEN)), sums.doubt, unsaid).label("lacks"),
        ),
        reads=merge_reads(unit.reads, of.reads, {"period": "all", "calendar": "all"}),
        needs=(*((Need(unit.kind, frozenset(fields)),) if unit.has_envelope else ()), *of.needs, *needs),
        complete=True,
        words=words,
    )
