"""Clause 4.5, records: what vanished from its source was disposed of, with approval, in its time, safely (r5, r6)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, func, or_

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


def _4_5_r6(rid: str, p: Parameters) -> list[Part]:
    return [_disposed(rid, kind, p.methods, p.retention_days) for kind in KEPT_KINDS]


def _disposed(rid: str, kind: str, methods: list[str], retention_days: int) -> Part:
    gone: Any = kind_tables[kind].c
    disposal: Any = kind_tables["disposal"].c
    name = kind.replace("_", " ")
    kept_until = hours_after(func.coalesce(gone.created_at, gone.vanished_at), 24 * retention_days)
    return precondition(
        rid,
        kind,
        Words(
            f"A {name} is destroyed only after {retention_days} days, in a permitted way, and with approval before.",
            f"This {name} was destroyed too early, without approval, or nobody recorded a permitted way.",
            "Record how it was destroyed and who approved that, and keep the others until their time is over.",
        ),
        unit=unit(kind).where(gone.vanished_at.is_not(None)).opening(gone.vanished_at),
        before=gone.vanished_at,
        evidence=rows(
            "disposal",
            disposal.subject_id == gone.sid,
            later_of(disposal.approved_at, func.coalesce(disposal.created_at, disposal.approved_at)),
            fields=frozenset({"subject_id", "method", "approved_by", "approved_at", "at"}),
        )
        .where(
            disposal.approved_by.is_not(None),
            disposal.method.in_(methods),
            or_(disposal.at.is_(None), and_(disposal.at >= kept_until, disposal.at >= disposal.approved_at)),
        )
        .doubtful(disposal.at.is_(None), "when it was destroyed is not recorded"),
        doubts=[(gone.created_at.is_(None), "how old it was is not known")],
    )


DECLARATIONS: dict[str, Declare] = {"BS15000-4.5-r5": _4_5_r5, "BS15000-4.5-r6": _4_5_r6}
"""Requirement -> what makes its parts."""
