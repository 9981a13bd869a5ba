"""Which Received headers our own servers wrote: where the border runs, and when a mail crossed it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

from hub_email.parse.header import Field, instant

__all__ = ["Border", "Network", "find_border", "is_below"]

Network = IPv4Network | IPv6Network
_BY = re.compile(r"(?:^|\s)by\s+([A-Za-z0-9._:-]{1,255})", re.IGNORECASE)
_FROM = re.compile(r"^\s*from\s", re.IGNORECASE)
_INSIDE = re.compile(r"\swith\s+(lmtps?a?|local|mapi|httprest)\b", re.IGNORECASE)
_IP = re.compile(r"(?:IPv6:)?([0-9a-fA-F:.]{3,45})(?![\w.:-])")


@dataclass(frozen=True, slots=True)
class Border:
    """Where the mail came in from outside, as our own servers tell."""

    place: int
    """Index of the Received header of the server that took it in; -1 = there is none."""
    at: int | None
    """When it did, UTC milliseconds."""


def find_border(fields: Sequence[Field], servers: Sequence[str], networks: Sequence[Network]) -> Border:
    """Walk down from the uppermost Received header as long as our own servers handed the mail to each other.

    Whatever stands below the one that took it from outside was there before and may be forged. Without
    `servers` only the uppermost is ours: the server the mail is read from wrote it.
    """
    border = Border(-1, None)
    for place, field in enumerate(fields):
        if field.name != "received":
            continue
        text = field.text
        by = _BY.search(text)
        if servers and not (by and any(is_below(by.group(1).lower(), one) for one in servers)):
            break
        border = Border(place, instant(text.rpartition(";")[2]))
        if not servers or not _from_inside(text, networks):
            break
    return border


def is_below(name: str, host: str) -> bool:
    """Say whether a name is the host, or below it where it is written `.example.com`."""
    host = host.lower()
    return name == host or (host.startswith(".") and name.endswith(host))


def _from_inside(text: str, networks: Sequence[Network]) -> bool:
    """Say whether our own server took the mail from another of ours: the names told are not believed, addresses are."""
    if not _FROM.match(text):
        return True
    told = text[: found.start()] if (found := _BY.search(text)) else text
    ips = []
    for one in _IP.findall(told):
        try:
            ips.append(ip_address(one))
        except ValueError:
            continue
    if not ips:
        return _INSIDE.search(text) is not None
    return all(ip.is_private or ip.is_loopback or any(ip in network for network in networks) for ip in ips)
