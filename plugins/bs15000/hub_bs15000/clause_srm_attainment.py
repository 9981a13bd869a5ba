"""Service report management: how far targets were met, and figures that are missing (SRM-14, 16)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, and_, cast, exists, func, or_, select

from hub.conformance.expression import filled
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import threshold
from hub.store.schema import kind_tables
from hub_bs15000.report import SENT_UNKNOWN, child, customer_routine, none_of, s, sent, sent_at, some
from hub_bs15000.report_section import NO_CUSTOMER, NO_PERIOD, agreement, judged

__all__ = ["DECLARATIONS"]


def _srm_14(rid: str, _: Parameters) -> list[Part]:
    line, out = child("attainment"), child("exclusions")
    target = child("targets", "sla")
    sla: Any = kind_tables["sla"].alias()
    forgotten = (
        exists()
        .where(
            *agreement(sla),
            target.c.sid == sla.c.sid,
            ~some(line, line.c.sla_id == sla.c.sid, line.c.target_id == target.c.id),
        )
        .correlate_except(sla, target)
    )
    adds_up = line.c.met + line.c.missed + line.c.excluded == line.c.total
    of_line = [out.c.sid == s.sid, out.c.sla_id == line.c.sla_id, out.c.target_id == line.c.target_id]
    explained = select(func.count()).where(*of_line, filled(out.c.rule_id)).correlate_except(out).scalar_subquery()
    return [
        judged(
            rid,
            "every_target",
            Words(
                "Every routine report to a customer shows each target of its agreements.",
                "The report leaves out a target of an agreement, or shows none at all.",
                "Add the target, even if there were no cases.",
            ),
            and_(some(line), ~forgotten),
            "attainment",
            "customer_id",
            "period",
            unit=customer_routine().reading(sla="all", calendar="all"),
            needs=[Need("sla", frozenset({"customer_id", "targets"}), evidence=True)],
            doubts=[NO_CUSTOMER, NO_PERIOD],
        ),
        judged(
            rid,
            "adds_up",
            Words(
                "For each target met, missed and left out make up all cases.",
                "For a target met, missed and left out do not make up all cases, or a figure is missing.",
                "Count again and correct the report.",
            ),
            none_of(line, ~func.coalesce(adds_up, False)),
            "attainment",
        ),
        judged(
            rid,
            "left_out_by_rule",
            Words(
                "Each case left out is listed with the rule of the agreement that takes it out.",
                "Cases were left out that are not listed, or without a rule.",
                "List each with its rule, or count it.",
            ),
            and_(
                none_of(out, ~filled(out.c.rule_id)),
                none_of(line, cast(func.coalesce(line.c.excluded, 0), BigInteger) > explained),
            ),
            "attainment",
            "exclusions",
        ),
    ]


# -- figures ----------------------------------------------------------------------------------


def _srm_16(rid: str, q: Parameters) -> list[Part]:
    units = sent()
    metric = child("metrics")
    missing = or_(metric.c.current_actual.is_(None), metric.c.current_coverage < q.min_coverage)
    counted = metric.c.verdict == "met"
    unknown = and_(metric.c.current_coverage.is_(None), metric.c.current_actual.is_not(None))
    share = f"{q.min_coverage * 100:g} per cent"
    common: dict[str, Any] = {"unit": units, "at": sent_at, "fields": ("metrics", "submitted_at")}
    return [
        threshold(
            rid,
            "explained",
            Words(
                f"Where a figure is missing or rests on less than {share} of the data, the report says why.",
                f"A figure is missing or rests on less than {share} of the data, and the report does not say why.",
                "Say in the report why data is missing.",
            ),
            holds=none_of(metric, missing, ~filled(metric.c.missing_reason)),
            doubts=[
                SENT_UNKNOWN,
                (
                    some(metric, unknown, ~filled(metric.c.missing_reason)),
                    "on how much of the data a figure rests is not recorded",
                ),
            ],
            **common,
        ),
        threshold(
            rid,
            "unknown_is_not_met",
            Words(
                "What is not known is never reported as met.",
                "The report counts a metric without a figure as met.",
                "Correct the verdict of the metric.",
            ),
            holds=none_of(metric, counted, metric.c.current_actual.is_(None)),
            doubts=[SENT_UNKNOWN],
            **common,
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"SRM-14": _srm_14, "SRM-16": _srm_16}
"""Requirement -> what makes its parts."""
