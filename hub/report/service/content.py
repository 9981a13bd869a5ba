"""What the record of a compiled report says of its content, for whoever judges reports."""

from __future__ import annotations

from collections.abc import Sequence

from hub.conformance.situation.promise import excluded_clocks
from hub.conformance.situation.workload import Flow, workload
from hub.records.report_content import (
    AttainmentLine,
    DecisionAsked,
    PerformanceLine,
    ReportChapter,
    ReportExclusion,
    ReportSummary,
    ServiceVerdict,
    TrendLine,
    TrendValue,
    WorkloadLine,
)
from hub.records.service_report import ReportFinding
from hub.report.language.words import ENGLISH, Days
from hub.report.model import Said
from hub.report.service.chapter import Asked, Chapter
from hub.report.service.coverage import unread
from hub.report.service.metric import Figures
from hub.report.service.model import Content
from hub.report.service.order import NAMES
from hub.report.service.summary import decisions, verdicts, words_in
from hub.report.service.told import absent_text, said_text
from hub.report.service.trend import Trend

__all__ = ["content_of"]

_MOST = 1000
_WORKLOAD = 4
_PRIORITIES = ("P1", "P2", "P3", "P4")


def content_of(
    asked: Asked, found: Figures, drawn: Sequence[Trend], chapters: Sequence[Chapter], beyond: Sequence[str]
) -> Content:
    """Give the content of a report for its record."""
    days = Days(asked.zone)
    half_page = next((one for one in chapters if one.number == 2), None)  # noqa: PLR2004 - the summary
    told = " ".join(said_text(one, ENGLISH, days) for one in half_page.parts if isinstance(one, Said)) if half_page else ""  # fmt: skip
    owed = decisions(asked, found, beyond)
    _, left_out = excluded_clocks(asked.conn, asked.period, asked.instant, asked.known_at, asked.audience, most=_MOST)
    return Content(
        chapters=[one for chapter in chapters for one in _sections(chapter, days)],
        summary=ReportSummary(
            text=told, words=words_in(half_page.parts) if half_page else None, no_decisions=None if owed else True
        ),
        verdicts=[ServiceVerdict(service_id=one.service, verdict=one.kept) for one in verdicts(found)],
        decisions_asked=[DecisionAsked(text=said_text(one, ENGLISH, days)) for one in owed],
        performance=[
            PerformanceLine(
                service_id=one.service.id,
                metric_id="availability",
                limit=one.target,
                actual=one.actual,
                coverage=one.coverage,
                missing_reason=one.missing or None,
            )
            for one in found.times
        ],
        attainment=[
            AttainmentLine(
                sla_id=one.agreement,
                target_id=one.target,
                met=one.met,
                missed=one.missed,
                excluded=one.excluded,
                total=one.met + one.missed + one.excluded,
            )
            for one in found.levels
            if one.agreement
        ],
        workload=_workload(asked, chapters),
        exclusions=[
            ReportExclusion(
                sla_id=one.agreement or None, target_id=one.target or None, case_id=one.subject.id, rule_id=one.rule
            )
            for one in left_out
        ],
        trends=[
            TrendLine(
                metric_id=one.metric.metric_id,
                direction=one.direction,
                forecast=one.forecast,
                not_forecast_reason=one.why_not or None,
            )
            for one in drawn
        ],
        trend_values=[
            TrendValue(metric_id=one.metric.metric_id, period=label, value=value)
            for one in drawn
            for label, value in one.values
        ],
        findings=_findings(asked, found),
        coverage_notes=[
            f"{one.source} {one.scope} {one.kind}: {one.reason or 'not read to the end of the period'}"
            for one in unread(asked)
        ],
    )


def _sections(chapter: Chapter, days: Days) -> list[ReportChapter]:
    told = [
        said_text(one, ENGLISH, days) if isinstance(one, Said) else f"{one.name}: {len(one.rows)} lines"
        for one in chapter.parts
    ]
    why = absent_text(chapter.absent, ENGLISH, days) if chapter.absent else None
    return [ReportChapter(name=name, text="; ".join(told) or None, none_reason=why) for name in NAMES[chapter.number]]


def _findings(asked: Asked, found: Figures) -> list[ReportFinding]:
    if asked.terms.type != "annual_quality":
        return []
    lacking = [line for line in found.metrics if line.next_target is None and not line.retired]
    return [
        ReportFinding(
            id=f"no-target-{number}",
            text=f"No target is agreed for the year to come: {line.name or line.metric_id}.",
        )
        for number, line in enumerate(lacking, 1)
    ]


def _workload(asked: Asked, chapters: Sequence[Chapter]) -> list[WorkloadLine]:
    """Tell the work of the period in all and by priority, where the chapter on it has data."""
    if not any(one.number == _WORKLOAD and one.absent is None for one in chapters):
        return []
    facts = workload(asked.conn, asked.period, asked.as_of, asked.known_at, asked.audience)
    groups: dict[str | None, list[Flow]] = {None: list(facts.flows)}
    for flow in facts.by_class:
        if flow.group in _PRIORITIES:
            groups.setdefault(flow.group, []).append(flow)
    return [
        WorkloadLine(
            priority=priority,
            opening=sum(one.opening for one in flows),
            opened=sum(one.opened for one in flows),
            reopened=sum(one.reopened for one in flows),
            resolved=sum(one.resolved for one in flows),
            cancelled=sum(one.cancelled for one in flows),
            closing=sum(one.closing for one in flows),
        )
        for priority, flows in groups.items()
    ]
