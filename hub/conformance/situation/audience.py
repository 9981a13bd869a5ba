"""Which records a question is asked of: all, or those that concern an audience."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Integer, MetaData, Table, delete, insert, literal, or_, select, union

from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["Audience", "fill_audience"]

_record, _link = metadata.tables["record"], metadata.tables["link"]
_audience = Table("audience", MetaData(), Column("number", Integer), Column("unit", Integer))


@dataclass(frozen=True, slots=True)
class Audience:
    """The records that concern one audience; they stand in a temporary table of the connection."""

    number: int

    def holds(self, sid: Any) -> Any:
        """Write the condition that a record is among them."""
        return sid.in_(select(_audience.c.unit).where(_audience.c.number == self.number))

    def condition(self, unit: str) -> str:
        """Write the same condition as SQL, of the column `unit`."""
        return f"{unit} IN (SELECT unit FROM audience WHERE number = {self.number})"


def fill_audience(
    conn: Connection,
    number: int,
    *,
    services: Collection[str],
    teams: Collection[str],
    customer: str | None = None,
) -> Audience:
    """Find what belongs to services and teams (record ids): they themselves, what names the services, what members own or work on.

    With `customer`, what is recorded as that customer's too, and nothing that is recorded as another's. An id that
    was never read adds nothing.
    """
    conn.exec_driver_sql(
        "CREATE TEMPORARY TABLE IF NOT EXISTS audience (number INTEGER, unit INTEGER, PRIMARY KEY (number, unit))"
    )
    conn.execute(delete(_audience).where(_audience.c.number == number))
    named = select(_record.c.sid).where(_record.c.id.in_(sorted({*services, *teams})))
    wanted = [named, select(_link.c.sid).where(_link.c.type == "service_ids", _link.c.target.in_(named))]
    if teams:
        members = _members(teams)
        wanted.append(members)
        for table in kind_tables.values():
            people = [table.c[name].in_(members) for name in ("owner", "assignee") if name in table.c]
            if people:
                wanted.append(select(table.c.sid).where(or_(*people)))
    others = None
    if customer is not None:
        itself = select(_record.c.sid).where(_record.c.id == customer)
        owned = select(_link.c.sid).where(_link.c.type == "customer_id")
        wanted += [itself, owned.where(_link.c.target.in_(itself))]
        others = owned.where(_link.c.target.not_in(itself))
    found = union(*wanted).subquery()
    chosen = select(literal(number), found.c[0])
    if others is not None:
        chosen = chosen.where(found.c[0].not_in(others))
    conn.execute(insert(_audience).from_select(["number", "unit"], chosen))
    return Audience(number)


def _members(teams: Collection[str]) -> Any:
    """Select the people of teams, with their logins."""
    team = select(_record.c.sid).where(_record.c.id.in_(sorted(teams)))
    person: Any = kind_tables["person"].c
    listed = select(_link.c.target).where(_link.c.type == "members", _link.c.sid.in_(team))
    people = union(listed, select(person.sid).where(person.party.in_(team))).subquery()
    own = select(people.c[0])
    return select(_record.c.sid).where(or_(_record.c.sid.in_(own), _record.c.canonical.in_(own)))
