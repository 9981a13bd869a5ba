"""Customers as units: who has an agreement, from when and until when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, case, exists, func, null, select

from hub.conformance.unit import Unit, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import counts_from, ends
from hub_bs15000.ticket import with_facts

__all__ = ["served", "u"]

u: Any = kind_tables["customer"].c
"""Columns of the customer that owes."""
_link = metadata.tables["link"]


def served(*conditions: Callable[[Any], ColumnElement[bool]]) -> tuple[Unit, Any]:
    """Every customer with a signed agreement, owing from the first; also returns when the last one ended.

    `conditions` get the columns of the agreement and say which ones are meant.
    """
    link, agreement = _link.alias(), kind_tables["sla"].alias()
    s: Any = agreement.c
    own = (link.c.target == u.sid, link.c.type == "customer_id", s.sid == link.c.sid, s.signed_at.is_not(None))
    meant = (*own, s.valid_from.is_not(None), *(one(s) for one in conditions))

    def over(what: Any) -> Any:
        return select(what).where(*meant).correlate_except(link, agreement).scalar_subquery()

    endless = func.sum(case((s.valid_to.is_(None), 1), else_=0)) > 0
    some = exists().where(*meant).correlate_except(link, agreement)
    customers = unit("customer").where(some).reading(sla="near", calendar="all")
    units, fact = with_facts(
        customers,
        began=over(func.min(counts_from(s))),
        ended=over(case((endless, null()), else_=func.max(ends(s)))),
    )
    return units.opening(func.coalesce(fact.began, 0)), fact.ended
