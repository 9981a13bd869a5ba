"""Reading a list in the order of its changes, page by page, without a gap and without an offset.

GitLab's offsets jump while people work, and end at 50,000. So each page is the first one of what was
changed at or after the last object of the page before; only objects of one and the same instant are
paged through. What changes meanwhile moves to the end and is read once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from hub.clock import format_instant, parse_instant
from hub.errors import ProtocolFault
from hub_gitlab.wire import Head

if TYPE_CHECKING:
    from hub_gitlab.client import GitlabClient

__all__ = ["Found", "Seen", "read_heads", "walk"]

H = TypeVar("H", bound=Head)
OFFSET_CAP = 50_000
"""GitLab refuses offsets from here on."""
PATIENCE = 20
"""Pages without anything new after which the reading is given up."""


@dataclass(frozen=True, slots=True)
class Seen(Generic[H]):
    """An object of a list."""

    head: H
    updated_ms: int
    raw: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Found(Generic[H]):
    """What one page brought that the page before did not."""

    objects: list[Seen[H]]
    reached_ms: int | None
    """Latest change on this page; everything before it has been read."""
    last: bool


def walk(
    client: GitlabClient, path: str, shape: type[H], since_ms: int | None, **params: str | int
) -> Iterator[Found[H]]:
    """Yield the pages of what changed at or after `since_ms` (None = everything), oldest change first.

    Raises ProtocolFault where GitLab gives an order or a choice that was not asked for: a gap would follow.
    """
    after_ms, page = since_ms, 1
    before: dict[int, int] = {}
    still = 0
    while True:
        asked: dict[str, str | int] = {"order_by": "updated_at", "sort": "asc", "page": page, **params}
        if after_ms is not None:
            asked["updated_after"] = format_instant(after_ms - 1)  # GitLab keeps microseconds and shows milliseconds
        listed = client.page(path, asked)
        objects = read_heads(listed.objects, shape, path)
        _check(objects, after_ms, path)
        new = [each for each in objects if before.get(each.head.id) != each.updated_ms]
        reached = objects[-1].updated_ms if objects else None
        more = listed.following is not None
        yield Found(new, reached if reached is not None else after_ms, not more)
        if not more:
            return
        still = 0 if new else still + 1
        if still > PATIENCE:
            raise ProtocolFault(f"GET {path}: {PATIENCE} answers brought nothing new; reading would never end")
        if reached is not None and (after_ms is None or reached > after_ms):
            after_ms, page = reached, 1
            before = {each.head.id: each.updated_ms for each in objects}
        else:
            page += 1
            before |= {each.head.id: each.updated_ms for each in objects}
        if page * int(params.get("per_page", 100)) > OFFSET_CAP:
            raise ProtocolFault(f"GET {path}: more than {OFFSET_CAP} were changed in one instant; GitLab shows no more")


def read_heads(objects: list[msgspec.Raw], shape: type[H], path: str) -> list[Seen[H]]:
    """Look at the objects of a page; ProtocolFault where one has no id or no instant of its last change."""
    try:
        heads = [msgspec.json.decode(each, type=shape) for each in objects]
        return [Seen(head, parse_instant(head.updated_at), raw) for head, raw in zip(heads, objects, strict=True)]
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise ProtocolFault(f"GET {path}: an object of an unexpected shape ({error})") from None


def _check(objects: list[Seen[H]], after_ms: int | None, path: str) -> None:
    instants = [each.updated_ms for each in objects]
    if instants != sorted(instants):
        raise ProtocolFault(f"GET {path}: GitLab does not give the order that was asked for (updated_at)")
    if instants and after_ms is not None and instants[0] < after_ms - 1:
        raise ProtocolFault(f"GET {path}: GitLab gives what was changed before the time that was asked for")
