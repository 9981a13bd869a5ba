"""Periods that are over: until when their figures may still come in."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, select

from hub.store.tables import metadata

__all__ = ["following_end"]

_period = metadata.tables["period"].c


def following_end() -> ColumnElement[Any]:
    """Return the last instant of the period after the unit's: until then the one before is the last elapsed."""
    following: Any = metadata.tables["period"].alias()
    found = (
        select(following.c.ends_at - 1)
        .where(following.c.unit == _period.unit, following.c.starts_at == _period.ends_at)
        .correlate_except(following)
        .scalar_subquery()
    )
    return func.coalesce(found, _period.ends_at)
