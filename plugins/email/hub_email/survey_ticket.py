"""Which closed tickets are asked about, whom, and by which address: one that somebody vouches for, and nobody else's."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select

from hub.report.mail import is_address
from hub.store.bulk import among
from hub.store.schema import kind_tables
from hub.store.tables import link, record
from hub_email.automatic import is_machine
from hub_email.rule import matches_address

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hub_email.rule_settings import SurveySettings

__all__ = ["Asked", "Asker", "closed_tickets", "is_chosen", "resolved_incidents"]

_HOUR_MS = 3_600_000
_DAY_MS = 86_400_000
_CALLED_OFF = ("cancelled", "rejected")


@dataclass(frozen=True, slots=True)
class Asked:
    """A ticket, and who would be asked about it."""

    kind: str
    ticket: str
    """Id of its record."""
    name: str
    """What people call it."""
    title: str
    at: int
    """When it was closed, or resolved where the closure is asked about; UTC milliseconds."""
    customer: str | None
    person: str
    """Id of the reporter's record, the human's where known; empty where there is none."""
    address: str
    fault: str = ""
    """Why nobody is asked."""


@dataclass(frozen=True, slots=True)
class Asker:
    """What decides who is asked."""

    settings: SurveySettings
    mailboxes: Collection[str]
    """Names of the sources of mail, whose addresses prove nothing by themselves."""
    own: Sequence[str]
    """What we write from."""


def closed_tickets(conn: Connection, asker: Asker, now: int) -> list[Asked]:
    """List the chosen tickets whose time to be asked about is now (UTC milliseconds), by when they were closed."""
    settings = asker.settings
    since, until = now - settings.latest_days * _DAY_MS, now - settings.delay_hours * _HOUR_MS
    found: list[Asked] = []
    for kind in settings.kinds:
        closed = kind_tables[kind].c.closed_at
        found += _asked(conn, kind, closed, and_(closed > since, closed <= until), asker, now=now)
    return sorted((one for one in found if is_chosen(one.ticket, settings.share)), key=lambda one: (one.at, one.ticket))


def resolved_incidents(conn: Connection, asker: Asker, now: int) -> list[Asked]:
    """List the incidents that were resolved lately and are not closed, by when they were resolved."""
    t = kind_tables["incident"].c
    since = now - asker.settings.latest_days * _DAY_MS
    waiting = and_(t.closed_at.is_(None), t.resolved_at > since, t.resolved_at <= now)
    found = _asked(conn, "incident", t.resolved_at, waiting, asker, now=now)
    return sorted(found, key=lambda one: (one.at, one.ticket))


def is_chosen(ticket: str, share: float) -> bool:
    """Say whether a ticket belongs to the share; the same ticket always does or does not."""
    return int.from_bytes(hashlib.sha256(ticket.encode()).digest()[:6]) < share * 2**48


def _asked(
    conn: Connection, kind: str, at: ColumnElement[Any], where: ColumnElement[bool], asker: Asker, *, now: int
) -> Iterator[Asked]:
    t, person = kind_tables[kind].c, kind_tables["person"]
    login, human, customer, twin = record.alias(), record.alias(), record.alias(), link.alias()
    account, owner = person.alias(), person.alias()
    rows = conn.execute(
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
            where,
            t.vanished_at.is_(None),
            t.invisible_at.is_(None),
            func.coalesce(t.status_category, "").not_in(_CALLED_OFF),
            func.coalesce(t.channel, "") != "alert",
            ~exists().where(twin.c.sid == t.sid, twin.c.type == "duplicate_of").correlate_except(twin),
        )
    ).all()
    vouched = _vouched(conn, [row.sid for row in rows if row.said_by in asker.mailboxes])
    for row in rows:
        known = row.email or row.login_email or []
        address = known[0] if known else ""
        fault = _fault(row, address, asker)
        if (
            not fault
            and row.said_by in asker.mailboxes
            and not set(row.login_email or []) & vouched.get(row.sid, set())
        ):
            fault = "nothing proves that the mail it began with came from its sender"
        name, reporter = row.key or row.id, row.human or row.login or ""
        yield Asked(kind, row.id, name, row.title or "", row.at, row.customer, reporter, address, fault)


def _fault(row: Any, address: str, asker: Asker) -> str:
    if row.login is None:
        return "nobody is known to have reported it"
    if row.gone:
        return "who reported it is not there any more"
    if not is_address(address):
        return "no valid mail address of the reporter is known"
    if is_machine(address) or matches_address(address.lower(), [*asker.own, *asker.settings.never]):
        return "the address is a machine's, our own or excepted"
    return ""


def _vouched(conn: Connection, tickets: Collection[int]) -> Mapping[int, set[str]]:
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
