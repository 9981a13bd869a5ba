"""Times and rich text as Jira writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from hub_sandbox.office_hours import MINUTE_MS, ZONE

__all__ = ["adf", "show_date", "show_duration", "show_time", "show_time_for_people"]


@lru_cache(maxsize=65_536)
def show_time(instant_ms: int) -> str:
    """Write an instant the way Jira does: `2026-03-01T09:15:00.000+0100`, in the reader's zone."""
    moment = datetime.fromtimestamp(instant_ms // 1000, tz=UTC).astimezone(ZONE)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{instant_ms % 1000:03}{moment:%z}"


@lru_cache(maxsize=65_536)
def show_time_for_people(instant_ms: int) -> str:
    """Write an instant as the changelog's text does: `01/Mar/26 9:15 AM`."""
    moment = datetime.fromtimestamp(instant_ms // 1000, tz=UTC).astimezone(ZONE)
    return f"{moment:%d/%b/%y} {moment.hour % 12 or 12}:{moment:%M %p}"


def show_date(instant_ms: int) -> dict[str, Any]:
    """Write an instant as Jira Service Management does, in four ways."""
    text = show_time(instant_ms)
    return {
        "iso8601": text[:19] + text[23:],
        "jira": text,
        "friendly": show_time_for_people(instant_ms),
        "epochMillis": instant_ms,
    }


def show_duration(span_ms: int) -> dict[str, Any]:
    """Write a span as Jira Service Management does."""
    minutes = abs(span_ms) // MINUTE_MS
    return {"millis": span_ms, "friendly": f"{'-' if span_ms < 0 else ''}{minutes // 60}h {minutes % 60}m"}


def adf(text: str) -> dict[str, Any]:
    """Wrap plain text, a paragraph a line, in an Atlassian document."""
    return {
        "type": "doc",
        "version": 1,
        "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": line}]} for line in text.split("\n") if line
        ],
    }
