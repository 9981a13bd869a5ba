"""Rules of operation: a supplier is looked at before a contract is signed (17)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, exists, func, or_

from hub.conformance.evidence import Rows, any_of, rows
from hub.conformance.expression import days_after, filled, later_of
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.shape import precondition, threshold
from hub.conformance.unit import Unit, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.contract import k
from hub_bs15000.document_control import says
from hub_bs15000.money import number

__all__ = ["DECLARATIONS"]

_contract = kind_tables["underpinning_contract"]
_document = kind_tables["document"]
_link = metadata.tables["link"]
_DAY_MS = 86_400_000
_RESULTS = (("legal", "legal standing"), ("credit", "credit standing"), ("ability", "capability"))
"""What must be looked at, each by its possible names."""


def _signed() -> Unit:
    return unit("underpinning_contract").where(k.signed_at.is_not(None)).opening(k.signed_at)


def _checked(days: int, *, by_document: bool) -> Rows:
    """A check of the contract's supplier, tied to it by either end, not older than that when the contract was signed."""
    link: Any = _link.alias()
    supplier, document = (link.c.target, link.c.sid) if by_document else (link.c.sid, link.c.target)
    d: Any = _document.c
    dated = func.coalesce(d.authorised_at, d.effective_from)
    oldest = func.coalesce(days_after(k.signed_at, -days - 1), k.signed_at - (days + 1) * _DAY_MS)
    found = rows(
        "document",
        supplier == k.supplier_id,
        later_of(dated, func.coalesce(d.created_at, dated)),
        fields=frozenset({"doc_type", "sections", "authorised_by", "authorised_at"}),
        table=link,
        record=document,
        declared=d.declared_by.is_not(None),
        reach="all",
    ).joining(_document, d.sid == document)
    results = [says("document", *names) for names in _RESULTS]
    return found.where(d.doc_type == "supplier_check", d.authorised_by.is_not(None), dated > oldest, *results)


def _approved(*roles: str) -> Rows:
    approval: Any = kind_tables["approval"].c
    found = rows(
        "approval",
        approval.subject_id == k.sid,
        approval.decided_at,
        fields=frozenset({"decision", "approver", "decided_at"}),
        lost=approval.withdrawn_at,
    ).where(approval.decision == "approved")
    return found.by(approval.approver, *roles)


def _ops_17(rid: str, q: Parameters) -> list[Part]:
    twin = _contract.alias()
    t: Any = twin.c
    other = or_(t.title != k.title, func.coalesce(t.supplier_id, 0) != func.coalesce(k.supplier_id, 0))
    same = or_(other, func.coalesce(t.version, "") == func.coalesce(k.version, ""))
    taken = exists().where(t.key == k.key, t.sid != k.sid, same).correlate_except(twin)
    value = number(k.value_amount)
    small = value < q.large_thousands * 1000
    unvalued = (value.is_(None), "what the contract is worth is not recorded")
    return [
        threshold(
            rid,
            "numbered",
            Words(
                "Every contract that is signed has a number of its own.",
                "The contract has no number, or another one has the same.",
                "Give the contract a number of its own.",
            ),
            unit=_signed().reading(underpinning_contract="all"),
            holds=and_(filled(k.key), ~taken),
            at=k.signed_at,
            fields=("key", "signed_at"),
        ),
        precondition(
            rid,
            "checked",
            Words(
                f"In the {q.check_days} days before a contract is signed, the supplier's standing, credit and ability are checked.",
                "The contract was signed without such a check of the supplier.",
                "Check the supplier now, and decide whether the contract may stay.",
            ),
            unit=_signed().reading(calendar="all", supplier="near"),
            before=k.signed_at,
            evidence=any_of(*(_checked(q.check_days, by_document=end) for end in (True, False))),
            fields=("supplier_id", "signed_at"),
        ),
        precondition(
            rid,
            "approved",
            Words(
                "Somebody who may decide on so much money approves the contract before it is signed.",
                "The contract was signed before anybody who may decide on so much money had approved it.",
                "Have the contract approved by somebody who may.",
            ),
            unit=_signed(),
            before=k.signed_at,
            evidence=any_of(
                _approved(*q.large_roles),
                _approved(*q.roles).where(or_(small, value.is_(None))).doubtful(*unvalued),
            ),
            fields=("signed_at", "value"),
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"OPS-17": _ops_17}
"""Requirement -> what makes its parts."""
