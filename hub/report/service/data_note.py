"""Chapter 13: what to know of the data: what was not read, what was restated, what cannot be measured."""

from __future__ import annotations

from collections.abc import Sequence

from hub.conformance.situation.promise import lacking_clocks
from hub.report.file.topic import Column, Topic
from hub.report.model import Said
from hub.report.service.cell import figure
from hub.report.service.chapter import Asked, Chapter
from hub.report.service.coverage import unread
from hub.report.service.metric import Figures
from hub.report.service.trend import Trend

__all__ = ["data_note"]


def data_note(asked: Asked, figures: Figures, trends: Sequence[Trend]) -> Chapter:
    """List gaps of the data, restated values, changed formulas, and clocks that do not fit together."""
    chapter = Chapter(13, "Data notes")
    if asked.as_of < asked.terms.end:
        chapter.parts.append(Said(phrase="Provisional: the period has not ended."))
    chapter.parts.extend([_gaps(asked), _restated(figures), _absent(figures), _anomalies(asked)])
    if any(one.forecast is not None for one in trends):
        text = "Forecasts are the straight line through the figures of the last periods; no other figure is estimated."
        chapter.parts.append(Said(phrase=text))
    else:
        chapter.parts.append(Said(phrase="No figure of this report is estimated."))
    return chapter


def _gaps(asked: Asked) -> Topic:
    return Topic(
        "Missing or partial data",
        (
            Column("Source", width=20),
            Column("Scope", width=20),
            Column("Records", width=22),
            Column("Read through", "minute", 18),
            Column("Why not further", "word", 50),
        ),
        [
            (
                one.source,
                one.scope,
                one.kind.replace("_", " "),
                one.through if one.through is not None else "never read to the end",
                one.reason or "not read to the end of the period",
            )
            for one in unread(asked)
        ],
        "every source was read to the end of the period",
    )


def _restated(figures: Figures) -> Topic:
    return Topic(
        "Restated values",
        (
            Column("Metric", width=36),
            Column("Previous, as issued", width=16),
            Column("Previous, restated", width=16),
            Column("Formula", width=14),
            Column("Why", "word", 40),
        ),
        [
            (
                line.name or line.metric_id,
                figure(line.previous_actual, line.unit),
                figure(line.previous_restated, line.unit),
                f"{line.previous_formula_version} → {line.formula_version}" if line.previous_formula_version else "",
                line.comment or "",
            )
            for line in figures.metrics
            if line.previous_restated is not None or line.previous_formula_version is not None
        ],
        "no value of an earlier report was restated",
    )


def _absent(figures: Figures) -> Topic:
    return Topic(
        "Figures that cannot be told",
        (Column("Metric", width=50), Column("Why", "word", 60)),
        [
            (line.name or line.metric_id, line.missing_reason or line.comment or "")
            for line in figures.metrics
            if line.verdict == "not_provable"
        ],
        "every figure can be told",
    )


def _anomalies(asked: Asked) -> Topic:
    return Topic(
        "Clocks that cannot be measured",
        (Column("Metric", "word", 20), Column("Cases", "number", 8), Column("What is missing or impossible", width=70)),
        [
            (one.metric.replace("_", " "), one.number, one.reason)
            for one in lacking_clocks(asked.conn, asked.period, asked.audience)
        ],
        "every clock of the period can be measured",
    )
