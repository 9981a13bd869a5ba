"""An issue's history as Jira tells it, and what follows from it.

Everything here speaks of the changelog alone. Whether it is complete decides what may be concluded:
a field without an entry held its value from the start only if no entry is missing. Data Center
names fields by their display name, so the name in force (`names` of the document) is needed there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hub.clock import LAST_MS, parse_instant
from hub_jira.value import as_dict, as_list, as_text

__all__ = ["Change", "History", "read_history"]

SYSTEM_NAMES = {"components": "Component", "fixVersions": "Fix Version", "issuelinks": "Link", "issuekey": "Key"}
"""What the changelog calls system fields where it gives no id; others are called by their id."""
_TOLD = ("field", "fieldId", "from", "fromString", "to", "toString")
"""What an item of an entry says, in the order in which a `Change` holds it."""
SECONDS_BELOW = 10**11
"""A bare number below this counts seconds, above milliseconds (the bulk endpoint writes numbers)."""


class Change(msgspec.Struct, frozen=True):
    """One field changed once."""

    at: int
    entry: str
    """Native id of the changelog entry."""
    author: dict[str, Any]
    field: str
    """Display name, or the fixed name of a system field."""
    field_id: str | None
    """Id; Data Center does not give it."""
    old: str | None
    """Id before (option, user, status, version)."""
    old_text: str | None
    """Word before."""
    new: str | None
    new_text: str | None

    @property
    def fills(self) -> bool:
        """The field held nothing before."""
        return not self.old and not self.old_text

    @property
    def empties(self) -> bool:
        """The field holds nothing after."""
        return not self.new and not self.new_text


@dataclass(slots=True)  # a frozen one takes four times as long to make
class History:
    """All changes known, oldest first; nobody alters it."""

    changes: tuple[Change, ...]
    complete: bool
    """No change is missing."""
    created_at: int | None
    by_id: bool = True
    """Entries carry field ids (Cloud); without, custom fields are found by name."""
    names: dict[str, str] = field(default_factory=dict)
    """Field id to display name, for histories without ids."""
    _by_id: dict[str, list[Change]] = field(init=False, repr=False, default_factory=dict)
    _by_name: dict[str, list[Change]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        for change in self.changes:
            if change.field_id:
                self._by_id.setdefault(change.field_id, []).append(change)
            else:
                self._by_name.setdefault(change.field.casefold(), []).append(change)

    def of(self, field_id: str) -> list[Change]:
        """Changes of one field, oldest first."""
        if not self._by_name:
            return self._by_id.get(field_id, [])
        name = SYSTEM_NAMES.get(field_id) or self.names.get(field_id) or field_id
        named = name.casefold()
        found, also = self._by_id.get(field_id, []), self._by_name.get(named, [])
        if not (found and also):
            return found or also
        return [
            each
            for each in self.changes
            if (each.field_id or "") == field_id or (not each.field_id and each.field.casefold() == named)
        ]

    def tells(self, field_id: str) -> bool:
        """Whether silence about a field means that it never changed."""
        return self.complete and (self.by_id or field_id in self.names or not field_id.startswith("customfield_"))

    def held_since(self, field_id: str) -> int | None:
        """Since when a field that holds a value has held one without a gap; None = the history does not say."""
        if not self.tells(field_id):
            return None
        changes = self.of(field_id)
        if not changes:
            return self.created_at
        if changes[-1].empties:
            return None
        for change in reversed(changes):
            if change.fills:
                return change.at
        return self.created_at

    def last_change(self, field_id: str) -> int | None:
        """When a field took its present value; creation where it never changed."""
        if not self.tells(field_id):
            return None
        changes = self.of(field_id)
        return changes[-1].at if changes else self.created_at

    def text_at(self, field_id: str, now: str | None, at: int) -> str | None:
        """Word a field held at an instant, given its word now. Ask only where `tells`."""
        for change in self.of(field_id):
            if change.at > at:
                return change.old_text or None
        return now

    def set_held_since(
        self, field_id: str, now: frozenset[str], counts: Callable[[frozenset[str]], bool]
    ) -> int | None:
        """Since when a many-valued field has satisfied `counts` without a gap.

        Values are told by id and by word; labels change as one text of words. None = the history does not say.
        """
        if not self.tells(field_id) or not counts(now):
            return None
        after = now
        for change in reversed(self.of(field_id)):
            before = _undo(after, change, spaced=field_id == "labels")
            if not counts(before):
                return change.at
            after = before
        return self.created_at

    def added(self, field_id: str, matches: Callable[[Change], bool]) -> int | None:
        """When the value that `matches` was added for the last time; None = no such entry."""
        instants = [each.at for each in self.of(field_id) if not each.empties and matches(each)]
        return instants[-1] if instants else None


def _undo(after: frozenset[str], change: Change, *, spaced: bool) -> frozenset[str]:
    old, new = _values(change.old, change.old_text, spaced=spaced), _values(change.new, change.new_text, spaced=spaced)
    return (after - new) | old


def _values(native: str | None, text: str | None, *, spaced: bool) -> frozenset[str]:
    if spaced:
        return frozenset((text or "").split())
    return frozenset(each for each in (native, text) if each)


def read_history(issue: dict[str, Any], created_at: int | None, *, by_id: bool) -> History:
    """Read the changelog an issue carries; entries that cannot be read make it incomplete."""
    changelog = as_dict(issue.get("changelog"))
    histories = as_list(changelog.get("histories"))
    total = changelog.get("total")
    complete = isinstance(changelog.get("histories"), list) and isinstance(total, int) and len(histories) >= total
    found: list[tuple[int, int, int, Change]] = []
    for raw in histories:
        entry = as_dict(raw)
        at = _entry_instant(entry.get("created"))
        if at is None:
            complete = False
            continue
        native = as_text(entry.get("id")) or str(entry.get("id") or "")
        order = int(native) if native.isdecimal() and native.isascii() and len(native) < 19 else 0  # noqa: PLR2004 - digits of a BIGINT
        author = as_dict(entry.get("author"))
        for item in as_list(entry.get("items")):
            found.append((at, order, len(found), _change(at, native, author, as_dict(item))))
    found.sort()  # the third member is unique: no change is ever compared
    names = {k: v for k, v in as_dict(issue.get("names")).items() if isinstance(v, str)}
    return History(tuple(each[3] for each in found), complete, created_at, by_id, names)


def _change(at: int, native: str, author: dict[str, Any], item: dict[str, Any]) -> Change:
    name, *told = [word if word and isinstance(word, str) else None for word in map(item.get, _TOLD)]
    return Change(at, native, author, name or "", *told)


def _entry_instant(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LAST_MS:
        return value * 1000 if value < SECONDS_BELOW else value
    try:
        return parse_instant(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None
