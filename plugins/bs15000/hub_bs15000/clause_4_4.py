"""Clause 4.4, service quality: the improvement programme, metrics of processes, and what is kept (d, e, g, h)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, exists, func, literal, or_, select

from hub.conformance.evidence import at
from hub.conformance.expression import business_days_after, counted, filled, later_of
from hub.conformance.listed import lists
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.probe import checked, result, unchecked
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, threshold
from hub.conformance.unit import PeriodName, each, each_month, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.activity import ACTIVE
from hub_bs15000.agreement import begins, holds
from hub_bs15000.document_control import doc
from hub_bs15000.process import spoken
from hub_bs15000.report import FREQUENCIES
from hub_bs15000.service import in_scope, retired, s

__all__ = ["DECLARATIONS"]

_period = metadata.tables["period"].c
_link = metadata.tables["link"]
_record = metadata.tables["record"]
_event = metadata.tables["event"]
_measurement = kind_tables["measurement"]
_action: Any = kind_tables["improvement_action"].c
_LAST = _period.ends_at - 1
_MONTH_MS = 2_629_800_000
"""A twelfth of a year of 365.25 days."""


# -- the improvement programme ----------------------------------------------------------------


def _4_4_d(rid: str, p: Parameters) -> list[Part]:
    return [
        doc(
            rid,
            "in_force",
            Words(
                "A reviewed plan of service improvement is in force without a gap.",
                "No reviewed plan of service improvement was in force throughout the month.",
                "Review the plan and have it authorised.",
            ),
            "service_improvement",
            p.review_days,
            kind="plan",
        ),
        deadline(
            rid,
            "active",
            Words(
                f"At least one improvement action was opened or changed within the last {p.activity_days} days.",
                f"No improvement action was opened or changed for more than {p.activity_days} days.",
                "Look through the actions, go on with them, and open those that are needed.",
            ),
            unit=each_month().opening(_period.starts_at),
            due=_LAST,
            evidence=checked(ACTIVE).where(func.coalesce(result.counted, 0) <= p.activity_days),
            doubts=[unchecked(ACTIVE)],
            needs=[Need("improvement_action", evidence=True)],
            shape="attestation",
        ),
    ]


def _4_4_h(rid: str, _: Parameters) -> list[Part]:
    named = _link.alias()
    decided = or_(_action.no_action_at.is_not(None), _action.no_action_approver.is_not(None))
    came_from = or_(
        _action.source_type.is_not(None),
        exists()
        .where(named.c.sid == _action.sid, named.c.type.in_(("source_ids", "raised_from")))
        .correlate_except(named),
    )
    units = unit("improvement_action")
    is_closed = or_(_action.closed_at.is_not(None), func.coalesce(_action.status_category, "") == "closed")
    closed = units.where(is_closed, ~decided).opening(
        func.coalesce(_action.closed_at, _action.updated_at, _action.created_at, 0)
    )
    return [
        threshold(
            rid,
            "complete",
            Words(
                "Every improvement action has a date of entry, an owner, a source, a due date and a status.",
                "The action has no owner, no source, no due date or no status.",
                "Complete the action.",
            ),
            unit=units,
            holds=and_(
                _action.created_at.is_not(None),
                _action.owner.is_not(None),
                came_from,
                or_(_action.due_at.is_not(None), decided),
                or_(filled(_action.status), _action.status_category.is_not(None), decided),
            ),
            at=units.opened,
            fields=("owner", "due_at", "status"),
        ),
        threshold(
            rid,
            "result",
            Words(
                "Every improvement action that was closed says what came of it.",
                "The action was closed, and nobody recorded what came of it.",
                "Record the result.",
            ),
            unit=closed,
            holds=filled(_action.result),
            at=closed.opened,
            fields=("result", "closed_at"),
        ),
        threshold(
            rid,
            "kept",
            Words(
                "No improvement action is deleted.",
                "The action was deleted.",
                "Restore the action.",
            ),
            unit=units,
            holds=_action.vanished_at.is_(None),
            at=units.opened,
        ),
    ]


# -- metrics ----------------------------------------------------------------------------------


def _4_4_e(rid: str, p: Parameters) -> list[Part]:
    return [_measured_by(rid, process, p.min_metrics_per_process) for process in p.processes]


def _measured_by(rid: str, process: str, least: int) -> Part:
    definition = kind_tables["metric_definition"].alias()
    d: Any = definition.c
    whole = [filled(d[name]) for name in ("metric_id", "unit", "formula", "target", "direction")]
    there = [func.coalesce(d.created_at, 0) <= _LAST, or_(d.vanished_at.is_(None), d.vanished_at > _LAST)]
    valid = counted(definition, d.process == process, *whole, holds(d, _LAST), *there, of=d.metric_id)
    return threshold(
        rid,
        process,
        Words(
            f"The {spoken(process)} process has at least {least} metric with unit, formula, target and direction.",
            f"The {spoken(process)} process had fewer valid metrics than {least} at the end of the month.",
            "Define a metric of the process, with unit, formula, target, direction and first day.",
        ),
        unit=each_month().opening(_period.starts_at).reading(metric_definition="all", calendar="all"),
        holds=valid >= least,
        at=_LAST,
        needs=[
            Need(
                "metric_definition",
                frozenset({"metric_id", "process", "unit", "formula", "target", "direction", "valid_from"}),
                evidence=True,
            )
        ],
    )


# -- history ----------------------------------------------------------------------------------


def _4_4_g(rid: str, p: Parameters) -> list[Part]:
    return [*(_kept_each(rid, every, p.due_business_days) for every in FREQUENCIES), _not_overwritten(rid, p)]


def _decided_each(target: Any, every: PeriodName) -> ColumnElement[bool]:
    """Say whether a target is decided once in such a period; one decided case by case is so every month."""
    if every != "month":
        return func.lower(target.period).in_(FREQUENCIES[every])
    others = [name for one, names in FREQUENCIES.items() if one != "month" for name in names]
    return func.coalesce(func.lower(target.period), "month").not_in(others)


def _kept_each(rid: str, every: PeriodName, business_days: int) -> Part:
    named, place = _link.alias(), _record.alias()
    sla, target = kind_tables["sla"].alias(), child_tables["sla", "targets"].alias()
    measurement = _measurement.alias()
    t, m = target.c, measurement.c
    its_id = select(place.c.id).where(place.c.sid == s.sid).correlate_except(place).scalar_subquery()
    promised = (
        named.c.target + 0 == s.sid,  # not by its index: of all that names a service few are agreements
        named.c.type == "service_ids",
        sla.c.sid == named.c.sid,
        sla.c.signed_at.is_not(None),
        holds(sla.c, _LAST),
        t.sid == sla.c.sid,
        or_(t.service_ids.is_(None), lists(t.service_ids, its_id)),
        _decided_each(t, every),
    )
    stored = (
        select(func.min(func.coalesce(m.created_at, m.as_of)))
        .where(
            m.subject.in_([s.sid, sla.c.sid]),
            m.metric_id.in_([t.id, t.metric]),
            m.period_start <= later_of(_period.starts_at, begins(sla.c)),
            m.period_end >= _period.ends_at,
            or_(m.actual.is_not(None), filled(m.missing_reason)),
        )
        .correlate_except(measurement)
        .scalar_subquery()
    )
    owing = exists().where(*promised).correlate_except(named, sla, target)
    missing = exists().where(*promised, stored.is_(None)).correlate_except(named, sla, target)
    last = select(func.max(stored)).where(*promised).correlate_except(named, sla, target).scalar_subquery()
    services = each(in_scope(), every, end=retired()).where(owing)
    return deadline(
        rid,
        f"stored_each_{every}",
        Words(
            f"For each target of every {spoken(every)} the result is kept, within {business_days} working days.",
            f"For a target of the service no result of the {spoken(every)} is kept.",
            "Measure the target and keep the result, with a reason where there is none.",
        ),
        unit=services.reading(sla="near", measurement="far", calendar="all"),
        due=business_days_after(_LAST, business_days),
        evidence=at(case((~missing, last))),
        fields=("in_scope", "in_scope_from", "lifecycle"),
        needs=[
            Need("sla", frozenset({"service_ids", "signed_at", "targets", "valid_from"}), evidence=True),
            Need("measurement", frozenset({"metric_id", "subject", "period", "actual"}), evidence=True),
        ],
        shape="completeness",
    )


def _not_overwritten(rid: str, p: Parameters) -> Part:
    m: Any = _measurement.c
    event = _event.alias()
    changed = (
        exists()
        .where(event.c.sid == m.sid, event.c.field.in_(("actual", "target")), func.coalesce(event.c.from_, "") != "")
        .correlate_except(event)
    )
    kept_until = m.period_end + literal(p.retention_periods * _MONTH_MS, BigInteger)
    gone = and_(m.vanished_at.is_not(None), m.vanished_at < func.coalesce(kept_until, m.vanished_at + 1))
    units = unit("measurement")
    return threshold(
        rid,
        "kept",
        Words(
            f"Results are kept for {p.retention_periods} months and never written over.",
            "The result was written over or deleted.",
            "Restore it, and put a corrected result beside it.",
        ),
        unit=units,
        holds=~or_(changed, gone),
        at=units.opened,
        fields=("actual", "target"),
    )


DECLARATIONS: dict[str, Declare] = {
    "BS15000-4.4-d": _4_4_d,
    "BS15000-4.4-e": _4_4_e,
    "BS15000-4.4-g": _4_4_g,
    "BS15000-4.4-h": _4_4_h,
}
"""Requirement -> what makes its parts."""
