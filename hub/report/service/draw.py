"""A compiled report as the files its readers get: PDF, workbook, page, and the data itself. The same report, the same bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from markupsafe import Markup

from hub.report.file.page import Line, Pages
from hub.report.file.table import draw_table
from hub.report.file.topic import Column, Topic
from hub.report.file.workbook import Cover, book
from hub.report.language.words import Days, Words, words_of
from hub.report.page import read_template, template
from hub.report.service.model import Compiled, KeptPart, encode_compiled
from hub.report.service.told import absent_text, cell_text, said_text, topic_text
from hub.report.wording import clean

__all__ = ["DATA", "files_of"]

DATA = ".json"
"""Ending of the file that holds the report as data."""
_SHEET = 31
"""Characters a spreadsheet allows in the name of a sheet."""


class _Row(NamedTuple):
    cells: list[str]


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    columns: list[Column]
    rows: list[_Row]
    empty: str


@dataclass(frozen=True, slots=True)
class _Part:
    text: str = ""
    table: _Table | None = None
    topic: Topic | None = None
    """The same table with numbers and instants as they are, for the workbook."""


@dataclass(frozen=True, slots=True)
class _Chapter:
    number: int
    title: str
    parts: list[_Part] = field(default_factory=list)
    absent: str = ""


def files_of(report: Compiled, hosts: frozenset[str]) -> dict[str, bytes]:
    """Draw the files, name -> bytes; links lead to `hosts` alone."""
    words = words_of(report.language)
    days = Days(report.zone, words)
    chapters = list(_told(report, words, days))
    name = f"{report.report_id}-r{report.revision}"
    return {
        f"{name}.pdf": _document(report, chapters, words),
        f"{name}.xlsx": _workbook(report, chapters, words, hosts),
        f"{name}.html": _page(report, chapters, words, hosts),
        f"{name}{DATA}": encode_compiled(report),
    }


def _told(report: Compiled, words: Words, days: Days) -> Iterator[_Chapter]:
    for one in report.chapters:
        parts = [_part(part, words, days) for part in one.parts]
        absent = absent_text(one.absent, words, days) if one.absent or not parts else ""
        yield _Chapter(one.number, words(one.title), parts, absent)


def _part(part: KeptPart, words: Words, days: Days) -> _Part:
    if part.table is None:
        said = part.dated or part.said
        return _Part(clean(said_text(said, words, days)) if said is not None else "")
    topic = topic_text(part.table, words)
    shown = part.table.columns
    rows = [
        _Row([cell_text(cell, column, words, days) for cell, column in zip(row, shown, strict=True)])
        for row in part.table.rows
    ]
    return _Part(table=_Table(topic.name, list(topic.columns), rows, topic.empty), topic=topic)


def _titles(report: Compiled, words: Words) -> tuple[str, str, str]:
    """Return whose report it is, what it is called, and its mark where it ends."""
    scope = clean(" · ".join(filter(None, (report.organisation, report.customer))))
    title = clean(f"{report.title} {report.label}")
    text = "End of report {report} revision {revision}."
    return scope, title, words(text, report=report.report_id, revision=str(report.revision))


# -- the document -----------------------------------------------------------------------------


def _document(report: Compiled, chapters: list[_Chapter], words: Words) -> bytes:
    scope, title, end = _titles(report, words)
    name = words("{report}, revision {revision}", report=report.report_id, revision=str(report.revision))
    pages = Pages(name, language="zh" if words.language == "zh" else "en", paging=words("page {page} of {pages}"))
    pages.paragraph(Line(scope, bold=True), 12)
    pages.paragraph(Line(title, bold=True, colour="#1f3a5f"), 18)
    for chapter in chapters:
        pages.heading(f"{chapter.number} {chapter.title}")
        for part in chapter.parts:
            if part.table is None:
                pages.paragraph(Line(part.text))
                continue
            pages.subheading(part.table.name)
            rows = [tuple(row.cells) for row in part.table.rows]
            draw_table(
                pages, Topic(part.table.name, part.table.columns, rows, part.table.empty), lambda cell, _: str(cell)
            )
        if chapter.absent:
            pages.paragraph(Line(chapter.absent))
    pages.paragraph(Line(end, bold=True))
    return pages.bytes(name)


# -- the workbook -----------------------------------------------------------------------------


def _workbook(report: Compiled, chapters: list[_Chapter], words: Words, hosts: frozenset[str]) -> bytes:
    scope, title, end = _titles(report, words)
    lines: list[tuple[str, str | int]] = [(words("Report"), f"{scope}: {title}")]
    for chapter in chapters:
        told = [part.text for part in chapter.parts if part.table is None] + [chapter.absent]
        name = f"{chapter.number} {chapter.title}"
        for text in filter(None, told):
            lines.append((name, text))
            name = ""
    taken: set[str] = set()
    topics = [
        replace(part.topic, name=_sheet_name(f"{chapter.number} {part.topic.name}", taken))
        for chapter in chapters
        for part in chapter.parts
        if part.topic is not None
    ]
    name = f"{report.report_id} r{report.revision}"
    return book(name, report.zone, Cover(_sheet_name(words("Report"), taken), lines, end), topics, hosts)


def _sheet_name(text: str, taken: set[str]) -> str:
    """Make a name a spreadsheet takes: short, without its own signs, and no other sheet's."""
    plain = re.sub(r"[\[\]:*?/\\']", " ", clean(text))[:_SHEET].rstrip()
    name, number = plain, 2
    while name.casefold() in taken:
        name = f"{plain[: _SHEET - 1 - len(str(number))]} {number}"
        number += 1
    taken.add(name.casefold())
    return name


# -- the page ---------------------------------------------------------------------------------


def _page(report: Compiled, chapters: list[_Chapter], words: Words, hosts: frozenset[str]) -> bytes:
    scope, title, end = _titles(report, words)
    css = "".join(read_template(name) for name in ("conformance.css", "dark.css", "service.css"))
    page = template(hosts, "service.html").render(
        report=report,
        chapters=chapters,
        say=words,
        css=Markup(css),  # noqa: S704 - constants of ours
        scope=scope,
        title=title,
        heading=f"{title}: {scope}",
        end=end,
    )
    return page.encode() + b"\n"
