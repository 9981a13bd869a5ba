"""Who wrote a row and when, as the Git history of the register's folder tells."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from hub_register.git import GitFault, WorkTree, find_work_tree
from hub_register.row import RowChange, RowHistory, parse_register
from hub_register.story import Stories, keys_of, replay, token, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path, PurePath

    from hub.clock import Clock
    from hub_register.git import Commit
    from hub_register.row import RegisterFile, Row
    from hub_register.story import Story, Values

__all__ = ["History", "HistoryMode", "authors"]

HistoryMode = Literal["auto", "git", "declared"]


class _Seen(msgspec.Struct, frozen=True, array_like=True):
    """A value that the hub saw before it was committed."""

    at: int
    value: str
    committed: bool


class _State(msgspec.Struct):
    """What the cursor of a file keeps, so that the next run reads only what was committed since."""

    head: str | None
    digest: str
    """SHA-256 of the file as it was read."""
    zone: str
    shallow: bool
    stories: Stories
    seen: dict[str, dict[str, _Seen]]


class History:
    """The history of all files of a folder during one run.

    `auto`: of Git where the folder has a file that is committed, of declarations elsewhere. `git`: of Git,
    and where that cannot be read no instant is known. `declared`: of declarations.
    """

    def __init__(self, folder: Path, mode: HistoryMode, clock: Clock, zone: str) -> None:
        self._folder = folder
        self._mode = mode
        self._clock = clock
        self._zone = zone
        self._failed = ""

    @property
    def fault(self) -> str:
        """Why no instant is known though there should be; empty = nothing is wrong."""
        return self._failed or self._found[1]

    @property
    def is_kept(self) -> bool:
        """Instants are those of Git, or unknown; False = rows hold since they were declared."""
        return self._found[0] is not None or bool(self.fault)

    @property
    def cut_off(self) -> bool:
        """Older commits were left out when the repository was cloned."""
        tree = self._found[0]
        return tree is not None and tree.is_shallow

    def tell(
        self, register: RegisterFile, file: PurePath, known: Any, people: Mapping[str, str]
    ) -> tuple[dict[str, RowHistory], Any]:
        """Tell the history of each row of a file, and what to keep for the next time.

        `known` is what was to be kept the last time (None = nothing), `people` the person of each
        author's token. What has not been committed holds since it was first seen here.
        """
        tree = self._found[0]
        try:
            if tree is None:
                raise GitFault(self.fault)  # noqa: TRY301 - one way to say that nothing is known
            state = self._state(tree, register, file, _read_state(known))
        except GitFault as error:
            self._failed = str(error)
            return {row.id: RowHistory() for row in register.rows}, known
        rows = {row.id: _told(row, state, people) for row in register.rows}
        return rows, msgspec.to_builtins(state)

    @cached_property
    def _found(self) -> tuple[WorkTree | None, str]:
        """Find the work tree to ask, or say why there is none though there should be."""
        if self._mode == "declared":
            return None, ""
        top = find_work_tree(self._folder)
        if top is None:
            return None, "the folder lies in no Git work tree" if self._mode == "git" else ""
        tree = WorkTree(self._folder, top)
        try:
            kept = self._mode == "git" or any(name.endswith((".yaml", ".csv")) for name in tree.tracked)
            _ = tree.is_shallow
        except GitFault as error:
            return None, str(error)
        return (tree, "") if kept else (None, "")

    def _state(self, tree: WorkTree, register: RegisterFile, file: PurePath, known: _State | None) -> _State:
        if known is not None and (known.zone, known.shallow) != (self._zone, tree.is_shallow):
            known = msgspec.structs.replace(known, head=None, digest="")
        if known is not None and (known.head, known.digest) == (tree.head, register.digest):
            return known
        stories, committed = self._committed(tree, register, file, known)
        before = known.seen if known is not None else {}
        seen = {}
        for row, held in values_of(register.rows).items():
            there = committed.get(row, {})
            if values := dict(self._seen(held, there, before.get(row, {}))):
                seen[row] = values
        return _State(tree.head, register.digest, self._zone, tree.is_shallow, stories, seen)

    def _seen(
        self, held: Mapping[str, str], there: Mapping[str, str], before: Mapping[str, _Seen]
    ) -> Iterable[tuple[str, _Seen]]:
        now = self._clock.now_ms()
        for key, value in held.items():
            was, committed = before.get(key), there.get(key) == value
            if was is not None and was.value == value:
                yield key, _Seen(was.at, value, committed)
            elif not committed:
                yield key, _Seen(now, value, committed=False)

    def _committed(
        self, tree: WorkTree, register: RegisterFile, file: PurePath, known: _State | None
    ) -> tuple[Stories, Values]:
        """Tell the history up to the commit checked out; from the last one on where that can be."""
        if file.name not in tree.tracked:
            return Stories(), {}
        if known is not None and known.head is not None and (known.head == tree.head or tree.descends_from(known.head)):
            commits = [] if known.head == tree.head else tree.log(file.name, after=known.head)
            if all(len(commit.parents) <= 1 for commit in commits):
                return self._replayed(tree, register, file, commits, known)
        return self._replayed(tree, register, file, tree.log(file.name), None)

    def _replayed(
        self, tree: WorkTree, register: RegisterFile, file: PurePath, commits: Sequence[Commit], known: _State | None
    ) -> tuple[Stories, Values]:
        start = [known.head] if known is not None and known.head is not None else []
        contents = tree.contents(file.name, [*start, *(commit.sha for commit in commits)])

        memory: dict[bytes, dict[str, str]] = {}

        def read(_commit: Commit | None) -> Values | None:
            content = next(contents)
            if content is None:
                return {}
            version = parse_register(content, file.suffix, register.stem, register.name, self._zone)
            return None if version.broken else values_of(version.rows, memory)

        base = (known.stories, read(None) or {}) if known is not None and start else None
        told = replay(commits, read, base=base, shallow=tree.is_shallow)
        contents.close()
        return told


def _read_state(known: Any) -> _State | None:
    try:
        return msgspec.convert(known, _State)
    except msgspec.ValidationError:  # nothing was kept, or by another version of the hub
        return None


def _told(row: Row, state: _State, people: Mapping[str, str]) -> RowHistory:
    story, seen = state.stories.rows.get(row.id), state.seen.get(row.id, {})
    since = {key: at for key in keys_of(row) if (at := _since(key, state, story, seen)) is not None}
    if story is None:
        return RowHistory(created=since.get("id"), since=since)
    moments = state.stories.moments
    first = moments[story.created]
    created = _earlier(first.at, seen["id"].at if "id" in seen else None)
    changes = [
        RowChange(one.at, people.get(one.author), one.sha, keys)
        for number, keys in story.changes
        if (one := moments[number]).at is not None
    ]
    return RowHistory(created, people.get(first.author), since, changes)


def _since(key: str, state: _State, story: Story | None, seen: Mapping[str, _Seen]) -> int | None:
    first = seen.get(key)
    if story is None or (first is not None and not first.committed):
        return None if first is None else first.at
    committed = state.stories.moments[story.since(key)].at
    return committed if first is None else _earlier(committed, first.at)


def _earlier(one: int | None, other: int | None) -> int | None:
    return min((at for at in (one, other) if at is not None), default=None)


def authors(rows: Iterable[Row]) -> dict[str, str]:
    """Give the row of each person by the tokens of the addresses the register knows: author's token -> `alice`."""
    found: dict[str, str] = {}
    for row in rows:
        plain = row.node.plain()
        addresses = plain.get("email") if isinstance(plain, dict) else None
        for address in addresses if isinstance(addresses, list) else ():
            if isinstance(address, str):
                found.setdefault(token(address), row.native_id)
    return found
