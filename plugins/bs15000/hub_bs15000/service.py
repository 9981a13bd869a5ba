"""Services as units: which owe something, from when, and for how long."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case, func

from hub.conformance.expression import since_when
from hub.conformance.owed import Doubt
from hub.conformance.unit import Unit, each, unit
from hub.store.schema import kind_tables

__all__ = ["CUSTOMERS_UNKNOWN", "each_month_of_services", "for_customers", "in_scope", "retired", "s"]

s: Any = kind_tables["service"].c
"""Columns of the service that owes."""
CUSTOMERS_UNKNOWN: Doubt = (s.customer_facing.is_(None), "whether customers use the service is not recorded")
"""Pass in `doubts` with `for_customers`."""


def retired() -> ColumnElement[Any]:
    """When the service was retired; NULL = it was not."""
    return case(
        (s.lifecycle == "retired", func.coalesce(since_when(s.sid, "lifecycle"), s.updated_at, s.created_at, 0))
    )


def in_scope() -> Unit:
    """Every service that is judged and no longer only planned, from its first day in scope or since it is recorded."""
    live = func.coalesce(s.lifecycle, "") != "planned"
    return unit("service").where(s.in_scope, live).opening(func.coalesce(s.in_scope_from, s.created_at, 0))


def for_customers() -> Unit:
    """Every such service that customers use, or of which nobody recorded whether they do."""
    return in_scope().where(func.coalesce(s.customer_facing, True))


def each_month_of_services() -> Unit:
    """Every service in scope owes once for each whole month until it is retired."""
    return each(in_scope(), "month", end=retired())
