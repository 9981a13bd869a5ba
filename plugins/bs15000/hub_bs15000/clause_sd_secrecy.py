"""Service desk: customers' data are classified, seen and lent only with permission, and leaks are met at once (17 to 19)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Text, and_, case, cast, exists, func, literal, or_, select

from hub.conformance.evidence import any_of, at, fields_filled, rows
from hub.conformance.expression import days_after, filled, minutes_after
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, precondition, threshold
from hub.conformance.unit import Unit, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.entry import entered_at

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
_grant = kind_tables["access_grant"]
g: Any = _grant.c
loan: Any = kind_tables["loan"].c
leak: Any = kind_tables["security_incident"].c


def _sd_17(rid: str, _q: Parameters) -> list[Part]:
    customer: Any = kind_tables["customer"].c
    link, kept = _link.alias(), kind_tables["information_class"].alias()
    classed = exists().where(
        link.c.target == customer.sid,
        link.c.type == "subject_id",
        kept.c.sid == link.c.sid,
        kept.c.vanished_at.is_(None),
        filled(kept.c.level),
    )
    units, secret = _entrances()
    duty, holder, seeker = kind_tables["role_assignment"].alias(), _record.alias(), _record.alias()
    listed = cast(secret.c.permitted_roles, Text).like(literal('%"') + duty.c.role + literal('"%'))
    permitted = exists().where(
        seeker.c.sid == g.person,
        holder.c.canonical == seeker.c.canonical,
        duty.c.person == holder.c.sid,
        listed,
        or_(duty.c.from_.is_(None), duty.c.from_ <= g.from_),
        or_(duty.c.to.is_(None), duty.c.to > g.from_),
    )
    a: Any = kind_tables["approval"].c
    approval = rows(
        "approval",
        a.subject_id == g.sid,
        a.decided_at,
        fields=frozenset({"decision", "decided_at"}),
        lost=a.withdrawn_at,
    )
    return [
        threshold(
            rid,
            "classified",
            Words(
                "It is laid down for every customer how closely what is known of it is kept.",
                "It is not laid down how closely the customer's data are kept.",
                "Choose a class for the customer's data, and who may see them.",
            ),
            unit=unit("customer").reading(information_class="near", calendar="all"),
            holds=classed.correlate_except(link, kept),
            at=days_after(func.coalesce(customer.created_at, 0), 0),
            needs=[Need("information_class", frozenset({"subject_id", "level"}), evidence=True)],
        ),
        precondition(
            rid,
            "access",
            Words(
                "Whoever may see a customer's data holds a role that is permitted to, or was approved before.",
                "Somebody may see the customer's data without a permitted role and without approval.",
                "Approve the access, or end it.",
            ),
            unit=units,
            before=g.from_,
            evidence=any_of(
                at(case((permitted.correlate_except(duty, holder, seeker), g.from_))),
                fields_filled("approved_by"),
                approval.where(a.decision == "approved"),
            ),
            fields=("target", "from", "person"),
            doubts=[(~filled(secret.c.level), "how closely the data are kept is not recorded")],
            needs=[
                Need("role_assignment", frozenset({"role"}), evidence=True),
                Need("information_class", frozenset({"subject_id", "level"}), evidence=True),
            ],
        ),
    ]


def _entrances() -> tuple[Unit, Any]:
    """Every grant to see what is kept of a customer, by the customer's id or name, unless it is public."""
    customer, named, link = kind_tables["customer"].alias(), _record.alias(), _link.alias()
    secret = kind_tables["information_class"].alias()
    by_id = select(named.c.sid).where(named.c.id == g.target).correlate_except(named).scalar_subquery()
    whole = (
        _grant.join(customer, or_(customer.c.name == g.target, customer.c.sid == by_id))
        .join(link, and_(link.c.target == customer.c.sid, link.c.type == "subject_id"))
        .join(secret, secret.c.sid == link.c.sid)
    )
    base = unit("access_grant").where(func.lower(func.coalesce(secret.c.level, "")) != "public")
    owing = replace(base, rows=whole, anchor=secret.c.sid)
    small = ("customer", "information_class", "role_assignment", "person", "identity")
    return owing.reading(**dict.fromkeys(small, "all")), secret


