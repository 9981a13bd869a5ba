"""Lists of texts, stored as JSON: whether one of them is a given text."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, cast, func, literal

from hub.store.tables import Text

__all__ = ["lists"]


def lists(column: ColumnElement[Any], text: ColumnElement[Any] | str) -> ColumnElement[bool]:
    """Say whether the list holds just this text, a constant or a column; an empty list is NULL and holds nothing.

    For names without quotation marks, such as roles and types; reads every list it is asked of.
    """
    kept = func.coalesce(cast(column, Text), "")
    written = literal(f'"{text}"') if isinstance(text, str) else literal('"').concat(text).concat('"')
    return func.replace(kept, written, "") != kept
