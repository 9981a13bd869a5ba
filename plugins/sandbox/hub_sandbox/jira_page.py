"""Paging: opaque tokens, the choice of fields, and the bulk changelog."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hub_sandbox.jira_view import JiraView
    from hub_sandbox.timeline import Issue

__all__ = ["collect_histories", "read_token", "search_fields", "write_token"]

_PREFIX = "sandbox:"


def write_token(offset: int) -> str:
    """Return an opaque token for the page that begins at an offset."""
    return base64.urlsafe_b64encode(f"{_PREFIX}{offset}".encode()).decode()


def read_token(token: str | None) -> int | None:
    """Return the offset a token stands for; 0 for no token, None for one we never gave out."""
    if not token:
        return 0
    try:
        text = base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, ValueError):
        return None
    number = text.removeprefix(_PREFIX)
    return int(number) if text.startswith(_PREFIX) and number.isdecimal() else None


def search_fields(asked: list[str] | str | None, *, default: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return which fields to show: None = all, () = only id and key."""
    if not asked:
        return default
    names = [name.strip() for text in ([asked] if isinstance(asked, str) else asked) for name in text.split(",")]
    if "*all" in names or "*navigable" in names:
        return None
    return tuple(name for name in names if name and name not in {"id", "key"} and not name.startswith("-"))


def collect_histories(
    view: JiraView, issues: list[Issue], field_ids: set[str], start: int, most: int
) -> dict[str, Any]:
    """Return one page of the changelogs of many issues; `start` counts entries over all of them."""
    logs: list[dict[str, Any]] = []
    position, left = 0, most
    for issue in issues:
        entries = view.histories(issue)
        if field_ids:
            entries = [
                {**entry, "items": kept}
                for entry in entries
                if (kept := [item for item in entry["items"] if item.get("fieldId") in field_ids])
            ]
        if position + len(entries) > start and left > 0:
            part = entries[max(0, start - position) :][:left]
            left -= len(part)
            logs.append({"issueId": str(issue.id), "changeHistories": part})
        position += len(entries)
    page: dict[str, Any] = {"issueChangeLogs": logs}
    if start + most < position:
        page["nextPageToken"] = write_token(start + most)
    return page
