"""Accounts of Jira as records, and references to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hub.records import Person
from hub_jira.value import as_dict, as_text

__all__ = ["Accounts", "account_key"]


_KEYS = ("accountId", "key", "name")
MANY = 5_000
"""People remembered from one issue to the next."""


def account_key(user: dict[str, Any]) -> str | None:
    """Give what identifies a user for ever: account id (Cloud), key, or name (Data Center)."""
    for name in _KEYS:
        key = user.get(name)
        if key and isinstance(key, str):
            return key
    return None


def _together(met: list[dict[str, Any]]) -> dict[str, Any]:
    """Take of each word what the first user object that has it says."""
    return {name: value for each in reversed(met) for name, value in each.items() if value is not None}


@dataclass(slots=True)
class Accounts:
    """The accounts one issue speaks of; each becomes a record `person` with `account` true."""

    source: str
    ties: dict[str, str]
    """Account id, key or name to the id of a person record, by configuration."""
    automation: frozenset[str]
    known: dict[str, tuple[list[dict[str, Any]], Person]] = field(default_factory=dict)
    """Key to the user objects last met and the record they made: the next issue shows the same people."""
    seen: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Key to the user objects met, each once: an issue shows the same few again and again."""

    def ref(self, user: Any) -> str | None:
        """Give the record id of a user object, and remember the user."""
        key = account_key(user) if isinstance(user, dict) else None
        if key is None:
            return None
        met = self.seen.get(key)
        if met is None:
            self.seen[key] = [user]
        elif user not in met:
            met.append(user)
        return f"{self.source}:user/{key}"

    def named(self, key: str | None) -> str | None:
        """Give the record id for an id out of the changelog, where there is no user object."""
        return f"{self.source}:user/{key}" if key else None

    def automatic(self, user: Any) -> bool:
        """Whether an account is no person: an app, or listed in the configuration."""
        details = as_dict(user)
        named = (key for name in _KEYS if isinstance(key := details.get(name), str))
        return details.get("accountType") == "app" or not self.automation.isdisjoint(named)

    def records(self) -> list[Person]:
        """Make a record of each account seen, deactivated ones included."""
        if len(self.known) > MANY:
            self.known.clear()
        for key, met in self.seen.items():
            made = self.known.get(key)
            if made is None or made[0] != met:
                self.known[key] = (met, self._record(key, met))
        return [self.known[key][1] for key in sorted(self.seen)]

    def _record(self, key: str, met: list[dict[str, Any]]) -> Person:
        user = met[0] if len(met) == 1 else _together(met)
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
