"""Service report management: what calls for a report, and what data and suppliers' reports it rests on (SRM-17, 22, 23)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, case, exists, func, literal, or_, select

from hub.conformance.evidence import at, rows
from hub.conformance.expression import business_days_after, filled, later_of
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, threshold
from hub.conformance.unit import PeriodName, each, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.message import mails
from hub_bs15000.report import (
    FREQUENCIES,
    SENT_UNKNOWN,
    child,
    issued,
    none_of,
    ours,
    report,
    s,
    sent,
    sent_at,
    was_sent,
)
from hub_bs15000.report_section import valid_in

__all__ = ["DECLARATIONS"]

_period = metadata.tables["period"].c
_link = metadata.tables["link"]
_i: Any = kind_tables["incident"].c
_k: Any = kind_tables["underpinning_contract"].c


def _srm_17(rid: str, q: Parameters) -> list[Part]:
    link: Any = _link.alias()
    own = kind_tables["service_report"]
    after = (
        rows(
            "service_report",
            and_(link.c.target == _i.sid, link.c.type != "same_as"),
            later_of(own.c.submitted_at, func.coalesce(own.c.created_at, own.c.submitted_at)),
            fields=frozenset({"class", "about", "submitted_at"}),
            table=link,
            declared=own.c.declared_by.is_not(None),
        )
        .joining(own, own.c.sid == link.c.sid)
        .where(func.coalesce(own.c.class_, "event") == "event", was_sent)
        .doubtful(own.c.class_.is_(None), "whether the report is on an event is not recorded")
    )
    major = unit("incident").where(func.coalesce(_i.major, literal(value=True)) == literal(value=True))
    classed = issued()
    special = classed.where(func.coalesce(s.class_, "special") == "special")
    return [
        threshold(
            rid,
            "classed",
            Words(
                "Every report is a routine, an event or a special report.",
                "It is not recorded whether the report is a routine, an event or a special report.",
                "Enter the class of the report.",
            ),
            unit=classed,
            holds=s.class_.is_not(None),
            at=classed.opened,
            fields=("class",),
        ),
        deadline(
            rid,
            "major_incident",
            Words(
                f"A report on every major incident goes out within {q.business_days} working days of its resolution.",
                f"No report on the major incident went out within {q.business_days} working days of its resolution.",
                "Write the report and name the incident in it.",
            ),
            unit=major.where(_i.resolved_at.is_not(None)).opening(_i.resolved_at),
            due=business_days_after(_i.resolved_at, q.business_days),
            evidence=after,
            fields=("major", "resolved_at"),
            doubts=[(_i.major.is_(None), "whether it is a major incident is not recorded")],
        ),
        threshold(
            rid,
            "requester",
            Words(
                "Every special report says who asked for it.",
                "The special report does not say who asked for it.",
                "Enter who asked for it.",
            ),
            unit=special,
            holds=s.requested_by.is_not(None),
            at=classed.opened,
            fields=("class", "requested_by"),
            doubts=[(s.class_.is_(None), "whether it is a special report is not recorded")],
        ),
    ]


def _srm_22(rid: str, q: Parameters) -> list[Part]:
    source = child("data_sources")
    usual = business_days_after(s.period_end - 1, q.business_days_after_period)
    limit = func.coalesce(source.c.due_at, usual)
    last = select(func.max(source.c.due_at)).where(source.c.sid == s.sid).correlate_except(source).scalar_subquery()
    late = or_(source.c.retrieved_at.is_(None), source.c.retrieved_at > limit)
    failed = or_(late, func.coalesce(source.c.complete, literal(value=True)) == literal(value=False))
    reporting = ours().where(func.coalesce(s.class_, "routine") == "routine", s.period_end.is_not(None))
    return [
        deadline(
            rid,
            "delivered",
            Words(
                f"The data of a report is there when it was agreed, or else {q.business_days_after_period} working days "
                "after the period.",
                "Data of the report came late or not at all.",
                "Find out why the data came late, and agree how it comes in time.",
            ),
            unit=reporting.opening(s.period_end),
            due=case((last > usual, last), else_=usual),
            evidence=at(case((and_(_has(source), none_of(source, late)), _latest(source)))),
            fields=("data_sources", "period", "class"),
            doubts=[(s.class_.is_(None), "whether it is a routine report is not recorded")],
        ),
        threshold(
            rid,
            "shown",
            Words(
                "Where data came late, in part or not at all, the report says so.",
                "Data came late, in part or not at all, and the report does not say so.",
                "Say it in the report.",
            ),
            unit=sent().reading(calendar="all"),
            holds=none_of(source, failed, ~filled(source.c.failure_note)),
            at=sent_at,
            fields=("data_sources", "submitted_at"),
            doubts=[SENT_UNKNOWN],
        ),
    ]


def _has(lines: Any) -> Any:
    return exists().where(lines.c.sid == s.sid).correlate_except(lines)


def _latest(source: Any) -> Any:
    return (
        select(func.max(source.c.retrieved_at)).where(source.c.sid == s.sid).correlate_except(source).scalar_subquery()
    )


def _srm_23(rid: str, q: Parameters) -> list[Part]:
    return [part for frequency in FREQUENCIES for part in _from_suppliers(rid, frequency, q.business_days)]


def _from_suppliers(rid: str, frequency: PeriodName, days: int) -> list[Part]:
    duty, other = child("reporting", "underpinning_contract"), child("reporting", "underpinning_contract")
    received: Any = report.alias()
    tied: Any = _link.alias()
    often = FREQUENCIES[frequency]
    came = later_of(received.c.submitted_at, func.coalesce(received.c.created_at, received.c.submitted_at))
    first = (
        select(func.min(came))
        .where(
            tied.c.target == _k.sid,
            tied.c.type == "contract_id",
            received.c.sid == tied.c.sid,
            received.c.direction == "inbound",
            received.c.type == duty.c.type,
            received.c.period_start <= _period.starts_at,
            received.c.period_end >= _period.ends_at,
        )
        .correlate_except(tied, received)
        .scalar_subquery()
    )
    missing = exists().where(duty.c.sid == _k.sid, duty.c.frequency.in_(often), first.is_(None)).correlate_except(duty)
    last = (
        select(func.max(first))
        .where(duty.c.sid == _k.sid, duty.c.frequency.in_(often))
        .correlate_except(duty)
        .scalar_subquery()
    )
    term = (
        select(func.max(func.coalesce(other.c.due_business_days, days)))
        .where(other.c.sid == _k.sid, other.c.frequency.in_(often))
        .correlate_except(other)
        .scalar_subquery()
    )
    owes = exists().where(duty.c.sid == _k.sid, duty.c.frequency.in_(often)).correlate_except(duty)
    complete = case((~missing, last))
    limit = business_days_after(_period.ends_at - 1, term)
    contracts = unit("underpinning_contract").where(_k.signed_at.is_not(None), owes).opening(_k.signed_at)
    slots = (
        each(contracts, frequency)
        .where(valid_in(kind_tables["underpinning_contract"], _period.starts_at, _period.ends_at))
        .reading(service_report="near")
    )
    chasing, mail = mails("underpinning_contract", "supplier_notice", "other")
    return [
        deadline(
            rid,
            f"received_each_{frequency}",
            Words(
                f"Every report that a supplier owes by the {frequency} arrives when the contract says.",
                f"A report that the supplier owes for the {frequency} did not arrive in time.",
                "Ask the supplier for the report and file it.",
            ),
            unit=slots,
            due=limit,
            evidence=at(complete),
            fields=("reporting", "signed_at"),
            needs=[Need("service_report", frozenset({"contract_id", "type", "period"}), evidence=True)],
        ),
        deadline(
            rid,
            f"chased_each_{frequency}",
            Words(
                f"A supplier whose report is late is asked for it within {days} working days.",
                f"The supplier was not asked for the late report within {days} working days.",
                "Ask the supplier for the report.",
            ),
            unit=slots.where(or_(missing, last > limit)).opening(func.coalesce(limit, _period.ends_at)),
            due=business_days_after(limit, days),
            evidence=chasing.where(func.coalesce(mail.received_at, mail.created_at) > limit),
            fields=("reporting", "signed_at"),
            needs=[Need("service_report", frozenset({"contract_id", "type", "period"}), evidence=True)],
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"SRM-17": _srm_17, "SRM-22": _srm_22, "SRM-23": _srm_23}
"""Requirement -> what makes its parts."""
