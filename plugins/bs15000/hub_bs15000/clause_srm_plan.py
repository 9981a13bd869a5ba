"""Service report management: which reports are made, for whom, and who agreed to that (SRM-01, 02, 25)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, exists, func, or_, select

from hub.conformance.evidence import at
from hub.conformance.expression import filled, later_of, since_when
from hub.conformance.listed import lists
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import precondition, threshold
from hub.conformance.unit import Unit, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.document_control import doc
from hub_bs15000.report import child, issued, s

__all__ = ["DECLARATIONS"]

_specs = kind_tables["report_spec"]
_spec: Any = _specs.c
_sla: Any = kind_tables["sla"].c
_plan: Any = kind_tables["plan"].c
_local_day = metadata.tables["local_day"]


def _midnight(date: Any) -> Any:
    """Return the first instant of a local day."""
    day: Any = _local_day.alias()
    return (
        select(day.c.starts_at)
        .where(day.c.calendar == "organisation", day.c.date == date)
        .correlate_except(day)
        .scalar_subquery()
    )


def _srm_01(rid: str, q: Parameters) -> list[Part]:
    duty, entry = child("reporting", "sla"), child("schedule", "plan")
    planned = (
        exists()
        .where(
            entry.c.sid == _plan.sid,
            entry.c.report_type == duty.c.type,
            or_(entry.c.customer_id.is_(None), entry.c.customer_id == _sla.customer_id),
        )
        .correlate_except(entry)
    )
    forgotten = exists().where(duty.c.sid == _sla.sid, ~planned).correlate_except(duty)
    owed = exists().where(duty.c.sid == _sla.sid).correlate_except(duty)
    signed = unit("sla").where(_sla.signed_at.is_not(None), owed)
    in_hand = "A reviewed plan of the reports is in force without a gap."
    return [
        doc(
            rid,
            "in_force",
            Words(
                in_hand,
                "No reviewed plan of the reports was in force throughout the month.",
                "Review the plan of the reports and have it authorised.",
            ),
            "service_report",
            q.review_days,
            kind="plan",
        ),
        doc(
            rid,
            "agreed_reports",
            Words(
                "Every report that an agreement promises stands in the plan of the reports while the agreement holds.",
                "The plan of the reports in force leaves out a report that this agreement promises.",
                "Add the report to the schedule of the plan.",
            ),
            "service_report",
            q.review_days,
            ~forgotten,
            kind="plan",
            unit=signed.opening(func.coalesce(_midnight(_sla.valid_from), _sla.signed_at)),
            end=_midnight(_sla.valid_to),
            fields=("reporting", "signed_at"),
        ),
    ]


def _active() -> Unit:
    return unit("report_spec").where(_spec.active)


def _srm_02(rid: str, _: Parameters) -> list[Part]:
    units = issued().reading(report_spec="all")
    spec: Any = _specs.alias()
    listed = exists().where(spec.c.type == s.type).correlate_except(spec)
    rows = _active()
    return [
        threshold(
            rid,
            "listed",
            Words(
                "Every report that is issued is of a type that the list of reports holds.",
                "The list of reports does not hold the type of this report.",
                "Add the type to the list of reports.",
            ),
            unit=units,
            holds=listed,
            at=units.opened,
            fields=("type",),
            needs=[Need("report_spec", frozenset({"type"}), evidence=True)],
            doubts=[(s.type.is_(None), "its type is not recorded")],
        ),
        threshold(
            rid,
            "complete",
            Words(
                "Every type of report that is still made has an owner, readers, a rhythm and sources of its data.",
                "The entry leaves out owner, readers, rhythm or sources.",
                "Complete the entry, or mark that the report is not made any more.",
            ),
            unit=rows,
            holds=and_(
                filled(_spec.audience), filled(_spec.frequency), filled(_spec.data_sources), filled(_spec.owner)
            ),
            at=rows.opened,
            fields=("active", "owner", "audience", "frequency", "data_sources"),
        ),
    ]


def _srm_25(rid: str, _: Parameters) -> list[Part]:
    rows = _active()
    report: Any = kind_tables["service_report"].alias()
    first = (
        select(func.min(report.c.period_start))
        .where(report.c.type == _spec.type, func.coalesce(report.c.state, "") != "cancelled")
        .correlate_except(report)
        .scalar_subquery()
    )
    agreed = later_of(_spec.agreed_at, func.coalesce(since_when(_spec.sid, "agreed_at"), _spec.created_at))
    return [
        threshold(
            rid,
            "recorded",
            Words(
                "Of every report that is made it is recorded who needs it, who agreed to it and what it must hold.",
                "Who needs the report, who agreed to it, when, or what it must hold is not recorded.",
                "Agree the report with its readers and record the result.",
            ),
            unit=rows,
            holds=and_(
                filled(_spec.required_by),
                _spec.agreed_by.is_not(None),
                _spec.agreed_at.is_not(None),
                filled(_spec.content),
            ),
            at=rows.opened,
            fields=("active", "required_by", "agreed_by", "agreed_at", "content"),
        ),
        threshold(
            rid,
            "with_a_reader",
            Words(
                "It was agreed with somebody of those whom the report is for.",
                "Whoever agreed to the report is not one of those whom it is for.",
                "Agree the report with one of its readers.",
            ),
            unit=rows.where(_spec.agreed_by.is_not(None)).reading(
                role_assignment="all", identity="all", person="all", customer="all"
            ),
            holds=_is_reader(),
            at=func.coalesce(_spec.agreed_at, rows.opened),
            fields=("active", "agreed_by", "audience"),
            needs=[Need("role_assignment", frozenset({"role"}), evidence=True)],
        ),
        precondition(
            rid,
            "before_the_first",
            Words(
                "It was agreed before the first period that is reported so.",
                "Reports of this type speak of a time before they were agreed.",
                "Agree a report with its readers before it is made.",
            ),
            unit=rows.reading(service_report="all"),
            before=first,
            evidence=at(agreed),
            fields=("active", "agreed_at", "type"),
            needs=[Need("service_report", frozenset({"type", "period"}), evidence=True)],
        ),
    ]


def _is_reader() -> Any:
    """Whoever agreed holds a role of the audience, or belongs to the customer the report is for."""
    login, holder = metadata.tables["record"].alias(), metadata.tables["record"].alias()
    duty: Any = kind_tables["role_assignment"].alias()
    person: Any = kind_tables["person"].alias()
    holds = (
        exists()
        .where(
            login.c.sid == _spec.agreed_by,
            holder.c.canonical == login.c.canonical,
            holder.c.sid == duty.c.person,
            lists(_spec.audience, duty.c.role),
            or_(duty.c.to.is_(None), duty.c.to > func.coalesce(_spec.agreed_at, 0)),
        )
        .correlate_except(login, holder, duty)
    )
    belongs = (
        exists()
        .where(
            login.c.sid == _spec.agreed_by,
            person.c.sid == login.c.canonical,
            or_(
                person.c.party == _spec.customer_id,
                and_(lists(_spec.audience, "customer"), person.c.employment == "customer"),
            ),
        )
        .correlate_except(login, person)
    )
    return or_(holds, belongs)


DECLARATIONS: dict[str, Declare] = {"SRM-01": _srm_01, "SRM-02": _srm_02, "SRM-25": _srm_25}
"""Requirement -> what makes its parts."""
