"""A chapter's sentences and tables in the reader's language: dates, numbers and words of the hub's own."""

from __future__ import annotations

from dataclasses import replace

from hub.report.file.topic import Cell, Column, Topic
from hub.report.language.words import Days, Words
from hub.report.model import Said
from hub.report.service.cell import NO_CASES
from hub.report.service.chapter import Dated
from hub.report.wording import clean

__all__ = ["absent_text", "cell_text", "said_text", "topic_text", "word_text"]


def said_text(said: Said, words: Words, days: Days) -> str:
    """Say a sentence."""
    values: dict[str, object] = dict(said.values)
    values |= {name: words.percent(part, whole) for name, (part, whole) in said.shares.items()}
    if isinstance(said, Dated):
        values |= {name: days.day(at) for name, at in said.days.items()}
        values |= {name: days.minute(at) for name, at in said.minutes.items()}
    return words(said.phrase, **values)


def absent_text(absent: Said | None, words: Words, days: Days) -> str:
    """Say that a chapter had no cases, or why there is nothing to tell."""
    if absent is None or absent.phrase == NO_CASES:
        return words(NO_CASES)
    return words("Not available because {why}.", why=said_text(absent, words, days).rstrip(".。"))


def word_text(text: str, words: Words) -> str:
    """Say a cell that is a phrase, or several with `; ` between; what is no phrase is data and stays as it is."""
    return "; ".join(words(part) if words.knows(part) else part for part in text.split("; "))


def cell_text(cell: Cell, column: Column, words: Words, days: Days) -> str:
    """Say a cell; a text where a number or an instant is expected says why there is none."""
    if cell is None:
        return ""
    if isinstance(cell, int):
        if column.kind == "minute":
            return days.minute(cell)
        return days.day(cell) if column.kind == "day" else words.number(cell)
    return clean(cell if column.kind in ("text", "link") else word_text(cell, words))


def topic_text(topic: Topic, words: Words) -> Topic:
    """Give the same table with its names and words in a language; numbers and instants stay as they are."""
    columns = [replace(one, name=words(one.name)) for one in topic.columns]
    rows = [
        tuple(
            word_text(cell, words) if isinstance(cell, str) and column.kind not in ("text", "link") else cell
            for cell, column in zip(row, topic.columns, strict=True)
        )
        for row in topic.rows
    ]
    return Topic(words(topic.name), columns, rows, words(topic.empty))
