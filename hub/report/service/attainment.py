"""Chapter 3: what was promised and how far it was kept, target by target; every miss, exclusion and risk by ticket."""

from __future__ import annotations

from collections.abc import Sequence

from hub.conformance.situation.promise import (
    ClockLine,
    at_risk_clocks,
    excluded_clocks,
    missed_clocks,
)
from hub.report.file.topic import Cell, Column, Topic
from hub.report.model import Said
from hub.report.service.cell import before_text, figure, now_text
from hub.report.service.chapter import Asked, Chapter, Part
from hub.report.service.coverage import TICKETS, unread
from hub.report.service.metric import Figures, Level

__all__ = ["attainment"]

_MOST = 200
"""So many tickets a list names; how many there are is told."""
_ORDER = {"missed": 0, "not_provable": 1, "met": 2, "no_cases": 3}


def attainment(asked: Asked, figures: Figures) -> Chapter:
    """Set every target beside the period before, as issued, and the next; then name the tickets behind it."""
    chapter = Chapter(3, "Attainment of service levels")
    if not figures.levels and not figures.named:
        chapter.parts.append(Said(phrase="No agreement in force promises a level to this report's readers."))
    if gaps := unread(asked, TICKETS):
        names = ", ".join(dict.fromkeys(f"{one.source} {one.scope} {one.kind}".strip() for one in gaps))
        text = "Tickets were not read to the end of the period ({names}): figures of tickets may be incomplete, and none is told as met."
        chapter.parts.append(Said(phrase=text, values={"names": names}))
    if figures.levels:
        chapter.parts.append(_levels(figures.levels))
    if figures.named:
        chapter.parts.append(_named(figures))
    if asked.terms.type == "annual_quality":
        chapter.parts.extend(_without_target(figures))
    chapter.parts.extend(_tickets(asked))
    return chapter


def _levels(levels: Sequence[Level]) -> Topic:
    ordered = sorted(levels, key=lambda one: (_ORDER[one.kept], not one.critical, one.title, one.promise))
    return Topic(
        "Levels",
        (
            Column("Agreement or service", width=24),
            Column("Promise", width=22),
            Column("Previous, as issued", "word", 13),
            Column("Previous, restated", "word", 12),
            Column("Current", "word", 13),
            Column("Target", "word", 11),
            Column("Verdict", "word", 12),
            Column("Next target", "word", 12),
            Column("In time of all", width=11),
            Column("Left out", "number", 8),
            Column("Notes", "word", 26),
        ),
        [_level(one) for one in ordered],
        "no cases",
    )


def _level(one: Level) -> tuple[Cell, ...]:
    line = one.metric
    return (
        one.title,
        one.promise,
        before_text(line),
        figure(line.previous_restated, line.unit),
        now_text(line),
        figure(line.current_target, line.unit) or ("each case" if one.agreement else ""),
        one.kept.replace("_", " "),
        one.goal or "not agreed",
        f"{one.met}/{one.met + one.missed}" if one.agreement else "",
        one.excluded if one.agreement else None,
        line.comment or "",
    )


def _named(figures: Figures) -> Topic:
    return Topic(
        "Metrics",
        (
            Column("Metric", width=28),
            Column("Previous, as issued", "word", 14),
            Column("Previous, restated", "word", 14),
            Column("Current", "word", 16),
            Column("Target", width=12),
            Column("Verdict", "word", 12),
            Column("Next target", "word", 12),
            Column("Coverage", width=10),
            Column("Notes", "word", 30),
        ),
        [
            (
                line.name or line.metric_id,
                before_text(line),
                figure(line.previous_restated, line.unit),
                now_text(line),
                figure(line.current_target, line.unit),
                (line.verdict or "not provable").replace("_", " "),
                figure(line.next_target, line.unit) or ("it ends" if line.retired else "not agreed"),
                figure(None if line.current_coverage is None else line.current_coverage * 100, "%"),
                line.comment or "",
            )
            for line in figures.named
        ],
        "no cases",
    )


def _without_target(figures: Figures) -> list[Part]:
    names = [line.name or line.metric_id for line in figures.metrics if line.next_target is None and not line.retired]
    if not names:
        return []
    text = "Finding: no target is agreed for the year to come for {names}."
    return [Said(phrase=text, values={"names": "; ".join(names)})]


def _tickets(asked: Asked) -> list[Part]:
    given = (asked.conn, asked.period, asked.instant, asked.known_at, asked.audience)
    parts: list[Part] = []
    number, missed = missed_clocks(*given, most=_MOST)
    columns: tuple[Column, ...] = (
        Column("Ticket", width=14),
        Column("Title", width=34),
        Column("Metric", "word", 12),
        Column("Due", "minute", 17),
        Column("Done", "minute", 17),
        Column("Cause", "word", 34),
        Column("Customer told", "minute", 17),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            *_ticket(one),
            one.due_at,
            one.stopped_at if one.stopped_at is not None else "still not done",
            one.cause or "not recorded",
            one.told_at if one.told_at is not None else "not told",
        )
        for one in missed
    ]
    parts += _list(Topic("Missed", columns, rows, "no cases"), number)
    number, left_out = excluded_clocks(*given, most=_MOST)
    columns = (*columns[:3], Column("Rule", width=10))
    rows = [(*_ticket(one), one.rule) for one in left_out]
    parts += _list(Topic("Left out by rule", columns, rows, "no cases"), number)
    number, risky = at_risk_clocks(*given, most=_MOST)
    columns = (*columns[:3], Column("Due", "minute", 17))
    rows = [(*_ticket(one), one.due_at) for one in risky]
    return parts + _list(Topic("Still open and at risk", columns, rows, "no cases"), number)


def _ticket(one: ClockLine) -> tuple[Cell, ...]:
    return one.subject.key or one.subject.id, one.subject.title, one.metric.replace("_", " ")


def _list(topic: Topic, number: int) -> list[Part]:
    if number <= len(topic.rows):
        return [topic]
    text = "{shown} of {n} are listed."
    return [topic, Said(phrase=text, values={"shown": len(topic.rows), "n": number})]
