"""Charts of a report as pictures (PNG), and in words. The same report, the same bytes on one version of Pillow.

Pictures carry digits only, so that they fit every language, on a ground of their own, so that dark mode does not
swallow them; they are drawn for a telephone, where they are shown at a third of their width. What was missed is
hollow, what is not provable is pale: never of another colour only.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

from hub.conformance.situation.fact import Level
from hub.report.language.words import Words, words_of
from hub.report.model import ReportModel, TrendPoint
from hub.report.wording import KEPT, clean

__all__ = ["WIDTH", "Chart", "charts", "worst_levels"]

WIDTH = 1200
"""Pixels; twice what a mail shows on a desk."""
_WHOLE = 10_000
_ABOVE_ALL = 101
"""Percent; nothing is so far above its target."""
_GROUND, _INK, _GRID, _LINE = "#ffffff", "#1a1a1a", "#c4ccd4", "#0b5cad"
_MISSED, _TARGET, _UNKNOWN = "#b3261e", "#1a1a1a", "#8a9199"
_BARS = {"missed": (_GROUND, _MISSED), "not_provable": (_GRID, _UNKNOWN)}
"""How a level fared -> ground and edge of its bar; any other is full."""
_SHOWN = 12
_EDGE = 4
_STROKE = 7


@dataclass(frozen=True, slots=True)
class Chart:
    """One picture."""

    name: str
    png: bytes
    alt: str
    """The same in words."""
    height: int
    """Pixels, at `WIDTH`."""
    legend: str = ""
    """What the numbers in it stand for; empty where it needs none."""


def charts(model: ReportModel) -> list[Chart]:
    """Draw the charts there is data for: the rate over the periods, attainment against target."""
    drawn, say = [], words_of(model.identity.language)
    if any(point.rate and point.rate.denominator for point in model.trend):
        drawn.append(_trend(model.trend[-_SHOWN:], say))
    if worst_levels(model):
        drawn.append(_levels(worst_levels(model), say, left_out=max(0, len(_measured(model)) - _SHOWN)))
    return drawn


def worst_levels(model: ReportModel) -> list[tuple[int, Level]]:
    """Give the levels that are drawn, with their numbers in the list of all: at most twelve, the worst kept first."""
    return sorted(_measured(model), key=lambda pair: (_above(pair[1]), pair[0]))[:_SHOWN]


def _measured(model: ReportModel) -> list[tuple[int, Level]]:
    return [(number, row) for number, row in enumerate(model.levels, 1) if row.current]


def _above(row: Level) -> Decimal:
    """How far above its target a level is, in percent; without a target it stands last."""
    return Decimal(row.current) - Decimal(row.target) if row.target else Decimal(_ABOVE_ALL)


def _trend(points: list[TrendPoint], say: Words) -> Chart:
    height, left, right, top, bottom = 620, 120, 1150, 90, 470
    picture, pen = _sheet(height)
    for mark in (0, 50, 100):
        y = bottom - mark * (bottom - top) // 100
        pen.line((left, y, right, y), fill=_GRID, width=3)
        pen.text((left - 20, y), str(mark), fill=_INK, font=_font(38), anchor="rm")
    step = (right - left - 60) // max(1, _SHOWN - 1)
    places = []
    for number, point in enumerate(points):
        x, share = left + 40 + number * step, point.rate.basis_points if point.rate else None
        places.append(None if share is None else (x, bottom - share * (bottom - top) // _WHOLE))
        year, month = point.label.split("-") if "-" in point.label else (point.label, "")
        pen.text((x, bottom + 40), month, fill=_INK, font=_font(40), anchor="mm")
        if number == 0 or month == "01":
            pen.text((x, bottom + 95), year, fill=_INK, font=_font(40), anchor="mm")
    for before, now in pairwise(places):
        if before and now:
            pen.line((*before, *now), fill=_LINE, width=_STROKE)
    for place, point in zip(places, points, strict=True):
        if place:
            x, y = place
            pen.ellipse((x - 13, y - 13, x + 13, y + 13), fill=_LINE)
            last = point is points[-1]
            told = str((point.rate.basis_points or 0) // 100) if point.rate else ""
            pen.text(
                (x, y - 40),
                told,
                fill=_INK,
                font=_font(60 if last else 40),
                anchor="mm",
                stroke_width=8,
                stroke_fill=_GROUND,
            )
    told = "; ".join(f"{point.label} {_told(point, say)}" for point in points)
    return Chart("conformance-rate.png", _png(picture), say("Conformance rate by period: {told}.", told=told), height)


def _told(point: TrendPoint, say: Words) -> str:
    return say.percent(point.rate.numerator, point.rate.denominator) if point.rate else say("no report")


def _levels(rows: list[tuple[int, Level]], say: Words, *, left_out: int) -> Chart:
    line, left, right, top = 92, 110, 860, 30
    height = top + line * len(rows) + 90
    picture, pen = _sheet(height)
    bottom = top + line * len(rows)
    for mark in (0, 50, 100):
        x = left + mark * (right - left) // 100
        pen.line((x, top, x, bottom), fill=_GRID, width=3)
        pen.text((x, bottom + 40), str(mark), fill=_INK, font=_font(38), anchor="mm")
    for place, (number, row) in enumerate(rows):
        y, share = top + place * line + line // 2, Decimal(row.current)
        end = max(left + 2 * _STROKE, left + int(share * (right - left) / 100))
        pen.text((left - 25, y), str(number), fill=_INK, font=_font(44), anchor="rm")
        fill, edge = _BARS.get(row.kept, (_LINE, _LINE))
        pen.rectangle((left, y - 24, end, y + 24), fill=fill, outline=edge, width=_STROKE)
        pen.text((right + 25, y), _digits(row.current), fill=_INK, font=_font(46), anchor="lm")
        if row.target:
            x = left + int(Decimal(row.target) * (right - left) / 100)
            pen.line((x, y - 40, x, y + 40), fill=_TARGET, width=_STROKE)
            pen.text((1180, y), f"/ {_digits(row.target)}", fill=_INK, font=_font(40), anchor="rm")
    told = "; ".join(_level_told(number, row, say) for number, row in rows)
    if left_out:
        told += "; " + say("{what} better kept", what=say.count(left_out, "more target"))
    return Chart(
        "attainment.png",
        _png(picture),
        say("Attainment against target, the worst first: {told}.", told=told),
        height,
        "; ".join(f"{number} {_name(row)}" for number, row in rows),
    )


def _level_told(number: int, row: Level, say: Words) -> str:
    against = say("target {share}", share=f"{row.target} %") if row.target else say("no target")
    facts = [f"{row.current} %", against, say(KEPT[row.kept])]
    return f"{number} {_name(row)}: {say.list(facts)}"


def _name(row: Level) -> str:
    return clean(f"{row.title} {row.promise}")


def _digits(share: str) -> str:
    """Write a share with no more decimals than it has."""
    return share.rstrip("0").rstrip(".") if "." in share else share


def _sheet(height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("RGB", (WIDTH, height), _GROUND)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, WIDTH - 1, height - 1), outline=_GRID, width=_EDGE)
    return picture, pen


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.quantize(64, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()
