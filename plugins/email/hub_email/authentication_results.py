"""Reads Authentication-Results (RFC 8601) as far as they say who sent a mail."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Result", "read_results"]

_COMMENT = re.compile(r"\((?:[^()\\]|\\.)*\)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_METHOD = re.compile(r"^\s*([A-Za-z0-9-]{1,40})(?:/\d+)?\s*=\s*([A-Za-z]{1,20})(?=\s|$)")
_PROPERTY = re.compile(r"(?<=\s)([A-Za-z]{1,20}\.[A-Za-z-]{1,40})\s*=\s*([^\s;\x00]{1,320})")
_LONGEST = 8_192


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found."""

    method: str
    """`dkim`, `dmarc`, `auth` …"""
    result: str
    """`pass`, `fail`, `none` …"""
    properties: dict[str, str]
    """`header.d` -> domain, in lower case; of one said twice nothing is kept."""


def read_results(text: str) -> tuple[str, list[Result]]:
    """Return who says so, and what was found. Comments do not count: anybody may have written what stands in them.

    Microsoft 365 does not say who it is and begins with what it found: the name is empty then.
    """
    text = text[:_LONGEST]
    for _ in range(8):  # comments within comments
        text, found = _COMMENT.subn(" ", text)
        if not found:
            break
    quoted: list[str] = []

    def keep(match: re.Match[str]) -> str:
        quoted.append(match.group(1))
        return f"\x00{len(quoted) - 1}\x00"

    # What is quoted may hold `;` and `dkim=pass`: it is a value and nothing else.
    pieces = _QUOTED.sub(keep, text).split(";")
    unnamed = _METHOD.match(pieces[0]) is not None
    authserv = [] if unnamed else pieces[0].split()
    results = []
    for piece in pieces if unnamed else pieces[1:]:
        found_method = _METHOD.match(piece)
        if found_method is None or "(" in piece or '"' in piece:
            continue
        properties: dict[str, str] = {}
        doubled = set()
        for name, value in _PROPERTY.findall(piece[found_method.end() :]):
            doubled |= {name.lower()} & properties.keys()
            properties[name.lower()] = value.lower()
        kept = {name: value for name, value in properties.items() if name not in doubled}
        results.append(Result(found_method.group(1).lower(), found_method.group(2).lower(), kept))
    return (authserv[0].lower() if authserv else ""), results
