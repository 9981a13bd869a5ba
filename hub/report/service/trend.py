"""Where metrics are heading: the figures of the last periods as issued, and what they let expect of the next."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

from hub.records import ReportMetric
from hub.report.service.chapter import Asked
from hub.report.service.issued import Issued

__all__ = ["Trend", "trends"]

_PERIODS, _LEAST = 6, 3
_STEADY = 0.01
"""A figure that moves by less is steady."""


@dataclass(frozen=True, slots=True)
class Trend:
    """One metric over the last periods."""

    metric: ReportMetric
    values: list[tuple[str, float]]
    """(period, figure), the oldest first; those of earlier periods as issued."""
    direction: str
    forecast: float | None
    """Figure expected of the next period, by the straight line through the values."""
    why_not: str
    """Why none is given."""


def trends(asked: Asked, metrics: list[ReportMetric]) -> list[Trend]:
    """Draw every metric over at most six periods."""
    earlier = [one for one in asked.issued if one.end <= asked.terms.start][: _PERIODS - 1]
    return [_trend(asked, line, earlier[::-1]) for line in metrics]


def _trend(asked: Asked, line: ReportMetric, earlier: list[Issued]) -> Trend:
    values = [
        (one.label, actual)
        for one in earlier
        if line.metric_id in one.metrics and (actual := one.metrics[line.metric_id].current_actual) is not None
    ]
    if line.current_actual is not None:
        values.append((asked.terms.label, line.current_actual))
    if len(values) < 2:  # noqa: PLR2004 - a direction takes two points
        return Trend(line, values, "not known yet", None, "fewer than three periods were reported")
    before = sum(value for _, value in values[:-1]) / (len(values) - 1)
    moved = values[-1][1] - before
    direction = "steady" if abs(moved) < _STEADY else "up" if moved > 0 else "down"
    if len(values) < _LEAST:
        return Trend(line, values, direction, None, "fewer than three periods were reported")
    return Trend(line, values, direction, _next([value for _, value in values], line.unit), "")


def _next(values: list[float], unit: str | None) -> float:
    """Return the next point of the least-squares line; a percentage stays one."""
    n = len(values)
    mean_x, mean_y = (n - 1) / 2, sum(values) / n
    spread = sum((x - mean_x) ** 2 for x in range(n))
    slope = sum((x - mean_x) * (y - mean_y) for x, y in enumerate(values)) / spread
    told = mean_y + slope * (n - mean_x)
    if unit == "%":
        told = min(max(told, 0.0), 100.0)
    return floor(told * 100 + 1e-9) / 100
