"""Documents and plans in effect: each must say what it has to say, for as long as it is in effect.

Where none is in effect nothing is owed here: that one must be is asked by `hub_bs15000.document_control.doc`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_

from hub.conformance.continuous import in_force
from hub.conformance.evidence import At
from hub.conformance.expression import earlier_of, later_of, no_instant
from hub.conformance.part import Part, Words
from hub.conformance.reading import Reads
from hub.conformance.unit import Unit, unit
from hub.store.schema import kind_tables

__all__ = ["IN_EFFECT_UNKNOWN", "in_effect", "says_throughout", "stopped"]

_REPLACED = ("obsolete", "obsolete_retained", "withdrawn")
IN_EFFECT_UNKNOWN = "whether it is in force is not recorded"


def in_effect(kind: str, doc_type: str) -> Unit:
    """Every `document` or `plan` of this type that took effect, from then on and from when that was recorded.

    A `capacity_plan` is of one type only; `doc_type` is then not read.
    """
    d: Any = kind_tables[kind].c
    of_type = {"document": "doc_type", "plan": "plan_type"}.get(kind)
    typed = [] if of_type is None else [d[of_type] == doc_type]
    replaced = and_(d.doc_status.in_(_REPLACED), or_(d.superseded_at.is_not(None), d.withdrawn_at.is_not(None)))
    took_effect = and_(
        d.effective_from.is_not(None), or_(d.doc_status.is_(None), d.doc_status == "effective", replaced)
    )
    begins = later_of(d.effective_from, func.coalesce(d.created_at, d.effective_from))
    return unit(kind).where(*typed, took_effect).opening(begins)


def stopped(kind: str) -> ColumnElement[Any]:
    """Return when it was replaced, withdrawn or deleted; NULL = it is in effect."""
    d: Any = kind_tables[kind].c
    return earlier_of(earlier_of(d.superseded_at, d.withdrawn_at), d.vanished_at)


def says_throughout(
    rid: str,
    name: str,
    words: Words,
    holds: ColumnElement[bool],
    *fields: str,
    kind: str,
    doc_type: str,
    until: ColumnElement[Any] | None = None,
    reads: Reads | None = None,
    doubts: Sequence[Any] = (),
) -> Part:
    """Every document or plan of this type fulfils `holds`, as it is recorded, month after month while in effect.

    `fields` are those the condition reads; `until` is when it holds no longer (None = it stays so).
    """
    d: Any = kind_tables[kind].c
    units = in_effect(kind, doc_type)
    return in_force(
        rid,
        name,
        words,
        unit=units,
        evidence=At(case((holds, units.opened)), reads=dict(reads or {})),
        until=no_instant() if until is None else until,
        end=stopped(kind),
        shape="completeness",
        fields=("doc_status", "effective_from", *fields),
        doubts=[*doubts, (d.doc_status.is_(None), IN_EFFECT_UNKNOWN)],
    )
