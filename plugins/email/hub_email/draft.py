"""One mail on its way to records: how it is read, who sent it, and what was made of it so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.records import Person, Record
from hub.sync.source import Document, Skip
from hub_email.parse.header import addresses
from hub_email.parse.message import Mail
from hub_email.rule_settings import MailReading
from hub_email.trust import Sender, Trust

__all__ = ["CASES", "Draft", "Reading"]

CASES: Mapping[str, str] = {"complaint": "complaint", "incident": "fault_report", "request": "other"}
"""Kinds of records that a conversation is about, and what its mail is called."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How the mail of one source is read."""

    source: str
    """Configured name; the prefix of all record ids."""
    settings: MailReading
    zone: str = "UTC"
    """The organisation's IANA zone."""
    trust: Trust = field(init=False)
    keys: tuple[str, ...] = field(init=False)
    own_domains: frozenset[str] = field(init=False)
    makes_cases: bool = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        decisions = settings.decisions
        secrets = [] if decisions is None else [decisions.key, *decisions.former_keys.values()]
        domains = frozenset(one.rpartition("@")[2].lower() for one in settings.trust.addresses)
        object.__setattr__(self, "trust", Trust.of(settings.trust))
        object.__setattr__(self, "keys", tuple(one.get_secret_value() for one in secrets))
        object.__setattr__(self, "own_domains", domains)
        object.__setattr__(self, "makes_cases", any(rule.becomes in CASES for rule in settings.rules))


@dataclass(slots=True)
class Draft:
    """One mail on its way to records."""

    reading: Reading
    document: Document
    mail: Mail
    sender: Sender
    received_at: int | None
    written_at: int | None
    automatic: bool
    outgoing: bool
    records: list[Record] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)

    def skip(self, reason: str) -> None:
        """Say why something was not made of it."""
        self.skipped.append(Skip(self.document.native_id, reason))

    def own_id(self, kind: str) -> str:
        """Give the id of the one record of a kind made from it."""
        return f"{self.reading.source}:{kind}/{self.document.native_id}"

    @property
    def told(self) -> str | None:
        """The address it says it comes from; None where it names none, or several."""
        found = addresses(" ".join(self.mail.all("from")), 2)
        return self.sender.address or (found[0] if len(found) == 1 else None)

    def account(self, address: str | None) -> str | None:
        """Give the record id of an address, and make the record."""
        if address is None:
            return None
        record_id = f"{self.reading.source}:address/{address}"
        if all(one.id != record_id for one in self.records):
            person = self.reading.settings.accounts.get(address)
            tied = [person] if person else []
            source = self.reading.source
            account = Person(
                id=record_id, source=source, title=address, key=address, account=True, email=[address], same_as=tied
            )
            self.records.append(account)
        return record_id
