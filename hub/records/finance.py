"""Money: what services may cost and what they do cost."""

# ruff: noqa: RUF012 - msgspec copies an empty default for each record

from typing import Literal

from hub.records.base import Instant, Money, Part, Period, PersonRef, Record, ServiceRef

__all__ = ["Budget", "BudgetLine", "CostEntry"]


class BudgetLine(Part, kw_only=True):
    """An amount of a budget."""

    service: ServiceRef | None = None
    """For which service."""
    cost_type: str | None = None
    """Kind of cost."""
    amount: str
    """Decimal number as text."""
    currency: str
    """ISO 4217 code."""


class Budget(Record, tag="budget", kw_only=True):
    """Money set aside for a year."""

    fiscal_year: str | None = None
    """Year as the organisation counts it."""
    lines: list[BudgetLine] = []
    """Amounts."""
    approved_by: PersonRef | None = None
    """Who approved it."""
    approved_at: Instant | None = None
    """When."""


class CostEntry(Record, tag="cost_entry", kw_only=True):
    """Money spent or expected."""

    service: ServiceRef | None = None
    """For which service."""
    cost_type: str | None = None
    """Kind of cost."""
    period: Period | None = None
    """When."""
    amount: Money | None = None
    """How much."""
    entry_type: Literal["actual", "forecast"] | None = None
    """Spent, or expected."""
