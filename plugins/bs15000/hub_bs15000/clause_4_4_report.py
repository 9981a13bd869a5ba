"""Clause 4.4, service quality: what the yearly quality report says (a to c, f)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, or_

from hub.conformance.expression import filled
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import threshold
from hub.conformance.unit import Unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.report import child, issued, none_of, report, s, some
from hub_bs15000.report_section import NO_PERIOD, valid_in

__all__ = ["DECLARATIONS", "YEARLY"]

YEARLY = "annual_quality"
"""Type of the yearly report on service quality."""
_link = metadata.tables["link"]
_record = metadata.tables["record"]
_definition = kind_tables["metric_definition"]
_IMPROVEMENTS = ("improvement", "improvements", "improvement_actions", "improvement actions")


def _yearly(**reads: Any) -> Unit:
    """Every yearly quality report that was issued."""
    return issued().where(s.type == YEARLY).reading(**{"service_report": "all", **reads})


def _judged(rid: str, name: str, words: Words, holds: ColumnElement[bool], *fields: str, **more: Any) -> Part:
    units = more.pop("unit", _yearly())
    return threshold(rid, name, words, unit=units, holds=holds, at=units.opened, fields=("type", *fields), **more)


# -- this year --------------------------------------------------------------------------------


def _4_4_a(rid: str, _: Parameters) -> list[Part]:
    metric, definition = child("metrics"), _definition.alias()
    shown = some(metric, metric.c.metric_id == definition.c.metric_id)
    left_out = (
        exists()
        .where(
            valid_in(definition, s.period_start, s.period_end),
            or_(definition.c.vanished_at.is_(None), definition.c.vanished_at > s.period_start),
            ~shown,
        )
        .correlate_except(definition)
    )
    given = and_(metric.c.current_target.is_not(None), metric.c.current_actual.is_not(None))
    return [
        _judged(
            rid,
            "all_metrics",
            Words(
                "The yearly report shows every metric that was in force in its year.",
                "The report leaves out a metric that was in force in its year.",
                "Add the metric, with a reason where there is no figure.",
            ),
            ~left_out,
            "metrics",
            "period",
            unit=_yearly(metric_definition="all", calendar="all"),
            doubts=[NO_PERIOD],
            needs=[Need("metric_definition", frozenset({"metric_id", "valid_from"}), evidence=True)],
        ),
        _judged(
            rid,
            "figures",
            Words(
                "Each metric of the yearly report has its target and its figure, or a reason why not.",
                "A metric has no target or no figure, and no reason is given.",
                "Complete the metric, or say why there is no figure.",
            ),
            and_(some(metric), none_of(metric, ~given, ~filled(metric.c.missing_reason))),
            "metrics",
        ),
    ]


# -- the year before --------------------------------------------------------------------------


def _last_before() -> tuple[Any, list[ColumnElement[bool]]]:
    """Return the last yearly report on a time before this one's, in its last revision, and what ties it."""
    before, between = report.alias(), report.alias()

    def earlier(one: Any) -> list[ColumnElement[bool]]:
        return [
            one.c.type == YEARLY,
            func.coalesce(one.c.customer_id, 0) == func.coalesce(s.customer_id, 0),
            func.coalesce(one.c.direction, "") != "inbound",
            or_(one.c.issued_at.is_not(None), one.c.submitted_at.is_not(None)),
            one.c.period_end <= s.period_start,
        ]

    again = and_(
        between.c.period_start == before.c.period_start,
        func.coalesce(between.c.revision, 1) > func.coalesce(before.c.revision, 1),
    )
    nearer = or_(between.c.period_start > before.c.period_start, again)
    surpassed = exists().where(*earlier(between), nearer).correlate_except(between)
    return before, [*earlier(before), ~surpassed]


def _then(line: Any, *conditions: Any) -> ColumnElement[bool]:
    """Say whether the report before showed the metric of `line` so; each condition gets that line's columns."""
    before, tied = _last_before()
    then = child("metrics")
    showed = (then.c.sid == before.c.sid, then.c.metric_id == line.c.metric_id)
    return exists().where(*tied, *showed, *(one(then.c) for one in conditions)).correlate_except(before, then)


