"""What the hub learnt of single records between two instants: first read, corrected, deleted, no longer visible."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import zstandard
from sqlalchemy import ColumnElement, Connection, or_, select

from hub.clock import format_instant
from hub.conformance.subject import subjects
from hub.records import Record, decode_record
from hub.store.row import references
from hub.store.tables import link, record, revision

__all__ = ["Lesson", "Lessons"]

LessonName = Literal["late_data", "corrected", "deleted", "not_visible"]
_MARKS: dict[str, LessonName] = {"vanished_at": "deleted", "invisible_at": "not_visible"}
_NAMED = 3
"""How many records are named in words."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What was learnt of one record."""

    name: LessonName
    sid: int
    kind: str
    at: int
    """When it was first read, or last changed."""
    fields: tuple[str, ...] = ()
    """Neutral fields that differ, where it was corrected; empty where the past state was disposed of."""
    before: bool = False
    """Learnt before the first of the two instants, and judged after it."""


@dataclass(frozen=True, slots=True)
class _State:
    known_from: int
    body: bytes
    kind: str


class Lessons:
    """Past states of records from `since` on, loaded a batch at a time; `before` is what had been judged by then."""

    def __init__(self, conn: Connection, *, since: int, until: int) -> None:
        self._conn, self.since, self._until = conn, since, until
        judged = "SELECT max(x.known_at) FROM derivation x WHERE x.known_at <= "
        self.judged_until: int = conn.exec_driver_sql(f"SELECT coalesce(({judged}{since}), 0)").scalar_one()
        self._states: dict[int, list[_State]] = {}
        self._of_kind: dict[str, list[int]] = {}
        self._ties: dict[int, tuple[int, frozenset[str]]] | None = None
        self._open = zstandard.ZstdDecompressor()

    def load(self, sids: Iterable[int | None]) -> None:
        """Load the states of records, in place of those loaded before."""
        wanted = sorted({sid for sid in sids if sid is not None})
        self._states = self._read(wanted)

    def add(self, sids: Iterable[int]) -> None:
        """Load further records beside those loaded."""
        self._states |= self._read([sid for sid in dict.fromkeys(sids) if sid not in self._states])

    def of(self, sid: int | None, until: int, sql: str = "", *, early: bool = False) -> list[Lesson]:
        """Return what was learnt of a loaded record up to `until`.

        `sql` keeps corrections of fields it names only; `early` begins at the last derivation before `since`.
        """
        begin = self.judged_until if early else self.since
        known = [one for one in self._states.get(sid or 0, ()) if one.known_from <= until]
        fresh = [one for one in known if one.known_from > begin]
        if sid is None or not fresh:
            return []
        last, before = fresh[-1], early and fresh[-1].known_from <= self.since
        former = [one for one in known if one.known_from <= begin]
        if not former:
            return [Lesson("late_data", sid, last.kind, fresh[0].known_from, before=before)]
        if not former[-1].body or not last.body:
            return [Lesson("corrected", sid, last.kind, last.known_from, before=before)]
        old, new = self._decoded(former[-1]), self._decoded(last)
        names = _differing(old, new)
        marked = [n for n in names if n in _MARKS and getattr(new, n) is not None]
        named = tuple(n for n in names if n not in marked and (not sql or n.rstrip("s_") in sql))
        found = [Lesson(_MARKS[n], sid, last.kind, last.known_from, before=before) for n in marked]
        if named:
            found.append(Lesson("corrected", sid, last.kind, last.known_from, named, before))
        return found

    def around(self, sid: int) -> list[int]:
        """List the records that a record refers to now, or that refer to it."""
        to = select(link.c.target).where(link.c.sid == sid)
        return list(self._conn.scalars(to.union(select(link.c.sid).where(link.c.target == sid))))

    def of_kinds(self, kinds: Collection[str], until: int, sql: str, *, early: bool = False) -> list[Lesson]:
        """Return what was learnt of all records of some kinds; loads them."""
        for kind in sorted(set(kinds) - self._of_kind.keys()):
            since = revision.c.known_from > self.judged_until
            asked = select(record.c.sid).join(revision, revision.c.sid == record.c.sid)
            asked = asked.where(record.c.kind == kind, since, revision.c.known_from <= self._until)
            self._of_kind[kind] = list(self._conn.scalars(asked.distinct().order_by(record.c.sid)))
        sids = [sid for kind in sorted(kinds) for sid in self._of_kind[kind]]
        self.add(sids)
        return [one for sid in sids for one in self.of(sid, until, sql, early=early)]

    def ties(self, sids: Iterable[int | None] | None, until: int) -> list[int]:
        """Return the persons tied anew whom one of the loaded records named already; None = whoever named them."""
        if self._ties is None:
            self._ties = self._find_ties()
        named = None if sids is None else {one for sid in sids for one in self._named(sid)}
        return [sid for sid, (at, ids) in sorted(self._ties.items()) if at <= until and (named is None or ids & named)]

    def name(self, sids: Sequence[int]) -> str:
        """Name records as people know them, the first three."""
        known = subjects(self._conn, sids[:_NAMED])
        more = f" and {len(sids) - _NAMED} more" if len(sids) > _NAMED else ""
        return (
            ", ".join(f"{known[s].kind.replace('_', ' ')} {known[s].key or known[s].id}" for s in sids[:_NAMED]) + more
        )

    def tell(self, one: Lesson) -> str:
        """Say it in words."""
        early = ", before the first instant but judged after it" if one.before else ""
        when = f" ({format_instant(one.at)}{early})"
        match one.name:
            case "late_data":
                return f"{self.name([one.sid])} was first read{when}"
            case "corrected":
                return f"{self.name([one.sid])}: {', '.join(one.fields) or 'fields not kept'}{when}"
            case "deleted":
                return f"{self.name([one.sid])} was deleted at its source{when}"
        return f"{self.name([one.sid])} is no longer visible at its source{when}"

    def _find_ties(self) -> dict[int, tuple[int, frozenset[str]]]:
        """Return person -> (when, ids of everybody concerned) of those whose `same_as` changed, or who are new."""
        found: dict[int, tuple[int, frozenset[str]]] = {}
        for one in self.of_kinds(["person"], self._until, ""):
            states = [self._decoded(state) for state in self._states[one.sid] if state.body]
            ties = [frozenset(state.same_as) for state in states]
            tied = select(record.c.id).join(link, link.c.sid == record.c.sid)
            to = self._conn.scalars(tied.where(link.c.target == one.sid, link.c.type == "same_as")).all()
            if len(set(ties)) > 1 or (one.name == "late_data" and (to or any(ties))):
                found[one.sid] = (one.at, frozenset({*to, *(state.id for state in states)}).union(*ties))
        return found

    def _named(self, sid: int | None) -> set[str]:
        states = [one for one in self._states.get(sid or 0, ()) if one.known_from <= self.since and one.body]
        return set(references(self._decoded(states[-1]))) if states else set()

    def _decoded(self, state: _State) -> Record:
        return decode_record(self._open.decompress(state.body))

    def _read(self, sids: Sequence[int]) -> dict[int, list[_State]]:
        found: dict[int, list[_State]] = defaultdict(list)
        lowest = min(self.since, self.judged_until)
        still: ColumnElement[bool] = or_(revision.c.known_to.is_(None), revision.c.known_to > lowest)
        for start in range(0, len(sids), 500):
            asked = select(revision.c.sid, revision.c.known_from, revision.c.body, record.c.kind)
            asked = asked.join(record, record.c.sid == revision.c.sid).order_by(revision.c.sid, revision.c.known_from)
            chosen = revision.c.sid.in_(sids[start : start + 500])
            for row in self._conn.execute(asked.where(chosen, still, revision.c.known_from <= self._until)):
                found[row.sid].append(_State(row.known_from, bytes(row.body), row.kind or ""))
        return found


def _differing(old: Record, new: Record) -> list[str]:
    before, after = msgspec.to_builtins(old), msgspec.to_builtins(new)
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
