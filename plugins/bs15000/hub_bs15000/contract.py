"""Contracts with suppliers as units: from when they are judged, and which took the place of another."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, exists, func, or_

from hub.conformance.unit import Unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import agreements, began
from hub_bs15000.ticket import with_facts

__all__ = ["agreed", "amended", "contracts", "k"]

k: Any = kind_tables["underpinning_contract"].c
"""Columns of the contract that owes."""
_link = metadata.tables["link"]


def agreed(kind: str) -> Unit:
    """Every version of an agreement that says from when it holds, owing from then on and since it is recorded."""
    units, fact = with_facts(agreements(kind), began=began(kind_tables[kind].c))  # worked out once: it is long
    return units.opening(func.coalesce(fact.began, 0))


def contracts() -> Unit:
    """Every such version of a contract with a supplier."""
    return agreed("underpinning_contract")


def amended() -> Unit:
    """Those that took the place of another, by their word or by supplier and title."""
    older, link = kind_tables["underpinning_contract"].alias(), _link.alias()
    said = exists().where(link.c.sid == k.sid, link.c.type == "supersedes").correlate_except(link)
    same = and_(link.c.target == k.supplier_id, link.c.type == "supplier_id", link.c.sid == older.c.sid)
    before = and_(older.c.sid != k.sid, older.c.title == k.title, older.c.valid_from < k.valid_from)
    seen = exists().where(same, before).correlate_except(link, older)
    return contracts().where(or_(said, seen)).reading(underpinning_contract="all")
