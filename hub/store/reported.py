"""Tickets that ended, who reported them, and which addresses a proven mail of theirs came from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Connection, exists, false, func, or_, select

from hub.store.bulk import among
from hub.store.schema import kind_tables
from hub.store.tables import link, record

__all__ = ["ended_tickets", "proven_senders"]

_CALLED_OFF = ("cancelled", "rejected")


def ended_tickets(
    conn: Connection, kind: str, ended: Literal["closed", "resolved"], *, since: int, until: int, now: int
) -> Sequence[Any]:
    """List tickets closed, or resolved and not closed, after `since` and up to `until` (UTC milliseconds), with their reporters.

    What was called off, is a duplicate, came from a monitor or is no longer visible is left out.
    """
    closed, resolved = kind_tables[kind].c.closed_at, kind_tables[kind].c.resolved_at
    at = closed if ended == "closed" else resolved
    open_still = [] if ended == "closed" else [closed.is_(None)]
    t, person = kind_tables[kind].c, kind_tables["person"]
    login, human, customer, twin = record.alias(), record.alias(), record.alias(), link.alias()
    account, owner = person.alias(), person.alias()
    query = (
        select(
            record.c.sid,
            record.c.id,
            t["key"].label("key"),
            t.title,
            at.label("at"),
            t.channel,
            customer.c.id.label("customer"),
            login.c.id.label("login"),
            login.c.source.label("said_by"),
            account.c.email.label("login_email"),
            human.c.id.label("human"),
            owner.c.email.label("email"),
            owner.c.zone.label("zone"),
            or_(owner.c.active_to <= now, owner.c.vanished_at.is_not(None)).label("gone"),
        )
        .select_from(
            t.sid.table.join(record, record.c.sid == t.sid)
            .outerjoin(login, login.c.sid == t.reporter)
            .outerjoin(account, account.c.sid == login.c.sid)
            .outerjoin(human, human.c.sid == login.c.canonical)
            .outerjoin(owner, owner.c.sid == human.c.sid)
            .outerjoin(customer, customer.c.sid == t.customer_id)
        )
        .where(
            at > since,
            at <= until,
            *open_still,
            t.vanished_at.is_(None),
            t.invisible_at.is_(None),
            func.coalesce(t.status_category, "").not_in(_CALLED_OFF),
            func.coalesce(t.channel, "") != "alert",
            ~exists().where(twin.c.sid == t.sid, twin.c.type == "duplicate_of").correlate_except(twin),
        )
    )
    return conn.execute(query).all()


def proven_senders(conn: Connection, tickets: Collection[int]) -> Mapping[int, set[str]]:
    """Return ticket -> addresses from which a proven mail of a person belongs to it."""
    if not tickets:
        return {}
    mail = kind_tables["communication"].c
    rows = conn.execute(
        select(link.c.target, mail["from_"])
        .join(mail.sid.table, mail.sid == link.c.sid)
        .where(
            among(conn, link.c.target, tickets),
            link.c.type == "record_id",
            mail.direction == "in",
            func.coalesce(mail.authenticity, "none") != "none",
            ~func.coalesce(mail.auto_submitted, false()),
        )
    )
    found: dict[int, set[str]] = {}
    for ticket, address in rows:
        found.setdefault(ticket, set()).add(address or "")
    return found
