"""What was measured at a look, and what Prometheus only repeats: a value goes on for five minutes after its series ended.

Where a query is a plain selector, or an aggregation of one, it is asked so that only values younger than a step
count. Of others the looks before a gap that repeat one value are taken for repetitions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

__all__ = ["LOOKBACK_S", "asked_fresh", "is_selector", "without_repeats"]

LOOKBACK_S = 300
"""How long Prometheus repeats a value, unless told otherwise (`--query.lookback-delta`)."""
_SELECTOR = r"[a-zA-Z_:][a-zA-Z0-9_:]*(?:\s*\{[^{}]*\})?|\{[^{}]*\}"
_PLAIN = re.compile(rf"\s*({_SELECTOR})\s*")
_AGGREGATED = re.compile(
    rf"\s*((?:min|max|avg|sum|count)(?:\s+(?:by|without)\s*\([^()]*\))?\s*\()\s*({_SELECTOR})\s*\)\s*"
)
_NAMES = frozenset({"time", "inf", "nan"})

Point = tuple[float, str]


def is_selector(query: str) -> bool:
    """Tell whether a query only names series."""
    return _PLAIN.fullmatch(query) is not None and query.strip().lower() not in _NAMES


def asked_fresh(query: str, step_s: int) -> str | None:
    """Word a query so that values older than a step do not count; None = it cannot be told how."""
    within = f"[{step_s * 1000 - 1}ms]"
    if is_selector(query):
        return f"last_over_time({query.strip()}{within})"
    found = _AGGREGATED.fullmatch(query)
    return None if found is None else f"{found[1]}last_over_time({found[2]}{within}))"


def without_repeats(points: Sequence[Point], step_s: int) -> Iterator[Point]:
    """Leave out, before each gap, the looks of the last five minutes that repeat the value before them."""
    most = LOOKBACK_S // step_s
    stretch: list[Point] = []
    for point in points:
        if stretch and round(point[0] - stretch[-1][0]) > step_s:
            yield from _measured(stretch, most)
            stretch = []
        stretch.append(point)
    yield from stretch


def _measured(stretch: Sequence[Point], most: int) -> Sequence[Point]:
    kept = len(stretch)
    while kept > 1 and len(stretch) - kept < most and stretch[kept - 1][1] == stretch[kept - 2][1]:
        kept -= 1
    return stretch[:kept]
