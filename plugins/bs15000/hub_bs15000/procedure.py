"""Procedures that must be in force throughout every month."""

from __future__ import annotations

from hub.conformance.evidence import Rows
from hub.conformance.part import Part, Words
from hub.conformance.shape import attestation
from hub.conformance.unit import each_month
from hub.store.tables import metadata

__all__ = ["procedure_in_force"]

_period = metadata.tables["period"].c


def procedure_in_force(rid: str, words: Words, document: Rows) -> Part:
    """Owed every month: a document in force to its last millisecond."""
    return attestation(
        rid,
        "in_force",
        words,
        unit=each_month().opening(_period.starts_at),
        due=_period.ends_at - 1,
        evidence=document,
    )
