"""Service report management: trends, every measured aspect, and the reports of each process (SRM-26, 27, 29)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select, true

from hub.conformance.evidence import rows
from hub.conformance.expression import business_days_after, filled, later_of
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, threshold
from hub.conformance.unit import each, organisation, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.report import (
    DUE_BUSINESS_DAYS,
    SENT_UNKNOWN,
    child,
    customer_routine,
    none_of,
    report,
    s,
    sent,
    sent_at,
    some,
    was_sent,
)
from hub_bs15000.report_section import NO_PERIOD, judged, valid_in

__all__ = ["DECLARATIONS", "PROCESSES"]

_period = metadata.tables["period"].c
_link = metadata.tables["link"]
_definitions = kind_tables["metric_definition"]
_definition: Any = _definitions.c
PROCESSES = (
    "incident",
    "problem",
    "change",
    "configuration",
    "release",
    "capacity",
    "availability",
    "security",
    "supplier",
)
"""Processes that report each period (service-reports.md 2)."""


# -- trends -----------------------------------------------------------------------------------


def _archived(other: Any, metric: Any, *conditions: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    """Tie reports handed over before of the same type and customer, found by the customer, with their metrics."""
    tied: Any = _link.alias()
    same = or_(
        and_(s.customer_id.is_(None), other.c.customer_id.is_(None)),
        exists()
        .where(tied.c.target == s.customer_id, tied.c.type == "customer_id", tied.c.sid == other.c.sid)
        .correlate_except(tied),
    )
    alike = [same, other.c.type == s.type, other.c.submitted_at.is_not(None), other.c.submitted_at < s.submitted_at]
    return [*alike, metric.c.sid == other.c.sid, *conditions]


def _srm_26(rid: str, q: Parameters) -> list[Part]:
    metric, line, value = child("metrics"), child("trends"), child("trend_values")
    before: Any = report.alias()
    then = child("metrics")
    ahead = or_(line.c.forecast.is_not(None), filled(line.c.not_forecast_reason))
    drawn = some(line, line.c.metric_id == metric.c.metric_id, filled(line.c.direction), ahead)
    shown = (
        select(func.count(func.distinct(value.c.period)))
        .where(value.c.sid == s.sid, value.c.metric_id == metric.c.metric_id, value.c.value.is_not(None))
        .correlate_except(value)
        .scalar_subquery()
    )
    earlier = (
        select(func.count(func.distinct(before.c.period_start)))
        .where(*_archived(before, then, then.c.metric_id == metric.c.metric_id))
        .where(before.c.period_start < s.period_start)
        .correlate_except(before, then)
        .scalar_subquery()
    )
    owed = case((earlier + 1 < q.min_periods, earlier + 1), else_=q.min_periods)
    differs = (
        exists()
        .where(
            *_archived(
                before,
                then,
                then.c.metric_id == value.c.metric_id,
                then.c.current_period == value.c.period,
                then.c.current_actual.is_not(None),
                func.coalesce(value.c.value != then.c.current_actual, true()),
            ),
            ~_later_revision(before),
        )
        .correlate_except(before, then)
    )
    units = customer_routine().reading(service_report="all")
    return [
        judged(
            rid,
            "forecast",
            Words(
                "For each metric every routine report to a customer says where it is heading and what is expected next.",
                "A metric is shown without direction, or without a forecast or a reason why there is none.",
                "Add both, or say why nothing is forecast.",
            ),
            none_of(metric, ~drawn),
            "metrics",
            "trends",
        ),
        judged(
            rid,
            "periods",
            Words(
                f"For each metric the figures of the last {q.min_periods} periods are shown, or all since it began.",
                f"For a metric fewer than {q.min_periods} periods are shown, though there were more.",
                "Add the figures of the periods before.",
            ),
            none_of(metric, shown < owed),
            "metrics",
            "trend_values",
            "period",
            unit=units,
            doubts=[NO_PERIOD],
        ),
        judged(
            rid,
            "as_reported",
            Words(
                "The figures of the periods before are those of the reports then.",
                "A figure of a period before differs from the report then.",
                "Show the figure as it was reported, and beside it the new one with the reason.",
            ),
            none_of(value, differs),
            "trend_values",
            "metrics",
            unit=units,
        ),
    ]


def _later_revision(before: Any) -> Any:
    """Say that a corrected revision of the earlier report was handed over before this report too."""
    newer: Any = report.alias()
    return (
        exists()
        .where(newer.c.supersedes == before.c.sid, newer.c.submitted_at < s.submitted_at)
        .correlate_except(newer)
    )


# -- every metric -----------------------------------------------------------------------------


def _srm_27(rid: str, _: Parameters) -> list[Part]:
    metric = child("metrics")
    service: Any = kind_tables["service"].alias()
    in_scope = exists().where(service.c.sid == _definition.service_id, service.c.in_scope).correlate_except(service)
    given = and_(
        or_(metric.c.current_actual.is_not(None), filled(metric.c.missing_reason)),
        or_(metric.c.previous_actual.is_not(None), metric.c.new_metric, filled(metric.c.missing_reason)),
    )
    reported = rows(
        "service_report",
        and_(s.period_start <= _period.starts_at, s.period_end >= _period.ends_at),
        later_of(s.submitted_at, func.coalesce(s.created_at, s.submitted_at)),
        fields=frozenset({"metrics", "period", "submitted_at", "class"}),
        reach="all",
    ).where(
        was_sent,
        func.coalesce(s.class_, "routine") == "routine",
        func.coalesce(s.direction, "") != "inbound",
        some(metric, metric.c.metric_id == _definition.metric_id, given),
    )
    valid = valid_in(_definitions, _period.starts_at, _period.ends_at)
    month = each(unit("metric_definition").where(in_scope).opening(literal(0)), "month").where(valid)
    action: Any = kind_tables["improvement_action"].alias()
    decided = or_(
        action.c.owner.is_not(None),
        action.c.assignee.is_not(None),
        and_(action.c.no_action_approver.is_not(None), filled(action.c.no_action_reason)),
    )
    acted = exists().where(action.c.sid == metric.c.action_id, decided).correlate_except(action)
    return [
        deadline(
            rid,
            "reported",
            Words(
                "Each metric of a service appears in a routine report of every month, with its figure now and before.",
                "No routine report of the month shows the metric with its figure now and before.",
                "Add the metric to a report, or say why there is no figure.",
            ),
            unit=month.reading(service="near"),
            due=business_days_after(_period.ends_at - 1, DUE_BUSINESS_DAYS),
            evidence=reported.doubtful(s.class_.is_(None), "whether it is a routine report is not recorded"),
            fields=("metric_id", "service_id", "valid_from", "valid_to"),
            needs=[Need("service", frozenset({"in_scope"}), evidence=True)],
            shape="completeness",
        ),
        threshold(
            rid,
            "measures",
            Words(
                "For each metric that was missed the report names what is done, or who decided to do nothing.",
                "A metric was missed, and the report names no action and no decision.",
                "Open an improvement action, or record who decided that none is needed.",
            ),
            unit=sent().reading(improvement_action="near"),
            holds=none_of(metric, metric.c.verdict == "missed", ~acted),
            at=sent_at,
            fields=("metrics", "submitted_at"),
            doubts=[SENT_UNKNOWN],
            needs=[Need("improvement_action", frozenset({"owner"}), evidence=True)],
        ),
    ]


# -- every process ----------------------------------------------------------------------------


def _srm_29(rid: str, q: Parameters) -> list[Part]:
    return [_collected(rid, process, q) for process in PROCESSES]


def _collected(rid: str, process: str, q: Parameters) -> Part:
    metric, section = child("metrics"), child("chapters")
    definition: Any = _definitions.alias()
    given = or_(metric.c.current_actual.is_not(None), filled(metric.c.missing_reason))
    left_out = (
        exists()
        .where(
            definition.c.process == process,
            valid_in(definition, _period.starts_at, _period.ends_at),
            ~some(metric, metric.c.metric_id == definition.c.metric_id, given),
        )
        .correlate_except(definition)
    )
    own = or_(s.process == process, some(section, func.lower(func.trim(section.c.name)) == process))
    handed_in = rows(
        "service_report",
        and_(s.type == "internal_process", s.period_start <= _period.starts_at, s.period_end >= _period.ends_at),
        later_of(s.submitted_at, func.coalesce(s.created_at, s.submitted_at)),
        fields=frozenset({"type", "process", "period", "submitted_at", "metrics"}),
        reach="all",
    ).where(was_sent, own, ~left_out)
    return deadline(
        rid,
        process,
        Words(
            f"Within {q.business_days} working days of every {q.period} the {process} process reports all its figures.",
            f"The {process} process handed in no report of the {q.period} in time, or one that leaves out a figure.",
            "Hand in the report, with a reason where there is no figure.",
        ),
        unit=each(organisation(), q.period).reading(metric_definition="all"),
        due=business_days_after(_period.ends_at - 1, q.business_days),
        evidence=handed_in,
        needs=[Need("metric_definition", frozenset({"metric_id", "process"}), evidence=True)],
        shape="periodic",
    )


DECLARATIONS: dict[str, Declare] = {"SRM-26": _srm_26, "SRM-27": _srm_27, "SRM-29": _srm_29}
"""Requirement -> what makes its parts."""
