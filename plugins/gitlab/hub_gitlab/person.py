"""Accounts of GitLab and the addresses of commits, as records, and references to them.

A user is `user/<id>`, whatever it is called today. A commit names a mail address only: `author/<address>`,
which the people register ties to somebody. An address GitLab gives out itself (`17-alice@users.noreply…`)
is that user.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hub.records import Person
from hub_gitlab.value import as_text, native_id

if TYPE_CHECKING:
    from hub_gitlab.vocabulary import Vocabulary

__all__ = ["Accounts", "address_of"]

_ADDRESS = re.compile(r"^[^@\s<>]{1,200}@[^@\s<>]{1,200}$")
_PRIVATE = re.compile(r"^([1-9][0-9]{0,17})-[^@]+@users\.noreply\.")
_ACTIVE = frozenset({"active"})
_INACTIVE = frozenset({"banned", "blocked", "blocked_pending_approval", "deactivated", "ldap_blocked"})


def address_of(value: Any) -> str | None:
    """Give a mail address in one spelling; None for what is none."""
    text = as_text(value)
    text = text.strip().casefold() if text and len(text) < 500 else ""  # noqa: PLR2004 - nothing longer is one
    return text if _ADDRESS.match(text) else None


@dataclass(slots=True)
class Accounts:
    """The accounts one document speaks of; each becomes a record `person` with `account` true."""

    vocabulary: Vocabulary
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Numeric id to what is said of the user; the first that says a thing is right."""
    addresses: set[str] = field(default_factory=set)
    owned: dict[str, str] = field(default_factory=dict)
    """Address to the id of the user who shows it as theirs."""

    def ref(self, user: Any) -> str | None:
        """Give the record id of a user object, and remember the user; None where there is none."""
        native = native_id(user.get("id")) if isinstance(user, dict) else None
        if native is None:
            return None
        known = self.users.setdefault(native, {})
        for name in ("username", "name", "state"):
            if as_text(user.get(name)) and name not in known:
                known[name] = user[name]
        return self.vocabulary.ref("user", native)

    def shown(self, user: dict[str, Any]) -> None:
        """Remember the addresses a user shows."""
        native = native_id(user.get("id"))
        for name in ("public_email", "email", "commit_email"):
            address = address_of(user.get(name))
            if native is not None and address is not None and not _PRIVATE.match(address):
                self.owned[address] = native

    def author(self, address: Any) -> str | None:
        """Give the record id of who stands behind the address of a commit; None for robots and for what is no address."""
        mail = address_of(address)
        if mail is None or mail in self._automation:
            return None
        private = _PRIVATE.match(mail)
        if private:
            self.users.setdefault(private[1], {})
            return self.vocabulary.ref("user", private[1])
        self.addresses.add(mail)
        return self.vocabulary.ref("author", mail)

    def automatic(self, user: Any) -> bool:
        """Whether an account is no person: a robot of GitLab's, or listed in the configuration."""
        if not isinstance(user, dict):
            return False
        name = as_text(user.get("username")) or ""
        return user.get("bot") is True or name in self.vocabulary.settings.automation_accounts or name == "support-bot"

    @property
    def _automation(self) -> frozenset[str]:
        listed = {each.casefold() for each in self.vocabulary.settings.automation_accounts if "@" in each}
        return frozenset(listed | {"noreply@gitlab.com"})

    def records(self) -> list[Person]:
        """Make a record of each account met."""
        found = [self._user(native, said) for native, said in sorted(self.users.items())]
        found += [self._author(mail) for mail in sorted(self.addresses - self.owned.keys())]
        return found + [self._author(mail, user) for mail, user in sorted(self.owned.items())]

    def _user(self, native: str, said: dict[str, Any]) -> Person:
        username, name, state = said.get("username"), said.get("name"), said.get("state")
        return Person(
            id=self.vocabulary.ref("user", native),
            source=self.vocabulary.source,
            title=name or username or native,
            key=native,
            aliases=[username] if username else [],
            account=True,
            name=name,
            status="active" if state in _ACTIVE else "inactive" if state in _INACTIVE else None,
            same_as=self._ties(native, username),
        )

    def _author(self, mail: str, user: str | None = None) -> Person:
        tied = self._ties(mail)
        return Person(
            id=self.vocabulary.ref("address" if user else "author", mail),
            source=self.vocabulary.source,
            title=mail,
            key=mail,
            account=True,
            email=[mail],
            same_as=sorted({*tied, self.vocabulary.ref("user", user)}) if user else tied,
        )

    def _ties(self, *words: str | None) -> list[str]:
        table = self.vocabulary.settings.accounts
        return sorted({table[word] for word in words if word is not None and word in table})
