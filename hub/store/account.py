"""Logins of a tool and the people behind them who left: what was learnt of that is kept until the tool says otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, or_, select, union

from hub.records import Person
from hub.store.dropped import Write
from hub.store.revision import current_records
from hub.store.schema import kind_tables
from hub.store.tables import erased_person, record

__all__ = ["ACTIVE", "DELETED", "INACTIVE", "InCharge", "accounts_in_charge", "keep_departures"]

ACTIVE, INACTIVE, DELETED = "active", "inactive", "deleted"
"""What a source writes as `status` of an account, and what asking after accounts adds."""
_FINISHED = ("closed", "cancelled", "rejected")


@dataclass(frozen=True, slots=True)
class InCharge:
    """An account that work not finished is assigned to, or that is answerable for it."""

    id: str
    """Its record."""
    key: str
    """What the tool knows it by."""


def keep_departures(conn: Connection, writes: dict[str, Write], known_at: int, *, replay: bool) -> None:
    """Set since when accounts are no longer active, in place: since the hub learnt it, for no tool tells when it was.

    A document just read that calls the account active takes this back. One that is silent, or a kept one mapped
    anew, leaves what was known.
    """
    accounts = {
        one: write.record
        for one, write in writes.items()
        if isinstance(write.record, Person)
        and write.record.account
        and write.record.active_to is None
        and (replay or write.record.status != ACTIVE)
    }
    if not accounts:
        return
    before = {each.id: each for each in current_records(conn, list(accounts)) if isinstance(each, Person)}
    for one, account in accounts.items():
        known = before.get(one)
        if known is not None and known.active_to is not None:
            kept = msgspec.structs.replace(account, status=known.status, active_to=known.active_to)
        elif account.status == INACTIVE and not replay:
            kept = msgspec.structs.replace(account, active_to=known_at)
        else:
            continue
        writes[one] = Write(kept, writes[one].document, writes[one].earlier)


def accounts_in_charge(conn: Connection, source: str) -> list[InCharge]:
    """List the accounts of a source that its unfinished work rests on, by record id; erased persons are left out."""
    person = kind_tables["person"]
    kinds = conn.execute(select(record.c.kind).where(record.c.source == source).distinct()).scalars()
    named = [
        select(column.label("sid"))
        .join_from(table, record, record.c.sid == table.c.sid)
        .where(record.c.source == source, table.c.vanished_at.is_(None), column.is_not(None))
        .where(or_(table.c.status_category.is_(None), table.c.status_category.not_in(_FINISHED)))
        for table in (kind_tables[kind] for kind in sorted(filter(None, kinds)) if kind != "person")
        for column in (table.c.owner, table.c.assignee)
    ]
    if not named:
        return []
    asked = (
        select(record.c.id, person.c.key)
        .join(person, person.c.sid == record.c.sid)
        .where(record.c.source == source, person.c.account.is_(True), person.c.key.is_not(None))
        .where(record.c.sid.in_(select(union(*named).subquery().c.sid)))
        .where(record.c.sid.not_in(select(erased_person.c.sid)))
        .order_by(record.c.id)
    )
    return [InCharge(row.id, row.key) for row in conn.execute(asked)]
