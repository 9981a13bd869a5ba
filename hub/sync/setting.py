"""Types of settings that sources of many tools share; each is checked while the configuration is read."""

from __future__ import annotations

import difflib
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, SecretStr

__all__ = ["TimeoutS", "Token", "ToolUrl", "ZoneName"]


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        parts, sound = urlsplit(""), False
    if "@" in parts.netloc:
        raise ValueError("the address holds a credential; it has a setting of its own")
    if not sound or not url.isprintable() or " " in url or parts.query or parts.fragment:
        raise ValueError("not an address; write https://<host>, with a port and a path where the tool has them")
    return url.rstrip("/")


def _sendable(token: SecretStr) -> SecretStr:
    secret = token.get_secret_value().strip()
    if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise ValueError("the token is empty or holds characters no token has")
    return SecretStr(secret)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        near = difflib.get_close_matches(name, available_timezones(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "zones look like 'Europe/Berlin'"
        raise ValueError(f"unknown zone {name!r}; {hint}") from None
    return name


ToolUrl = Annotated[str, AfterValidator(_address)]
"""Base address of a tool, without a credential, a query or a slash at its end."""
Token = Annotated[SecretStr, AfterValidator(_sendable)]
"""A token that fits into a header."""
ZoneName = Annotated[str, AfterValidator(_zone)]
"""An IANA time zone."""
TimeoutS = Annotated[float, Field(gt=0, le=600)]
"""Longest silence within a request, in seconds; a whole answer may take five times as long."""
