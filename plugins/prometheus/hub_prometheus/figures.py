"""Reading values over time: days of a query about a service, and figures of finished hours and days."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from hub.sync.source import Document, Page
from hub_prometheus.client import MOST_POINTS, Prometheus, TooMuch
from hub_prometheus.document import Day, Measured
from hub_prometheus.freshness import asked_fresh, without_repeats
from hub_prometheus.interval import runs

if TYPE_CHECKING:
    from hub_prometheus.settings import Availability, Figure

__all__ = ["AVAILABILITY", "FIGURE", "availability_pages", "figure_pages"]

AVAILABILITY, FIGURE = "availability", "figure"
"""Streams of the documents."""
_DAY_S = 86_400
_PERIOD_S = {"hour": 3_600, "day": _DAY_S}
_LATE_S = 600
"""A day is looked at again until this long after its end: samples may come late."""
_SILENT_S = 600
"""Time without a value at the end after which a query is said to be silent."""
_DAYS_A_PAGE = 7

Point = tuple[float, str]


class _Several(Exception):
    """A query gave more than one series."""


def availability_pages(
    prometheus: Prometheus, asked: Availability, cursor: Mapping[str, Any], now_ms: int, *, days: int
) -> Iterator[Page]:
    """Yield the days of one service, each from midnight to midnight in UTC, the present one as far as it is.

    The cursor is `mark`: the first day (seconds) that may still change.
    """
    now = now_ms // 1000
    mark = int(cursor.get("mark", (now // _DAY_S - days) * _DAY_S))
    before, spent = dict(cursor), 0
    first = last_seen = mark
    while first <= now:
        documents: list[Document] = []
        gaps: list[str] = []
        warnings: list[str] = []
        after = first
        for day in range(first, min(first + _DAYS_A_PAGE * _DAY_S, now + 1), _DAY_S):
            try:
                points = _points(prometheus, asked, day, min(day + _DAY_S - 1, now), warnings)
            except _Several as fault:
                gaps.append(f"availability of {asked.service}: {fault}")
                break
            last_seen = max([last_seen, *(round(at) for at, _ in points[-1:])])
            name = datetime.fromtimestamp(day, tz=UTC).strftime("%Y-%m-%d")
            body = Day(asked.service, name, asked.query, asked.step_s, runs(points, asked.step_s))
            native = f"{asked.service}/{name}"
            documents.append(Document(AVAILABILITY, native, asked.service, msgspec.json.encode(body)))
            after = day + _DAY_S if now >= day + _DAY_S + _LATE_S else day
        gaps += [f"Prometheus warns: {one}" for one in dict.fromkeys(warnings)]
        silent_s = now - last_seen
        if not gaps and first + _DAYS_A_PAGE * _DAY_S > now and silent_s > max(_SILENT_S, 5 * asked.step_s):
            gaps.append(f"availability of {asked.service}: its query has had no value for {silent_s // 60} minutes")
        total = prometheus.requests
        yield Page(documents, before if gaps else {"mark": after}, total - spent, gaps)
        spent = total
        if gaps:
            return
        before = {"mark": after}
        first += _DAYS_A_PAGE * _DAY_S


def figure_pages(
    prometheus: Prometheus, asked: Figure, cursor: Mapping[str, Any], now_ms: int, *, days: int
) -> Iterator[Page]:
    """Yield one document for each finished hour or day; the cursor is `mark`, the first one not read (seconds)."""
    length = _PERIOD_S[asked.every]
    now = now_ms // 1000
    mark = int(cursor.get("mark", (now // _DAY_S - days) * _DAY_S))
    end = (now - _LATE_S) // length * length
    at_once = max(1, MOST_POINTS * asked.step_s // length)
    spent = 0
    while mark < end:
        last = min(end, mark + at_once * length)
        warnings: list[str] = []
        try:
            points = _points(prometheus, asked, mark, last - 1, warnings)
        except _Several as fault:
            yield Page([], dict(cursor), prometheus.requests - spent, [f"figure {asked.metric}: {fault}"])
            return
        documents = [
            _measured(asked, start, length, [p for p in points if start <= p[0] < start + length])
            for start in range(mark, last, length)
        ]
        gaps = [f"Prometheus warns: {one}" for one in dict.fromkeys(warnings)]
        total = prometheus.requests
        yield Page(documents, dict(cursor) if gaps else {"mark": last}, total - spent, gaps)
        if gaps:
            return
        spent, mark = total, last
        cursor = {"mark": last}
    if not spent:
        yield Page([], dict(cursor) or {"mark": mark}, prometheus.requests)


def _points(
    prometheus: Prometheus, asked: Availability | Figure, first: int, last: int, warnings: list[str]
) -> Sequence[Point]:
    """Ask for the values of the only series, in as many pieces as the limits make necessary.

    What was not measured at a look but only repeated there is missing.
    """
    step = asked.step_s
    worded = asked_fresh(asked.query, step)
    query = worded or asked.query
    first = -(-first // step) * step
    found: list[Point] = []
    size = MOST_POINTS
    while first <= last:
        until = min(last, first + (size - 1) * step)
        try:
            answer = prometheus.over(query, first, until, step, warnings=warnings)
        except TooMuch:
            if until == first:
                raise
            size = max(1, size // 2)
            continue
        if len(answer) > 1:
            raise _Several(f"the query gives {len(answer)} series, one is needed: aggregate it, as in min(...)")
        for series in answer:
            found += series.values
        first = until + step
    return found if worded else list(without_repeats(found, step))


def _measured(asked: Figure, start: int, length: int, points: Sequence[Point]) -> Document:
    numbers = [value for _, text in points if math.isfinite(value := float(text))]
    body = Measured(
        asked.metric,
        start * 1000,
        (start + length) * 1000,
        asked.query,
        expected=-(-length // asked.step_s),
        count=len(numbers),
        max=max(numbers, default=None),
        min=min(numbers, default=None),
        mean=math.fsum(numbers) / len(numbers) if numbers else None,
        last=numbers[-1] if numbers else None,
    )
    return Document(FIGURE, f"{asked.metric}/{start}", asked.metric, msgspec.json.encode(body))
