"""Compiles a planned report from the live store: every chapter its type has, from one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hub.conformance.query import roles_told
from hub.conformance.situation.audience import Audience, fill_audience
from hub.conformance.situation.promise import excluded_clocks
from hub.records import Customer, Service, Sla
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
)
from hub.records.service_report import ReportFinding
from hub.report.language.words import ENGLISH, Days
from hub.report.model import Said
from hub.report.person import Naming
from hub.report.service.annex import annex
from hub.report.service.attainment import attainment
from hub.report.service.changes import changes
from hub.report.service.chapter import Asked, Chapter, Compile
from hub.report.service.configuration import configuration
from hub.report.service.content import lines_of
from hub.report.service.coverage import unread
from hub.report.service.data_note import data_note
from hub.report.service.event import major_incident, post_release, supplier
from hub.report.service.finance import finance
from hub.report.service.follow_up import follow_up
from hub.report.service.front import Edition, front
from hub.report.service.incidents import incidents
from hub.report.service.issued import issued_before
from hub.report.service.metric import Figures
from hub.report.service.model import Compiled, Content, decode_compiled, encode_compiled, keep
from hub.report.service.named import figures
from hub.report.service.neighbour import period_before
from hub.report.service.order import NAMES, chapters_of, language_of
from hub.report.service.performance import crossed, performance
from hub.report.service.satisfaction import satisfaction
from hub.report.service.security import security
from hub.report.service.summary import SUMMARY, decisions, summary, verdicts, words_in
from hub.report.service.told import absent_text, said_text
from hub.report.service.trend import Trend, trends
from hub.report.service.workload import workload
from hub.store.report_log import ids_of
from hub.store.revision import current_records

if TYPE_CHECKING:
    from hub.report.plan.desk import Desk
    from hub.report.plan.plan import Terms

__all__ = ["asked_of", "compile_report", "recomputed"]

_AUDIENCE = 1_000_000
"""Number of the audience in the connection's temporary table, apart from those of managers."""
_MOST = 1000


def asked_of(desk: Desk, terms: Terms, *, as_of: int, names: bool = False) -> Asked:
    """Put together what every chapter needs to know."""
    before = period_before(terms)
    return Asked(
        conn=desk.conn,
        terms=terms,
        before=(before.starts_at, before.ends_at),
        as_of=as_of,
        known_at=as_of,
        zone=terms.zone,
        audience=_audience(desk, terms),
        naming=Naming(roles=roles_told(desk.conn), names=names),
        issued=issued_before(desk, terms),
        statements=desk.statements,
    )


def _audience(desk: Desk, terms: Terms) -> Audience | None:
    """Find the records a report is about: those of its services, or of its event's, and never another customer's."""
    about = current_records(desk.conn, terms.about)
    customer = terms.customer or next((one.customer_id for one in about if one.customer_id), None)
    services = list(terms.services) or [one.id if isinstance(one, Service) else each for one in about for each in one.service_ids or [one.id]]  # fmt: skip
    if customer is None and not services:
        return None
    if not services:
        agreements = current_records(desk.conn, ids_of(desk.conn, "sla"))
        own = [one for one in agreements if isinstance(one, Sla) and one.customer_id == customer]
        services = sorted({service for one in own if one.vanished_at is None for service in one.service_ids})
    return fill_audience(desk.conn, _AUDIENCE, services=services, teams=(), customer=customer)


def recomputed(desk: Desk, terms: Terms, *, as_of: int) -> Figures:
    """Work out the figures of a report once more, from the store as it stands now."""
    return figures(asked_of(desk, terms, as_of=as_of))


def compile_report(desk: Desk, terms: Terms, edition: Edition, *, as_of: int) -> Compiled:
    """Compile a report; HubError for a type nobody can compile. Nothing is written."""
    numbers, language = chapters_of(terms), language_of(terms)
    asked = asked_of(desk, terms, as_of=as_of, names=edition.names)
    found = figures(asked)
    beyond = crossed(asked, found)
    drawn = trends(asked, found.metrics)
    own: dict[int, Callable[[], Chapter]] = {
        1: lambda: front(asked, edition),
        2: lambda: summary(asked, found, beyond),
        3: lambda: attainment(asked, found),
        5: lambda: performance(asked, found, drawn),
        13: lambda: data_note(asked, found, drawn),
        14: lambda: annex(asked, found),
    }
    chapters = [own[number]() if number in own else _body(number, asked) for number in numbers]
    customers = current_records(desk.conn, [terms.customer] if terms.customer else [])
    customer = next((one.name or one.title or one.id for one in customers if isinstance(one, Customer)), "")
    report = Compiled(
        report_id=terms.report_id,
        revision=edition.revision,
        title=terms.title or terms.type.replace("_", " "),
        organisation=desk.office.name,
        customer=customer,
        label=terms.label,
        zone=terms.zone,
        as_of=as_of,
        issued_at=edition.issued_at,
        language=language,
        chapters=[keep(one) for one in chapters],
        required=list(numbers),
        metrics=found.metrics,
        content=_content(asked, found, drawn, chapters, beyond),
    )
    return decode_compiled(encode_compiled(report))  # so that what is read back is the very same


def _body(number: int, asked: Asked) -> Chapter:
    """Compile a chapter on the work of the period, or the one an event or supplier report is made for."""
    special = _EVENTS.get(asked.terms.type)
    if special is not None and special[0] == number:
        return special[1](asked)
    return _BODY[number](asked)


_BODY: dict[int, Compile] = {
    4: workload,
    6: satisfaction,
    7: incidents,
    8: changes,
    9: configuration,
    10: finance,
    11: security,
    12: follow_up,
}
_EVENTS: dict[str, tuple[int, Compile]] = {
    "major_incident": (7, major_incident),
    "post_release": (8, post_release),
    "supplier_performance": (11, supplier),
}


# -- what the report's record says of it ------------------------------------------------------


def _content(
    asked: Asked, found: Figures, drawn: Sequence[Trend], chapters: Sequence[Chapter], beyond: Sequence[str]
) -> Content:
    days = Days(asked.zone)
    half_page = next((one for one in chapters if one.number == SUMMARY), None)
    told = " ".join(said_text(one, ENGLISH, days) for one in half_page.parts if isinstance(one, Said)) if half_page else ""  # fmt: skip
    owed = decisions(asked, found, beyond)
    _, left_out = excluded_clocks(asked.conn, asked.period, asked.instant, asked.known_at, asked.audience, most=_MOST)
    body = lines_of(asked, [one.number for one in chapters])
    return Content(
        workload=body.workload,
        satisfaction=body.satisfaction,
        low_scores=body.low_scores,
        follow_ups=body.follow_ups,
        ci_counts=body.ci_counts,
        ci_changes=body.ci_changes,
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
                actual=one.measured.actual,
                coverage=one.measured.coverage,
                missing_reason=one.measured.missing or None,
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
