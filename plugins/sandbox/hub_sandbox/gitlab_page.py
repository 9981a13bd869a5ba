"""Lists as GitLab gives them: filters by instant, order, pages by offset or by cursor, and the headers that tell of the rest."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from hub.clock import parse_instant
from hub_sandbox.exchange import Answer, Request

__all__ = ["BadQuery", "between", "ordered", "page"]

_TOTAL_UP_TO = 10_000
T = TypeVar("T")


class BadQuery(Exception):
    """A parameter that GitLab refuses with 400."""


def between(request: Request, items: Sequence[T], name: str, at: Callable[[T], int]) -> list[T]:
    """Keep what lies in `<name>_after` and `<name>_before`, both ends included."""
    low, high = _instant(request, f"{name}_after"), _instant(request, f"{name}_before")
    return [item for item in items if (low is None or at(item) >= low) and (high is None or at(item) <= high)]


def _instant(request: Request, name: str) -> int | None:
    text = request.first(name)
    if text is None:
        return None
    try:
        return parse_instant(text)
    except ValueError as error:
        raise BadQuery(f"{name} is invalid") from error


def ordered(
    request: Request, items: Sequence[T], keys: dict[str, Callable[[T], Any]], default: str, *, descending: bool = True
) -> list[T]:
    """Sort by `order_by` and `sort`; `keys` are the orders there are."""
    name, sort = request.first("order_by") or default, request.first("sort")
    if name not in keys:
        raise BadQuery("order_by does not have a valid value")
    if sort not in {None, "asc", "desc"}:
        raise BadQuery("sort does not have a valid value")
    return sorted(items, key=keys[name], reverse=sort == "desc" or (sort is None and descending))


def page(
    base: str,
    request: Request,
    items: Sequence[T],
    show: Callable[[T], Any],
    *,
    keyset: bool = False,
    cap: int = 50_000,
) -> Answer:
    """Answer one page; `keyset` = this list knows cursors, `cap` = the highest offset."""
    most = _number(request, "per_page", 20)
    most = min(most, 100)
    if request.first("pagination") == "keyset":
        return _by_cursor(base, request, items, show, most, known=keyset)
    number = _number(request, "page", 1)
    start = (number - 1) * most
    if start > cap:
        raise BadQuery(f"Offset pagination has a maximum allowed offset of {cap} for requests that return objects.")
    part = items[start : start + most]
    more = start + most < len(items)
    pages = max(1, -(-len(items) // most))
    headers = {
        "X-Page": str(number), "X-Per-Page": str(most), "X-Next-Page": str(number + 1) if more else "",
        "X-Prev-Page": str(number - 1) if number > 1 else "",
    }  # fmt: skip
    relations = [("first", 1)]
    if number > 1:
        relations.insert(0, ("prev", number - 1))
    if more:
        relations.insert(0, ("next", number + 1))
    if len(items) <= _TOTAL_UP_TO:
        headers |= {"X-Total": str(len(items)), "X-Total-Pages": str(pages)}
        relations.append(("last", pages))
    links = [f'<{_address(base, request, page=str(at), per_page=str(most))}>; rel="{name}"' for name, at in relations]
    answer = Answer.json([show(item) for item in part])
    return Answer(200, answer.body, headers | {"Link": ", ".join(links)})


def _by_cursor(
    base: str, request: Request, items: Sequence[T], show: Callable[[T], Any], most: int, *, known: bool
) -> Answer:
    if not known:
        return Answer.json({"error": "Keyset pagination is not yet available for this type of request"}, 405)
    token = request.first("page_token") or request.first("cursor")
    try:
        start = int(base64.urlsafe_b64decode(token.encode())) if token else 0
    except (binascii.Error, ValueError) as error:
        raise BadQuery("cursor is invalid") from error
    headers = {"X-Per-Page": str(most)}
    if start + most < len(items):
        mark = base64.urlsafe_b64encode(str(start + most).encode()).decode()
        name = "page_token" if "/repository/" in request.path else "cursor"
        headers["Link"] = f'<{_address(base, request, per_page=str(most), **{name: mark})}>; rel="next"'
    return Answer(200, Answer.json([show(item) for item in items[start : start + most]]).body, headers)


def _number(request: Request, name: str, default: int) -> int:
    text = request.first(name)
    if text is None:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise BadQuery(f"{name} is invalid")
    return int(text)


def _address(base: str, request: Request, **changed: str) -> str:
    query = {name: values for name, values in request.query.items() if name not in changed}
    return f"{base}{request.path}?{urlencode(query | {name: [value] for name, value in changed.items()}, doseq=True)}"
