"""Pages of a document: text that wraps, tables whose header is repeated, laid out before anything is drawn.

Laid out first, because every page says how many there are. Lengths are points. Latin text is set in Helvetica,
which every reader has; what it lacks in STSong, a font readers bring for Chinese; what neither has loses its accents,
or is a box.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

__all__ = ["Cell", "Line", "Pages", "wrapped"]

_WIDTH, _HEIGHT = landscape(A4)
_MARGIN, _TOP, _BOTTOM = 36.0, _HEIGHT - 52, 44.0
_TEXT_WIDTH = _WIDTH - 2 * _MARGIN
_PLAIN, _BOLD, _CHINESE = "Helvetica", "Helvetica-Bold", "STSong-Light"
_INK, _SOFT, _RULE, _HEAD, _LINK = "#1a1a1a", "#555555", "#c4ccd4", "#1f3a5f", "#0b4c8c"
_PAD = 4.0
_LEADING = 1.25


@dataclass(frozen=True, slots=True)
class Line:
    """A paragraph of a cell."""

    text: str
    bold: bool = False
    url: str = ""
    colour: str = _INK


Cell = Sequence[Line]


@dataclass(frozen=True, slots=True)
class _Text:
    x: float
    y: float
    line: Line
    size: float


@dataclass(slots=True)
class _Page:
    texts: list[_Text] = field(default_factory=list)
    rules: list[float] = field(default_factory=list)
    boxes: list[tuple[float, float]] = field(default_factory=list)
    """(bottom, height) of what stands behind a header."""
    pictures: list[tuple[bytes, float, float, float, float]] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    """Headings that begin on it."""


class Pages:
    """A document that grows downwards."""

    def __init__(self, title: str, *, language: str = "en", paging: str = "page {page} of {pages}") -> None:
        self._title, self._language, self._paging = title, language, paging
        self._pages = [_Page()]
        self._y = _TOP

    def heading(self, text: str) -> None:
        """Begin a section; it stays with what follows."""
        self._room(130)
        self._y -= 22 if self._page.texts else 0
        self._page.marks.append(text)
        self._say(Line(text, bold=True, colour=_HEAD), 14)
        self._y -= 4

    def subheading(self, text: str) -> None:
        """Name a table or a part of a section; it stays with what follows."""
        self._room(80)
        self._y -= 6
        self.paragraph(Line(text, bold=True, colour=_HEAD), 10)

    def paragraph(self, line: Line, size: float = 10) -> None:
        """Write a paragraph over the whole width."""
        for piece in wrapped(line, _TEXT_WIDTH, size):
            self._room(size * _LEADING)
            self._say(piece, size)
        self._y -= 3

    def picture(self, png: bytes, width: float, height: float) -> None:
        """Set a picture."""
        self._room(height + 10)
        self._y -= height + 4
        self._page.pictures.append((png, _MARGIN, self._y, width, height))
        self._y -= 6

    def table(self, head: Sequence[str], widths: Sequence[float], rows: Iterator[Sequence[Cell]], size: float) -> None:
        """Write a table, its header on every page; `widths` are shares of the page's width."""
        whole = sum(widths)
        columns = [share * _TEXT_WIDTH / whole for share in widths]
        top = self._wrap([[Line(name, bold=True, colour="#ffffff")] for name in head], columns, size)
        self._room(_high(top, size) + 40)
        self._head(top, columns, size)
        for row in rows:
            cells = self._wrap(row, columns, size)
            while any(cells):
                room = int((self._y - _BOTTOM - 2 * _PAD) / (size * _LEADING))
                lines = max(map(len, cells))
                if lines > room and (room < 1 or lines <= self._whole_page(top, size)):
                    self._turn()
                    self._head(top, columns, size)
                    continue
                self._row([cell[:room] for cell in cells], columns, size)
                cells = [cell[room:] for cell in cells]
        self._y -= 6

    def bytes(self, foot: str) -> bytes:
        """Draw everything; `foot` stands on each page, with its number."""
        pdfmetrics.registerFont(UnicodeCIDFont(_CHINESE))
        out = io.BytesIO()
        canvas = Canvas(out, pagesize=(_WIDTH, _HEIGHT), invariant=1, pageCompression=1, lang=self._language)
        canvas.setTitle(self._title)
        canvas.setCreator("itsm-hub")
        for number, page in enumerate(self._pages, 1):
            told = self._paging.format(page=number, pages=len(self._pages))
            end = _WIDTH - _MARGIN - _wide(told, 8, bold=False)
            page.texts += [_Text(_MARGIN, 24, Line(foot, colour=_SOFT), 8), _Text(end, 24, Line(told, colour=_SOFT), 8)]
            _draw(canvas, page)
            for place, mark in enumerate(page.marks):
                key = f"{number}-{place}"
                canvas.bookmarkPage(key)
                canvas.addOutlineEntry(mark, key)
            canvas.showPage()
        canvas.save()
        return out.getvalue()

    @property
    def _page(self) -> _Page:
        return self._pages[-1]

    def _room(self, height: float) -> None:
        if self._y - height < _BOTTOM:
            self._turn()

    def _turn(self) -> None:
        self._pages.append(_Page())
        self._y = _TOP

    def _say(self, line: Line, size: float) -> None:
        self._y -= size * _LEADING
        self._page.texts.append(_Text(_MARGIN, self._y, line, size))

    def _wrap(self, row: Sequence[Cell], columns: Sequence[float], size: float) -> list[list[Line]]:
        return [
            [piece for line in cell for piece in wrapped(line, width - 2 * _PAD, size)]
            for cell, width in zip(row, columns, strict=True)
        ]

    def _whole_page(self, top: Sequence[Sequence[Line]], size: float) -> int:
        return int((_TOP - _BOTTOM - _high(top, size) - 2 * _PAD) / (size * _LEADING))

    def _head(self, top: Sequence[Sequence[Line]], columns: Sequence[float], size: float) -> None:
        self._page.boxes.append((self._y - _high(top, size), _high(top, size)))
        self._row(top, columns, size)

    def _row(self, cells: Sequence[Sequence[Line]], columns: Sequence[float], size: float) -> None:
        x = _MARGIN
        for cell, width in zip(cells, columns, strict=True):
            for number, line in enumerate(cell):
                y = self._y - _PAD - size - number * size * _LEADING
                self._page.texts.append(_Text(x + _PAD, y, line, size))
            x += width
        self._y -= _high(cells, size)
        self._page.rules.append(self._y)


