"""Clause 5.2, availability: wanted, agreed, planned, measured, and put right (a to e)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, not_, or_, select

from hub.conformance.continuous import in_force
from hub.conformance.evidence import Rows, any_of, fields_filled, rows
from hub.conformance.expression import business_days_after, days_after, filled, no_instant
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.relation import linked
from hub.conformance.shape import deadline, threshold
from hub.conformance.unit import Unit, each, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import covering, covers, has_target, in_use
from hub_bs15000.document_control import doc
from hub_bs15000.effective import in_effect, stopped
from hub_bs15000.improvement import acted
from hub_bs15000.service import each_month_of_services, in_scope, retired, s
from hub_bs15000.ticket import columns, recorded, tickets

__all__ = ["DECLARATIONS"]

_period = metadata.tables["period"].c
_link = metadata.tables["link"]
m: Any = kind_tables["measurement"].c
o: Any = kind_tables["outage"].c
_METRIC = "availability"
_MIN_COVERAGE = 0.98


def _wanted(t: Any) -> ColumnElement[bool]:
    return and_(t.metric == _METRIC, t.operator == ">=", t.value == s.availability_target)


def _arrived(mail: Any) -> ColumnElement[Any]:
    return func.coalesce(mail.received_at, mail.created_at)


def _is_notice(mail: Any) -> ColumnElement[bool]:
    return and_(
        mail.direction == "out", mail.class_ == "customer_notice", func.coalesce(mail.bounce, false()) == false()
    )


def _notices() -> Rows:
    """A message about the service to its customers, once every customer with an agreement has had one."""
    link, mail = _link.alias(), kind_tables["communication"].alias()
    agreement, further, other = kind_tables["sla"].alias(), _link.alias(), kind_tables["communication"].alias()
    w: Any = mail.c
    a: Any = agreement.c
    told = exists().where(
        further.c.target == s.sid,
        further.c.type == "service_ids",
        further.c.sid == other.c.sid,
        _is_notice(other.c),
        other.c.customer_id == a.customer_id,
        _arrived(other.c) <= _arrived(w),
    )
    untold = exists().where(
        covers(a.sid, s.sid),
        in_use(a, _arrived(w)),
        a.customer_id != w.customer_id,
        not_(told.correlate_except(further, other)),
    )
    found = rows(
        "communication",
        and_(link.c.target == s.sid, link.c.type == "service_ids"),
        _arrived(w),
        fields=frozenset({"direction", "class"}),
        table=link,
        declared=w.declared_by.is_not(None),
    ).joining(mail, w.sid == link.c.sid)
    found = found.where(_is_notice(w), not_(untold.correlate_except(agreement)))
    return replace(found, reads={**found.reads, "sla": "near", "calendar": "all"})


def _5_2_a(rid: str, _: Parameters) -> list[Part]:
    units = in_scope()
    agreed, terms = covering(s.sid)
    return [
        threshold(
            rid,
            "defined",
            Words(
                "For every service a level of availability is set, and how and where it is measured.",
                "The level of availability, or how or where it is measured, is not recorded.",
                "Set the level with the business, and record how it is measured.",
            ),
            unit=units,
            holds=and_(s.availability_target.is_not(None), filled(s.measuring_method), filled(s.measuring_points)),
            at=units.opened,
            fields=("availability_target", "measuring.method", "measuring.points"),
        ),
        threshold(
            rid,
            "agreed",
            Words(
                "Somebody of the business agreed to that level, with a date.",
                "Nobody of the business agreed to the level, or it is not recorded who and when.",
                "Ask the owner of the business whether the level fits, and record the answer.",
            ),
            unit=units,
            holds=and_(s.availability_agreed_by.is_not(None), s.availability_agreed_at.is_not(None)),
            at=units.opened,
            fields=("availability_agreed.by", "availability_agreed.at"),
        ),
        in_force(
            rid,
            "known",
            Words(
                "At any time that level stands in an agreement in force, or every customer was told of it.",
                "For a time the level stood in no agreement, and not every customer was told of it.",
                "Put the level into the agreement, or tell every customer of the service.",
            ),
            unit=units,
            evidence=any_of(agreed.where(has_target("sla", terms.sid, _wanted)), _notices()),
            until=no_instant(),
            end=retired(),
            fields=("availability_target",),
            shape="completeness",
        ),
    ]


def _5_2_b(rid: str, p: Parameters) -> list[Part]:
    plan: Any = kind_tables["plan"].c
    agreement, target, link = kind_tables["sla"].alias(), child_tables["sla", "targets"].alias(), _link.alias()
    planned: Any = child_tables["plan", "targets"].alias()
    t: Any = target.c
    enough = exists().where(
        planned.c.sid == plan.sid,
        planned.c.metric == _METRIC,
        or_(planned.c.service_id.is_(None), planned.c.service_id == link.c.target),
        planned.c.value >= t.value,
    )
    short = exists().where(
        link.c.sid == agreement.c.sid,
        link.c.type == "service_ids",
        t.sid == agreement.c.sid,
        t.metric == _METRIC,
        in_use(agreement.c, _period.ends_at - 1),
        not_(enough.correlate_except(planned)),
    )
    return [
        doc(
            rid,
            "planned",
            Words(
                "At any time a plan for availability is in force.",
                "For a time there was no plan for availability in force.",
                "Authorise the plan, and review it in time.",
            ),
            "availability",
            p.review_days,
            kind="plan",
        ),
        threshold(
            rid,
            "enough",
            Words(
                "The plan for availability aims at no less than every agreement in force promises.",
                "At the end of the month the plan aimed at less than an agreement promises, or left a service out.",
                "Raise the targets of the plan, or promise less.",
            ),
            unit=each(in_effect("plan", "availability"), "month", end=stopped("plan")).reading(
                sla="all", service="all", calendar="all"
            ),
            holds=not_(short.correlate_except(agreement, target, link)),
            at=_period.ends_at,
            fields=("targets",),
            needs=[Need("sla", frozenset({"targets", "service_ids", "signed_at"}), evidence=True)],
        ),
    ]


def _5_2_c(rid: str, p: Parameters) -> list[Part]:
    same = (m.subject == s.sid, m.period_start == _period.starts_at, m.period_end == _period.ends_at)
    return [
        deadline(
            rid,
            "measured",
            Words(
                f"For every service and month there is a figure of its availability that rests on at least "
                f"{p.min_coverage:.0%} of the time.",
                "There is no figure for the month, or it rests on too little of the time.",
                "Find out why nothing was measured, and close the gap; what was not seen is neither up nor down.",
            ),
            unit=each_month_of_services(),
            due=business_days_after(_period.ends_at - 1, p.business_days),
            evidence=rows(
                "measurement",
                and_(*same),
                func.coalesce(m.created_at, m.as_of),
                fields=frozenset({"metric_id", "subject", "actual", "coverage"}),
            )
            .where(
                m.metric_id == _METRIC, m.actual.is_not(None), or_(m.coverage.is_(None), m.coverage >= p.min_coverage)
            )
            .doubtful(m.coverage.is_(None), "how much of the time was measured is not recorded"),
            shape="periodic",
        ),
        _noticed(rid),
    ]


def _noticed(rid: str) -> Part:
    """What customers report as grave must have been seen by whatever measures the service."""
    i, link, service = columns("incident"), _link.alias(), kind_tables["service"].alias()
    grave = or_(func.coalesce(i.major, false()), func.coalesce(i.priority, "") == "P1")
    watched = (
        exists()
        .where(link.c.sid == i.sid, link.c.type == "service_ids", link.c.target == service.c.sid)
        .where(func.coalesce(service.c.in_scope, false()), filled(service.c.measuring_method))
        .correlate_except(link, service)
    )
    return deadline(
        rid,
        "noticed",
        Words(
            "A grave incident of a service whose availability is measured shows as an outage by the end of the next day.",
            "What measures the service saw no outage where there was a grave incident.",
            "Find out why monitoring saw nothing, and link the outage where it is there and only the link is missing.",
        ),
        unit=tickets("incident").where(grave, watched).reading(service="near"),
        due=days_after(recorded("incident"), 1),
        evidence=linked(i.sid, ("outage",)),
        fields=("major", "priority", "service_ids"),
        needs=[Need("outage", frozenset({"incident_id", "started_at"}), evidence=True)],
        shape="completeness",
    )


def _5_2_d(rid: str, p: Parameters) -> list[Part]:
    service: Any = kind_tables["service"].alias()
    own = (
        select(service.c.availability_target)
        .where(service.c.sid == m.subject)
        .correlate_except(service)
        .scalar_subquery()
    )
    target = func.coalesce(m.target, own)
    low = and_(
        m.metric_id == _METRIC, m.period_end.is_not(None), func.coalesce(m.actual < target, m.actual.is_not(None))
    )
    return [
        deadline(
            rid,
            "improved",
            Words(
                f"A month below the target leads to an action, or to a decision that none is needed, within {p.days} days.",
                "The service was less available than agreed, and neither an action nor a decision followed in time.",
                "Open an improvement action for it, or record who decided that none is needed and why.",
            ),
            unit=unit("measurement").where(low).opening(func.coalesce(m.period_end, 0)).reading(service="near"),
            due=days_after(m.period_end - 1, p.days),
            evidence=acted(m.sid),
            fields=("metric_id", "actual", "target", "period"),
            doubts=[
                (target.is_(None), "which availability was agreed is not recorded"),
                (m.coverage < _MIN_COVERAGE, "too little of the time was measured to tell"),
            ],
            shape="completeness",
        )
    ]


def _outages(minutes: int) -> tuple[ColumnElement[bool], list[Any]]:
    """Say which outages owe something, and what may not be known of them."""
    long = o.ended_at - o.started_at > minutes * 60_000
    owing = and_(o.ended_at.is_not(None), long, func.coalesce(o.planned, false()) == false())
    return owing, [(o.planned.is_(None), "whether it was planned is not recorded")]


def _5_2_e(rid: str, p: Parameters) -> list[Part]:
    owing, doubts = _outages(p.min_outage_minutes)
    incident: Any = kind_tables["incident"]
    unplanned = unit("outage").where(owing).opening(func.coalesce(o.ended_at, 0))
    named: Any = _link.alias()
    behind: Unit = replace(
        unit("incident"),
        rows=incident.join(named, and_(named.c.target == incident.c.sid, named.c.type == "incident_id")).join(
            kind_tables["outage"], o.sid == named.c.sid
        ),
        anchor=o.sid,
        opened=func.coalesce(o.ended_at, 0),
        conditions=(owing,),
    ).reading(outage="near")
    due = business_days_after(o.ended_at, p.business_days)
    long = f"of more than {p.min_outage_minutes} minutes"
    return [
        deadline(
            rid,
            "incident",
            Words(
                f"Every unplanned outage {long} belongs to an incident.",
                "The outage belongs to no incident.",
                "Record the incident, and link the outage to it.",
            ),
            unit=unplanned,
            due=due,
            evidence=linked(
                o.sid, ("incident",), never=("service_ids", "service_id", "alert_ids", "maintenance.window")
            ),
            fields=("started_at", "ended_at", "planned"),
            doubts=doubts,
            needs=[Need("incident", evidence=True)],
            shape="completeness",
        ),
        deadline(
            rid,
            "corrected",
            Words(
                f"What was done about an unplanned outage {long} is written down, or done by a change, within "
                f"{p.business_days} working days.",
                "Neither a note nor a change tells what was done about the outage.",
                "Write down what was done, or link the change that did it.",
            ),
            unit=behind,
            due=due,
            evidence=any_of(
                fields_filled("resolution_note"),
                linked(incident.c.sid, ("change",), never=("service_ids", "ci_ids", "problem_ids", "record_id")),
            ),
            fields=("resolution_note",),
            doubts=doubts,
            needs=[Need("outage", frozenset({"incident_id", "planned"}), evidence=True)],
            shape="completeness",
        ),
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-5.2-a": _5_2_a,
    "BS15000-5.2-b": _5_2_b,
    "BS15000-5.2-c": _5_2_c,
    "BS15000-5.2-d": _5_2_d,
    "BS15000-5.2-e": _5_2_e,
}
"""Requirement -> what makes its parts."""
