"""A record in the making: what is known, what is not, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hub.records import KINDS, Event, Link, Record, Since
from hub.sync.source import Skip
from hub_jira.field import UnconvertibleError, instant_of

if TYPE_CHECKING:
    from hub_jira.changelog import History
    from hub_jira.people import Accounts
    from hub_jira.vocabulary import Vocabulary

__all__ = ["Draft", "instant_or_none"]


_ATTRIBUTES = {kind: frozenset(each.__struct_fields__) for kind, each in KINDS.items()}
NO_OFFSET = ("Z", "+0000", "+00:00")


@dataclass(slots=True)
class Draft:
    """One issue on its way to a record; the pieces of the mapping write into it."""

    vocabulary: Vocabulary
    accounts: Accounts
    kind: str
    native_id: str
    issue: dict[str, Any]
    fields: dict[str, Any]
    history: History
    values: dict[str, Any] = field(default_factory=dict)
    """Attributes of the record to be."""
    unknown: set[str] = field(default_factory=set)
    raw_times: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    since: dict[str, int] = field(default_factory=dict)
    skipped: list[Skip] = field(default_factory=list)
    unmapped: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Id of the record to be."""
        return f"{self.vocabulary.source}:issue/{self.native_id}"

    def takes(self, attribute: str) -> bool:
        """Whether the kind has this attribute and nothing filled it yet."""
        return self.values.get(attribute) is None and attribute in _ATTRIBUTES[self.kind]

    def offer(self, attribute: str, value: Any) -> None:
        """Fill an attribute the kind has, unless a mapped field filled it or was found unreadable."""
        if value is not None and self.takes(attribute) and attribute not in self.unknown:
            self.values[attribute] = value

    def skip(self, reason: str) -> None:
        """Count a piece that was not taken over."""
        self.skipped.append(Skip(self.native_id, reason))

    def instant(self, name: str, value: Any) -> int | None:
        """Read a time, keep its original text; one that cannot be read is an unknown field, counted."""
        if value is None or value == "":
            return None
        try:
            instant = instant_of(value)
        except UnconvertibleError as fault:
            self.unknown.add(name)
            self.skip(f"{name}: {fault}")
            self.keep_time(name, value)
            return None
        self.keep_time(name, value, instant)
        return instant

    def keep_time(self, name: str, value: Any, instant: int | None = None) -> None:
        """Keep a time as the source wrote it, unless it was read and carries no offset from UTC."""
        text = value.get("jira", value.get("iso8601")) if isinstance(value, dict) else value
        if isinstance(text, str) and (instant is None or not text.endswith(NO_OFFSET)):
            self.raw_times[name] = text

    def finish(self) -> Record:
        """Make the record."""
        self.events.sort(key=lambda each: (each.at, each.source_ref or "", each.type))
        self.links.sort(key=lambda each: (each.type, each.target, each.source_ref or ""))
        filled = {name: value for name, value in self.values.items() if value is not None}
        return KINDS[self.kind](
            id=self.id,
            source=self.vocabulary.source,
            events=self.events,
            links=self.links,
            since=[Since(field=name, at=at) for name, at in sorted(self.since.items())],
            unknown_fields=sorted(each for each in self.unknown if not each.startswith("review.")),
            raw_times={name: text for name, text in self.raw_times.items() if not name.startswith("review.")},
            **filled,
        )


def instant_or_none(value: Any) -> int | None:
    """Read a time; None where it cannot be read."""
    try:
        return instant_of(value)
    except UnconvertibleError:
        return None
