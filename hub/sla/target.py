"""One promised level: how long it is, on which calendar it counts, and how people write it."""

from __future__ import annotations

from collections.abc import Container

from hub.records import Target

__all__ = ["calendar_name", "seconds", "told"]

SECONDS = {"s": 1, "min": 60, "h": 3600}
"""Units in which time is promised. A day is none: working day or 24 hours, nobody could tell."""


def seconds(target: Target) -> float | None:
    """Return the time a target promises; None where it promises none."""
    return target.value * SECONDS[target.unit] if target.unit in SECONDS else None


def calendar_name(target: Target, own: str | None, source: str, calendars: Container[str | None]) -> str | None:
    """Name the calendar a target counts on: its own, as written or within its source, else the agreement's only one."""
    name = target.calendar or own
    full = f"{source}:{name}"
    return full if full in calendars and name not in calendars else name


def told(target: Target, own: str | None = None, *, metric: bool = True) -> str:
    """Write a target as people do: `resolution P1 <= 4 h on 7x24`."""
    name = target.calendar or own
    pieces = (target.metric.replace("_", " ") if metric else "", target.priority or "", target.operator)
    where = f"on {name.rpartition('/')[2]}" if name and target.unit in SECONDS else ""
    return " ".join(filter(None, (*pieces, f"{target.value:g} {target.unit}", where)))
