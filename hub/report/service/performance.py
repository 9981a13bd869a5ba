"""Chapter 5: how each system performed: availability with its coverage, outages, measured levels, capacity, trend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hub.conformance.situation.performance import OutageLine, Reading, ServiceTime, latest_readings, outages
from hub.records import CapacityPlan
from hub.report.file.topic import Cell, Column, Topic
from hub.report.model import Said
from hub.report.service.cell import doubt_of, figure, name_of, share_of
from hub.report.service.chapter import Asked, Chapter
from hub.report.service.metric import Figures
from hub.report.service.trend import Trend
from hub.store.report_log import ids_of
from hub.store.revision import current_records

__all__ = ["crossed", "performance"]

_MOST = 200
_MINUTE_MS = 60_000


def performance(asked: Asked, figures: Figures, trends: Sequence[Trend]) -> Chapter:
    """Tell availability of every service, even where nobody watched it, and everything else that was measured."""
    chapter = Chapter(5, "Performance")
    number, listed = outages(asked.conn, asked.period, asked.instant, asked.known_at, asked.audience, most=_MOST)
    chapter.parts.append(_availability(figures.times))
    if any(not one.measured.proven for one in figures.times):
        text = "Below 98 % of watched time, or where a part of the period was not measured, a figure proves nothing."
        chapter.parts.append(Said(phrase=text))
    chapter.parts.append(_outages(asked, listed))
    if number > len(listed):
        chapter.parts.append(Said(phrase="{shown} of {n} are listed.", values={"shown": len(listed), "n": number}))
    chapter.parts.extend([_readings(figures.readings), _capacity(asked, figures), _trends(trends)])
    return chapter


def _availability(times: Sequence[ServiceTime]) -> Topic:
    return Topic(
        "Availability",
        (
            Column("Service", width=28),
            Column("Target", "word", 12),
            Column("Actual", "word", 14),
            Column("Share watched", width=12),
            Column("Down, minutes", "number", 12),
            Column("Proven", "word", 10),
            Column("Notes", "word", 40),
        ),
        [
            (
                name_of(one.service),
                figure(one.target, "%") if one.target is not None else "not agreed",
                figure(now.actual, "%") or "not known",
                share_of(now.coverage),
                int(now.known_s - now.up_s) // 60 if now.known_s else None,
                "yes" if now.proven else "no",
                doubt_of(now),
            )
            for one in times
            for now in [one.measured]
        ],
        "no service is in scope",
    )


def _outages(asked: Asked, listed: Sequence[OutageLine]) -> Topic:
    return Topic(
        "Outages",
        (
            Column("Service", width=28),
            Column("From", "minute", 18),
            Column("To", "minute", 18),
            Column("Minutes in the period", "number", 12),
            Column("Kind", "word", 12),
            Column("Incident", width=16),
        ),
        [_outage(asked, one) for one in listed],
        "no outage is recorded",
    )


def _outage(asked: Asked, one: OutageLine) -> tuple[Cell, ...]:
    ends = min(one.ended_at if one.ended_at is not None else asked.instant, asked.terms.end)
    return (
        name_of(one.service),
        one.started_at,
        one.ended_at if one.ended_at is not None else "still out",
        (ends - max(one.started_at, asked.terms.start)) // _MINUTE_MS,
        "planned" if one.planned else "unplanned",
        name_of(one.incident),
    )


def _readings(found: Sequence[Reading]) -> Topic:
    return Topic(
        "Measured levels",
        (
            Column("Metric", width=26),
            Column("About", width=26),
            Column("To", "day", 13),
            Column("Target", width=14),
            Column("Actual", "word", 16),
            Column("Share watched", width=12),
        ),
        [
            (
                one.metric_id,
                name_of(one.subject),
                one.end - 1 if one.end is not None else None,
                figure(one.target, one.unit),
                figure(one.actual, one.unit) or one.missing or "not known",
                share_of(one.coverage),
            )
            for one in found
        ],
        "nothing was measured",
    )


def _capacity(asked: Asked, figures: Figures) -> Topic:
    return Topic(
        "Capacity against thresholds",
        (
            Column("Resource", width=20),
            Column("Threshold", "word", 12),
            Column("Last measured", "word", 14),
            Column("On", "day", 13),
            Column("Verdict", "word", 14),
            Column("Expected", width=34),
            Column("Action beyond it", width=30),
        ),
        list(_limits(asked, figures)),
        "no capacity plan in force names a threshold",
    )


def crossed(asked: Asked, figures: Figures) -> list[str]:
    """Name the resources whose last measured use is beyond their threshold."""
    return [str(row[0]) for row in _limits(asked, figures) if row[4] == "beyond"]


def _limits(asked: Asked, figures: Figures) -> Iterator[tuple[Cell, ...]]:
    plans = [
        one
        for one in current_records(asked.conn, ids_of(asked.conn, "capacity_plan"))
        if isinstance(one, CapacityPlan) and one.vanished_at is None and _concerns(asked, figures, one)
    ]
    limits = [(plan, limit) for plan in plans for limit in plan.limits]
    wanted = {limit.metric_id or limit.resource for _, limit in limits}
    found = latest_readings(asked.conn, wanted, asked.instant, asked.known_at) if wanted else {}
    for plan, limit in limits:
        metric = limit.metric_id or limit.resource
        own = [one for (name, about), one in found.items() if name == metric and limit.subject_id in (None, about)]
        worst = max((one for one in own if one.actual is not None), key=lambda one: one.actual or 0, default=None)
        expected = [one.text for one in plan.demand if one.resource == limit.resource and one.text]
        verdict = "not provable"
        if worst is not None and worst.actual is not None and limit.limit is not None:
            verdict = "beyond" if worst.actual > limit.limit else "within"
        yield (
            limit.resource,
            figure(limit.limit, worst.unit if worst else None) or "not agreed",
            figure(worst.actual, worst.unit) if worst else "not known",
            worst.end - 1 if worst and worst.end is not None else None,
            verdict,
            "; ".join(expected),
            limit.action or "",
        )


def _concerns(asked: Asked, figures: Figures, plan: CapacityPlan) -> bool:
    """Say whether a plan is for the report's readers: for their services, or for nobody's in particular."""
    if asked.audience is None or asked.terms.direction != "external":
        return True
    named = {*plan.service_ids, *(one.service_id for one in plan.demand if one.service_id)}
    return bool(named & {one.service.id for one in figures.times})


def _trends(found: Sequence[Trend]) -> Topic:
    return Topic(
        "Trend and forecast",
        (
            Column("Metric", width=34),
            Column("Last periods", width=44),
            Column("Direction", "word", 12),
            Column("Expected next", "word", 24),
        ),
        [
            (
                one.metric.name or one.metric.metric_id,
                " → ".join(f"{label}: {figure(value, one.metric.unit)}" for label, value in one.values),
                one.direction,
                figure(one.forecast, one.metric.unit) or one.why_not,
            )
            for one in found
        ],
        "no cases",
    )
