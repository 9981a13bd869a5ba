"""What is kept of a reading: problems, spans of a known state, figures, downtimes. Instants are UTC milliseconds.

Icinga tells the present only. A document therefore holds what one or several readings have shown, and nothing
that changes while nothing happens: the instant of the reading is not in it.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from hub.clock import LAST_MS

__all__ = ["Downtime", "Instant", "Note", "Problem", "Reading", "Span", "Watch"]

Instant = Annotated[int, msgspec.Meta(ge=0, le=LAST_MS)]
"""UTC milliseconds; 0 = never."""


class Note(msgspec.Struct, omit_defaults=True):
    """A comment somebody left."""

    id: str
    at: Instant
    author: str = ""
    text: str = ""
    acknowledges: bool = False


class Problem(msgspec.Struct, omit_defaults=True):
    """A host or service was in a hard problem state: from its last good check to its next."""

    native: str
    """Object and its last good check before: the same in every reading, whatever the hub remembers."""
    object: str
    host: str
    ok_at: Instant
    """Last check that was good before; 0 = there was none."""
    since: Instant
    """When the state became hard."""
    title: str = ""
    severity: str | None = None
    """The tool's word; None = whether it became hard is not known."""
    facts: list[tuple[str, str]] = []
    """What settings may map: groups, host, service, and vars that they name."""
    since_unsure: bool = False
    """It may have begun before `since`, but after `ok_at` and after the reading before."""
    ended: Instant | None = None
    """When it was good again; None = it is not."""
    bad_at: Instant | None = None
    """Last bad check before `ended`."""
    end_unsure: bool = False
    """It ended at `ended` at the latest."""
    notes: list[Note] = []


class Span(msgspec.Struct, array_like=True):
    """A time in which a state held, half-open."""

    begins: Instant
    ends: Instant
    state: Literal["up", "down", "degraded", "unknown"]


class Watch(msgspec.Struct):
    """What is known of one object between two readings."""

    object: str
    spans: list[Span]
    every_s: Annotated[int, msgspec.Meta(ge=0, le=10**9)] = 0
    """Seconds between two checks."""


class Reading(msgspec.Struct, omit_defaults=True):
    """One figure of one check."""

    object: str
    label: str
    at: Instant
    value: float
    unit: str = ""


class Downtime(msgspec.Struct, omit_defaults=True):
    """A downtime as last seen."""

    native: str
    object: str
    begins: Instant
    ends: Instant
    entered: Instant
    author: str = ""
    comment: str = ""
    fixed: bool = True
    triggered: Instant = 0
    lasts: Instant = 0
    """How long a flexible one lasts, milliseconds."""
    facts: list[tuple[str, str]] = []
    removed: tuple[Instant, Instant] | None = None
    """Taken away before its end: between these two readings."""
