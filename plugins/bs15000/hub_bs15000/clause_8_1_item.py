"""Clause 8.1, configuration management: items cannot be mistaken, stand in a guarded inventory, leave traces (f, g, j)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select, true

from hub.conformance.evidence import any_of, rows
from hub.conformance.expression import filled, hours_after, since_when
from hub.conformance.owed import NEVER
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import precondition, threshold
from hub.conformance.unit import Unit, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.configuration import SINCE_UNKNOWN, alterations, ci, in_use, item, tied, updates

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
_CITING = {
    "incident": "ci_ids",
    "request": "ci_ids",
    "security_incident": "ci_ids",
    "service": "ci_ids",
    "change": "affects",
}
"""Kinds that name items, and the link by which they do; what a change affects may be a service too."""


# -- one name ---------------------------------------------------------------------------------


def _alike() -> Any:
    """Count, for every item in use, those of its source that bear its key, its serial number, or its name at its place."""
    own, place = item.alias(), _record.alias()
    o: Any = own.c
    name, kept = func.trim(func.coalesce(o.title, "")), (in_use(o), place.c.sid == o.sid)

    def shared(*values: ColumnElement[Any]) -> ColumnElement[Any]:
        known = and_(*(filled(one) for one in values))
        return case((known, func.count().over(partition_by=(place.c.source, *values))), else_=1)

    def how_many(condition: ColumnElement[bool]) -> ColumnElement[Any]:
        return func.sum(case((condition, 1), else_=0)).over(partition_by=(place.c.source, name))

    counted = (
        select(
            o.sid,
            or_(shared(o.key) > 1, shared(o.serial_or_digest) > 1, shared(o.title, o.ci_type, o.location) > 1).label(
                "twin"
            ),
            case((name != "", how_many(true())), else_=1).label("namesakes"),
            how_many(and_(filled(o.ci_type), filled(o.location))).label("placed"),
            how_many(filled(o.serial_or_digest)).label("numbered"),
        )
        .where(*kept)
        .subquery("counted")
    )
    n = counted.c
    unplaced = and_(n.namesakes > 1, n.placed < n.namesakes, n.numbered < n.namesakes)
    return select(n.sid, n.twin, unplaced.label("unplaced")).limit(NEVER).subquery("alike")


def _8_1_f(rid: str, _: Parameters) -> list[Part]:
    alike = _alike()
    items = unit("configuration_item")
    units = replace(items, rows=alike.join(item, ci.sid == alike.c.sid)).reading(configuration_item="all")
    return [
        threshold(
            rid,
            "unique",
            Words(
                "No two items in use bear one key or serial number, or one name, class and place.",
                "Another item in use bears the same key or serial number, or the same name, class and place.",
                "Find out which is which; merge them, or give one of them what tells it apart.",
            ),
            unit=units,
            holds=~alike.c.twin,
            at=units.opened,
            fields=("ci_type", "serial_or_digest", "location"),
            doubts=[
                (
                    and_(alike.c.unplaced, ~alike.c.twin),
                    "others bear its name, and what would tell them apart is not recorded",
                )
            ],
        )
    ]


# -- a guarded inventory ----------------------------------------------------------------------


def _cited(kind: str, by: str) -> tuple[Unit, ColumnElement[bool]]:
    """Every record of a kind that names items, and whether it names one that no inventory holds."""
    t: Any = kind_tables[kind].c
    link, other = _link.alias(), _record.alias()
    names = exists().where(link.c.sid == t.sid, link.c.type == by).correlate_except(link)
    nothing = other.c.kind.is_(None)
    strange = or_(nothing, other.c.kind != "configuration_item") if by == "ci_ids" else nothing
    missing = (
        exists()
        .where(link.c.sid == t.sid, link.c.type == by, other.c.sid == link.c.target, strange)
        .correlate_except(link, other)
    )
    cited_at = func.coalesce(since_when(t.sid, by), t.created_at, 0)
    return unit(kind).where(names).opening(cited_at).reading(configuration_item="near", service="near"), missing


def _8_1_g(rid: str, _: Parameters) -> list[Part]:
    words = Words(
        "Every item that a record names stands in the inventory.",
        "The record names an item that the inventory does not hold.",
        "Enter the item in the inventory, or correct the record.",
    )
    parts = []
    for kind, by in _CITING.items():
        citing, missing = _cited(kind, by)
        kinds = ["configuration_item"] if by == "ci_ids" else ["configuration_item", "service"]
        parts.append(
            threshold(
                rid,
                f"cited_by_{kind}",
                words,
                unit=citing,
                holds=~missing,
                at=citing.opened,
                fields=("ci_ids" if by == "ci_ids" else "links",),
                needs=[Need(one, evidence=True) for one in kinds],
            )
        )
    written, foreign, unclear = updates()
    parts.append(
        threshold(
            rid,
            "written_by",
            Words(
                "Only people and accounts with a role in configuration management write to the inventory.",
                "Somebody without a role in configuration management altered the item's entry.",
                "Check the entry, and take away the access or assign the role.",
            ),
            unit=written,
            holds=~foreign,
            at=written.opened,
            fields=("events",),
            needs=[Need("role_assignment", frozenset({"role"}), evidence=True)],
            doubts=[(and_(unclear, ~foreign), "who altered the entry is not known")],
        )
    )
    return parts


# -- traces -----------------------------------------------------------------------------------


def _8_1_j(rid: str, p: Parameters) -> list[Part]:
    altered, slot = alterations()
    link, change, approval = _link.alias(), kind_tables["change"].alias(), kind_tables["approval"].alias()
    c: Any = change.c
    a: Any = approval.c
    here, there = tied(link, ci.sid)
    still = or_(c.actual_end.is_(None), hours_after(c.actual_end, p.entry_hours) >= slot.at)
    agreed = (still, a.decision == "approved", slot.vague == 0)
    approved = Need("approval", frozenset({"decision", "decided_at"}), evidence=True)
    direct = replace(
        rows("change", here, a.decided_at, fields=frozenset({"links"}), table=link, record=a.sid, lost=a.withdrawn_at)
        .joining(change, c.sid == there)
        .joining(approval, a.subject_id == c.sid)
        .where(*agreed),
        reads={"change": "near", "approval": "far"},
    )
    deployment: Any = kind_tables["deployment"].alias()
    carried = replace(
        rows("deployment", here, a.decided_at, table=link, record=a.sid, lost=a.withdrawn_at, stated_by_unit=True)
        .joining(deployment, deployment.c.sid == there)
        .joining(change, c.sid == deployment.c.change_id)
        .joining(approval, a.subject_id == c.sid)
        .where(*agreed),
        reads={"deployment": "near", "change": "far", "approval": "all"},
    )
    return [
        precondition(
            rid,
            "approved",
            Words(
                "Whatever is altered on an item belongs to a change that was approved before.",
                "The item was altered without a change that was approved before and still under way.",
                "Find out who altered it and why; have a change decided, or put the item back.",
            ),
            unit=altered.where(func.coalesce(ci.controlled, literal(value=True))),
            before=slot.at + p.grace_minutes * 60_000,
            evidence=any_of(direct, carried),
            fields=("events",),
            doubts=[(slot.vague == 1, SINCE_UNKNOWN)],
            needs=[approved],
        )
    ]


DECLARATIONS: dict[str, Declare] = {"BS15000-8.1-f": _8_1_f, "BS15000-8.1-g": _8_1_g, "BS15000-8.1-j": _8_1_j}
"""Requirement -> what makes its parts."""
