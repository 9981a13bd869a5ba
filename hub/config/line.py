"""Finds the line of a TOML file that a key stands in; the parser itself does not tell."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

__all__ = ["key_lines", "nearest_line"]

KeyPath = tuple[str, ...]

_TABLE = re.compile(r"^\s*\[(\[?)(?P<key>.+?)\]\]?\s*(#.*)?$")
_ASSIGNMENT = re.compile(
    r"""^\s*(?P<key>(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)


def key_lines(text: str) -> dict[KeyPath, int]:
    """Map every table and key of a valid TOML text to its line, from 1; the tables of an array by their number too.

    A line inside a multi-line string that looks like a key may be listed too; nobody asks for it,
    because faults are about keys that the parser found.
    """
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    last: dict[KeyPath, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if (match := _TABLE.match(line)) and (path := _path(match["key"])):
            path = _numbered(path, last)
            if match[1]:
                lines.setdefault(path, number)
                last[path] = last.get(path, -1) + 1
                path = (*path, str(last[path]))
            table = path
        elif (match := _ASSIGNMENT.match(line)) and (key := _path(match["key"])):
            path = (*table, *key)
        else:
            continue
        lines.setdefault(path, number)
    return lines


def nearest_line(lines: Mapping[KeyPath, int], path: KeyPath) -> int | None:
    """Return the line of `path`, or of the closest table or key above it that has one."""
    for end in range(len(path), 0, -1):
        if (number := lines.get(path[:end])) is not None:
            return number
    return next((number for known, number in lines.items() if known[: len(path)] == path), None)


def _numbered(path: KeyPath, last: Mapping[KeyPath, int]) -> KeyPath:
    """Put into a path the number of the last table of every array above it."""
    found: KeyPath = ()
    for key in path[:-1]:
        found = (*found, key)
        found = (*found, str(last[found])) if found in last else found
    return (*found, path[-1])


def _path(dotted: str) -> KeyPath:
    """Split a dotted TOML key; () for what is no key."""
    try:
        node: dict[str, Any] = tomllib.loads(f"{dotted} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    path: list[str] = []
    while isinstance(node, dict):
        if len(node) != 1:
            return ()
        ((key, node),) = node.items()
        path.append(key)
    return tuple(path)
