"""What the customer could see of a ticket: messages of people, in the ticket or by mail."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, true

from hub.conformance.evidence import AnyOf, Rows, any_of, rows
from hub.conformance.reading import Need
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.silence import Moments, events_of
from hub_bs15000.ticket import columns, happened

__all__ = ["CONVERSED", "mails", "messages", "told"]

_link = metadata.tables["link"]
CONVERSED = ("responded", "customer_informed", "breach_notified")
"""Events by which a person told the customer something."""
_SENT = Need("communication", frozenset({"direction", "received_at", "record_id"}), evidence=True)


def messages(kind: str) -> list[Moments]:
    """Every message of a person that the customer could see, as moments of a ticket."""
    t, update = columns(kind), child_tables[kind, "customer_updates"]
    link, mail = _link.alias(), kind_tables["communication"].alias()
    sent = and_(link.c.target == t.sid, link.c.type == "record_id", _by_person(mail.c), _arrived(mail.c).is_not(None))
    return [
        Moments(update, update.c.sid == t.sid, update.c.at),
        events_of(kind, lambda e: e.type.in_(CONVERSED)),
        Moments(link.join(mail, mail.c.sid == link.c.sid), sent, _arrived(mail.c), {"communication": "near"}, (_SENT,)),
    ]


def told(kind: str, after: Any) -> AnyOf:
    """Evidence is such a message, later than `after`."""
    u, t = child_tables[kind, "customer_updates"].c, columns(kind)
    update = rows(kind, and_(u.sid == t.sid, u.at > after), u.at, table=u.sid.table, stated_by_unit=True)
    event, e = happened(kind, *CONVERSED)
    mail, m = mails(kind)
    return any_of(update, event.where(e.at > after), mail.where(_by_person(m), _arrived(m) > after))


def mails(kind: str, *classes: str) -> tuple[Rows, Any]:
    """Evidence is a message of our own that belongs to the record, of one of these classes; also returns its columns."""
    link, mail = _link.alias(), kind_tables["communication"].alias()
    m: Any = mail.c
    on = and_(link.c.target == kind_tables[kind].c.sid, link.c.type == "record_id")
    found = rows(
        "communication",
        on,
        _arrived(m),
        fields=frozenset({"direction", "class", "record_id"}),
        table=link,
        declared=m.declared_by.is_not(None),
    )
    found = found.joining(mail, m.sid == link.c.sid).where(m.direction == "out", ~_failed(m))
    if not classes:
        return found, m
    found = found.where(or_(m.class_.in_(classes), m.class_.is_(None)))
    return found.doubtful(m.class_.is_(None), "what the message says is not recorded"), m


def _arrived(mail: Any) -> ColumnElement[Any]:
    """When a server of our own had the message; the date in its header proves nothing."""
    return func.coalesce(mail.received_at, mail.created_at)


def _failed(mail: Any) -> ColumnElement[bool]:
    return func.coalesce(mail.bounce, false()) == true()


def _by_person(mail: Any) -> ColumnElement[bool]:
    automatic = func.coalesce(mail.auto_submitted, false()) == true()
    return and_(mail.direction == "out", ~automatic, ~_failed(mail))
