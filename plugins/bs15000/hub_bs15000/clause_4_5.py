"""Clause 4.5, records: what vanished from its source was disposed of with approval (r5)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func

from hub.conformance.evidence import rows
from hub.conformance.expression import hours_after, later_of
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.shape import precondition
from hub.conformance.unit import unit
from hub.store.schema import kind_tables

__all__ = ["DECLARATIONS", "KEPT_KINDS"]

KEPT_KINDS = (
    "approval",
    "change",
    "deployment",
    "document",
    "improvement_action",
    "incident",
    "known_error",
    "problem",
    "release",
    "review",
    "security_incident",
    "service_report",
)
"""Kinds that prove conformity."""


def _4_5_r5(rid: str, p: Parameters) -> list[Part]:
    return [_kept(rid, kind, p.retention_days) for kind in KEPT_KINDS]


def _kept(rid: str, kind: str, retention_days: int) -> Part:
    gone: Any = kind_tables[kind].c
    disposal: Any = kind_tables["disposal"].c
    name = kind.replace("_", " ")
    kept_until = hours_after(func.coalesce(gone.created_at, gone.vanished_at), 24 * retention_days)
    return precondition(
        rid,
        kind,
        Words(
            f"No {name} is deleted within {retention_days} days unless its disposal was approved first.",
            f"This {name} was deleted without an approved disposal.",
            "Restore it, or record who approved its disposal and why.",
        ),
        unit=unit(kind).where(gone.vanished_at.is_not(None), kept_until > gone.vanished_at).opening(gone.vanished_at),
        before=gone.vanished_at,
        evidence=rows(
            "disposal",
            disposal.subject_id == gone.sid,
            later_of(disposal.approved_at, func.coalesce(disposal.created_at, disposal.approved_at)),
            fields=frozenset({"subject_id", "approved_by", "approved_at"}),
        ).where(disposal.approved_by.is_not(None)),
    )


DECLARATIONS: dict[str, Declare] = {"BS15000-4.5-r5": _4_5_r5}
"""Requirement -> what makes its parts."""
