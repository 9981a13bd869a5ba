"""A topic as a table of a document."""

from __future__ import annotations

from collections.abc import Callable

from hub.report.file.page import Line, Pages
from hub.report.file.topic import Cell, Column, Topic

__all__ = ["draw_table"]

_SIZE = 8.0
_NARROWEST = 9


def draw_table(pages: Pages, topic: Topic, text: Callable[[Cell, Column], str]) -> None:
    """Draw a table, or say why there is nothing in it; `text` says what stands in a cell."""
    if not topic.rows:
        pages.paragraph(Line(topic.empty))
        return
    columns = topic.columns
    rows = ([[Line(text(cell, column))] for cell, column in zip(row, columns, strict=True)] for row in topic.rows)
    pages.table([column.name for column in columns], [max(column.width, _NARROWEST) for column in columns], rows, _SIZE)
