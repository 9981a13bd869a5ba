"""When each field of each row got its value, and by whose hand: told from the versions of a file. Pure.

A version is compared with those it grew out of, so that a value counts from the first commit that
holds it on any branch. A row that was taken out and put back begins anew: in between it was not there.
A version that cannot be read says nothing, and what it changed counts from the next one that can.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from hub_register.git import Commit
    from hub_register.row import Row

__all__ = ["Moment", "Stories", "Story", "keys_of", "replay", "token", "values_of"]

Values = dict[str, dict[str, str]]
"""Row id -> key, dotted for a part's -> hash of what stands there."""


class Moment(msgspec.Struct, frozen=True, array_like=True):
    """A commit, as far as a row's history needs it."""

    at: int | None
    """UTC milliseconds, never before its parents; None = not known, the clone is shallow."""
    sha: str
    author: str
    """Hash of the author's address (`token`)."""


class Story(msgspec.Struct, frozen=True, array_like=True):
    """What is known of one row; numbers are places in `Stories.moments`."""

    created: int
    held: dict[str, int]
    """Key -> since which commit it has held its value; a key that is missing here: since the row was made."""
    changes: list[tuple[int, list[str]]]
    """Commit -> keys it changed, taken out ones included, oldest first; none where it made the row."""

    def since(self, key: str) -> int:
        """Give since which commit a key of the row, as committed, has held its value."""
        return self.held.get(key, self.created)


class Stories(msgspec.Struct):
    """The history of a file up to a commit."""

    moments: list[Moment] = []
    rows: dict[str, Story] = {}


def token(address: str) -> str:
    """Give what stands for an address: the cursor of a source is no place for addresses."""
    return hashlib.sha256(address.strip().lower().encode("utf-8", "replace")).hexdigest()[:16]


def values_of(rows: Iterable[Row], memory: dict[bytes, dict[str, str]] | None = None) -> Values:
    """Hash what rows hold. Local times mean something else in another zone, so that the zone belongs to it.

    Rows that `memory` has met before are the same objects again.
    """
    known = {} if memory is None else memory
    values = {}
    for row in rows:
        plain = row.node.plain()
        whole = msgspec.json.encode([row.zone, plain], order="deterministic")
        if whole not in known:
            known[whole] = dict(_hashed(row.zone, plain))
        values[row.id] = known[whole]
    return values


def keys_of(row: Row) -> Iterator[str]:
    """List what a row holds, as `values_of` names it."""
    plain = row.node.plain()
    for key, value in plain.items() if isinstance(plain, dict) else ():
        if value is not None:
            yield key
            if isinstance(value, dict):
                yield from (f"{key}.{part}" for part, one in value.items() if one is not None)


def _hashed(zone: str, plain: Any) -> Iterator[tuple[str, str]]:
    for key, value in plain.items() if isinstance(plain, dict) else ():
        if value is not None:
            yield key, _hash(zone, value)
            if isinstance(value, dict):
                yield from ((f"{key}.{part}", _hash(zone, one)) for part, one in value.items() if one is not None)


def _hash(zone: str, value: object) -> str:
    encoded = msgspec.json.encode([zone, value], order="deterministic")
    return hashlib.blake2b(encoded, digest_size=8).hexdigest()


def replay(
    commits: Iterable[Commit],
    read: Callable[[Commit], Values | None],
    *,
    base: tuple[Stories, Values] | None = None,
    shallow: bool = False,
) -> tuple[Stories, Values]:
    """Tell the history of a file from its versions, parents first.

    `read` gives the values of a version, None where it cannot be read. With `base` (history and values
    so far) the commits follow each other, and the first follows the base. In a shallow clone a commit
    without parents is where history was cut off: when its values were written is not known.
    """
    stories, values = base or (Stories(), {})
    moments, rows = list(stories.moments), stories.rows
    told: dict[str, _Told] = {}
    last = _Told(rows, values, max((story.changes[-1][0] for story in rows.values()), default=None))
    listed = list(commits)
    waiting = Counter(parent for commit in listed for parent in commit.parents)
    for commit in listed:
        found = [last] if base else [told[parent] for parent in commit.parents if parent in told]
        moments.append(_moment(commit, found, moments, cut=shallow and not commit.parents))
        given = read(commit)
        values = (found[0].values if found else {}) if given is None else given
        rows = {one: _tell(one, held, found, moments) for one, held in values.items()}
        told[commit.sha] = last = _Told(rows, values, len(moments) - 1)
        for parent in commit.parents:
            waiting[parent] -= 1
            if not waiting[parent]:
                told.pop(parent, None)
    return Stories(moments, rows), values


class _Told(NamedTuple):
    """What is known at one commit."""

    rows: dict[str, Story]
    values: Values
    number: int | None
    """Its place among the moments."""


def _moment(commit: Commit, parents: Iterable[_Told], moments: list[Moment], *, cut: bool) -> Moment:
    """A clock that went back does not make a commit older than what it builds on."""
    before = [moments[one.number].at for one in parents if one.number is not None]
    at = None if cut else max([commit.at, *(one for one in before if one is not None)])
    return Moment(at, commit.sha, token(commit.mail))


def _tell(row: str, held: Mapping[str, str], found: Iterable[_Told], moments: list[Moment]) -> Story:
    """Continue the story of a row: a value comes from the parent that had it first, else from this commit."""

    def age(number: int) -> tuple[bool, int, int]:
        at = moments[number].at
        return at is None, at or 0, number

    now = len(moments) - 1
    parents = [(one.rows[row], one.values[row]) for one in found if row in one.rows]
    if len(parents) == 1 and parents[0][1] == held:
        return parents[0][0]
    since: dict[str, int] = {}
    for key, value in held.items():
        known = [story.since(key) for story, values in parents if values.get(key) == value]
        since[key] = min(known, key=age, default=now)
    gone = {key for _, values in parents for key in values} - held.keys()
    changed = sorted(gone | {key for key, number in since.items() if number == now})
    past = {number: keys for story, _ in parents for number, keys in story.changes}
    changes = [(number, past[number]) for number in sorted(past)]
    if not parents:
        return Story(now, {}, [(now, [])])
    if changed:
        changes.append((now, changed))
    created = min((story.created for story, _ in parents), key=age)
    return Story(created, {key: number for key, number in since.items() if number != created}, changes)
