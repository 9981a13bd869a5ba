"""Documents that took effect, who put them in force, and who holds the roles that may."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_

from hub.conformance.continuous import in_force
from hub.conformance.evidence import AnyOf, Rows, any_of, rows
from hub.conformance.expression import later_of, since_when
from hub.conformance.owed import Doubt
from hub.conformance.part import Part, Words
from hub.conformance.unit import Unit, organisation, unit
from hub.store.schema import kind_tables
from hub_bs15000.withdrawal import held_until

__all__ = ["approvals_of", "assigned", "authorised", "begun", "in_effect", "start_unknown"]


def begun(kind: str = "document") -> ColumnElement[Any]:
    """Return from when the document is judged: it is in force, and it is recorded."""
    d: Any = kind_tables[kind].c
    return later_of(func.coalesce(d.effective_from, d.created_at, 0), func.coalesce(d.created_at, d.effective_from, 0))


def in_effect(kind: str = "document", *types: str) -> Unit:
    """Every document (or plan) that took effect or will, of these types or any; drafts owe nothing."""
    d: Any = kind_tables[kind].c
    started = or_(d.effective_from.is_not(None), d.doc_status.is_not(None))
    of_type = [d.doc_type.in_(types)] if types else []
    return unit(kind).where(func.coalesce(d.doc_status, "") != "draft", started, *of_type)


def start_unknown(kind: str = "document") -> Doubt:
    """Pass in `doubts`: from when it is in force is not known."""
    return kind_tables[kind].c.effective_from.is_(None), "from when it is in force is not recorded"


def authorised(kind: str, *roles: str) -> AnyOf:
    """Evidence: it says who put it in force and when, no later than it took effect, or an approval does.

    That person held one of `roles` then. It counts from when it was recorded.
    """
    d: Any = kind_tables[kind].c
    own: Any = kind_tables[kind].alias()
    o = own.c
    recorded = func.coalesce(since_when(o.sid, "authorised_by", "authorised_at"), o.created_at, o.authorised_at)
    said = rows(kind, o.sid == d.sid, o.authorised_at, table=own, stated_by_unit=True)
    said = said.where(o.authorised_by.is_not(None), o.authorised_at <= func.coalesce(o.effective_from, o.authorised_at))
    said = replace(said.by(o.authorised_by, *roles), at=later_of(o.authorised_at, recorded))
    return any_of(said, approvals_of(d.sid, *roles))


def approvals_of(subject: ColumnElement[int], *roles: str) -> Rows:
    """Evidence: an approval of the record `subject` that was not withdrawn, by somebody in one of `roles` at that time."""
    a: Any = kind_tables["approval"].c
    found = rows(
        "approval",
        a.subject_id == subject,
        a.decided_at,
        fields=frozenset({"subject_id", "decision", "approver", "decided_at"}),
        lost=held_until(a),
    )
    return found.where(a.decision == "approved").by(a.approver, *roles)


def assigned(rid: str, name: str, words: Words, role: str) -> Part:
    """At any time somebody holds the role."""
    duty: Any = kind_tables["role_assignment"].c
    since = func.coalesce(duty.from_, duty.created_at)
    found = rows(
        "role_assignment",
        and_(duty.sid.is_not(None), duty.role == role),
        later_of(since, func.coalesce(duty.created_at, since)),
        fields=frozenset({"person", "role", "from_", "to"}),
        lost=duty.vanished_at,
        reach="all",
    )
    return in_force(
        rid, name, words, unit=organisation(), evidence=found.where(duty.person.is_not(None)), until=duty.to
    )
