"""Operations: settings change only with approval, large faults are told upward, delivery is signed for (OPS-03, 06, 18)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, func, literal, or_, select

from hub.conformance.evidence import Rows, any_of, fields_filled, rows
from hub.conformance.expression import days_after, filled, hours_after, later_of, minutes_after, since_when, touched
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, precondition, threshold
from hub.conformance.unit import Unit, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import some_child
from hub_bs15000.configuration import SINCE_UNKNOWN, alterations, ci, tied
from hub_bs15000.message import mails
from hub_bs15000.ticket import columns, tickets

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
_release = kind_tables["release"]
_SETTINGS = ("attributes", "baseline", "serial_or_digest", "version")
_WRITTEN = ("tool", "email", "signature")
_DOUBTED = ("typed", "none")


# -- settings ---------------------------------------------------------------------------------


def _ops_03(rid: str, p: Parameters) -> list[Part]:
    altered, slot = alterations(*_SETTINGS)
    link, change, approval = _link.alias(), kind_tables["change"].alias(), kind_tables["approval"].alias()
    other, urgent = _link.alias(), kind_tables["change"].alias()
    c: Any = change.c
    u: Any = urgent.c
    a: Any = approval.c
    here, there = tied(link, ci.sid)
    its, end = tied(other, ci.sid)

    def under_way(one: Any) -> ColumnElement[bool]:
        return or_(one.actual_end.is_(None), hours_after(one.actual_end, p.entry_hours) >= slot.at)

    fields = frozenset({"links", "type", "actual_end"})
    approved = rows("change", here, a.decided_at, fields=fields, table=link, record=a.sid, lost=a.withdrawn_at)
    approved = approved.joining(change, c.sid == there).joining(approval, a.subject_id == c.sid)
    approved = approved.where(
        slot.vague == 0, under_way(c), a.decision == "approved", func.coalesce(a.via, "tool").in_(_WRITTEN)
    )
    approved = approved.where(func.coalesce(a.authenticity, "").not_in(_DOUBTED))
    approved = approved.doubtful(a.authenticity.is_(None), "what shows that it was the approver is not recorded")
    approved = approved.doubtful(a.via.is_(None), "how it was approved is not recorded")
    emergency = rows("change", its, slot.at, table=other, record=u.sid, stated_by_unit=True)
    emergency = emergency.joining(urgent, u.sid == end).where(slot.vague == 0, u.type == "emergency", under_way(u))
    types = [name.lower() for name in p.infrastructure_types]
    return [
        precondition(
            rid,
            "approved",
            Words(
                "Software and parameters of running equipment change only under a change approved in writing before.",
                "The equipment was altered without a change that had been approved in writing before.",
                "Find out who altered it and why; have a change decided, or put it back.",
            ),
            unit=altered.where(func.lower(func.coalesce(ci.ci_type, types[0])).in_(types)),
            before=slot.at,
            evidence=any_of(
                replace(approved, reads={"change": "near", "approval": "far"}),
                replace(emergency, reads={"change": "near"}),
            ),
            fields=("events", "ci_type"),
            doubts=[
                (ci.ci_type.is_(None), "what kind of item it is is not recorded"),
                (slot.vague == 1, SINCE_UNKNOWN),
            ],
            needs=[Need("approval", frozenset({"decision", "decided_at", "via", "authenticity"}), evidence=True)],
        )
    ]


# -- large faults -----------------------------------------------------------------------------


def _ops_06(rid: str, p: Parameters) -> list[Part]:
    i = columns("incident")
    named = since_when(i.sid, "major")
    major = tickets("incident").where(i.major)
    mail, m = mails("incident")
    to = _link.alias()
    told = mail.joining(to, and_(to.c.sid == m.sid, to.c.type == "to_persons")).where(to.c.target.is_not(None))
    undated = some_child("incident", "major_steps", i.sid, lambda one: one.at.is_(None))
    closed = major.where(i.closed_at.is_not(None)).opening(i.closed_at)
    account = ("emergency_plan_id", "major_cause", "major_effect", "major_steps")
    return [
        deadline(
            rid,
            "told",
            Words(
                f"Somebody in management is told of a major incident within {p.minutes} minutes.",
                "Nobody in management was told of the major incident in time.",
                "Tell management now, and keep the message with the incident.",
            ),
            unit=major.opening(func.coalesce(named, i.created_at, 0)),
            due=minutes_after(named, literal(p.minutes, BigInteger)),
            evidence=told.by(to.c.target, *p.management_roles),
            fields=("major",),
            doubts=[(named.is_(None), "since when it is a major incident is not recorded")],
        ),
        precondition(
            rid,
            "recorded",
            Words(
                "When a major incident is closed, plan followed, cause, effect and actions are written down.",
                "The major incident was closed without plan, cause, effect or actions.",
                "Write down what is missing.",
            ),
            unit=major,
            before=i.closed_at,
            evidence=fields_filled(*account),
            fields=("major", "closed_at"),
        ),
        threshold(
            rid,
            "times",
            Words(
                "Every action against a major incident is written down with its time.",
                "An action against the major incident has no time.",
                "Add the time of every action.",
            ),
            unit=closed,
            holds=~undated,
            at=i.closed_at,
            fields=("major", "closed_at", "major_steps"),
        ),
    ]


# -- delivery ---------------------------------------------------------------------------------


def _deliveries() -> tuple[Unit, Any, ColumnElement[Any]]:
    """Every release for a customer, owed for each customer; also the customer, and when it first went to production."""
    party, customer, deployment = child_tables["release", "parties"].alias(), _record.alias(), kind_tables["deployment"]
    d: Any = deployment.alias().c
    live = (
        select(func.min(func.coalesce(d.finished_at, d.started_at)))
        .where(d.release_id == _release.c.sid, d.tier == "production", d.deployment_status == "success")
        .correlate_except(d.sid.table)
        .scalar_subquery()
    )
    own = (
        select(party.c.sid, party.c.party)
        .select_from(party.join(customer, and_(customer.c.sid == party.c.party, customer.c.kind == "customer")))
        .where(touched(party.c.sid))
        .distinct()
        .subquery("receiver")
    )
    base = unit("release")
    units = replace(base, rows=_release.join(own, own.c.sid == _release.c.sid), anchor=own.c.party)
    return units.reading(customer="near", deployment="near"), own.c.party, live


def _signed(customer: ColumnElement[Any], *conditions: Any) -> tuple[Rows, Any]:
    """Evidence: somebody of this customer signed for the delivery; also returns the row's columns."""
    one: Any = child_tables["release", "delivery_acceptances"].alias().c
    login, human = _record.alias(), kind_tables["person"].alias()
    entered = later_of(one.at, func.coalesce(since_when(one.sid, "delivery_acceptances"), one.at))
    on = and_(one.sid == _release.c.sid, *conditions)
    found = rows("release", on, entered, table=one.sid.table, stated_by_unit=True)
    found = found.joining(login, login.c.sid == one.by)
    found = found.joining(human, human.c.sid == func.coalesce(login.c.canonical, login.c.sid))
    found = found.where(one.by.is_not(None), or_(human.c.party == customer, human.c.party.is_(None)))
    found = found.where(func.coalesce(one.customer_id, customer) == customer)
    found = found.doubtful(human.c.party.is_(None), "for whom somebody signed is not known")
    return replace(found, reads={"person": "all", "identity": "all"}), one


