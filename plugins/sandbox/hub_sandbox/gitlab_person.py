"""The same people with a second account: how GitLab knows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hub_sandbox.people import ALL_ACCOUNTS, AUTOMATION, CUSTOMERS, LEFT_MS, PEOPLE

__all__ = ["GITLAB_USERS", "show_instant", "show_user", "user_id", "user_name"]

GITLAB_USERS = tuple(person for person in ALL_ACCOUNTS if person not in CUSTOMERS and person is not AUTOMATION)
"""Who has an account."""
_IDS = {person.id: 3001 + number for number, person in enumerate(GITLAB_USERS)}


def user_id(person: str) -> int:
    """Return the number GitLab knows a person by."""
    return _IDS[person]


def user_name(person: str) -> str:
    """Return the login name: another one than Jira's, as it usually is."""
    return f"{PEOPLE[person].name.split(' (')[0].casefold().replace(' ', '.')}".replace("ß", "ss").replace("ü", "ue")


def show_user(person: str, base: str, now: int) -> dict[str, Any]:
    """Write the short form of a user that stands in other objects."""
    gone = PEOPLE[person].left is not None and now >= LEFT_MS
    return {
        "id": user_id(person), "username": user_name(person), "public_email": "", "name": PEOPLE[person].name,
        "state": "blocked" if gone else "active", "locked": False, "avatar_url": None, "web_url": f"{base}/{user_name(person)}",
    }  # fmt: skip


def show_instant(instant_ms: int | None) -> str | None:
    """Write an instant as GitLab does."""
    if instant_ms is None:
        return None
    return f"{datetime.fromtimestamp(instant_ms // 1000, tz=UTC):%Y-%m-%dT%H:%M:%S}.{instant_ms % 1000:03}Z"
