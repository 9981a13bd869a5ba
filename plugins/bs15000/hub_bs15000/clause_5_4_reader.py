"""Clause 5.4, service reporting: reports reach those who decide, can be trusted and are clear (c, f, g)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, exists, func, literal, or_, select

from hub.conformance.continuous import periodic
from hub.conformance.evidence import rows
from hub.conformance.expression import counted, filled, later_of, since_when
from hub.conformance.listed import lists
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, threshold
from hub.conformance.unit import PeriodName, each, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.report import FREQUENCIES, SENT_UNKNOWN, child, s, sent, sent_at, some, was_sent

__all__ = ["DECLARATIONS"]

_period = metadata.tables["period"].c
_link = metadata.tables["link"]
_specs = kind_tables["report_spec"]
_spec: Any = _specs.c
_plan: Any = kind_tables["plan"].c


def _5_4_c(rid: str, _: Parameters) -> list[Part]:
    role = child("roles", "plan")
    spec: Any = _specs.alias()
    named = exists().where(spec.c.active, lists(spec.c.audience, role.c.role)).correlate_except(spec)
    deciding = exists().where(role.c.sid == _plan.sid, role.c.decision_maker).correlate_except(role)
    left_out = exists().where(role.c.sid == _plan.sid, role.c.decision_maker, ~named).correlate_except(role)
    plans = unit("plan").where(_plan.plan_type == "service_management", _plan.doc_status == "effective")
    plans = plans.opening(func.coalesce(_plan.effective_from, _plan.created_at, 0)).reading(report_spec="all")
    return [
        threshold(
            rid,
            "named",
            Words(
                "The plan of service management names the roles that decide, and each is a reader of some report.",
                "The plan names no role that decides, or one that is a reader of no report.",
                "Mark the roles that decide in the plan, and put each into the audience of a report type.",
            ),
            unit=plans,
            holds=and_(deciding, ~left_out),
            at=plans.opened,
            fields=("roles", "plan_type", "doc_status"),
            needs=[Need("report_spec", frozenset({"audience"}), evidence=True)],
        ),
        *(_reached(rid, frequency) for frequency in FREQUENCIES),
    ]


def _reached(rid: str, frequency: PeriodName) -> Part:
    """Every period, each report type of this frequency reaches somebody of its audience who decides."""
    role, delivery = child("roles", "plan"), child("delivery")
    plan: Any = kind_tables["plan"].alias()
    decides = (
        exists()
        .where(
            plan.c.sid == role.c.sid,
            plan.c.plan_type == "service_management",
            role.c.decision_maker,
            lists(_spec.audience, role.c.role),
        )
        .correlate_except(plan, role)
    )
    duty: Any = kind_tables["role_assignment"].alias()
    one, other = metadata.tables["record"].alias(), metadata.tables["record"].alias()
    holder = (
        exists()
        .where(
            one.c.sid == delivery.c.recipient,
            other.c.canonical == one.c.canonical,
            other.c.sid == duty.c.person,
            lists(_spec.audience, duty.c.role),
            or_(duty.c.from_.is_(None), duty.c.from_ <= delivery.c.sent_at),
            or_(duty.c.to.is_(None), duty.c.to > delivery.c.sent_at),
            exists()
            .where(
                plan.c.sid == role.c.sid,
                plan.c.plan_type == "service_management",
                role.c.decision_maker,
                role.c.role == duty.c.role,
            )
            .correlate_except(plan, role),
        )
        .correlate_except(duty, one, other)
    )
    arrived = func.coalesce(delivery.c.result, "") != "bounced"
    reports = rows(
        "service_report",
        and_(s.type == _spec.type, s.period_start <= _period.starts_at, s.period_end >= _period.ends_at),
        later_of(s.submitted_at, func.coalesce(s.created_at, s.submitted_at)),
        fields=frozenset({"type", "period", "submitted_at", "delivery"}),
        reach="all",
    ).where(was_sent, some(delivery, delivery.c.sent_at.is_not(None), arrived, holder))
    specs = unit("report_spec").where(_spec.active, _spec.frequency.in_(FREQUENCIES[frequency]), decides)
    return deadline(
        rid,
        f"delivered_each_{frequency}",
        Words(
            f"The report of every {frequency} reaches somebody who decides.",
            f"The report of the {frequency} reached nobody of its audience who decides.",
            "Send the report to whoever holds the role, and note the delivery.",
        ),
        unit=each(specs, frequency).reading(role_assignment="all", identity="all", plan="all"),
        due=func.coalesce(_next_end(), _period.ends_at),
        evidence=reports,
        fields=("type", "frequency", "audience"),
        needs=[
            Need("role_assignment", frozenset({"role"}), evidence=True),
            Need("plan", frozenset({"roles"}), evidence=True),
        ],
        shape="completeness",
    )


def _next_end() -> ColumnElement[Any]:
    """Return the end of the period after: until then the last one elapsed is the one that counts."""
    following: Any = metadata.tables["period"].alias()
    return (
        select(following.c.ends_at - 1)
        .where(following.c.unit == _period.unit, following.c.starts_at == _period.ends_at)
        .correlate_except(following)
        .scalar_subquery()
    )


def _5_4_f(rid: str, q: Parameters) -> list[Part]:
    units = sent()
    metric, measured = child("metrics"), kind_tables["measurement"].alias()
    m: Any = measured.c
    series: Any = _link.alias()
    again = (
        exists()
        .where(
            series.c.sid == s.sid,
            series.c.type == "measurements",
            m.sid == series.c.target,
            m.metric_id == metric.c.metric_id,
            m.period_start == s.period_start,
            m.period_end == s.period_end,
            func.coalesce(m.as_of, s.as_of) <= s.as_of,
            func.abs(m.actual - metric.c.current_actual) <= q.tolerance,
        )
        .correlate_except(series, measured)
    )
    figure = and_(metric.c.sid == s.sid, metric.c.current_actual.is_not(None))
    whole = round(q.min_share * 1000)
    return [
        threshold(
            rid,
            "traceable",
            Words(
                "Every figure of a report is that of a measurement taken from records as of the same instant.",
                "A figure of the report has no measurement behind it, or another value.",
                "Work the figure out again, keep the measurement, and correct the report where it differs.",
            ),
            unit=units.reading(measurement="near"),
            holds=counted(metric, figure, again) * literal(1000, BigInteger) >= counted(metric, figure) * whole,
            at=sent_at,
            fields=("metrics", "measurements", "as_of"),
            doubts=[SENT_UNKNOWN, (and_(s.as_of.is_(None), some(metric)), "as of when its data is, is not recorded")],
            needs=[Need("measurement", frozenset({"metric_id", "actual"}), evidence=True)],
        )
    ]


def _5_4_g(rid: str, q: Parameters) -> list[Part]:
    units = sent()
    text = func.replace(func.trim(func.coalesce(s.summary_text, "")), "\n", " ")
    words = func.coalesce(s.summary_words, func.length(text) - func.length(func.replace(text, " ", "")) + 1)
    verdict, asked = child("verdicts"), child("decisions_asked")
    served: Any = _link.alias()
    judged = some(verdict, verdict.c.service_id == served.c.target, filled(verdict.c.verdict))
    silent = exists().where(served.c.sid == s.sid, served.c.type == "service_ids", ~judged).correlate_except(served)
    opinion: Any = child_tables["report_spec", "opinions"]
    said = later_of(opinion.c.at, func.coalesce(since_when(_spec.sid, "opinions"), opinion.c.at))
    return [
        threshold(
            rid,
            "summary",
            Words(
                f"Every report begins with a summary of at most {q.max_words} words.",
                f"The report has no summary, or one of more than {q.max_words} words.",
                "Write half a page that a reader can decide from.",
            ),
            unit=units,
            holds=and_(or_(text != "", s.summary_words > 0), words <= q.max_words),
            at=sent_at,
            fields=("summary.text", "summary.words"),
            doubts=[SENT_UNKNOWN],
        ),
        threshold(
            rid,
            "verdicts",
            Words(
                "The summary says of every service how it did.",
                "The summary says of no service, or not of every service, how it did.",
                "Add a verdict for each service.",
            ),
            unit=units,
            holds=and_(some(verdict, filled(verdict.c.verdict)), ~silent),
            at=sent_at,
            fields=("verdicts", "service_ids"),
            doubts=[SENT_UNKNOWN],
        ),
        threshold(
            rid,
            "decisions",
            Words(
                "The summary says what the reader must decide, or that there is nothing to decide.",
                "The summary does not say what the reader must decide.",
                "List the decisions, or state that there are none.",
            ),
            unit=units,
            holds=or_(
                some(asked, filled(asked.c.text)),
                func.coalesce(s.summary_no_decisions, literal(value=False)) == literal(value=True),
            ),
            at=sent_at,
            fields=("decisions_asked", "summary.no_decisions"),
            doubts=[SENT_UNKNOWN],
        ),
        periodic(
            rid,
            "meaningful",
            Words(
                f"At least every {q.attest_days} days a reader confirms for each type of report that it is clear.",
                f"No reader confirmed within {q.attest_days} days that reports of this type are clear.",
                "Ask a reader whether the report can be decided from, and note who answered.",
            ),
            unit=unit("report_spec").where(_spec.active),
            evidence=rows(
                "report_spec",
                and_(opinion.c.sid == _spec.sid, opinion.c.by.is_not(None), opinion.c.clear),
                said,
                table=opinion,
                declared=literal(value=True),
                stated_by_unit=True,
            ),
            at=opinion.c.at,
            days=q.attest_days,
            fields=("opinions", "active"),
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"BS15000-5.4-c": _5_4_c, "BS15000-5.4-f": _5_4_f, "BS15000-5.4-g": _5_4_g}
"""Requirement -> what makes its parts."""
