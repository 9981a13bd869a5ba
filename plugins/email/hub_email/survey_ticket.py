"""Which closed tickets are asked about, whom, and by which address: one that somebody vouches for, and nobody else's."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.report.address import is_address
from hub.store.reported import ended_tickets, proven_senders
from hub_email.automatic import is_machine
from hub_email.rule import matches_address

if TYPE_CHECKING:
    from hub.store.store import Connection
    from hub_email.rule_settings import SurveySettings

__all__ = ["Asked", "Asker", "closed_tickets", "is_chosen", "resolved_incidents"]

_HOUR_MS = 3_600_000
_DAY_MS = 86_400_000


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
    zone: str = ""
    """IANA zone the register says the reporter lives in; empty where it says none."""


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
        rows = ended_tickets(conn, kind, "closed", since=since, until=until, now=now)
        found += _asked(conn, kind, rows, asker)
    return sorted((one for one in found if is_chosen(one.ticket, settings.share)), key=lambda one: (one.at, one.ticket))


def resolved_incidents(conn: Connection, asker: Asker, now: int) -> list[Asked]:
    """List the incidents that were resolved lately and are not closed, by when they were resolved."""
    since = now - asker.settings.latest_days * _DAY_MS
    rows = ended_tickets(conn, "incident", "resolved", since=since, until=now, now=now)
    return sorted(_asked(conn, "incident", rows, asker), key=lambda one: (one.at, one.ticket))


def is_chosen(ticket: str, share: float) -> bool:
    """Say whether a ticket belongs to the share; the same ticket always does or does not."""
    return int.from_bytes(hashlib.sha256(ticket.encode()).digest()[:6]) < share * 2**48


def _asked(conn: Connection, kind: str, rows: Sequence[Any], asker: Asker) -> Iterator[Asked]:
    vouched = proven_senders(conn, [row.sid for row in rows if row.said_by in asker.mailboxes])
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
        yield Asked(kind, row.id, name, row.title or "", row.at, row.customer, reporter, address, fault, row.zone or "")


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
