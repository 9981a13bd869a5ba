"""Deployments: which went to production, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, or_

from hub.conformance.owed import Doubt
from hub.conformance.unit import Unit, unit
from hub.store.schema import kind_tables

__all__ = [
    "BEGUN",
    "END_UNKNOWN",
    "RAN",
    "START_UNKNOWN",
    "STATUS_UNKNOWN",
    "TIER_UNKNOWN",
    "began",
    "carried_out",
    "d",
    "ended",
    "in_production",
    "production",
    "succeeded",
    "within",
]

d: Any = kind_tables["deployment"].c
"""Columns of the deployment that owes."""
RAN = ("running", "success", "failed", "rolled_back")
"""States of a deployment that has begun."""
TIER_UNKNOWN: Doubt = (d.tier.is_(None), "whether it went to production is not recorded")
"""Pass in `doubts` with `production`."""
STATUS_UNKNOWN: Doubt = (d.deployment_status.is_(None), "how the deployment ended is not recorded")
"""Pass in `doubts` with `in_production` and `succeeded`."""

_begun = or_(d.finished_at.is_not(None), func.coalesce(d.deployment_status, "").in_(RAN))
_over = func.coalesce(d.deployment_status, "") == "success"
began = func.coalesce(d.started_at, case((_begun, func.coalesce(d.created_at, 0))))
"""When it began; where nobody recorded when, nothing later than its record was in time."""
ended = func.coalesce(d.finished_at, case((_over, func.coalesce(d.created_at, 0))))
"""When it ended; where nobody recorded when, nothing later than its record was in time."""
START_UNKNOWN: Doubt = (and_(_begun, d.started_at.is_(None)), "when the deployment began is not recorded")
END_UNKNOWN: Doubt = (and_(_over, d.finished_at.is_(None)), "when the deployment ended is not recorded")
BEGUN = [TIER_UNKNOWN, STATUS_UNKNOWN, START_UNKNOWN]
"""Pass as `doubts` with `carried_out`."""


def in_production(row: Any) -> ColumnElement[bool]:
    """Say whether a deployment, by its columns, began in production, or nobody knows where."""
    begun = or_(row.deployment_status.is_(None), row.deployment_status.in_(RAN))
    return and_(func.coalesce(row.tier, "production") == "production", begun)


def succeeded(row: Any) -> ColumnElement[bool]:
    """Say whether a deployment succeeded, or nobody knows how it ended."""
    outcome: ColumnElement[bool] = func.coalesce(row.deployment_status, "success") == "success"
    return outcome


def production() -> Unit:
    """Every deployment to production, or to nobody knows where, owing from when it ended or else began."""
    live = func.coalesce(d.tier, "production") == "production"
    return unit("deployment").where(live).opening(func.coalesce(d.finished_at, d.started_at, d.created_at, 0))


def carried_out() -> Unit:
    """Every deployment to production that has begun."""
    return production().where(in_production(d))


def within(uri: ColumnElement[Any], places: Sequence[str]) -> ColumnElement[bool]:
    """Say whether an address lies below one of these places."""
    return or_(false(), *(func.substr(func.coalesce(uri, ""), 1, len(place)) == place for place in places))
