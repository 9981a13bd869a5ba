"""The report as plain text: complete, 72 columns, for readers without HTML.

A link stands alone on its line and is never broken, so only such a line may be longer.
"""

from __future__ import annotations

import unicodedata

from hub.report.language.words import ENGLISH, Words
from hub.report.model import ReportModel
from hub.report.section.block import Block, Heading, Note, Row, Run, Section, Table
from hub.report.status import told
from hub.report.wording import change_sentence, clean, safe_url, verdict_sentence

__all__ = ["WIDTH", "columns_of", "render_text", "wrap"]

WIDTH = 72


def render_text(model: ReportModel, sections: list[Section], hosts: frozenset[str], words: Words = ENGLISH) -> str:
    """Write the same report as the page, section by section."""
    lines = _opening(model, words)
    for section in sections:
        title = clean(section.title)
        lines += ["", title.upper(), "-" * columns_of(title)]
        for block in section.blocks:
            lines += _block(block, hosts)
    return "\n".join(lines) + "\n"


def columns_of(text: str) -> int:
    """Count the columns a text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def wrap(text: str, indent: str = "", hanging: str | None = None) -> list[str]:
    """Break a text at spaces, and a word that is too long where the line ends."""
    hanging = indent if hanging is None else hanging
    lines, line, started = [], indent, False
    for word in clean(text).split():
        rest = word
        if started and columns_of(line) + 1 + columns_of(rest) <= WIDTH:
            line += f" {rest}"
            continue
        if started:
            lines.append(line)
            line, started = hanging, False
        while columns_of(line) + columns_of(rest) > WIDTH:
            fitting = _fitting(rest, WIDTH - columns_of(line))
            lines.append(line + rest[:fitting])
            line, rest = hanging, rest[fitting:]
        line, started = line + rest, True
    return [*lines, line] if started else lines


def _fitting(text: str, room: int) -> int:
    """Return how many characters of a text fit, at least one."""
    used = 0
    for index, char in enumerate(text):
        used += columns_of(char)
        if used > room:
            return max(1, index)
    return len(text)


def _opening(model: ReportModel, words: Words) -> list[str]:
    identity = model.identity
    lines = wrap(
        words(
            "{word}: {scope}, conformance {period}",
            word=model.status.word,
            scope=identity.scope,
            period=identity.period.label,
        )
    )
    if model.provisional:
        lines += wrap(words("Provisional: the period has not ended."))
    lines += ["", *wrap(verdict_sentence(model, words)), *wrap(change_sentence(model.change, words))]
    for reason in [told(one, words) for one in model.status.said] or model.status.reasons:
        lines += wrap(reason, "* ", "  ")
    return lines


def _block(block: Block, hosts: frozenset[str]) -> list[str]:
    match block:
        case Heading():
            marks = "".join(f"{mark.text} " for mark in block.marks)
            return ["", *wrap(marks + block.text)]
        case Note():
            return wrap(block.text)
        case Table():
            return _table(block)
        case Row():
            return _row(block, hosts)


def _row(row: Row, hosts: frozenset[str]) -> list[str]:
    first = "- " if row.number is None else f"{row.number:>2}. "
    indent = " " * len(first)
    marks = "".join(f"{mark.text} " for mark in row.marks)
    lines: list[str] = []
    for place, runs in enumerate(row.lines):
        text = "".join(run.text for run in runs)
        lines += wrap(marks + text, first, indent) if place == 0 else wrap(text, indent)
    lines += wrap("".join(run.text for run in row.small), indent)
    return lines + [indent + url for url in _links([run for runs in row.lines for run in runs], hosts)]


def _links(runs: list[Run], hosts: frozenset[str]) -> list[str]:
    return [url for run in runs if (url := safe_url(run.url, hosts))]


def _table(table: Table) -> list[str]:
    label = max(table.label, *(columns_of(clean(row[0])) + 1 for row in [table.head, *table.rows]))
    width = (WIDTH - label) // max(1, len(table.head) - 1)
    return [
        _left(clean(row[0]), label) + "".join(_right(clean(cell), width) for cell in row[1:])
        for row in [table.head, *table.rows]
    ]


def _left(text: str, width: int) -> str:
    return text + " " * (width - columns_of(text))


def _right(text: str, width: int) -> str:
    return " " * (width - columns_of(text)) + text
