"""Clause 6.1, business relationship management: complaints that get nowhere go up (h)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_

from hub.conformance.continuous import in_force
from hub.conformance.evidence import any_of, at, fields_filled
from hub.conformance.expression import business_days_after
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import began, ends
from hub_bs15000.complaint import (
    RECEIVED_UNKNOWN,
    complaints,
    f,
    received,
)
from hub_bs15000.contract import agreed
from hub_bs15000.document_control import doc
from hub_bs15000.entry import entered_at
from hub_bs15000.report import holds_role

__all__ = ["DECLARATIONS"]

a: Any = kind_tables["sla"].c
_link = metadata.tables["link"]
_record = metadata.tables["record"]


def _6_1_h(rid: str, q: Parameters) -> list[Part]:
    link, document = _link.alias(), kind_tables["document"].alias()
    either = or_(
        and_(link.c.sid == a.sid, link.c.target == document.c.sid),
        and_(link.c.target == a.sid, link.c.sid == document.c.sid),
    )
    refers = exists().where(document.c.doc_type == "complaint_escalation", either).correlate_except(link, document)
    limit = func.coalesce(f.due_at, business_days_after(received, q.final_business_days))
    answered = func.coalesce(f.customer_informed_at, f.closed_at)
    over = or_(answered.is_(None), answered > limit)
    told = ", ".join(role.replace("_", " ") for role in q.roles)
    return [
        doc(
            rid,
            "procedure",
            Words(
                "At any time it is written down how a complaint reaches higher management.",
                "For a time no such document was in force.",
                "Authorise the way up for complaints, and review it every year.",
            ),
            "complaint_escalation",
            q.review_days,
        ),
        in_force(
            rid,
            "in_agreements",
            Words(
                "Every agreement says to whom a customer can turn when a complaint gets nowhere.",
                "The agreement neither names such people nor refers to the way up for complaints.",
                "Name the people in the agreement, or refer to the document.",
            ),
            unit=agreed("sla"),
            evidence=any_of(fields_filled("escalation_contacts"), at(case((refers, began(a))), document="near")),
            until=ends(a),
            end=ends(a),
            fields=("escalation_contacts", "links", "valid_to"),
            needs=[Need("document", frozenset({"doc_type"}), evidence=True)],
        ),
        deadline(
            rid,
            "escalated",
            Words(
                f"A complaint that is not answered by its limit goes up within {q.business_days} working days, to: {told}.",
                "The complaint was not answered by its limit, and it did not go up.",
                "Hand the complaint up, and record to whom.",
            ),
            unit=complaints()
            .where(over)
            .opening(func.coalesce(limit, 0))
            .reading(role_assignment="all", identity="all"),
            due=business_days_after(limit, q.business_days),
            evidence=at(
                case((holds_role(f.escalated_to, f.escalated_at, *q.roles), entered_at(f, "escalated_at"))),
            ),
            fields=("received_at", "due_at", "customer_informed_at", "escalated_at", "escalated_to"),
            doubts=[RECEIVED_UNKNOWN, _nobody_knows(f.escalated_to)],
            needs=[Need("role_assignment", frozenset({"role"}), evidence=True)],
        ),
    ]


def _nobody_knows(person: ColumnElement[Any]) -> tuple[ColumnElement[bool], str]:
    login = _record.alias()
    untied = exists().where(login.c.sid == person, login.c.canonical.is_(None)).correlate_except(login)
    return untied, "whose login it went to is not known"


DECLARATIONS: dict[str, Declare] = {"BS15000-6.1-h": _6_1_h}
"""Requirement -> what makes its parts."""
