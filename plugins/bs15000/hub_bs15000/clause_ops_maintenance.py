"""Operations: maintenance is planned, confirmed by both sides, allowed by the customer and reported (OPS-07, 09, 16)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from hub.conformance.continuous import holding, in_force
from hub.conformance.evidence import Rows, fields_filled, rows
from hub.conformance.expression import business_days_after, days_after, later_of
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, precondition
from hub.conformance.unit import PeriodName, Unit, each, organisation, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import day_begins
from hub_bs15000.document_control import documents
from hub_bs15000.entry import entered_at
from hub_bs15000.people import employment
from hub_bs15000.report import s

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_period = metadata.tables["period"].c
_plan: Any = kind_tables["plan"].c
_visit: Any = kind_tables["onsite_visit"].c
_approval: Any = kind_tables["approval"].c
_YEARLY = ("maintenance_yearly", "maintenance_acceptance")
_SLOTS: dict[PeriodName, tuple[str, ...]] = {
    "month": ("maintenance_monthly", "maintenance_summary"),
    "quarter": ("maintenance_quarterly", "maintenance_table"),
    "year": _YEARLY,
}
"""Period -> types of the report that is made for it."""
_YEAR = 365


# -- plan and reports -------------------------------------------------------------------------


def _slot(rid: str, every: PeriodName, days: int) -> Part:
    spoken = {"month": "monthly summary", "quarter": "quarterly table", "year": "yearly report"}[every]
    covers = and_(s.period_start <= _period.starts_at, s.period_end >= _period.ends_at)
    found = rows(
        "service_report",
        and_(s.type.in_(_SLOTS[every]), covers),
        entered_at(s, "submitted_at"),
        fields=frozenset({"type", "period", "submitted_at"}),
        lost=s.vanished_at,
        reach="all",
    )
    return deadline(
        rid,
        every,
        Words(
            f"The {spoken} of maintenance is handed over within {days} days.",
            f"The {spoken} of maintenance was not handed over in time.",
            "Write it and hand it over.",
        ),
        unit=each(organisation(), every),
        due=days_after(_period.ends_at - 1, days),
        evidence=found.where(func.coalesce(s.direction, "external") != "inbound"),
        shape="periodic",
    )


def _by(subject: ColumnElement[Any], employments: tuple[str, ...]) -> Rows:
    """Evidence: an approval of the record by somebody bound in one of these ways."""
    bound = employment(_approval.approver)
    found = rows(
        "approval",
        _approval.subject_id == subject,
        _approval.decided_at,
        fields=frozenset({"subject_id", "decision", "approver", "decided_at"}),
        lost=_approval.withdrawn_at,
    ).where(_approval.decision == "approved", or_(bound.in_(employments), bound.is_(None)))
    found = found.doubtful(bound.is_(None), "for whom somebody decided is not known")
    return replace(found, reads={**found.reads, "person": "all", "identity": "all"})


def _ops_07(rid: str, p: Parameters) -> list[Part]:
    return [
        in_force(
            rid,
            "plan",
            Words(
                "A plan of maintenance is in force that is not older than a year.",
                "No plan of maintenance of the last year was in force throughout the month.",
                "Write the plan for this year and have it authorised.",
            ),
            unit=organisation(),
            evidence=documents("maintenance", kind="plan"),
            until=holding(_plan.effective_from, _YEAR),
            shape="periodic",
        ),
        _slot(rid, "month", p.monthly_due_days),
        _slot(rid, "quarter", p.quarterly_due_days),
        _slot(rid, "year", p.yearly_due_days),
        deadline(
            rid,
            "accepted",
            Words(
                f"The customer accepts the yearly report of maintenance within {p.yearly_due_days} days of the year.",
                "The customer did not accept the yearly report in time.",
                "Have the customer accept the report, or settle what is open.",
            ),
            unit=unit("service_report").where(s.type.in_(_YEARLY), func.coalesce(s.direction, "external") != "inbound"),
            due=days_after(s.period_end - 1, p.yearly_due_days),
            evidence=_by(s.sid, ("customer",)),
            fields=("type", "period"),
            shape="periodic",
        ),
    ]


# -- visits -----------------------------------------------------------------------------------


def _ops_09(rid: str, p: Parameters) -> list[Part]:
    form: Any = kind_tables["authorisation_form"].c
    begins = day_begins(form.valid_from)
    allowed = rows(
        "authorisation_form",
        and_(form.customer_id == _visit.customer_id, form.valid_from.is_not(None)),
        later_of(begins, func.coalesce(form.created_at, begins)),
        fields=frozenset({"customer_id", "valid_from", "customer_contact"}),
        lost=day_begins(form.valid_to),
        reach="all",
    )
    visits = unit("onsite_visit").where(_visit.start.is_not(None)).opening(_visit.start)
    ended = func.coalesce(_visit.end, _visit.start)
    return [
        precondition(
            rid,
            "allowed",
            Words(
                "Maintenance is done only under a form by which the customer allows it.",
                "Nobody of the customer had allowed the visit on its day.",
                "Have the customer allow the work before the next visit.",
            ),
            unit=visits.reading(calendar="all"),
            before=_visit.start,
            evidence=allowed.where(form.customer_contact.is_not(None)),
            fields=("start", "customer_id"),
            doubts=[(_visit.customer_id.is_(None), "whom the visit was to is not recorded")],
        ),
        deadline(
            rid,
            "reported",
            Words(
                f"A report of the work is there within {p.business_days} working days.",
                "There was no report of the work in time.",
                "Write the report, and name it with the visit.",
            ),
            unit=visits,
            due=business_days_after(ended, p.business_days),
            evidence=fields_filled("report_ref"),
            fields=("start", "end"),
        ),
    ]


def _first_work() -> ColumnElement[Any]:
    """Return when the first visit or maintenance window under the plan began; NULL = none has."""
    link, visit, window = _link.alias(), kind_tables["onsite_visit"].alias(), kind_tables["maintenance_window"].alias()
    seen = func.coalesce(visit.c.vanished_at, window.c.vanished_at).is_(None)
    return (
        select(func.min(func.coalesce(visit.c.start, window.c.start)))
        .select_from(link.outerjoin(visit, visit.c.sid == link.c.sid).outerjoin(window, window.c.sid == link.c.sid))
        .where(link.c.target == _plan.sid, link.c.type == "plan_id", seen)
        .correlate_except(link, visit, window)
        .scalar_subquery()
    )


def _confirmed(rid: str, name: str, words: Words, employments: tuple[str, ...], units: Unit) -> Part:
    unbound = or_(_approval.subject_revision.is_(None), _plan.version.is_(None))
    found = _by(_plan.sid, employments).where(or_(_approval.subject_revision == _plan.version, unbound))
    return precondition(
        rid,
        name,
        words,
        unit=units,
        before=_first_work(),
        evidence=found.doubtful(unbound, "which version was approved is not recorded"),
        fields=("plan_type", "version"),
        needs=[
            Need("onsite_visit", frozenset({"plan_id", "start"}), evidence=True),
            Need("maintenance_window", frozenset({"plan_id", "start"}), evidence=True),
        ],
    )


def _ops_16(rid: str, _p: Parameters) -> list[Part]:
    plans = unit("plan").where(_plan.plan_type == "maintenance")
    units = plans.reading(onsite_visit="near", maintenance_window="near")
    return [
        _confirmed(
            rid,
            "by_provider",
            Words(
                "The provider confirms the plan of maintenance before work under it begins.",
                "Work began before anybody of the provider had confirmed the plan.",
                "Have the plan confirmed, and begin no further work before.",
            ),
            ("employee", "external"),
            units,
        ),
        _confirmed(
            rid,
            "by_customer",
            Words(
                "The customer confirms the plan of maintenance before work under it begins.",
                "Work began before anybody of the customer had confirmed the plan.",
                "Have the customer confirm the plan, and begin no further work before.",
            ),
            ("customer",),
            units,
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"OPS-07": _ops_07, "OPS-09": _ops_09, "OPS-16": _ops_16}
"""Requirement -> what makes its parts."""
