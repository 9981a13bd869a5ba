"""Reviews as evidence and as units: when one was held, and what it looked back at."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, or_

from hub.conformance.evidence import Rows, fields_filled, rows
from hub.conformance.expression import days_after, filled, later_of, since_when
from hub.conformance.part import Part, Words
from hub.conformance.shape import deadline, trend
from hub.conformance.unit import Unit, each_month, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["analysed", "concluded", "held", "held_for", "r", "review"]

r: Any = kind_tables["review"].c
"""Columns of the review."""
_period = metadata.tables["period"].c


def held() -> ColumnElement[Any]:
    """When the review counts as held: from when its source says so, never earlier; NULL = not known."""
    return later_of(r.held_at, func.coalesce(since_when(r.sid, "held_at"), r.created_at))


def review(kind: str) -> Unit:
    """Every review of this type that was held, owing from then on."""
    return unit("review").where(r.type == kind, r.held_at.is_not(None)).opening(r.held_at)


def held_for(subject: ColumnElement[int], kind: str) -> Rows:
    """Reviews of this type of the record `subject`."""
    fields = frozenset({"type", "subject_id", "held_at"})
    return rows("review", r.subject_id == subject, held(), fields=fields).where(r.type == kind)


def analysed(rid: str, kind: str, days: int, words: Words) -> Part:
    """Every month is looked back at by a review of this type within `days` of its end."""
    covers = (r.type == kind, r.period_start <= _period.starts_at, r.period_end >= _period.ends_at)
    said = or_(r.inputs.is_not(None), filled(r.findings))
    fields = frozenset({"type", "period", "held_at", "inputs"})
    return trend(
        rid,
        "analysed",
        words,
        unit=each_month(),
        due=days_after(_period.ends_at - 1, days),
        evidence=rows("review", covers[0] & covers[1] & covers[2], held(), fields=fields, reach="all").where(said),
    )


def concluded(rid: str, kind: str, days: int, words: Words) -> Part:
    """Every review of this type holds conclusions within `days` of its day."""
    return deadline(
        rid,
        "conclusions",
        words,
        unit=review(kind),
        due=days_after(r.held_at, days),
        evidence=fields_filled("conclusions"),
        fields=("type", "held_at"),
        shape="completeness",
    )
