"""Clause 6.2, supplier management: contracts are amended under control, with what rests on them (h)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Select, and_, case, exists, func, or_, select, union

from hub.conformance.evidence import rows
from hub.conformance.expression import touched
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.shape import precondition
from hub.conformance.unit import Unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import first_day_ends
from hub_bs15000.change import c, every_change
from hub_bs15000.contract import amended, k
from hub_bs15000.meeting import meetings

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]


def _6_2_h(rid: str, _: Parameters) -> list[Part]:
    link: Any = _link.alias()
    number = case((link.c.sid == k.sid, link.c.target), else_=link.c.sid)
    linked = rows(
        "change",
        or_(link.c.sid == k.sid, link.c.target == k.sid),
        func.coalesce(c.created_at, 0),
        fields=frozenset({"links"}),
        table=link,
        record=c.sid,
    ).joining(kind_tables["change"], c.sid == number)
    versions = amended()
    approval: Any = kind_tables["approval"].c
    changes = _changes_of(versions)
    checked, m = meetings("contract", "sla_review", of=[("contract_id", k.sid), ("subject_id", k.sid)], reach="all")
    dependents = _dependents(versions)
    named: Any = _link.alias()
    spoke = (
        exists()
        .where(
            named.c.sid == m.sid,
            named.c.target == dependents.anchor,
            named.c.type.in_(("items", "sla_id", "subject_id")),
        )
        .correlate_except(named)
    )
    return [
        precondition(
            rid,
            "change",
            Words(
                "Every new version of a contract goes through change management.",
                "No change stands behind this version of the contract.",
                "Raise a change for the new version, and link the two.",
            ),
            unit=versions,
            before=first_day_ends(k),
            evidence=linked.where(c.sid.is_not(None)),
            fields=("links", "valid_from"),
        ),
        precondition(
            rid,
            "approved",
            Words(
                "The change behind a new version of a contract is approved by the first day of the version.",
                "The version came into force before its change was approved.",
                "Have the change decided on, and let the next version wait for it.",
            ),
            unit=changes,
            before=first_day_ends(k),
            evidence=rows(
                "approval",
                approval.subject_id == c.sid,
                approval.decided_at,
                fields=frozenset({"decision", "decided_at"}),
                lost=approval.withdrawn_at,
            ).where(approval.decision == "approved"),
        ),
        precondition(
            rid,
            "consistent",
            Words(
                "Agreements that rest on a contract are compared with its new version by the first day of the version.",
                "The version came into force, and an agreement that rests on it was not compared with it.",
                "Compare the agreement with the contract in a review, and name both in it.",
            ),
            unit=dependents,
            before=first_day_ends(k),
            evidence=checked.where(spoke),
            fields=("supports_sla", "links"),
        ),
    ]


def _changes_of(versions: Unit) -> Unit:
    """Every change that a version is linked to; anchor = the version."""
    base, own = every_change(), kind_tables["underpinning_contract"].alias()
    contract = kind_tables["underpinning_contract"]

    def end(*, by_change: bool) -> Select[Any]:
        link = _link.alias()
        here, there = (link.c.sid, link.c.target) if by_change else (link.c.target, link.c.sid)
        named = select(here.label("change"), own.c.sid.label("contract"))
        return named.select_from(own.join(link, there == own.c.sid)).where(touched(here))

    pair = union(end(by_change=True), end(by_change=False)).subquery("pair")
    table = kind_tables["change"]
    return replace(
        base,
        rows=contract.join(pair, pair.c.contract == k.sid).join(table, c.sid == pair.c.change),
        anchor=k.sid,
        conditions=(*base.conditions, k.valid_from.is_not(None), *versions.conditions),
    ).reading(underpinning_contract="all", calendar="all")


def _dependents(versions: Unit) -> Unit:
    """Every agreement that rests on a version; anchor = that agreement."""
    own, other = kind_tables["underpinning_contract"].alias(), _record.alias()

    def end(*types: str, by_contract: bool) -> Select[Any]:
        link = _link.alias()
        here, there = (link.c.sid, link.c.target) if by_contract else (link.c.target, link.c.sid)
        named = select(own.c.sid.label("contract"), there.label("agreement"))
        tied = own.join(link, and_(here == own.c.sid, link.c.type.in_(types)))
        return named.select_from(tied).where(touched(own.c.sid))

    pair = union(end("supports_sla", "covers", by_contract=True), end("covered_by", by_contract=False)).subquery("pair")
    ties = versions.rows.join(pair, pair.c.contract == k.sid).join(other, other.c.sid == pair.c.agreement)
    return replace(
        versions,
        rows=ties,
        anchor=pair.c.agreement,
        conditions=(*versions.conditions, func.coalesce(other.c.kind, "sla").in_(("sla", "ola"))),
    ).reading(sla="near", ola="near")


DECLARATIONS: dict[str, Declare] = {"BS15000-6.2-h": _6_2_h}
"""Requirement -> what makes its parts."""
