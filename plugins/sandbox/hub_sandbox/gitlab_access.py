"""What a token opens: which projects it sees, what it may ask, when it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from hub_sandbox.exchange import Answer, Request
from hub_sandbox.gitlab_person import show_instant, show_user, user_id
from hub_sandbox.gitlab_state import Project
from hub_sandbox.people import READER

__all__ = ["Access"]


@dataclass(slots=True)
class Access:
    """One token and what an administrator did to it."""

    token: str
    expired: bool = False
    scopes: tuple[str, ...] = ("read_api",)
    ends_on: str | None = None
    """Day the token ends, ISO; None = a year from now."""
    hidden: set[int] = field(default_factory=set)
    """Projects it does not see: they answer 404."""
    closed: set[tuple[int, str]] = field(default_factory=set)
    """(project, part) it may not read: they answer 403. The part is a word of the path, such as `deployments`."""

    def refuse(self, request: Request) -> Answer | None:
        """Return the refusal of a request, or None."""
        given = request.headers.get("private-token") or request.headers.get("authorization", "").removeprefix("Bearer ")
        if given != self.token:
            return Answer.json({"message": "401 Unauthorized"}, 401)
        if self.expired:
            said = "Token is expired. You can either do re-authorization or token refresh."
            return Answer.json({"error": "invalid_token", "error_description": said}, 401)
        if not {"api", "read_api"} & set(self.scopes) and not request.path.endswith("/self"):
            said = "The request requires higher privileges than provided by the access token."
            return Answer.json({"error": "insufficient_scope", "error_description": said, "scope": "api read_api"}, 403)
        return None

    def find(self, projects: dict[int, Project], ref: str) -> tuple[Project | None, bool]:
        """Return the project a text names, and whether it has moved from there."""
        name = unquote(ref)
        for project in projects.values():
            if project.id in self.hidden:
                continue
            if name in {str(project.id), project.path}:
                return project, False
            if name in project.former_paths:
                return project, True
        return None, False

    def show_token(self, now: int) -> dict[str, Any]:
        """Write the token itself."""
        today = datetime.fromtimestamp(now / 1000, tz=UTC).date()
        return {
            "id": 4242, "name": "hub", "revoked": False, "created_at": show_instant(now - 30 * 86_400_000), "description": "",
            "scopes": list(self.scopes), "user_id": user_id(READER.id), "last_used_at": show_instant(now), "active": not self.expired,
            "expires_at": self.ends_on or f"{today + timedelta(days=365)}",
        }  # fmt: skip

    @staticmethod
    def show_user(base: str, now: int) -> dict[str, Any]:
        """Write the account the token belongs to."""
        return show_user(READER.id, base, now) | {"bot": False, "email": READER.email, "is_admin": False}
