"""From points to intervals: when an alert fired, and whether anybody watched when it ended.

Times here are whole seconds on the grid of the queries.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

__all__ = ["Firing", "Over", "Seen", "follow", "runs"]


class Firing(msgspec.Struct):
    """An alert that fires, or fired when Prometheus was last at work."""

    labels: dict[str, str]
    start: int
    """First look that saw it."""
    last: int
    """Last look that saw it."""


class Over(msgspec.Struct):
    """An alert that no longer fires."""

    labels: dict[str, str]
    start: int
    end: int
    """First look that no longer saw it."""
    after: int | None
    """Last look that saw it, where nobody looked for a while in between; None = the look before `end`."""


class Seen(NamedTuple):
    """What a window says of one alert."""

    key: str
    labels: dict[str, str]
    looks: Sequence[int]
    """Looks that saw it, in order."""
    repeated: Collection[int] = ()
    """Looks that say neither that it fires nor that it is over."""


def follow(
    before: Mapping[str, Firing],
    found: Iterable[Seen],
    watched: Sequence[int],
    step: int,
) -> tuple[list[Over], dict[str, Firing]]:
    """Continue what fired before through the looks of one window; return what is over and what still fires.

    `watched` are all looks of the window at which Prometheus was at work, in order. An alert that is there again when
    Prometheus is back has fired all along.
    """
    over: list[Over] = []
    still: dict[str, Firing] = {}
    absent = {key: Seen(key, known.labels, ()) for key, known in before.items()}
    for key, labels, looks, repeated in (absent | {one.key: one for one in found}).values():
        unsure = frozenset(repeated)
        known = before.get(key)
        now = None if known is None else msgspec.structs.replace(known)
        for look in looks:
            if now is not None and (ended := _ended(now, watched, unsure, look, step)) is not None:
                over.append(ended)
                now = None
            if now is None:
                now = Firing(labels, look, look)
            now.last = look
        if now is not None and (ended := _ended(now, watched, unsure, None, step)) is not None:
            over.append(ended)
        elif now is not None:
            still[key] = now
    return over, still


def _ended(now: Firing, watched: Sequence[int], unsure: Collection[int], before: int | None, step: int) -> Over | None:
    """Return the end of a firing, if anybody looked and did not see it (before a further look that did)."""
    at = bisect_right(watched, now.last)
    while at < len(watched) and watched[at] in unsure:
        at += 1
    if at == len(watched) or (before is not None and watched[at] >= before):
        return None
    end = watched[at]
    return Over(now.labels, now.start, end, now.last if end > now.last + step else None)


def runs(points: Sequence[tuple[float, str]], step: int) -> list[tuple[int, int, str]]:
    """Put equal values of neighbouring looks together: (first look, how many looks, value)."""
    found: list[tuple[int, int, str]] = []
    begins = [0] if points else []
    for place, ((one, value), (other, next_value)) in enumerate(pairwise(points), 1):
        if value != next_value or round(other - one) != step:
            begins.append(place)
    for first, after in pairwise([*begins, len(points)]):
        found.append((round(points[first][0]), after - first, points[first][1]))
    return found
