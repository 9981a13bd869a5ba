"""What is kept of the answers: one document an alert, a silence, a service and day, a figure and period."""

from __future__ import annotations

import hashlib

import msgspec

__all__ = ["Alarm", "Day", "Measured", "Now", "Quiet", "Silenced", "key_of"]


class Silenced(msgspec.Struct):
    """A silence that covered an alert."""

    id: str
    start: int
    """UTC milliseconds."""
    by: str = ""
    comment: str = ""


class Now(msgspec.Struct):
    """What Alertmanager said of an alert while it fired."""

    fingerprint: str
    started: int
    """UTC milliseconds."""
    annotations: dict[str, str] = {}
    silences: list[Silenced] = []
    """Every one seen while it fired, those over included."""


class Alarm(msgspec.Struct):
    """One firing of one alert; seconds since 1970."""

    labels: dict[str, str]
    start: int
    step: int
    """Seconds between two looks: start and end are that exact."""
    end: int | None = None
    """First look that no longer saw it; None = it fires."""
    after: int | None = None
    """Last look that saw it, where nobody looked in between."""
    now: Now | None = None
    """None = Alertmanager was not asked while it fired, or did not have it."""
    cut: bool = False
    """The very first look saw it: when it began is not in the history that was read."""
    foreign: bool = False
    """Alertmanager alone knows it: it was not raised by a rule of this Prometheus."""


class Quiet(msgspec.Struct):
    """A silence as Alertmanager has it."""

    id: str
    start: int
    """UTC milliseconds, as are the others."""
    end: int
    announced: int
    """When it was first seen to have been changed last: it was announced no later."""
    by: str = ""
    comment: str = ""
    matchers: list[tuple[str, str, bool, bool]] = []
    """(label, value, value is a pattern, it must fit)."""


class Day(msgspec.Struct):
    """How a query about a service went on one day in UTC, or on part of it."""

    service: str
    day: str
    query: str
    step: int
    values: list[tuple[int, int, str]]
    """(first look in seconds since 1970, how many looks, value); looks without a value are missing."""


class Measured(msgspec.Struct):
    """What a query gave over a period; UTC milliseconds."""

    metric: str
    start: int
    end: int
    query: str
    expected: int
    """Looks there should have been."""
    count: int
    """Looks that gave a number."""
    max: float | None = None
    min: float | None = None
    mean: float | None = None
    last: float | None = None


def key_of(labels: dict[str, str]) -> str:
    """Name an alert by its labels, short and the same for ever."""
    return hashlib.sha256(msgspec.json.encode(labels, order="sorted")).hexdigest()[:20]
