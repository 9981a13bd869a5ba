"""Accounts asked after by their key: still active, deactivated, or no longer there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hub.errors import ProtocolFault, ScopeUnreadable
from hub.sync.source import Roster
from hub_jira.client import NotFound
from hub_jira.wire import Permissions, User, UserPage

if TYPE_CHECKING:
    from hub_jira.client import JiraClient

__all__ = ["find_accounts"]

ACCOUNTS_A_CALL = 100
"""`user/bulk` takes 200, but they stand in the address, and an address of 10 kB is refused on the way."""
BROWSE_USERS = "USER_PICKER"


def find_accounts(client: JiraClient, keys: Sequence[str], *, cloud: bool) -> Roster:
    """Ask who is still there; whoever Jira neither shows nor clearly denies stays out of the answer.

    Raises ScopeUnreadable where this account may not browse users: then Jira shows nobody. On Data Center
    each key is a request, so that few should be asked after.
    """
    _require_sight(client, cloud=cloud)
    found = _of_cloud(client, keys) if cloud else _of_data_center(client, keys)
    return Roster(
        active=frozenset(key for key, state in found.items() if state is True),
        inactive=frozenset(key for key, state in found.items() if state is False),
        gone=frozenset(key for key, state in found.items() if state is None),
        requests=client.requests,
    )


def _require_sight(client: JiraClient, *, cloud: bool) -> None:
    place = f"{client.api}/mypermissions"
    asked = {"permissions": BROWSE_USERS} if cloud else {}  # Data Center names them all
    permission = client.get(place, Permissions, **asked).permissions.get(BROWSE_USERS)
    if permission is None:
        raise ProtocolFault(f"GET {place}: Jira does not say whether this account may browse users")
    if not permission.have_permission:
        raise ScopeUnreadable(
            "this account may not browse users; give it the global permission Browse users and groups"
        )


def _of_cloud(client: JiraClient, keys: Sequence[str]) -> dict[str, bool | None]:
    """Key -> active; None = left out of a whole answer."""
    found: dict[str, bool | None] = {}
    for first in range(0, len(keys), ACCOUNTS_A_CALL):
        asked = list(keys[first : first + ACCOUNTS_A_CALL])
        users: list[User] = []
        whole = False
        while not whole and len(users) < len(asked):
            page = client.get(
                f"{client.api}/user/bulk", UserPage, accountId=asked, startAt=len(users), maxResults=len(asked)
            )
            users += page.values
            whole = page.is_last is not False
            if not page.values:
                break
        found |= {each.account_id: each.active for each in users if each.account_id and each.active is not None}
        shown = {each.account_id for each in users}
        if whole and shown <= set(asked):  # "unknown" stands for an account that Jira has lost sight of
            found |= dict.fromkeys(key for key in asked if key not in shown)
    return {key: found[key] for key in keys if key in found}


def _of_data_center(client: JiraClient, keys: Sequence[str]) -> dict[str, bool | None]:
    found: dict[str, bool | None] = {}
    for key in keys:
        user = _user(client, key=key) or _user(client, username=key)  # of some, only the name was shown
        if user is None or user.deleted:
            found[key] = None
        elif key not in {user.key, user.name}:
            raise ProtocolFault(f"GET {client.api}/user: Jira gives an account that was not asked for")
        elif user.active is not None:
            found[key] = user.active
    return found


def _user(client: JiraClient, **named: str) -> User | None:
    try:
        return client.get(f"{client.api}/user", User, **named)
    except NotFound:
        return None
