"""Reading JSON that may be anything: each accessor gives a value of its type, or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

__all__ = ["as_dict", "as_list", "as_text", "as_texts", "dicts", "matches", "native_id"]

LONGEST_ID = 200
"""Characters; nothing longer is an id, whatever it is."""


def as_dict(value: Any) -> dict[str, Any]:
    """Give the object, or an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Give the array, or an empty one."""
    return value if isinstance(value, list) else []


def dicts(value: Any) -> list[dict[str, Any]]:
    """Give the objects of an array."""
    return [each for each in as_list(value) if isinstance(each, dict)]


def as_text(value: Any) -> str | None:
    """Give the text, or None for anything else and for the empty text."""
    return value if isinstance(value, str) and value else None


def as_texts(value: Any) -> list[str]:
    """Give the texts of an array."""
    return [each for each in as_list(value) if isinstance(each, str) and each]


def native_id(value: Any) -> str | None:
    """Give an id, which GitLab writes as a number and GraphQL as text that ends in one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 2**63 else None
    text = as_text(value)
    if text is None or len(text) > LONGEST_ID:
        return None
    return text.rpartition("/")[2] or None if text.startswith("gid://") else text


def matches(word: str, patterns: Iterable[str]) -> bool:
    """Say whether a word is one of the patterns, in which a star stands for anything."""
    return any(fnmatchcase(word, pattern) for pattern in patterns)
