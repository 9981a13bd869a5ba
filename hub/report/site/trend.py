"""How the months went: figures of issued reports, and the curve drawn of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from hub.report.model import Counts, Identity, SeverityCount, Status

__all__ = ["Chart", "Figures", "Month", "Point", "chart_of", "figures_of", "months_of"]

_SHOWN = 12
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 350, 12, 120
_WHOLE = 10_000


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What the trend takes of an issued report; the rest of it is not decoded."""

    identity: Identity
    status: Status
    counts: Counts
    by_severity: list[SeverityCount]

    @property
    def critical(self) -> int:
        """How many critical requirements were not met."""
        return next((row.now.of("not_met") for row in self.by_severity if row.severity == "critical"), 0)


@dataclass(frozen=True, slots=True)
class Month:
    """One month of the trend."""

    label: str
    figures: Figures | None
    """None: no report was issued, nobody knows."""


@dataclass(frozen=True, slots=True)
class Point:
    """One month on the curve."""

    x: int
    y: int
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The curve: a month without a report, or in which nothing was decided, breaks it."""

    lines: list[str]
    """`x,y x,y …`, one for each unbroken stretch."""
    points: list[Point]
    labels: list[tuple[int, str]]
    """Where a month is named; the last always is."""


_decoder = msgspec.json.Decoder(Figures)


def figures_of(body: bytes) -> Figures:
    """Read the figures of an encoded report."""
    return _decoder.decode(body)


def months_of(figures: Iterable[Figures], last: str) -> list[Month]:
    """List the twelve months up to `last` (`2026-10`) from the first that was reported; later ones are left out."""
    known = {one.identity.period.label: one for one in figures}
    labels = [last]
    while len(labels) < _SHOWN:
        labels.append(_before(labels[-1]))
    labels.reverse()
    first = next((n for n, label in enumerate(labels) if label in known), len(labels) - 1)
    return [Month(label, known.get(label)) for label in labels[first:]]


def chart_of(months: list[Month]) -> Chart:
    """Draw the conformance rate, 0 to 100 %, over the months."""
    step = (_RIGHT - _LEFT) // max(1, len(months) - 1)
    lines: list[list[str]] = [[]]
    points = []
    for n, month in enumerate(months):
        share = month.figures.counts.rate.basis_points if month.figures else None
        if share is None:
            lines.append([])
            continue
        x, y = _LEFT + n * step, _BOTTOM - share * (_BOTTOM - _TOP) // _WHOLE
        lines[-1].append(f"{x},{y}")
        points.append(Point(x, y, month.label, f"{share // 100}.{share % 100:02d} %"))
    every = 1 if len(months) <= 4 else 3  # noqa: PLR2004 - four names fit beside each other
    named = [n for n in range(len(months)) if (len(months) - 1 - n) % every == 0]
    return Chart(
        [" ".join(line) for line in lines if len(line) > 1],
        points,
        [(_LEFT + n * step, months[n].label) for n in named],
    )


def _before(label: str) -> str:
    year, month = int(label[:4]), int(label[5:])
    return f"{year:04d}-{month - 1:02d}" if month > 1 else f"{year - 1:04d}-12"
