"""Which figure counts where several sources measured the same."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Subquery, case, func, select

from hub.sla.availability import LEAST_COVERAGE
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["one_each"]

_OWN = "hub"
"""Source of what the hub measured itself."""


def one_each(metric: str) -> Subquery:
    """Select the measurements of a metric, one for each subject and period, with all their columns.

    One that is known, and watched for long enough, counts before one that is not; among these the hub's own, from
    outages and samples, before what others state; then the one with the lesser id. None of them is added to another.
    """
    table, record = kind_tables["measurement"], metadata.tables["record"]
    m: Any = table.c
    known = (m.actual.is_not(None)) & (func.coalesce(m.coverage, 0) >= LEAST_COVERAGE)
    order = (case((known, 0), else_=1), case((record.c.source == _OWN, 0), else_=1), record.c.id)
    place = func.row_number().over(partition_by=(m.subject, m.period_start, m.period_end), order_by=order)
    told = (
        select(*m, place.label("place"))
        .join(record, record.c.sid == m.sid)
        .where(m.metric_id == metric, m.vanished_at.is_(None))
        .subquery("told")
    )
    return (
        select(*(column for column in told.c if column.name != "place")).where(told.c.place == 1).subquery("measured")
    )