def _4_4_b(rid: str, _: Parameters) -> list[Part]:
    line = child("metrics")
    before, tied = _last_before()
    known = exists().where(*tied).correlate_except(before)
    new = func.coalesce(line.c.new_metric, false())
    same = _then(
        line,
        lambda then: then.current_target.is_not_distinct_from(line.c.previous_target),
        lambda then: then.current_actual.is_not_distinct_from(line.c.previous_actual),
    )
    shown = and_(line.c.previous_target.is_not(None), line.c.previous_actual.is_not(None))
    wrong = or_(and_(new, _then(line)), and_(~new, known, ~same), and_(~new, ~known, ~shown))
    return [
        _judged(
            rid,
            "as_issued",
            Words(
                "The yearly report repeats targets and figures of the year before as they were issued then.",
                "A target or a figure of the year before is missing, or differs from the report then.",
                "Show both as issued then, or mark the metric as new.",
            ),
            none_of(line, wrong),
            "metrics",
            "period",
            doubts=[
                NO_PERIOD,
                (and_(~known, none_of(line, wrong), some(line, ~new)), "the report of the year before was not read"),
            ],
        )
    ]


def _4_4_f(rid: str, _: Parameters) -> list[Part]:
    line = child("metrics")
    version = line.c.formula_version
    said = and_(line.c.previous_formula_version.is_not(None), line.c.previous_formula_version != version)
    differs = or_(said, _then(line, lambda then: then.formula_version != version))
    disclosed = and_(line.c.previous_restated.is_not(None), filled(line.c.comment))
    return [
        _judged(
            rid,
            "one_formula",
            Words(
                "All years of a metric are worked out alike; where that changed, the old figure is restated and it is said why.",
                "A metric is worked out in another way than the year before, without the old figure restated and a reason.",
                "Restate the figure of the year before and say what changed.",
            ),
            none_of(line, or_(and_(differs, ~disclosed), ~filled(version))),
            "metrics",
            "period",
            doubts=[NO_PERIOD],
        )
    ]


# -- the year to come -------------------------------------------------------------------------


def _4_4_c(rid: str, _: Parameters) -> list[Part]:
    line, finding, section = child("metrics"), child("findings"), child("chapters")
    ahead = or_(line.c.next_target.is_not(None), func.coalesce(line.c.retired, false()))
    named = []
    for here, there in (("sid", "target"), ("target", "sid")):
        link, other = _link.alias(), _record.alias()
        tied = (link.c[here] == s.sid, other.c.sid == link.c[there], other.c.kind == "improvement_action")
        named.append(exists().where(*tied).correlate_except(link, other))
    none_needed = some(section, func.lower(func.trim(section.c.name)).in_(_IMPROVEMENTS), filled(section.c.none_reason))
    acted = or_(*named, some(line, line.c.action_id.is_not(None)), some(finding, finding.c.action_id.is_not(None)))
    return [
        _judged(
            rid,
            "targets",
            Words(
                "The yearly report gives for each metric the target of the year to come, or says that it ends.",
                "A metric has no target for the year to come, and it does not say that it ends.",
                "Agree the target and add it.",
            ),
            and_(some(line), none_of(line, ~ahead)),
            "metrics",
        ),
        _judged(
            rid,
            "improvements",
            Words(
                "The yearly report names what will be improved, or states that nothing needs to be.",
                "The report names no improvement and does not state that none is needed.",
                "Link improvement actions to the report, or state why none is needed.",
            ),
            or_(acted, none_needed),
            "metrics",
            "chapters",
            unit=_yearly(improvement_action="near"),
            needs=[Need("improvement_action", frozenset({"source_ids"}), evidence=True)],
        ),
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-4.4-a": _4_4_a,
    "BS15000-4.4-b": _4_4_b,
    "BS15000-4.4-c": _4_4_c,
    "BS15000-4.4-f": _4_4_f,
}
"""Requirement -> what makes its parts."""
