"""Chapter 14: how each figure is worked out, which tickets were counted, and the hashes of what proves it."""

from __future__ import annotations

from collections.abc import Iterator

from hub.conformance.situation.promise import counted_clocks
from hub.report.file.topic import Cell, Column, Topic
from hub.report.model import Said
from hub.report.service.chapter import Asked, Chapter
from hub.report.service.metric import CLOCKS, Figures

__all__ = ["annex"]

_MOST = 1000
"""So many tickets are listed."""


def annex(asked: Asked, figures: Figures) -> Chapter:
    """Define every metric, list the tickets counted, each with the hash of the document it was read from."""
    chapter = Chapter(14, "Annex")
    columns = (
        Column("Metric", width=30),
        Column("Unit", width=8),
        Column("Version", width=8),
        Column("Formula", "word", 80),
    )
    chapter.parts.append(Topic("Metric definitions", columns, list(dict.fromkeys(_defined(figures))), "no cases"))
    given = (asked.conn, asked.period, asked.instant, asked.known_at, asked.audience)
    number, counted = counted_clocks(*given, most=_MOST)
    chapter.parts.append(
        Topic(
            "Tickets counted",
            (
                Column("Ticket", width=14),
                Column("Title", width=34),
                Column("Metric", "word", 12),
                Column("Due", "minute", 17),
                Column("Done", "minute", 17),
                Column("In time", "word", 8),
                Column("SHA-256 of the document", width=34),
            ),
            [
                (
                    one.subject.key or one.subject.id,
                    one.subject.title,
                    one.metric.replace("_", " "),
                    one.due_at,
                    one.stopped_at if one.stopped_at is not None else "still not done",
                    "yes" if one.in_time else "no",
                    one.document_hash,
                )
                for one in counted
            ],
            "no cases",
        )
    )
    if number > len(counted):
        chapter.parts.append(Said(phrase="{shown} of {n} are listed.", values={"shown": len(counted), "n": number}))
    return chapter


def _defined(figures: Figures) -> Iterator[tuple[Cell, ...]]:
    if any(one.agreement for one in figures.levels):
        formula = "cases in time / cases decided, rounded down, by the agreement in force when the clock started"
        yield ", ".join(_clocks(figures)), "%", CLOCKS, formula
    if figures.times:
        formula = "time up / time watched, within agreed service time without announced maintenance, rounded down"
        version = next((one.measured.formula for one in figures.times if one.measured.formula), "")
        yield "availability", "%", version, formula
    own = {one.metric_id: one for one in figures.definitions}
    for line in figures.named:
        definition = own.get(line.metric_id)
        formula = definition.formula if definition is not None and definition.formula else ""
        yield line.metric_id, line.unit or "", line.formula_version or "", formula or "as measured by its source"


def _clocks(figures: Figures) -> list[str]:
    return sorted({one.metric.metric_id.partition("/")[0].replace("_", " ") for one in figures.levels if one.agreement})
