"""How Jira shows an account: by accountId on Cloud, by name and key on Data Center."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from hub_sandbox.people import LEFT_MS, PEOPLE

__all__ = ["Flavour", "account_ref", "show_person"]

Flavour = Literal["cloud", "data_center"]


def account_ref(person_id: str, flavour: Flavour) -> str:
    """Return what a changelog calls the account."""
    person = PEOPLE[person_id]
    return person.account_id if flavour == "cloud" else person.user_key


def show_person(
    person_id: str, flavour: Flavour, base: str, now_ms: int, *, ended: Collection[str] = ()
) -> dict[str, Any]:
    """Return the account as JSON; people who left, and those whose account was ended, are inactive."""
    person = PEOPLE[person_id]
    shown: dict[str, Any] = {
        "displayName": person.name,
        "active": (person.left is None or now_ms < LEFT_MS) and person_id not in ended,
        "timeZone": "Europe/Berlin",
    }
    if person.account_type != "customer":
        shown["emailAddress"] = person.email
    if flavour == "cloud":
        return {
            "self": f"{base}/rest/api/3/user?accountId={person.account_id}",
            "accountId": person.account_id,
            "accountType": person.account_type,
            **shown,
        }
    return {"self": f"{base}/rest/api/2/user?username={person.id}", "name": person.id, "key": person.user_key, **shown}
