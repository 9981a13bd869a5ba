"""Documents gone wrong: what a tool sends on a bad day, made from what it sends on a good one."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

__all__ = ["mutations"]

_WRONG: tuple[Any, ...] = (None, 0, -1, "", "never", True, [], {}, [None], {"id": None}, 10**30)


def mutations(body: bytes, *, limit: int = 300, seed: int = 1) -> Iterator[bytes]:
    """Yield damaged versions of a body: cut, not text, not the right shape; up to `limit` of the last sort.

    A JSON body is damaged at every place: the value gone, null, of a wrong type, a list emptied. Where
    there are more than `limit` of these, a choice that is the same in every run.
    """
    yield b""
    yield b"null"
    yield b"[]"
    yield b'{"unexpected": true}'
    yield b"<html><body>Log in</body></html>"
    yield b"\xff\xfe\x00" + body
    for share in (0.1, 0.5, 0.9):
        yield body[: int(len(body) * share)]
    try:
        whole = json.loads(body)
    except ValueError:
        return
    places = [(path, wrong) for path in _paths(whole) for wrong in (..., *_WRONG)]
    chosen = places if len(places) <= limit else random.Random(seed).sample(places, limit)  # noqa: S311 - no secret
    for path, wrong in chosen:
        yield json.dumps(_damaged(whole, path, wrong)).encode()


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    members: Iterator[tuple[str | int, Any]] = iter(())
    if isinstance(value, dict):
        members = iter(value.items())
    elif isinstance(value, list):
        members = iter(enumerate(value))
    for key, member in members:
        yield (*path, key)
        yield from _paths(member, (*path, key))


def _damaged(whole: Any, path: tuple[str | int, ...], wrong: Any) -> Any:
    """Copy `whole` with one place gone (`...`) or holding something wrong."""
    result = copy.deepcopy(whole)
    place = result
    for key in path[:-1]:
        place = place[key]
    if wrong is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = wrong
    return result
