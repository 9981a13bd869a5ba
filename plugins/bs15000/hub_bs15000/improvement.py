"""Improvement actions: what came of a record, or who decided that nothing is needed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select, union

from hub.conformance.evidence import AnyOf, Rows, any_of, rows
from hub.conformance.expression import filled, later_of, since_when, touched
from hub.conformance.relation import link_instant
from hub.conformance.unit import Unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["NAMED_BY", "NAMES", "acted", "acted_at", "decided", "each_action", "is_action", "stands"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
_action = kind_tables["improvement_action"]
NAMES = ("action_ids", "actions", "leads_to")
"""Links by which a record names its actions."""
NAMED_BY = ("source_ids", "raised_from")
"""Links by which an action names what it came from."""


def _is_decision(a: Any) -> ColumnElement[bool]:
    return or_(a.no_action_at.is_not(None), a.no_action_approver.is_not(None), filled(a.no_action_reason))


def is_action(a: Any) -> ColumnElement[bool]:
    """Say whether something is done, rather than decided not to be done."""
    return ~_is_decision(a)


def stands(a: Any) -> ColumnElement[bool]:
    """Say whether it is an action, or a decision to do nothing with reason, approver and date."""
    whole = and_(a.no_action_at.is_not(None), a.no_action_approver.is_not(None), filled(a.no_action_reason))
    return or_(~_is_decision(a), whole)


def acted_at(a: Any, made: ColumnElement[Any]) -> ColumnElement[Any]:
    """When the action, linked at `made`, counts: a decision from when it was taken and recorded."""
    recorded = func.coalesce(since_when(a.sid, "no_action.at"), since_when(a.sid, "no_action"), a.created_at)
    return case((_is_decision(a), later_of(a.no_action_at, recorded)), else_=later_of(a.created_at, made))


def acted(sid: ColumnElement[int]) -> AnyOf:
    """Evidence: an action that came of the record, or the decision that none is needed, named by either end."""
    return any_of(_acted(sid, outward=True), _acted(sid, outward=False))


def decided(sid: ColumnElement[int]) -> AnyOf:
    """Evidence: the decision that nothing is needed, with reason, approver and date."""
    return any_of(_acted(sid, outward=True, only=True), _acted(sid, outward=False, only=True))


def _acted(sid: ColumnElement[int], *, outward: bool, only: bool = False) -> Rows:
    link, other, action = _link.alias(), _record.alias(), _action.alias()
    a: Any = action.c
    here, there = (link.c.sid, link.c.target) if outward else (link.c.target, link.c.sid)
    made = link_instant(link)
    found = rows(
        "improvement_action",
        and_(here == sid, link.c.type.in_(NAMES if outward else NAMED_BY)),
        acted_at(a, made),
        fields=frozenset({"source_ids", "no_action"}),
        table=link,
        record=there,
        declared=a.declared_by.is_not(None),
    )
    if only:
        found = found.where(or_(_is_decision(a), a.sid.is_(None)))
    found = found.joining(other, other.c.sid == there).joining(action, a.sid == there)
    found = found.where(or_(other.c.kind == "improvement_action", other.c.kind.is_(None)), stands(a))
    found = found.doubtful(other.c.kind.is_(None), "the action it names was not read")
    return found.doubtful(and_(~_is_decision(a), made.is_(None)), "when the action was linked is not known")


def each_action(owner: Unit) -> tuple[Unit, Any]:
    """Every such record x every action it names or that names it; also returns the action's columns.

    Anchor = the action. One that was not read has no columns.
    """
    own, link, named, action = kind_tables[owner.kind].alias(), _link.alias(), _record.alias(), _action.alias()
    sid = own.c.sid  # from the owners' side, or all links there are would be gone through
    out = (
        select(sid.label("owner"), link.c.target.label("action"))
        .select_from(own.join(link, and_(link.c.sid == sid, link.c.type.in_(NAMES))))
        .where(touched(sid))
    )
    back = (
        select(sid, link.c.sid)
        .select_from(
            own.join(link, and_(link.c.target == sid, link.c.type.in_(NAMED_BY))).join(
                named, and_(named.c.sid == link.c.sid, named.c.kind == "improvement_action")
            )
        )
        .where(touched(sid))
    )
    pair = union(out, back).subquery("pair")
    joined = owner.rows.join(pair, pair.c.owner == owner.sid).outerjoin(action, action.c.sid == pair.c.action)
    units = replace(owner, rows=joined, anchor=pair.c.action).reading(improvement_action="near")
    return units, action.c
