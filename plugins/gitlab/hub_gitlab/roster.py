"""Accounts asked after by their id: still active, blocked or deactivated, or no longer there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hub.errors import ProtocolFault
from hub.sync.source import Roster
from hub_gitlab.client import NotFound
from hub_gitlab.wire import User

if TYPE_CHECKING:
    from hub_gitlab.client import GitlabClient

__all__ = ["find_accounts"]

INACTIVE = frozenset({"banned", "blocked", "blocked_pending_approval", "deactivated", "ldap_blocked"})


def find_accounts(client: GitlabClient, keys: Sequence[str]) -> Roster:
    """Ask who is still there; whoever GitLab neither shows nor clearly denies stays out of the answer.

    Keys are numeric ids, or user names behind an `@`, whose absence tells nothing, for people rename themselves.
    Mail addresses of commits are no accounts and are not asked after. Raises ScopeUnreadable where this account may not see users.
    """
    client.whoami()  # a 404 to a stranger would say nothing of the account asked after
    active, inactive, gone = set(), set(), set()
    for key in keys:
        try:
            user = _ask(client, key)
        except NotFound:
            gone.add(key)
            continue
        if user is None:
            continue
        if user.state == "active":
            active.add(key)
        elif user.state in INACTIVE:
            inactive.add(key)
    return Roster(frozenset(active), frozenset(inactive), frozenset(gone), requests=client.requests)


def _ask(client: GitlabClient, key: str) -> User | None:
    """Ask after one account; None = nothing is told."""
    if key.startswith("@"):
        found = client.get("/users", list[User], username=key[1:])
        return next((each for each in found if each.username.casefold() == key[1:].casefold()), None)
    if not (key.isascii() and key.isdecimal()):
        return None
    user = client.get(f"/users/{key}", User)
    if str(user.id) != key:
        raise ProtocolFault(f"GET /users/{key}: GitLab gives an account that was not asked for")
    return user
