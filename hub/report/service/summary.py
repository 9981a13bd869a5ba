"""Chapter 2, the half page: how each service did, and the three things its reader must decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hub.conformance.situation.fact import FollowUp, Kept
from hub.conformance.situation.follow_up import follow_up
from hub.conformance.situation.performance import ServiceTime
from hub.report.file.topic import Cell, Column, Topic
from hub.report.language.words import ENGLISH, Days
from hub.report.model import Said
from hub.report.service.cell import name_of
from hub.report.service.chapter import Asked, Chapter, Part
from hub.report.service.coverage import unread
from hub.report.service.metric import Figures, Level
from hub.report.service.told import said_text

__all__ = ["LONGEST", "SUMMARY", "Verdict", "decisions", "summary", "verdicts", "words_in"]

SUMMARY = 2
"""Number of the chapter."""
LONGEST = 250
"""Words, by BS15000-5.4-g."""
_DECISIONS = 3
_LONGEST_NAME = 60
_WORST: tuple[Kept, ...] = ("missed", "not_provable", "met", "no_cases")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one service did."""

    service: str
    """Id."""
    name: str
    kept: Kept
    why: str
    """The levels that made it so."""


def summary(asked: Asked, figures: Figures, beyond: Sequence[str]) -> Chapter:
    """Tell verdicts and decisions in at most `LONGEST` words; services that find no room are counted.

    `beyond`: resources whose use is beyond their threshold.
    """
    levels = [one.kept for one in figures.levels]
    text = "Of {n} promised levels {met} were kept, {missed} missed, {unknown} not provable; {none} had no cases."
    counted: dict[str, int | str] = {
        "n": len(levels),
        "met": levels.count("met"),
        "missed": levels.count("missed"),
        "unknown": levels.count("not_provable"),
        "none": levels.count("no_cases"),
    }
    opening: list[Part] = [Said(phrase=text, values=counted)]
    asked_for: list[Part] = [*decisions(asked, figures, beyond)]
    if asked_for:
        asked_for.insert(0, Said(phrase="To be decided by the reader:"))
    else:
        asked_for.append(Said(phrase="Nothing is to be decided by the reader."))
    rows = verdicts(figures)
    shown = len(rows)
    while True:
        more: list[Part] = []
        if shown < len(rows):
            more = [Said(phrase="{n} more services: see chapter 3.", values={"n": len(rows) - shown})]
        parts = [*opening, _table(rows[:shown]), *more, *asked_for]
        if not shown or words_in(parts) <= LONGEST:
            return Chapter(SUMMARY, "Summary", parts)
        shown -= 1


def words_in(parts: Sequence[Part]) -> int:
    """Count the words of parts, as told in English."""
    days = Days("UTC")
    number = 0
    for part in parts:
        if isinstance(part, Said):
            number += len(said_text(part, ENGLISH, days).split())
        else:
            number += sum(len(str(cell).split()) for row in part.rows for cell in row if cell is not None)
    return number


def verdicts(figures: Figures) -> list[Verdict]:
    """Give every service the worst verdict among its levels, the worst service first."""
    found = [_verdict(one, figures.levels) for one in figures.times]
    return sorted(found, key=lambda one: (_WORST.index(one.kept), one.name))


def _verdict(time: ServiceTime, levels: Sequence[Level]) -> Verdict:
    own = [one for one in levels if time.service.id in one.services]
    kept = next((word for word in _WORST if any(one.kept == word for one in own)), _WORST[-1])
    because = [one.promise for one in own if one.kept == kept and kept in ("missed", "not_provable")]
    why = ", ".join(because[:_DECISIONS]) + (" …" if len(because) > _DECISIONS else "")
    return Verdict(time.service.id, name_of(time.service), kept, why)


def _table(rows: Sequence[Verdict]) -> Topic:
    cells: list[tuple[Cell, ...]] = [(one.name, one.kept.replace("_", " "), one.why) for one in rows]
    columns = (Column("Service", width=30), Column("Verdict", "word", 14), Column("Because of", width=60))
    return Topic("Verdict per service", columns, cells, "no service is in scope")


def decisions(asked: Asked, figures: Figures, beyond: Sequence[str]) -> list[Said]:
    """Name the three things only the reader can decide, the gravest first."""
    actions = follow_up(asked.conn, asked.period, asked.as_of, asked.known_at, asked.audience)
    found = _owed(asked, figures, beyond, actions)
    return [one for _, one in zip(range(_DECISIONS), found, strict=False)]


def _owed(asked: Asked, figures: Figures, beyond: Sequence[str], actions: FollowUp) -> Iterator[Said]:
    missed = [one for one in figures.levels if one.kept == "missed"]
    if missed:
        worst = min(missed, key=lambda one: (not one.critical, -one.missed, one.title))
        text = "What shall be done so that {level} is kept again ({n} levels were missed)?"
        values: dict[str, int | str] = {"level": _brief(worst), "n": len(missed)}
        yield Said(phrase=text, values=values)
    if beyond:
        text = "Shall {names} be extended? Its use is beyond the threshold."
        yield Said(phrase=text, values={"names": ", ".join(beyond[:_DECISIONS])})
    if actions.late or actions.ownerless:
        text = "Who finishes {late} improvement actions that are late, and takes {ownerless} that have no owner?"
        yield Said(phrase=text, values={"late": actions.late, "ownerless": actions.ownerless})
    lacking = [one for one in figures.levels if not one.goal and one.agreement] + [
        one for one in figures.levels if not one.goal and not one.agreement
    ]
    if lacking:
        text = "Which target holds in the next period? None is agreed for {n} levels, first {level}."
        yield Said(phrase=text, values={"n": len(lacking), "level": _brief(lacking[0])})
    if gaps := unread(asked):
        names = ", ".join(dict.fromkeys(one.source or one.kind for one in gaps))
        text = "How is the missing data of {names} obtained? Without it figures stay not provable."
        yield Said(phrase=text, values={"names": names})


def _brief(level: Level) -> str:
    """Name a level in few words, whatever its agreement is called."""
    title = level.title if len(level.title) <= _LONGEST_NAME else level.title[: _LONGEST_NAME - 1].rstrip() + "…"
    return f"{title}: {level.promise}"
