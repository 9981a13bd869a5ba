"""Clause 5.7, information security: outsiders have access for a time, for a reason, and under contract (b, i)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, true

from hub.conformance.continuous import holding
from hub.conformance.evidence import rows
from hub.conformance.expression import earlier_of, later_of
from hub.conformance.owed import Doubt
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import completeness, precondition, threshold
from hub.conformance.unit import Unit, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import counts_from, ends

__all__ = ["DECLARATIONS"]

_grant = kind_tables["access_grant"]
x: Any = _grant.c
_record = metadata.tables["record"]
_login, _human = _record.alias(), kind_tables["person"].alias()
_OUTSIDE = ("external", "supplier")
_FIELDS = ("person", "supplier_id", "from_")
_outsider = or_(x.supplier_id.is_not(None), _human.c.employment.in_(_OUTSIDE))
_unknown = and_(x.supplier_id.is_(None), _human.c.employment.is_(None))
_UNKNOWN: Doubt = (_unknown, "whether it is an outsider's is not recorded")
_given = later_of(x.from_, func.coalesce(x.created_at, x.from_))
"""From when a grant holds and is recorded."""


def _grants() -> Unit:
    """Every grant to an outsider, or to somebody of whom nobody recorded how that person is bound."""
    joined = _grant.outerjoin(_login, _login.c.sid == x.person).outerjoin(
        _human, _human.c.sid == func.coalesce(_login.c.canonical, _login.c.sid)
    )
    units = unit("access_grant").where(or_(_outsider, _unknown)).reading(person="all", identity="all")
    return replace(units, rows=joined)


def _5_7_b(rid: str, p: Parameters) -> list[Part]:
    return [
        completeness(
            rid,
            "complete",
            Words(
                "Every grant to an outsider names risk, control, who approved it and when it ends, before it begins.",
                "The outsider had access before risk, control, approval and end were recorded.",
                "Complete the grant, or take the access away.",
            ),
            unit=_grants(),
            fields=("risk_id", "control_id", "approved_by", "to"),
            by=_given,
            doubts=[_UNKNOWN],
        ),
        threshold(
            rid,
            "ends",
            Words(
                f"No grant to an outsider is given for more than {p.max_grant_days} days.",
                f"The grant runs for more than {p.max_grant_days} days.",
                "Shorten the grant, and renew it when it is still needed.",
            ),
            unit=_grants().where(x.to.is_not(None)).reading(calendar="all"),
            holds=x.to <= holding(x.from_, p.max_grant_days),
            at=_given,
            fields=(*_FIELDS, "to"),
            doubts=[_UNKNOWN],
        ),
        _unused(rid),
    ]


def _unused(rid: str) -> Part:
    entry: Any = kind_tables["room_access"].c

    def granted(*conditions: Any) -> ColumnElement[bool]:
        """Say whether an outsider has a grant for the room for which all conditions hold."""
        grant, holder, visitor, person = _grant.alias(), _record.alias(), _record.alias(), _human.alias()
        g: Any = grant.c
        table = (
            grant.join(visitor, visitor.c.sid == func.coalesce(entry.person, entry.party))
            .outerjoin(holder, holder.c.sid == g.person)
            .outerjoin(person, person.c.sid == func.coalesce(holder.c.canonical, holder.c.sid))
        )
        same = or_(g.person == entry.person, holder.c.canonical == visitor.c.canonical, g.supplier_id == entry.party)
        outside = or_(g.supplier_id.is_not(None), person.c.employment.in_(_OUTSIDE))
        found = (
            exists().select_from(table).where(g.target == entry.room, same, outside, *(one(g) for one in conditions))
        )
        return found.correlate_except(grant, holder, visitor, person)

    began = [lambda g: or_(g.from_.is_(None), g.from_ <= entry.in_at)]
    return threshold(
        rid,
        "unused",
        Words(
            "No outsider enters a room after the grant for it has ended.",
            "The outsider entered the room after the grant had ended.",
            "Find out how that was possible, and take the access away.",
        ),
        unit=unit("room_access")
        .where(entry.in_at.is_not(None), granted(lambda g: g.to <= entry.in_at))
        .opening(entry.in_at)
        .reading(access_grant="all", person="all", identity="all"),
        holds=granted(*began, lambda g: or_(g.to.is_(None), g.to > entry.in_at)),
        at=entry.in_at,
        fields=("person", "room", "in_at"),
        needs=[Need("access_grant", frozenset({"person", "target", "to"}), evidence=True)],
    )


def _5_7_i(rid: str, _: Parameters) -> list[Part]:
    contract: Any = kind_tables["underpinning_contract"].alias()
    u = contract.c
    supplier = func.coalesce(x.supplier_id, _human.c.party)
    found = rows(
        "underpinning_contract",
        u.supplier_id == supplier,
        counts_from(u),
        fields=frozenset({"supplier_id", "signed_at", "valid_from", "security_clause"}),
        table=contract,
        lost=earlier_of(ends(u), u.vanished_at),
        reach="all",
    )
    found = found.where(u.signed_at.is_not(None), u.valid_from.is_not(None), func.coalesce(u.security_clause, true()))
    found = found.doubtful(
        u.security_clause.is_(None), "whether the contract binds to the security rules is not recorded"
    )
    return [
        precondition(
            rid,
            "agreed",
            Words(
                "An outsider has access only under a signed contract in force that binds to the security rules.",
                "The outsider had access without a signed contract in force that binds to the security rules.",
                "Take the access away until such a contract is signed.",
            ),
            unit=_grants().reading(calendar="all"),
            before=_given,
            evidence=found,
            fields=_FIELDS,
            doubts=[_UNKNOWN, (supplier.is_(None), "for which supplier is not recorded")],
        )
    ]


DECLARATIONS: dict[str, Declare] = {"BS15000-5.7-b": _5_7_b, "BS15000-5.7-i": _5_7_i}
"""Requirement -> what makes its parts."""
