"""The accounts a token is shown when it asks after them, and whether it may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from hub_sandbox.exchange import Answer, Request
from hub_sandbox.jira_person import account_ref, show_person
from hub_sandbox.people import ALL_ACCOUNTS

if TYPE_CHECKING:
    from hub_sandbox.jira_person import Flavour

__all__ = ["AccountBook"]

_MOST = 200


class AccountBook:
    """Who left besides those the organisation knows of; issues go on naming them."""

    def __init__(self, flavour: Flavour) -> None:
        self._flavour: Flavour = flavour
        self._by_ref = {account_ref(person.id, flavour): person.id for person in ALL_ACCOUNTS}
        self._by_name = {person.id: person.id for person in ALL_ACCOUNTS}
        self.left: dict[str, Literal["inactive", "deleted"]] = {}
        """Person -> how the account ended."""
        self.open = True
        """The token has the permission to browse users."""

    def permissions(self, request: Request) -> Answer:
        """Answer `/mypermissions` for the one permission the sandbox takes away."""
        name = "USER_PICKER"
        shown = {"id": "27", "key": name, "name": "Browse users and groups", "type": "GLOBAL", "description": ""}
        if self._flavour == "cloud" and request.first("permissions") is None:
            return Answer.error(400, "The 'permissions' query parameter is required.")
        return Answer.json({"permissions": {name: shown | {"havePermission": self.open}}})

    def bulk(self, request: Request, base: str, now_ms: int) -> Answer:
        """Answer `/user/bulk`: who is not there is left out."""
        refs = request.query.get("accountId", [])
        if not refs or len(refs) > _MOST:
            return Answer.error(400, "The accountId query parameter takes 1 to 200 accounts.")
        start, most = request.number("startAt", 0), request.number("maxResults", 10)
        found = [shown for ref in refs if (shown := self._show(self._by_ref.get(ref), base, now_ms))]
        part = found[start : start + most]
        last = start + most >= len(found)
        return Answer.json({"maxResults": most, "startAt": start, "total": len(found), "isLast": last, "values": part})

    def one(self, request: Request, base: str, now_ms: int) -> Answer:
        """Answer `/user` of Data Center, by key or by name."""
        if not self.open:
            return Answer.error(403, "You do not have permission to browse users.")
        key, name = request.first("key"), request.first("username")
        shown = self._show(self._by_ref.get(key or "") or self._by_name.get(name or ""), base, now_ms)
        return (
            Answer.json(shown) if shown else Answer.error(404, f"The user with the key '{key or name}' does not exist")
        )

    def _show(self, person: str | None, base: str, now_ms: int) -> dict[str, Any] | None:
        deleted = self.left.get(person or "") == "deleted"
        if person is None or deleted or (self._flavour == "cloud" and not self.open):
            return None
        return show_person(person, self._flavour, base, now_ms, ended=self.left)
