"""Answers of Icinga's API, as far as they are read. Times are seconds with fractions; older versions write 2.0 for 2."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = [
    "HOST_STATES",
    "SERVICE_STATES",
    "Attributes",
    "Checked",
    "CommentAttributes",
    "Comments",
    "DowntimeAttributes",
    "Downtimes",
    "Joined",
    "Me",
    "Objects",
    "Status",
    "ms",
]

HOST_STATES = ("UP", "DOWN")
SERVICE_STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
"""The tool's words, by number."""


def ms(seconds: float) -> int:
    """Turn Icinga's seconds into milliseconds; what never happened (0 or -1) becomes 0."""
    return round(seconds * 1000) if seconds > 0 else 0


class Result(msgspec.Struct):
    """The last result of a check."""

    performance_data: list[Any] | None = None
    """Each as text, or as an object of type PerfdataValue."""
    execution_end: float = 0


class Attributes(msgspec.Struct, rename={"name": "__name"}):
    """A host or a service."""

    name: str
    display_name: str = ""
    host_name: str = ""
    groups: list[str] | None = None
    vars: dict[str, Any] | None = None
    last_hard_state: float = 0
    last_hard_state_change: float = 0
    last_check: float = 0
    next_update: float = 0
    check_interval: float = 0
    max_check_attempts: float = 0
    last_state_ok: float = 0
    last_state_warning: float = 0
    last_state_critical: float = 0
    last_state_unknown: float = 0
    last_state_up: float = 0
    last_state_down: float = 0
    last_check_result: Result | None = None


class Joined(msgspec.Struct):
    """What of a host or service comes along."""

    groups: list[str] | None = None
    vars: dict[str, Any] | None = None


class Joins(msgspec.Struct):
    """Objects that came along."""

    host: Joined | None = None
    service: Joined | None = None


class Checked(msgspec.Struct):
    """A host or a service, and what came along."""

    attrs: Attributes
    joins: Joins = msgspec.field(default_factory=Joins)


class Objects(msgspec.Struct):
    """Hosts or services."""

    results: list[Checked]


class CommentAttributes(msgspec.Struct, rename={"name": "__name"}):
    """A comment; `entry_type` 4 is that of an acknowledgement."""

    name: str
    host_name: str
    service_name: str = ""
    author: str = ""
    text: str = ""
    entry_time: float = 0
    entry_type: float = 1


class Comment(msgspec.Struct):
    """A comment in a list."""

    attrs: CommentAttributes


class Comments(msgspec.Struct):
    """Comments."""

    results: list[Comment]


class DowntimeAttributes(msgspec.Struct, rename={"name": "__name"}):
    """A downtime; a flexible one (`fixed` false) lasts `duration` from when it is triggered."""

    name: str
    host_name: str
    service_name: str = ""
    author: str = ""
    comment: str = ""
    start_time: float = 0
    end_time: float = 0
    entry_time: float = 0
    trigger_time: float = 0
    duration: float = 0
    fixed: bool = True


class Downtime(msgspec.Struct):
    """A downtime in a list."""

    attrs: DowntimeAttributes
    joins: Joins = msgspec.field(default_factory=Joins)


class Downtimes(msgspec.Struct):
    """Downtimes."""

    results: list[Downtime]


class Account(msgspec.Struct):
    """Who we are, and what we may do."""

    user: str
    permissions: list[Any] = []
    version: str = ""


class Me(msgspec.Struct):
    """Answer of `/v1`."""

    results: list[Account]


class StatusPart(msgspec.Struct):
    """One part of the status."""

    status: dict[str, Any] = {}


class Status(msgspec.Struct):
    """Answer of `/v1/status/<part>`."""

    results: list[StatusPart]