def _sd_18(rid: str, q: Parameters) -> list[Part]:
    lent = unit("loan")
    same: Any = kind_tables["loan"].alias().c
    approved = at(case((loan.approved_by.is_not(None), entered_at(loan, "approved_at"))))
    outside = lent.where(func.coalesce(loan.outside, literal(value=True)) == literal(value=True))
    return [
        precondition(
            rid,
            "approved",
            Words(
                "Customers' data are lent, copied or given out only after somebody approved it.",
                "The data were given before anybody had approved it.",
                "Have it decided whether the data may stay there, and keep the decision.",
            ),
            unit=lent,
            before=loan.given_at,
            evidence=approved,
            fields=("approved_by", "approved_at", "given_at"),
        ),
        deadline(
            rid,
            "returned",
            Words(
                f"What was lent comes back by the day agreed, else within {q.loan_days} days.",
                "What was lent did not come back in time.",
                "Ask for it, and record when it came back.",
            ),
            unit=lent.where(loan.given_at.is_not(None)).opening(loan.given_at),
            due=func.coalesce(loan.due_at, days_after(loan.given_at, q.loan_days)),
            evidence=at(entered_at(loan, "returned_at")),
            fields=("given_at", "due_at", "returned_at"),
        ),
        precondition(
            rid,
            "by_director",
            Words(
                "A director approves before customers' data leave the organisation.",
                "Customers' data left the organisation without a director's approval.",
                "Tell the director at once, and have it decided what to do.",
            ),
            unit=outside,
            before=loan.given_at,
            evidence=rows(
                "loan",
                same.sid == loan.sid,
                entered_at(same, "approved_at"),
                table=same.sid.table,
                stated_by_unit=True,
            )
            .where(same.approved_by.is_not(None))
            .by(same.approved_by, "director", "top_management"),
            fields=("approved_by", "approved_at", "given_at", "outside"),
            doubts=[(loan.outside.is_(None), "whether it left the organisation is not recorded")],
        ),
    ]


def _sd_19(rid: str, q: Parameters) -> list[Part]:
    kind = func.lower(func.trim(func.coalesce(leak.type, "")))
    personal = func.coalesce(leak.personal_data, literal(value=False)) == literal(value=True)
    of_kind = kind.in_(tuple(one.lower() for one in q.types))
    found = func.coalesce(leak.detected_at, leak.reported_at)
    leaks = (
        unit("security_incident")
        .where(func.coalesce(leak.status_category, "").not_in(("cancelled", "rejected")))
        .where(or_(of_kind, personal, kind == ""))
        .opening(func.coalesce(found, leak.created_at, 0))
    )
    unsure = (and_(kind == "", ~personal), "whether data leaked is not recorded")

    def within(minutes: int, field: str) -> dict[str, Any]:
        evidence = at(case((found.is_not(None), entered_at(leak, field))))
        return {
            "unit": leaks,
            "due": minutes_after(found, minutes),
            "evidence": evidence,
            "fields": ("type", "detected_at", field),
            "doubts": [unsure],
        }

    return [
        deadline(
            rid,
            "reported",
            Words(
                f"Management is told of a leak of data within {q.report_minutes} minutes.",
                "Management was not told of the leak in time.",
                "Tell management now, and record when.",
            ),
            **within(q.report_minutes, "reported_to_management_at"),
        ),
        deadline(
            rid,
            "contained",
            Words(
                f"A leak of data is being contained within {q.contain_minutes} minutes.",
                "The leak was not being contained in time.",
                "Contain the leak now, and record when.",
            ),
            **within(q.contain_minutes, "containment_at"),
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"SD-17": _sd_17, "SD-18": _sd_18, "SD-19": _sd_19}
"""Requirement -> what makes its parts."""
