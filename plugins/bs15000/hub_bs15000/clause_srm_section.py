"""Service report management: satisfaction, workload and performance in reports to customers (SRM-11 to 13)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, func, literal, or_, select

from hub.conformance.expression import filled, touched
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import threshold
from hub.conformance.unit import Unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.report import SENT_UNKNOWN, child, customer_routine, none_of, report, s, sent_at, some
from hub_bs15000.report_section import KIND_UNKNOWN, NO_CUSTOMER, NO_PERIOD, agreement, judged

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_customer = kind_tables["customer"]


# -- satisfaction -----------------------------------------------------------------------------


def _srm_11(rid: str, _: Parameters) -> list[Part]:
    line, low = child("satisfaction"), child("low_scores")
    whole = some(
        line, line.c.channel.is_(None), line.c.sent.is_not(None), line.c.replied.is_not(None), _mean_given(line)
    )
    by_channel = and_(*(some(line, line.c.channel == one, line.c.sent.is_not(None)) for one in ("visit", "phone")))
    of_customer = Unit(
        kind="customer",
        rows=report.join(_customer, _customer.c.sid == s.customer_id),
        sid=_customer.c.sid,
        anchor=s.sid,
        opened=func.coalesce(sent_at, 0),
        conditions=customer_routine().conditions,
        reads={"customer": "near", "service_report": "near", "satisfaction_survey": "near"},
    )
    return [
        judged(
            rid,
            "section",
            Words(
                "Every routine report to a customer says how many were asked, how many answered and with what mean, "
                "on site and by call-back.",
                "The report does not say how many were asked and answered, in all, on site or by call-back.",
                "Add the figures, even if nobody was asked.",
            ),
            and_(whole, by_channel),
            "satisfaction",
            "customer_id",
            doubts=[NO_CUSTOMER],
        ),
        threshold(
            rid,
            "figures",
            Words(
                "The figures on satisfaction are those of the surveys.",
                "The surveys of the period give other figures than the report to this customer.",
                "Count again and correct the report.",
            ),
            unit=of_customer,
            holds=s.sid.not_in(_miscounted()),
            at=sent_at,
            needs=[
                Need("service_report", frozenset({"satisfaction", "period", "as_of", "customer_id"}), evidence=True),
                Need("satisfaction_survey", frozenset({"sent_at", "replied_at", "score"}), evidence=True),
            ],
            doubts=[SENT_UNKNOWN, KIND_UNKNOWN, NO_PERIOD],
        ),
        judged(
            rid,
            "low_scores",
            Words(
                "For every low score listed it says what was done.",
                "The report lists a low score without saying what was done.",
                "Add what was done.",
            ),
            none_of(low, ~filled(low.c.follow_up)),
            "low_scores",
        ),
    ]


def _mean_given(line: Any) -> ColumnElement[bool]:
    return or_(line.c.mean.is_not(None), line.c.replied == 0)


def _miscounted() -> Any:
    """Select reports with a line that the customer's surveys of the period, as known when data was frozen, do not give.

    All lines are counted in one pass: a customer has many surveys.
    """
    made: Any = report.alias()
    line = child("satisfaction")
    survey: Any = kind_tables["satisfaction_survey"].alias()
    tied: Any = _link.alias()
    sent_here = and_(
        survey.c.sid == tied.c.sid,
        survey.c.sent_at >= made.c.period_start,
        survey.c.sent_at < made.c.period_end,
        or_(line.c.channel.is_(None), survey.c.channel == line.c.channel),
    )
    answered = survey.c.replied_at <= func.coalesce(made.c.as_of, made.c.submitted_at)
    of_customer = and_(tied.c.target == made.c.customer_id, tied.c.type == "customer_id")
    counted = func.count(survey.c.sid)
    replied = func.sum(case((answered, 1), else_=0))
    mean = func.avg(case((answered, survey.c.score)))
    agree = and_(
        line.c.sent == counted,
        line.c.replied == replied,
        or_(line.c.mean.is_(None), func.coalesce(func.abs(line.c.mean - mean) < literal(0.01), false())),
    )
    rows = made.join(line, line.c.sid == made.c.sid).outerjoin(tied, of_customer).outerjoin(survey, sent_here)
    return (
        select(line.c.sid)
        .select_from(rows)
        .where(touched(made.c.customer_id))
        .group_by(line.c.sid, line.c.pos, line.c.sent, line.c.replied, line.c.mean)
        .having(~func.coalesce(agree, false()))
    )


# -- workload, performance --------------------------------------------------------------------


def _srm_12(rid: str, _: Parameters) -> list[Part]:
    line = child("workload")
    numbers = [line.c[name] for name in ("opening", "opened", "reopened", "resolved", "cancelled", "closing")]
    counted = and_(*(number.is_not(None) for number in numbers))
    opening, opened, reopened, resolved, cancelled, closing = numbers
    balanced = opening + opened + reopened - resolved - cancelled == closing
    return [
        judged(
            rid,
            "section",
            Words(
                "Every routine report to a customer shows what came in, went out and stayed, in all and by priority.",
                "The report does not show the workload in all and by priority.",
                "Add the figures, even if they are nought.",
            ),
            and_(some(line, line.c.priority.is_(None), counted), some(line, line.c.priority.is_not(None), counted)),
            "workload",
        ),
        judged(
            rid,
            "balance",
            Words(
                "What was open, came in and came back, less what went out, is what is open.",
                "The workload does not balance, or a figure is missing.",
                "Find the tickets that were counted twice or not at all.",
            ),
            none_of(line, ~func.coalesce(balanced, False)),
            "workload",
        ),
    ]


def _srm_13(rid: str, _: Parameters) -> list[Part]:
    line = child("performance")
    sla: Any = kind_tables["sla"].alias()
    service: Any = kind_tables["service"].alias()
    named, agreed = _link.alias(), _link.alias()
    own = (
        exists()
        .where(named.c.sid == s.sid, named.c.type == "service_ids", named.c.target == service.c.sid)
        .correlate_except(named)
    )
    promised = (
        exists()
        .where(
            *agreement(sla),
            agreed.c.sid == sla.c.sid,
            agreed.c.type == "service_ids",
            agreed.c.target == service.c.sid,
        )
        .correlate_except(sla, agreed)
    )
    actual = or_(and_(line.c.actual.is_not(None), line.c.coverage.is_not(None)), filled(line.c.missing_reason))
    full = and_(filled(line.c.metric_id), line.c.limit.is_not(None), actual)
    left_out = (
        exists()
        .where(service.c.in_scope, or_(own, promised), ~some(line, line.c.service_id == service.c.sid, full))
        .correlate_except(service)
    )
    return [
        judged(
            rid,
            "every_service",
            Words(
                "Every routine report to a customer shows each of its services with metric, limit, figure and coverage.",
                "The report leaves out a service of the customer, or its metric, limit, figure or coverage.",
                "Add the service, or say why there is no figure.",
            ),
            and_(some(line), ~left_out),
            "performance",
            "service_ids",
            "customer_id",
            "period",
            unit=customer_routine().reading(sla="all", service="all", calendar="all"),
            needs=[
                Need("sla", frozenset({"customer_id", "service_ids"}), evidence=True),
                Need("service", frozenset({"in_scope"}), evidence=True),
            ],
            doubts=[NO_CUSTOMER, NO_PERIOD],
        )
    ]


DECLARATIONS: dict[str, Declare] = {
    "SRM-11": _srm_11,
    "SRM-12": _srm_12,
    "SRM-13": _srm_13,
}
"""Requirement -> what makes its parts."""