def _ops_18(rid: str, p: Parameters) -> list[Part]:
    r: Any = _release.c
    units, customer, live = _deliveries()
    signed, one = _signed(customer)
    by_then, _ = _signed(customer)
    notice, m = mails("release", "customer_notice")
    notice = notice.where(func.coalesce(m.customer_id, customer) == customer)
    after = later_of(live, func.coalesce(r.delivery_at, live))
    whole = (one.at >= live, one.version == r.version, filled(one["items"]))
    fields = ("version", "delivery_at", "parties", "delivery_acceptances")
    deployed = Need("deployment", frozenset({"tier", "deployment_status"}), evidence=True)
    return [
        deadline(
            rid,
            "signed",
            Words(
                f"The customer signs for what was delivered, version and items named, within {p.acceptance_days} days.",
                "Nobody of the customer signed in time for the version and items delivered.",
                "Have the customer sign, with version and items.",
            ),
            unit=units.where(live.is_not(None)).opening(func.coalesce(live, 0)),
            due=days_after(after, p.acceptance_days),
            evidence=signed.where(*whole),
            fields=fields,
            needs=[deployed],
            shape="completeness",
        ),
        deadline(
            rid,
            "on_time",
            Words(
                "Delivery is accepted on the agreed day, or the customer hears of the new day before.",
                "Delivery was not accepted on the agreed day, and the customer was not told of a new one before.",
                "Agree on a new day with the customer, in writing.",
            ),
            unit=units.where(r.delivery_at.is_not(None)),
            due=days_after(r.delivery_at, 0),
            evidence=any_of(by_then, notice.where(func.coalesce(m.received_at, m.created_at) < r.delivery_at)),
            fields=fields,
            shape="completeness",
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"OPS-03": _ops_03, "OPS-06": _ops_06, "OPS-18": _ops_18}
"""Requirement -> what makes its parts."""
