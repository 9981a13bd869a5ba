"""A record in the making: what is known, what is not, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hub.records import KINDS, Event, Link, Record, Since
from hub.sync.source import Normalised, Skip
from hub_gitlab.moment import UnreadableTimeError, instant_of
from hub_gitlab.person import Accounts
from hub_gitlab.reference import key_id
from hub_gitlab.value import as_dict, as_text, native_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub_gitlab.vocabulary import Vocabulary

__all__ = ["Draft", "Sheet"]

_ATTRIBUTES = {kind: frozenset(each.__struct_fields__) for kind, each in KINDS.items()}
_NO_OFFSET = ("Z", "+00:00", "UTC")


@dataclass(slots=True)
class Sheet:
    """One document on its way to records."""

    vocabulary: Vocabulary
    native_id: str
    scope: str
    body: dict[str, Any]
    accounts: Accounts = field(init=False)
    skipped: list[Skip] = field(default_factory=list)
    unmapped: dict[str, str] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin without accounts."""
        self.accounts = Accounts(self.vocabulary)

    @property
    def project(self) -> dict[str, Any]:
        """What the document says of its project."""
        return as_dict(self.body.get("project"))

    @property
    def path(self) -> str:
        """Path of the project, or its number where the document says none."""
        return as_text(self.project.get("path_with_namespace")) or self.scope

    @property
    def project_id(self) -> str:
        """Number of the project."""
        return native_id(self.project.get("id")) or self.scope

    def asked(self, name: str) -> bool:
        """Say whether GitLab answered what was asked; a part that is absent was not asked or was refused."""
        return self.body.get(name) is not None

    def skip(self, reason: str) -> None:
        """Count a piece that was not taken over."""
        self.skipped.append(Skip(self.native_id, reason))

    def told(self) -> Normalised:
        """Give what the document became, each id once, what was refused counted."""
        for name, said in as_dict(self.body.get("refused")).items():
            self.skip(f"{name[:40]}: refused by GitLab ({str(said)[:20]})")
        distinct = {each.id: each for each in (*self.records, *self.accounts.records())}
        return Normalised(list(distinct.values()), self.skipped, self.unmapped)


@dataclass(slots=True)
class Draft:
    """One object of GitLab on its way to a record; the pieces of the mapping write into it."""

    sheet: Sheet
    kind: str
    id: str
    values: dict[str, Any] = field(default_factory=dict)
    """Attributes of the record to be."""
    unknown: set[str] = field(default_factory=set)
    raw_times: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    since: dict[str, int] = field(default_factory=dict)

    def takes(self, attribute: str) -> bool:
        """Whether the kind has this attribute and nothing filled it yet."""
        return self.values.get(attribute) is None and attribute in _ATTRIBUTES[self.kind]

    def offer(self, attribute: str, value: Any) -> None:
        """Fill an attribute the kind has, unless it is filled or was found unreadable."""
        if value is not None and self.takes(attribute) and attribute not in self.unknown:
            self.values[attribute] = value

    def lacks(self, *names: str) -> None:
        """Say that these could not be read, where the kind has them."""
        self.unknown |= {name for name in names if name in _ATTRIBUTES[self.kind]}

    def instant(self, name: str, value: Any) -> int | None:
        """Read a time, keep its original text; one that cannot be read is an unknown field, counted."""
        if value is None or value == "":
            return None
        try:
            instant = instant_of(value)
        except UnreadableTimeError as fault:
            self.unknown.add(name)
            self.sheet.skip(f"{name}: {fault}")
            self.keep_time(name, value)
            return None
        if not value.endswith(_NO_OFFSET):
            self.keep_time(name, value)
        return instant

    def keep_time(self, name: str, value: Any) -> None:
        """Keep a time as the source wrote it."""
        if isinstance(value, str):
            self.raw_times[name] = value[:64]

    def event(self, at: int | None, kind: str, **said: Any) -> None:
        """Add what happened, if it is known when."""
        if at is not None:
            self.events.append(Event(at=at, type=kind, **said))

    def speak_of(self, mentions: Iterable[tuple[str, str, str]]) -> None:
        """Link to records of other tools by what people call them: (relation, source, key)."""
        for relation, source, key in mentions:
            self.links.append(Link(type=relation, target=key_id(source, key)))

    def speak_of_own(self, relation: str, kind: str, native: str) -> None:
        """Link to another record of this GitLab."""
        self.links.append(Link(type=relation, target=self.sheet.vocabulary.ref(kind, native)))

    def finish(self) -> Record:
        """Make the record."""
        self.events.sort(key=lambda each: (each.at, each.source_ref or "", each.type, each.to or ""))
        distinct = {(each.type, each.target): each for each in self.links}
        filled = {name: value for name, value in self.values.items() if value is not None}
        return KINDS[self.kind](
            id=self.id,
            source=self.sheet.vocabulary.source,
            scope=self.sheet.scope,
            events=self.events,
            links=[distinct[key] for key in sorted(distinct)],
            since=[Since(field=name, at=at) for name, at in sorted(self.since.items())],
            unknown_fields=sorted(self.unknown),
            raw_times=self.raw_times,
            **filled,
        )
