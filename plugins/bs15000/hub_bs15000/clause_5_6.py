"""Clause 5.6, capacity management: what the capacity plan says, how load is watched and looked back at (a to g)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, distinct, exists, func, literal, or_, select

from hub.conformance.continuous import holding, in_force, periodic
from hub.conformance.evidence import AnyOf, Evidence, Rows, any_of, rows
from hub.conformance.expression import days_after, filled, no_instant
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.relation import linked
from hub.conformance.shape import deadline, threshold
from hub.conformance.unit import each, organisation
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import some_child
from hub_bs15000.capacity import KIND, beyond_limit, every_resource, forecast_subjects, in_effect_at, m, plan, plans
from hub_bs15000.document_control import doc
from hub_bs15000.effective import says_throughout
from hub_bs15000.entry import entered_at
from hub_bs15000.improvement import acted
from hub_bs15000.review import r
from hub_bs15000.service import in_scope, retired, s

__all__ = ["DECLARATIONS"]

_period = metadata.tables["period"].c
_measurement = kind_tables["measurement"]
_FIGURES = Need("measurement", frozenset({"metric_id", "subject", "period", "actual"}), evidence=True)
_DAY_MS = 86_400_000
_MONTHS = 12
_DAYS = 365


def _5_6_a(rid: str, p: Parameters) -> list[Part]:
    ahead = plan.effective_from + literal((p.horizon_months * _DAYS // _MONTHS - 1) * _DAY_MS, BigInteger)

    def ours(one: Any) -> ColumnElement[bool]:
        return one.service_id == s.sid  # type: ignore[no-any-return]

    def each_service(name: str, words: Words, field: str, *conditions: Any) -> Part:
        return in_force(
            rid,
            name,
            words,
            unit=in_scope(),
            evidence=plans(field).where(some_child(KIND, field, plan.sid, ours, *conditions)),
            until=no_instant(),
            end=retired(),
            shape="completeness",
            fields=("in_scope",),
        )

    return [
        each_service(
            "forecast",
            Words(
                f"The capacity plan foresees what the service will need, {p.horizon_months} months ahead.",
                f"No capacity plan in force forecasts the service's load for {p.horizon_months} months.",
                "Add a forecast for the service to the plan, and have it authorised.",
            ),
            "demand",
            lambda one: one.until >= ahead,
        ),
        each_service(
            "response_time",
            Words(
                "The capacity plan holds the response time agreed for the service.",
                "No capacity plan in force holds an agreed response time for the service.",
                "Agree on a response time, and write it into the plan.",
            ),
            "agreed_times",
            lambda one: and_(one.value.is_not(None), filled(one.unit), one.agreed_at.is_not(None)),
        ),
    ]


def _from_afar(found: AnyOf) -> Iterator[Evidence]:
    """Let evidence tied to a measurement be found from what is measured."""
    for one in found.several:
        if isinstance(one, Rows):
            yield replace(one, reads=dict.fromkeys(one.reads, "far"))


def _5_6_b(rid: str, p: Parameters) -> list[Part]:
    units, _ = beyond_limit()
    return [
        says_throughout(
            rid,
            "limits",
            Words(
                "For every resource it forecasts the capacity plan says at what limit it is extended, and how.",
                "The capacity plan names no limit or no action for a resource it forecasts.",
                "Lay down the limit and what is done beyond it.",
            ),
            every_resource("limits", lambda one: one.limit.is_not(None), lambda one: filled(one.action)),
            "demand",
            "limits",
            kind=KIND,
            doc_type="",
        ),
        deadline(
            rid,
            "acted",
            Words(
                f"When a resource passes its limit, a change or a written decision follows within {p.days} days.",
                "The use of a resource passed its limit, and no change or decision followed in time.",
                "Raise the change, or write down why nothing is done and who decided it.",
            ),
            unit=units,
            due=days_after(units.opened, p.days),
            evidence=any_of(linked(m.sid, ("change",), reach="far"), *_from_afar(acted(m.sid))),
            shape="completeness",
            needs=[_FIGURES, Need(KIND, frozenset({"limits"}), evidence=True), Need("change", evidence=True)],
        ),
    ]


def _section(rid: str, name: str, words: Words, days: int, *headings: str) -> list[Part]:
    """A section of the plan in force says something and was written or looked at not too long ago."""
    section: Any = child_tables[KIND, "sections"].alias()
    named = func.lower(func.trim(section.c.name)).in_(headings)
    found = plans("sections").joining(section, section.c.sid == plan.sid).where(named, filled(section.c.text))
    dated = func.coalesce(section.c.written_at, plan.last_review_at, plan.effective_from)
    return [
        in_force(
            rid, name, words, unit=organisation(), evidence=found, until=holding(dated, days), shape="completeness"
        )
    ]


def _5_6_c(rid: str, p: Parameters) -> list[Part]:
    return _section(
        rid,
        "technology",
        Words(
            f"The capacity plan weighs extensions and new technology; that is looked at every {p.days} days.",
            "The capacity plan in force says nothing current on new technology, or there is no plan.",
            "Write down which technology is coming and what it means for capacity.",
        ),
        p.days,
        "technology_assessment",
        "technology assessment",
    )


def _5_6_d(rid: str, p: Parameters) -> list[Part]:
    return _section(
        rid,
        "outside",
        Words(
            f"The capacity plan foresees what comes from outside; that is looked at every {p.days} days.",
            "The capacity plan in force says nothing current on outside changes, or there is no plan.",
            "Write down what growth, law and other outside events mean for capacity.",
        ),
        p.days,
        "external_changes",
        "external changes",
    )


def _5_6_e(rid: str, _p: Parameters) -> list[Part]:
    told = (lambda one: filled(one.metric), lambda one: filled(one.tool), lambda one: filled(one.frequency))
    return [
        says_throughout(
            rid,
            "watched",
            Words(
                "For every resource it forecasts the capacity plan says what is measured, with what and how often.",
                "The capacity plan does not say how a resource it forecasts is watched.",
                "Name metric, tool and frequency for every resource.",
            ),
            every_resource("watching", *told),
            "demand",
            "watching",
            kind=KIND,
            doc_type="",
        )
    ]


def _5_6_f(rid: str, p: Parameters) -> list[Part]:
    forecast, figure, of = child_tables[KIND, "demand"].alias(), _measurement.alias(), kind_tables[KIND].alias()
    periods = (
        select(func.count(distinct(figure.c.period_start)))
        .where(
            figure.c.subject == func.coalesce(forecast.c.subject_id, forecast.c.service_id),
            figure.c.metric_id == func.coalesce(forecast.c.metric_id, forecast.c.resource),
            figure.c.actual.is_not(None),
            figure.c.period_end <= _period.ends_at,
            figure.c.vanished_at.is_(None),
        )
        .correlate_except(figure)
        .scalar_subquery()
    )
    units = forecast_subjects()
    unmeasured = exists().where(
        of.c.sid == forecast.c.sid,
        func.coalesce(forecast.c.subject_id, forecast.c.service_id) == units.sid,
        in_effect_at(of.c, _period.ends_at - 1),
        periods < p.min_periods,
    )
    looked = rows(
        "review",
        and_(r.sid.is_not(None), r.type == "capacity_analysis"),
        entered_at(r, "held_at"),
        fields=frozenset({"type", "held_at", "conclusions"}),
        lost=r.vanished_at,
        reach="all",
    )
    return [
        threshold(
            rid,
            "data",
            Words(
                f"The use of every resource in the capacity plan is measured; {p.min_periods} periods are at hand.",
                f"For a resource in the capacity plan there are not {p.min_periods} periods of figures.",
                "Measure the resource, or correct in the plan how its figures are found.",
            ),
            unit=each(units, "month").reading(measurement="near"),
            holds=~unmeasured.correlate_except(forecast, of),
            at=_period.ends_at - 1,
            needs=[_FIGURES, Need(KIND, frozenset({"demand"}), evidence=True)],
        ),
        periodic(
            rid,
            "analysed",
            Words(
                f"Somebody writes down where the load is heading at least every {p.max_interval_days} days.",
                f"For more than {p.max_interval_days} days nobody wrote down where the load is heading.",
                "Look at the figures now, and keep what follows as a review of capacity.",
            ),
            unit=organisation(),
            evidence=looked.where(or_(filled(r.conclusions), filled(r.findings))),
            at=r.held_at,
            days=p.max_interval_days,
            shape="trend",
        ),
    ]


def _5_6_g(rid: str, p: Parameters) -> list[Part]:
    return [
        doc(
            rid,
            "in_force",
            Words(
                "A reviewed procedure says how capacity is monitored and performance tuned.",
                "No reviewed procedure on monitoring and tuning was in force throughout the month.",
                "Write or review the procedure, with a section on each, and have it authorised.",
            ),
            "capacity_procedure",
            p.review_days,
            sections=[("monitoring",), ("tuning",)],
        )
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-5.6-a": _5_6_a,
    "BS15000-5.6-b": _5_6_b,
    "BS15000-5.6-c": _5_6_c,
    "BS15000-5.6-d": _5_6_d,
    "BS15000-5.6-e": _5_6_e,
    "BS15000-5.6-f": _5_6_f,
    "BS15000-5.6-g": _5_6_g,
}
"""Requirement -> what makes its parts."""
