"""Why a verdict differs between two states of knowledge: which of its three inputs moved it, and what moved those.

A verdict follows from the obligation, from how far was read, and from waivers. What changes it when
it alone is exchanged is a cause; where only all together do, all are. What changed an obligation is
looked for where it is likeliest first: the unit and its evidence, what stands around them, the kinds the part reads.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from hub.clock import format_instant
from hub.conformance.judge import Judgement
from hub.conformance.learnt import Lesson, Lessons
from hub.conformance.part import Part
from hub.conformance.verdict import verdict_of

__all__ = ["CAUSES", "Cause", "CauseName", "Causes"]

CauseName = Literal[
    "late_data",
    "corrected",
    "deleted",
    "not_visible",
    "identity",
    "coverage",
    "waiver",
    "definition",
    "unexplained",
]
CAUSES: tuple[CauseName, ...] = (
    "late_data",
    "corrected",
    "deleted",
    "not_visible",
    "identity",
    "coverage",
    "waiver",
    "definition",
    "unexplained",
)
"""In the order they are listed."""
_INPUTS = ("owed", "reach", "waived")


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """One reason for which a verdict differs."""

    name: CauseName
    detail: str
    """In words: which record, which fields, how far, which waiver."""


class Causes:
    """Finds the causes of differing rows (`part`, `unit`, `anchor`, `x_…` before, `y_…` after), a batch at a time."""

    def __init__(
        self, before: Judgement, after: Judgement, transitions: Mapping[tuple[int, int, int], Sequence[int]]
    ) -> None:
        self._before, self._after = before, after
        self._transitions = transitions
        """Key -> instants at which what is known of the obligation changed, ascending."""
        self._since, until = before.known_at or 0, after.known_at or 0
        self._lessons = Lessons(before.conn, since=self._since, until=until)
        self._redefined = _redefined(before, self._since, until)
        self._sql = {number: part.sql(before.conn.dialect) for number, part in before.parts.items()}

    def of(self, rows: Sequence[Any], instant: int, excused: int) -> list[list[Cause]]:
        """Return the causes of each row, in the order of CAUSES, never none.

        `instant` is that of the verdict, `excused` that of the waivers.
        """
        self._lessons.load(sid for row in rows for sid in (row.unit, row.x_evidence, row.y_evidence))
        return [sorted(self._causes(row, instant, excused), key=lambda one: CAUSES.index(one.name)) for row in rows]

    def _causes(self, row: Any, instant: int, excused: int) -> list[Cause]:
        moved = self._moved(row, instant)
        found: list[Cause] = []
        if "owed" in moved:
            found += self._of_owed(row)
        if "reach" in moved:
            found.append(Cause(name="coverage", detail=self._reached(row)))
        if "waived" in moved:
            requirement = self._before.parts[row.part].requirement
            found.append(Cause(name="waiver", detail=_waivers(self._before, self._after, requirement, excused)))
        return found or [Cause(name="unexplained", detail="no record, reading, waiver or definition tells why")]

    def _moved(self, row: Any, instant: int) -> list[str]:
        """Name the inputs that moved the verdict."""
        sides = {"x": dict.fromkeys(_INPUTS, "x"), "y": dict.fromkeys(_INPUTS, "y")}
        was, now = (self._verdict(row, side, instant) for side in sides.values())
        alone = [
            name
            for name in _INPUTS
            if self._verdict(row, sides["x"] | {name: "y"}, instant) != was
            or self._verdict(row, sides["y"] | {name: "x"}, instant) != now
        ]
        return alone or list(_INPUTS)

    def _verdict(self, row: Any, sides: Mapping[str, str], instant: int) -> str | None:
        def of(name: str) -> Any:
            return getattr(row, f"{sides['owed']}_{name}")

        if of("verdict") is None:
            return None
        judgement = self._before if sides["reach"] == "x" else self._after
        if not judgement.parts[row.part].applies:
            return "not_applicable"
        return verdict_of(
            as_of=instant,
            complete=judgement.parts[row.part].complete,
            through=judgement.reaches[row.part, of("place")].through,
            waived=getattr(row, f"{sides['waived']}_waived") is not None,
            stale_ms=judgement.stale_ms,
            declared=bool(of("declared")),
            **{name: of(name) for name in ("opened_at", "due_at", "warn_at", "met_at", "lost_at", "lacks")},
        )

    def _reached(self, row: Any) -> str:
        place = row.y_place if row.y_place is not None else row.x_place
        x, y = (one.reaches[row.part, place] for one in (self._before, self._after))
        told = f"could be concluded through {_through(y.through)}, before through {_through(x.through)}"
        reason = y.reason or x.reason
        return f"{told} ({reason})" if reason else told

    def _of_owed(self, row: Any) -> list[Cause]:
        """Find what changed the obligation itself."""
        part = self._before.parts[row.part]
        changes = self._transitions.get((row.part, row.unit, row.anchor), ())
        found = [
            Cause(name="definition", detail=self._rules(part, at))
            for at in changes
            if at in self._redefined.get(part.requirement, ())
        ][-1:]
        if changes:
            found += self._learnt(row, part, changes[-1], redefined=bool(found))
        return found

    def _learnt(self, row: Any, part: Part, until: int, *, redefined: bool) -> list[Cause]:
        lessons, sql = self._lessons, self._sql[row.part]
        own = list(dict.fromkeys((row.unit, row.x_evidence, row.y_evidence)))
        near = [one for sid in own for one in lessons.of(sid, until, sql)]
        tied = lessons.ties(own, until) if "identity" in part.reads else []
        if not near and not tied and not redefined:
            around = lessons.around(row.unit)
            lessons.add(around)
            near = [one for sid in around for one in lessons.of(sid, until, sql)]
            far = [kind for kind, reach in part.reads.items() if reach != "near"]
            near = near or lessons.of_kinds(far, until, sql)
            tied = lessons.ties(None, until) if "identity" in part.reads and not near else []
            for early in (False, True):  # then whatever changed at all, then what had been read and was not judged
                near = near or [one for sid in (*own, *around) for one in lessons.of(sid, until, early=early)]
                near = near or lessons.of_kinds(far, until, "", early=early)
        found = [] if not tied else [Cause(name="identity", detail=f"{lessons.name(tied)}: tied to a person anew")]
        return found + [_together(lessons, several) for several in _by_name(near)]

    def _rules(self, part: Part, at: int) -> str:
        when = f"derived anew {format_instant(at)}"
        if detail := self._redefined[part.requirement][at]:
            return f"{detail}: {when}"
        if part.reads.keys().isdisjoint(("calendar", "period")):
            return f"pack or parameter: {when}"
        calendars = self._lessons.of_kinds(["calendar"], at, "")
        if calendars and "calendar" in part.reads:
            return f"calendar: {when}; {self._lessons.tell(calendars[0])}"
        return f"pack, parameter, calendar or time-zone data: {when}"


def _by_name(lessons: Iterable[Lesson]) -> list[list[Lesson]]:
    found: dict[str, list[Lesson]] = defaultdict(list)
    for one in lessons:
        found[one.name].append(one)
    return list(found.values())


def _together(lessons: Lessons, several: Sequence[Lesson]) -> Cause:
    told = "; ".join(lessons.tell(one) for one in several[:3])
    more = f"; and {len(several) - 3} more" if len(several) > 3 else ""  # noqa: PLR2004 - three are named
    return Cause(name=several[0].name, detail=told + more)


def _redefined(judgement: Judgement, since: int, until: int) -> dict[str, dict[int, str]]:
    """Return requirement -> when its definition changed -> in what; what is judged first in a store is no change."""
    rows = judgement.conn.exec_driver_sql(
        "SELECT requirement, known_at, detail FROM derivation WHERE cause = 'definition' "
        f"AND known_at > {since} AND known_at <= {until} AND known_at > (SELECT min(known_at) FROM derivation)"
    )
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for row in rows:
        found[row.requirement][row.known_at] = row.detail or ""
    return found


def _waivers(before: Judgement, after: Judgement, requirement: str, excused: int) -> str:
    x, y = (
        {one.waiver.id for one in each.waivers_at(excused) if one.waiver.requirement_id == requirement}
        for each in (before, after)
    )
    told = [f"{word}: {', '.join(sorted(ids))}" for word, ids in (("given", y - x), ("ended", x - y)) if ids]
    return "; ".join(told) or f"changed: {', '.join(sorted(x & y))}"


def _through(instant: int | None) -> str:
    return "nothing" if instant is None else format_instant(instant)
