"""Instants that people enter: none counts earlier than the tool shows it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func

from hub.conformance.expression import later_of, since_when

__all__ = ["entered_at"]


def entered_at(columns: Any, field: str) -> ColumnElement[Any]:
    """Return the instant a field says, or when it was entered if that was later; NULL = nothing is said."""
    said = columns[field.replace(".", "_")]
    return later_of(said, func.coalesce(since_when(columns.sid, field), columns.created_at, said))
