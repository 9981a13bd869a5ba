"""JSON as careless programs write it: half characters, bare control characters, NaN."""

from __future__ import annotations

import json
import math
from typing import Any

__all__ = ["read_leniently", "rewrite"]

LONGEST_NUMBER = 400
"""Digits; a longer one says nothing."""


def read_leniently(content: bytes) -> Any:
    """Read what a strict decoder refuses; ValueError for what is cut, no JSON, or nested without end.

    What stands for no character becomes U+FFFD, what is no number null: both are gone in the source too.
    """
    try:
        text = content.decode("utf-8-sig", "replace")
        return json.loads(
            _whole(text), strict=False, parse_int=_integer, parse_float=_number, parse_constant=lambda _: None
        )
    except RecursionError:
        raise ValueError("nested deeper than any document") from None


def rewrite(content: bytes) -> bytes:
    """Write anew, as strict JSON, what `read_leniently` can read; ValueError for the rest."""
    try:
        text = json.dumps(read_leniently(content), ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        raise ValueError("nested deeper than any document") from None
    return _whole(text).encode()


def _integer(text: str) -> int | None:
    return int(text) if len(text) < LONGEST_NUMBER else None


def _number(text: str) -> float | None:
    return number if math.isfinite(number := float(text)) else None


def _whole(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