def wrapped(line: Line, width: float, size: float) -> Iterator[Line]:
    """Break a paragraph into lines that fit; Chinese breaks anywhere, a word too long where it must."""
    text = ""
    room = width
    for piece in _pieces(line.text):
        needed = _wide(piece, size, bold=line.bold)
        if needed > room and text:
            yield Line(text.rstrip(), line.bold, line.url, line.colour)
            text, room = "", width
            piece = piece.lstrip()  # noqa: PLW2901 - a line begins with no space
        while needed > width:
            fits = next(
                n for n in range(len(piece), 0, -1) if n == 1 or _wide(piece[:n], size, bold=line.bold) <= width
            )
            if fits == len(piece):
                break
            yield Line(piece[:fits], line.bold, line.url, line.colour)
            piece = piece[fits:]  # noqa: PLW2901 - what is left of it
            needed = _wide(piece, size, bold=line.bold)
        text += piece
        room -= needed
    if text.strip():
        yield Line(text.rstrip(), line.bold, line.url, line.colour)


def _pieces(text: str) -> Iterator[str]:
    """Cut a text where a line may end: after a blank, and around every Chinese character."""
    word = ""
    for character in text:
        if ord(character) > 0x2E7F:  # noqa: PLR2004 - from here on scripts without blanks
            if word:
                yield word
            word = ""
            yield character
        elif character == " ":
            yield word + character
            word = ""
        else:
            word += character
    if word:
        yield word


@lru_cache(maxsize=1 << 16)
def _wide(text: str, size: float, *, bold: bool) -> float:
    return sum(_width_of(part, font, size) for font, part in _runs(text, bold=bold))


def _width_of(text: str, font: str, size: float) -> float:
    if font == _CHINESE:
        return len(text) * size
    width: float = pdfmetrics.stringWidth(text, font, size)
    return width


@lru_cache(maxsize=1 << 16)
def _runs(text: str, *, bold: bool) -> tuple[tuple[str, str], ...]:
    """Cut a text by the font that has its characters."""
    own = _BOLD if bold else _PLAIN
    if text.isascii():
        return ((own, text),)
    runs: list[list[str]] = []
    for character in text:
        told, chinese = _shown(character)
        font = _CHINESE if chinese else own
        if runs and runs[-1][0] == font:
            runs[-1][1] += told
        else:
            runs.append([font, told])
    return tuple((font, part) for font, part in runs)


@lru_cache(maxsize=1 << 12)
def _shown(character: str) -> tuple[str, bool]:
    """Return what stands for a character, and whether the Chinese font has it."""
    if _encodes(character, "cp1252"):
        return character, False
    if _encodes(character, "gbk"):
        return character, True
    plain = "".join(one for one in unicodedata.normalize("NFKD", character) if _encodes(one, "cp1252"))
    return (plain, False) if plain else ("\u25a1", True)


def _encodes(character: str, codec: str) -> bool:
    try:
        character.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def _high(cells: Sequence[Sequence[Line]], size: float) -> float:
    return max(map(len, cells)) * size * _LEADING + 2 * _PAD


def _draw(canvas: Any, page: _Page) -> None:
    canvas.setFillColor(_HEAD)
    for bottom, height in page.boxes:
        canvas.rect(_MARGIN, bottom, _TEXT_WIDTH, height, stroke=0, fill=1)
    canvas.setStrokeColor(_RULE)
    canvas.setLineWidth(0.5)
    for y in page.rules:
        canvas.line(_MARGIN, y, _MARGIN + _TEXT_WIDTH, y)
    for png, x, y, width, height in page.pictures:
        canvas.drawImage(ImageReader(io.BytesIO(png)), x, y, width, height)
    pen = canvas.beginText()
    font_now, colour_now = ("", 0.0), ""
    for text in page.texts:
        x, colour = text.x, _LINK if text.line.url else text.line.colour
        if colour != colour_now:
            pen.setFillColor(_colour(colour))
            colour_now = colour
        for font, part in _runs(text.line.text, bold=text.line.bold):
            if (font, text.size) != font_now:
                pen.setFont(font, text.size)
                font_now = (font, text.size)
            pen.setTextOrigin(round(x, 2), round(text.y, 2))
            pen.textOut(part)
            x += _width_of(part, font, text.size)
        if text.line.url:
            canvas.linkURL(text.line.url, (text.x, text.y - 2, x, text.y + text.size), relative=0)
    canvas.drawText(pen)


@lru_cache
def _colour(name: str) -> Any:
    return HexColor(name)
