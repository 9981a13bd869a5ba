"""Releases: when they reached production, and what they are tied to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from hub.conformance.expression import touched
from hub.conformance.owed import Doubt
from hub.conformance.unit import Unit, unit
from hub.store.schema import kind_tables
from hub_bs15000.deployment import in_production, succeeded

__all__ = ["first_unknown", "gone_live", "r", "started_first"]

_release = kind_tables["release"]
r: Any = _release.c
"""Columns of the release that owes."""


def started_first() -> ColumnElement[Any]:
    """Return when the release first began to be deployed to production, or to nobody knows where; NULL = not yet."""
    deployment: Any = kind_tables["deployment"].alias()
    return (
        select(func.min(deployment.c.started_at))
        .where(deployment.c.release_id == r.sid, in_production(deployment.c))
        .correlate_except(deployment)
        .scalar_subquery()
    )


def first_unknown() -> Doubt:
    """Doubt: a deployment of the release may be an earlier one in production."""
    one: Any = kind_tables["deployment"].alias()
    unclear = or_(
        one.c.tier.is_(None),
        one.c.deployment_status.is_(None),
        and_(one.c.started_at.is_(None), one.c.finished_at.is_not(None)),
    )
    found = exists().where(one.c.release_id == r.sid, in_production(one.c), unclear).correlate_except(one)
    return found, "when it first went to production is not recorded"


def gone_live() -> tuple[Unit, ColumnElement[Any]]:
    """Every release that was deployed to production, from when that first ended; also returns this instant."""
    deployment: Any = kind_tables["deployment"].alias()
    one = deployment.c
    first = (
        select(one.release_id.label("sid"), func.min(one.finished_at).label("at"))
        .where(touched(one.release_id), in_production(one), succeeded(one), one.finished_at.is_not(None))
        .group_by(one.release_id)
        .subquery("first")
    )
    releases = unit("release").opening(first.c.at).reading(deployment="near")
    return replace(releases, rows=first.join(_release, r.sid == first.c.sid)), first.c.at
