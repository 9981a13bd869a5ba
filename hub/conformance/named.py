"""A record as people know it."""

from __future__ import annotations

import msgspec

__all__ = ["Subject"]


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A record as people know it."""

    id: str
    kind: str
    key: str = ""
    """What people call it; the id where there is no key."""
    title: str = ""
    url: str = ""
