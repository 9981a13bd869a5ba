"""Accounts of Jira as records, and references to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hub.records import Person
from hub_jira.value import as_dict, as_text

__all__ = ["Accounts", "account_key"]


def account_key(user: dict[str, Any]) -> str | None:
    """Give what identifies a user for ever: account id (Cloud), key, or name (Data Center)."""
    return as_text(user.get("accountId")) or as_text(user.get("key")) or as_text(user.get("name"))


@dataclass(slots=True)
class Accounts:
    """The accounts one issue speaks of; each becomes a record `person` with `account` true."""

    source: str
    ties: dict[str, str]
    """Account id, key or name to the id of a person record, by configuration."""
    automation: frozenset[str]
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)

    def ref(self, user: Any) -> str | None:
        """Give the record id of a user object, and remember the user."""
        details = as_dict(user)
        key = account_key(details)
        if key is None:
            return None
        known = self.seen.setdefault(key, {})
        for name in ("displayName", "emailAddress", "active", "name", "key"):
            if known.get(name) is None and details.get(name) is not None:
                known[name] = details[name]
        return self.named(key)

    def named(self, key: str | None) -> str | None:
        """Give the record id for an id out of the changelog, where there is no user object."""
        return f"{self.source}:user/{key}" if key else None

    def automatic(self, user: Any) -> bool:
        """Whether an account is no person: an app, or listed in the configuration."""
        details = as_dict(user)
        names = {details.get(each) for each in ("accountId", "key", "name") if isinstance(details.get(each), str)}
        return details.get("accountType") == "app" or bool(names & self.automation)

    def records(self) -> list[Person]:
        """Make a record of each account seen, deactivated ones included."""
        return [self._record(key, self.seen[key]) for key in sorted(self.seen)]

    def _record(self, key: str, user: dict[str, Any]) -> Person:
        name = as_text(user.get("displayName")) or key
        mail = as_text(user.get("emailAddress"))
        active = user.get("active")
        tied = [
            self.ties[each]
            for each in (key, user.get("key"), user.get("name"))
            if isinstance(each, str) and each in self.ties
        ]
        return Person(
            id=f"{self.source}:user/{key}",
            source=self.source,
            title=name,
            key=key,
            account=True,
            name=name,
            email=[mail] if mail else [],
            status={True: "active", False: "inactive"}.get(active) if isinstance(active, bool) else None,
            same_as=sorted(set(tied)),
        )
