"""Instants that people write into a record: none counts before the record showed it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func

from hub.conformance.expression import later_of, since_when

__all__ = ["entered_at"]


def entered_at(row: Any, field: str) -> ColumnElement[Any]:
    """Return the instant in `field`, no earlier than since when it stands there, or else than the record; NULL = none.

    `row` are the columns of the record; a field of a struct is dotted.
    """
    said = row[field.replace(".", "_")]
    return later_of(said, func.coalesce(since_when(row.sid, field), row.created_at, said))
