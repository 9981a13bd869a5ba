"""Shapes of Jira's answers, as far as the client looks into them; issues stay raw."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = [
    "Account",
    "ChangelogBlock",
    "ChangelogPage",
    "CloudPage",
    "CommentBlock",
    "CommentPage",
    "IssueHead",
    "Named",
    "OffsetPage",
    "Permissions",
    "User",
    "UserPage",
]


class Wire(msgspec.Struct, rename="camel"):
    """Base: Jira writes names in camel case; members not named here are passed over."""


class Account(Wire):
    """`/myself`."""

    account_id: str | None = None
    name: str | None = None
    display_name: str | None = None
    time_zone: str | None = None


class Named(Wire):
    """A field, status, issue type or project: what it is called."""

    id: str | int
    name: str = ""
    key: str | None = None
    untranslated_name: str | None = None


class CloudPage(Wire):
    """`/rest/api/3/search/jql`: no total, a token leads on."""

    issues: list[msgspec.Raw]
    next_page_token: str | None = None
    is_last: bool | None = None


class OffsetPage(Wire):
    """`/rest/api/2/search`."""

    issues: list[msgspec.Raw]
    total: int
    start_at: int = 0


class ChangelogBlock(Wire):
    """The changelog inside an issue."""

    histories: list[msgspec.Raw] = []
    total: int | None = None


class CommentBlock(Wire):
    """The comments inside an issue."""

    comments: list[msgspec.Raw] = []
    total: int | None = None


class Fields(Wire):
    """The fields the client itself looks at."""

    comment: CommentBlock | None = None
    updated: Any = None


class IssueHead(Wire):
    """An issue, seen from afar."""

    id: str
    key: str = ""
    fields: Fields = msgspec.field(default_factory=Fields)
    changelog: ChangelogBlock | None = None


class IssueName(Wire):
    """An issue of which nothing but the id is as promised."""

    id: str
    key: Any = None


class CommentPage(Wire):
    """`/issue/{id}/comment`."""

    comments: list[msgspec.Raw]
    total: int


class IssueHistories(Wire):
    """Changelog entries of one issue."""

    issue_id: str
    change_histories: list[msgspec.Raw]


class ChangelogPage(Wire):
    """`/rest/api/3/changelog/bulkfetch`."""

    issue_change_logs: list[IssueHistories]
    next_page_token: str | None = None


class User(Wire):
    """`/rest/api/2/user`, and the members of `/rest/api/3/user/bulk`."""

    account_id: str | None = None
    key: str | None = None
    name: str | None = None
    active: bool | None = None
    deleted: bool = False


class UserPage(Wire):
    """`/rest/api/3/user/bulk`: who is not there is left out."""

    values: list[User]
    is_last: bool | None = None


class Permission(Wire):
    """One permission, and whether we have it."""

    have_permission: bool


class Permissions(Wire):
    """`/mypermissions`."""

    permissions: dict[str, Permission]
