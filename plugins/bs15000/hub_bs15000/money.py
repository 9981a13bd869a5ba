"""Amounts of money, which sources give as text: as numbers to compare, and by year as the organisation counts it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Float, FromClause, and_, case, cast, func, select

from hub.conformance.owed import NEVER
from hub.store.tables import metadata

__all__ = ["fiscal_years", "number", "year_of"]

_period = metadata.tables["period"]


def number(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a decimal text as a number; NULL where it is none, so that no engine stumbles over it."""
    bare = case((func.substr(text, 1, 1) == "-", func.substr(text, 2)), else_=text)
    digits = func.replace(bare, ".", "")
    one_point = func.length(bare) - func.length(digits) <= 1
    return case((and_(one_point, digits != "", func.ltrim(digits, "0123456789") == ""), cast(text, Float)))


def year_of(fiscal_year: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the year in which a fiscal year such as `2026`, `FY2026` or `2026/27` begins, as four figures."""
    return func.substr(func.trim(func.replace(func.upper(fiscal_year), "FY", "")), 1, 4)


def fiscal_years(first_month: int) -> FromClause:
    """Select (year, starts_at, ends_at) of the fiscal years that begin with this month."""
    month: Any = _period.alias()
    following = func.lead(month.c.starts_at).over(order_by=month.c.starts_at)
    named = func.substr(month.c.label, 6, 2) == f"{first_month:02}"
    return (
        select(
            func.substr(month.c.label, 1, 4).label("year"),
            month.c.starts_at,
            func.coalesce(following, NEVER).label("ends_at"),
        )
        .where(month.c.unit == "month", named)
        .subquery("fiscal")
    )
