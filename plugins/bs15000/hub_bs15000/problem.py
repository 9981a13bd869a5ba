"""Which problems owe something, until when they are open, and the incidents and known errors tied to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func

from hub.conformance.expression import days_after
from hub.conformance.relation import ends_at
from hub.conformance.unit import Unit, unit
from hub.store.schema import kind_tables

__all__ = [
    "CLOSED_UNKNOWN",
    "FROM_INCIDENT",
    "FROM_PROBLEM",
    "closed",
    "incident_links",
    "open_until",
    "p",
    "problems",
    "target",
    "worked_until",
]

p: Any = kind_tables["problem"].c
"""Columns of the problem that owes."""
FROM_PROBLEM = ("incident_ids", "causes")
"""Links by which a problem names its incidents."""
FROM_INCIDENT = ("problem_ids", "caused_by")
"""Links by which an incident names its problems."""

_NEVER = 9_000_000_000_000_000
_category = func.coalesce(p.status_category, "")

CLOSED_UNKNOWN = (and_(p.closed_at.is_(None), _category == "closed"), "when it was closed is not recorded")

worked_until = func.coalesce(
    p.resolved_at,
    p.closed_at,
    case((_category.in_(("resolved", "closed", "cancelled", "rejected")), func.coalesce(p.updated_at, 0))),
)
"""When work on the problem ended; NULL = it is open."""
open_until = func.coalesce(worked_until, _NEVER)
"""The same, far in the future for an open problem."""


def problems() -> Unit:
    """Every problem that was not called off."""
    return unit("problem").where(_category.not_in(("cancelled", "rejected")))


def closed() -> Unit:
    """Those that were closed; they owe from then on."""
    return problems().where(p.closed_at.is_not(None)).opening(p.closed_at)


def target(days: Mapping[str, int]) -> ColumnElement[Any]:
    """When it shall be solved: as set, else by its priority counted from its creation; NULL = not known."""
    by_priority = case(*((p.priority == name, days_after(p.created_at, count)) for name, count in days.items()))
    return func.coalesce(p.target_resolution_at, by_priority)


def incident_links(link: Any) -> tuple[ColumnElement[bool], ColumnElement[int]]:
    """Say which links tie an incident to the problem, and which incident."""
    return ends_at(link, p.sid, outward=FROM_PROBLEM, inward=FROM_INCIDENT)
