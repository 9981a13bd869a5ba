"""A request as it arrived and an answer as it will be sent."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

__all__ = ["Answer", "Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived."""

    method: str
    path: str
    """Without query, decoded."""
    query: dict[str, list[str]] = field(default_factory=dict)
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    """Lower-case names."""

    def first(self, name: str) -> str | None:
        """Return a parameter's first value."""
        return self.query[name][0] if self.query.get(name) else None

    def number(self, name: str, default: int) -> int:
        """Return a parameter as a whole number; the default where it is none."""
        text = self.first(name) or ""
        return int(text) if text.isdecimal() else default


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it will be sent."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def json(value: object, status: int = 200, **headers: str) -> Answer:
        """Answer with JSON."""
        return Answer(
            status, msgspec.json.encode(value), {name.replace("_", "-"): text for name, text in headers.items()}
        )

    @staticmethod
    def error(status: int, *messages: str, **headers: str) -> Answer:
        """Answer with Jira's error collection."""
        return Answer.json({"errorMessages": list(messages), "errors": {}}, status, **headers)
