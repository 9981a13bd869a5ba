"""Reading JSON that may be anything: each accessor gives a value of its type, or nothing."""

from __future__ import annotations

from typing import Any

__all__ = ["as_dict", "as_list", "as_text", "native_id"]


def as_dict(value: Any) -> dict[str, Any]:
    """Give the object, or an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Give the array, or an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str | None:
    """Give the text, or None for anything else and for the empty text."""
    return value if isinstance(value, str) and value else None


def native_id(value: Any) -> str | None:
    """Give an id, which Jira writes as text or as number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return as_text(value)
