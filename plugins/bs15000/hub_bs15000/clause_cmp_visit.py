"""Complaint and feedback handling: work at the customer's, and visits to key customers (08, 10, 11)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import and_, case, func, or_

from hub.conformance.continuous import periodic
from hub.conformance.evidence import at
from hub.conformance.expression import business_days_after, days_after, earlier_of, filled, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline
from hub.conformance.unit import Unit, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.entry import entered_at
from hub_bs15000.meeting import meetings
from hub_bs15000.ticket import KINDS_OF_TICKET, columns, tickets, tied

__all__ = ["DECLARATIONS"]

o: Any = kind_tables["onsite_visit"].c
u: Any = kind_tables["customer"].c
v: Any = kind_tables["satisfaction_survey"].c
_link = metadata.tables["link"]
_AT_CUSTOMERS = ("service_review", "interim")


# -- the service record (08) ------------------------------------------------------------------


def _cmp_08(rid: str, q: Parameters) -> list[Part]:
    visits = unit("onsite_visit").where(o.end.is_not(None)).opening(o.end)
    whole = and_(filled(o.work), o.customer_contact.is_not(None))
    return [
        deadline(
            rid,
            "confirmed",
            Words(
                f"Within {q.business_days} working days somebody of the customer confirms what was done on site.",
                "Nobody of the customer confirmed in time what was done on site.",
                "Have the record of the visit confirmed, and keep it.",
            ),
            unit=visits,
            due=business_days_after(o.end, q.business_days),
            evidence=at(case((whole, entered_at(o, "confirmed_at")))),
            fields=("end", "work", "customer_contact", "confirmed_at"),
            shape="completeness",
        ),
        *(_written(rid, kind, q.business_days) for kind in KINDS_OF_TICKET),
    ]


def _written(rid: str, kind: str, days: int) -> Part:
    """Every visit that a ticket tells of has a record of its own."""
    t = columns(kind)
    written, visit = tied("onsite_visit", kind, lambda visit: visit.created_at)
    return deadline(
        rid,
        f"{kind}_written",
        Words(
            f"Within {days} working days after somebody was on site there is a record of the visit.",
            "Somebody was on site, and there is no record of the visit.",
            "Write the record of the visit, and have the customer confirm it.",
        ),
        unit=tickets(kind).where(t.onsite_at.is_not(None)).opening(t.onsite_at),
        due=business_days_after(t.onsite_at, days),
        evidence=written.where(visit.sid.is_not(None)),
        fields=("onsite_at",),
        shape="completeness",
    )


# -- the customer is asked after each visit (10) ----------------------------------------------


def _visited(kind: str) -> Unit:
    """Every finished visit, owed by its ticket; anchor = the visit."""
    base, link = unit(kind), _link.alias()
    t, visit = columns(kind), kind_tables["onsite_visit"]
    of_it = and_(link.c.target == t.sid, link.c.type == "ticket_id")
    joined = kind_tables[kind].join(link, of_it).join(visit, o.sid == link.c.sid)
    units = replace(base, rows=joined, anchor=o.sid).where(o.end.is_not(None)).opening(func.coalesce(o.end, 0))
    return units.reading(onsite_visit="near")


def _cmp_10(rid: str, q: Parameters) -> list[Part]:
    answered = earlier_of(entered_at(v, "replied_at"), since_when(v.sid, "no_reply"))
    forms = unit("satisfaction_survey").where(v.channel == "visit", v.sent_at.is_not(None)).opening(v.sent_at)
    return [
        *(_asked(rid, kind, q.business_days) for kind in KINDS_OF_TICKET),
        deadline(
            rid,
            "answered",
            Words(
                f"Within {q.answer_days} days it is recorded what the customer answered, or that no answer came.",
                "It is not recorded whether the customer answered.",
                "Enter the answer, or that the customer refused or kept silent.",
            ),
            unit=forms,
            due=days_after(v.sent_at, q.answer_days),
            evidence=at(answered),
            fields=("channel", "sent_at", "replied_at", "no_reply"),
            shape="completeness",
        ),
    ]


def _asked(rid: str, kind: str, days: int) -> Part:
    sent, survey = tied("satisfaction_survey", kind, lambda survey: entered_at(survey, "sent_at"), "sent_at")
    return deadline(
        rid,
        f"{kind}_asked",
        Words(
            f"After each visit the customer is asked within {days} working days how content they are.",
            "After the visit the customer was not asked in time.",
            "Hand over or send the form, and record when.",
        ),
        unit=_visited(kind),
        due=business_days_after(o.end, days),
        evidence=sent.where(survey.sent_at >= func.coalesce(o.start, o.end)),
        needs=[Need("onsite_visit", frozenset({"ticket_id", "end"}), evidence=True)],
        shape="completeness",
    )


# -- key customers (11) -----------------------------------------------------------------------


def _cmp_11(rid: str, q: Parameters) -> list[Part]:
    found, m = meetings("customer_visit", *_AT_CUSTOMERS, of=[("customer_id", u.sid)])
    return [
        periodic(
            rid,
            "visited",
            Words(
                f"Every key customer is visited at least every {q.max_interval_days} days.",
                f"The key customer was not visited for more than {q.max_interval_days} days.",
                "Visit the customer, and write down how they use the service and what they wish.",
            ),
            unit=unit("customer").where(u.key_customer),
            evidence=found.where(or_(m.type == "customer_visit", m.site == u.site)),
            at=m.held_at,
            days=q.max_interval_days,
            end=u.vanished_at,
            fields=("key_customer",),
        )
    ]


DECLARATIONS: dict[str, Declare] = {"CMP-08": _cmp_08, "CMP-10": _cmp_10, "CMP-11": _cmp_11}
"""Requirement -> what makes its parts."""
