"""The report as a workbook (XLSX): a sheet a topic, header frozen, filters set. The same report, the same bytes.

Texts are written as texts: none becomes a formula, and one that begins like a formula is quoted, so that it stays
a text when somebody edits the cell. Instants are dates of the spreadsheet in the readers' zone.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import xlsxwriter

from hub.report.attachment import FORMULA
from hub.report.file.moment import day_text, local_time, minute_text
from hub.report.file.topic import Cell, Column, Topic, said_in, topics_of
from hub.report.language.words import Words, words_of
from hub.report.model import ReportModel
from hub.report.status import told as said
from hub.report.wording import RESULT_WORDS, change_sentence, clean, safe_url, verdict_sentence

__all__ = ["Cover", "book", "workbook"]

_CREATED = datetime(2000, 1, 1)  # noqa: DTZ001 - the file format knows no zones
"""A real one would make two files of one report."""
_LONGEST_TEXT, _LONGEST_LINK, _MOST_LINKS = 32_767, 2_000, 65_000
"""What a spreadsheet takes in a cell, in a link and as links of one sheet."""
_FIRST_DATE = datetime(1900, 3, 1)  # noqa: DTZ001 - local, as in the cells; days before are counted wrongly there


def workbook(model: ReportModel, hosts: frozenset[str]) -> bytes:
    """Write the workbook of a conformance report; links lead to `hosts` alone."""
    identity, say = model.identity, words_of(model.identity.language)
    told = {"report": identity.report_id, "revision": str(identity.revision)}
    cover = Cover(say("Report"), _cover(model, say), say("End of report {report} revision {revision}.", **told))
    topics = (said_in(topic, say) for topic in topics_of(model, say))
    return book(f"{identity.report_id} r{identity.revision}", identity.zone, cover, topics, hosts)


@dataclass(frozen=True, slots=True)
class Cover:
    """The first sheet: which report this is, in lines of a name and what is told of it."""

    name: str
    lines: Sequence[tuple[str, str | int]]
    end: str
    """Mark below the last line."""


def book(title: str, zone: str, cover: Cover, topics: Iterable[Topic], hosts: frozenset[str]) -> bytes:
    """Write a workbook: its cover, then a sheet a topic. Instants are told in `zone`, links lead to `hosts` alone."""
    out = io.BytesIO()
    options = {
        "in_memory": True,  # what it says of people never lies in a folder for everybody, and none is needed
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(out, options) as sheets:
        sheets.set_properties({"title": title, "created": _CREATED})
        pen = _Pen(
            zone=zone,
            head=sheets.add_format({"bold": True, "bg_color": "#1f3a5f", "font_color": "#ffffff", "valign": "top"}),
            text=sheets.add_format({"valign": "top"}),
            quoted=sheets.add_format({"valign": "top", "quote_prefix": True}),
            minute=sheets.add_format({"num_format": "yyyy-mm-dd hh:mm", "valign": "top", "align": "left"}),
            day=sheets.add_format({"num_format": "yyyy-mm-dd", "valign": "top", "align": "left"}),
            link=sheets.add_format({"font_color": "#0b5cad", "underline": 1, "valign": "top"}),
            hosts=hosts,
        )
        _write_cover(sheets.add_worksheet(cover.name), cover, pen)
        for topic in topics:
            _sheet(sheets.add_worksheet(topic.name), topic, pen)
    return out.getvalue()


@dataclass(slots=True)
class _Pen:
    """What all sheets are written with."""

    zone: str
    head: Any
    text: Any
    quoted: Any
    minute: Any
    day: Any
    link: Any
    hosts: frozenset[str]
    links: int = 0
    """Links on the sheet at hand."""

    def write(self, sheet: Any, place: tuple[int, int], cell: Cell, column: Column) -> None:
        """Write one cell as its column says."""
        if cell is None or cell == "":
            return
        if column.kind in ("minute", "day") and isinstance(cell, int):
            self._write_instant(sheet, place, cell, day=column.kind == "day")
        elif isinstance(cell, int):
            sheet.write_number(*place, cell, self.text)
        elif column.kind == "link":
            self._write_link(sheet, place, safe_url(cell, self.hosts))
        else:
            self.say(sheet, place, cell)

    def say(self, sheet: Any, place: tuple[int, int], told: str) -> None:
        """Write a text, whatever it begins with."""
        text = clean(told)[:_LONGEST_TEXT]
        if text:
            sheet.write_string(*place, text, self.quoted if text.startswith(FORMULA) else self.text)

    def _write_instant(self, sheet: Any, place: tuple[int, int], instant: int, *, day: bool) -> None:
        local = local_time(instant, self.zone)
        if local < _FIRST_DATE:
            sheet.write_string(*place, local.isoformat(" ", "minutes"), self.text)
        else:
            shown = local.replace(hour=0, minute=0, second=0) if day else local.replace(second=0)
            sheet.write_datetime(*place, shown, self.day if day else self.minute)

    def _write_link(self, sheet: Any, place: tuple[int, int], url: str) -> None:
        if url and len(url) <= _LONGEST_LINK and self.links < _MOST_LINKS:
            self.links += 1
            sheet.write_url(*place, url, self.link, url)
        elif url:
            sheet.write_string(*place, url[:_LONGEST_TEXT], self.text)


def _sheet(sheet: Any, topic: Topic, pen: _Pen) -> None:
    pen.links = 0
    zoned = {number for number, column in enumerate(topic.columns) if column.kind in ("minute", "day")}
    for number, column in enumerate(topic.columns):
        sheet.set_column(number, number, column.width)
        sheet.write_string(0, number, f"{column.name} ({pen.zone})" if number in zoned else column.name, pen.head)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, max(1, len(topic.rows)), len(topic.columns) - 1)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    if not topic.rows:
        sheet.write_string(1, 0, topic.empty, pen.text)
    for number, row in enumerate(topic.rows, 1):
        for place, cell in enumerate(row):
            pen.write(sheet, (number, place), cell, topic.columns[place])


def _cover(model: ReportModel, say: Words) -> list[tuple[str, str | int]]:
    """Say which report this is, how it stands, and what the sheets hold."""
    identity = model.identity
    zone, period, rate, before = identity.zone, identity.period, model.counts.rate, model.rate_before
    first, last = day_text(period.start, period.zone), day_text(period.end - 1, period.zone)
    told = {"report": identity.report_id, "revision": str(identity.revision)}
    return [
        (say("Report"), say("{report} revision {revision}", **told)),
        (say("Scope"), identity.scope),
        (say("Period"), say("{first} to {last}, {zone}", first=first, last=last, zone=period.zone)),
        (say("As of"), f"{minute_text(identity.as_of, zone)} {zone} ({minute_text(identity.as_of, 'UTC')} UTC)"),
        (
            say("Known at"),
            f"{minute_text(identity.known_at, zone)} {zone} ({minute_text(identity.known_at, 'UTC')} UTC)",
        ),
        (say("Approved by"), identity.approved_by or say("nobody")),
        (say("Catalogue"), identity.catalogue_version),
        (say("Profile"), identity.profile_version),
        (say("Time-zone data"), identity.tz_version),
        (say("Status"), model.status.word),
        ("", verdict_sentence(model, say)),
        ("", change_sentence(model.change, say)),
        *(("", reason) for reason in [said(one, say) for one in model.status.said] or model.status.reasons),
        (say("Conformance rate"), say.percent(rate.numerator, rate.denominator)),
        (say("Rate before"), say.percent(before.numerator, before.denominator) if before else say("first report")),
        *(
            (say("Requirements {result}", result=say(word)), model.counts.verdicts.get(verdict, 0))
            for verdict, word in RESULT_WORDS.items()
        ),
    ]


def _write_cover(sheet: Any, cover: Cover, pen: _Pen) -> None:
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 90)
    for number, (name, told) in enumerate(cover.lines):
        sheet.write_string(number, 0, name, pen.head if name else pen.text)
        if isinstance(told, int):
            sheet.write_number(number, 1, told, pen.minute)
        else:
            pen.say(sheet, (number, 1), told)
    sheet.write_string(len(cover.lines), 0, cover.end, pen.text)
