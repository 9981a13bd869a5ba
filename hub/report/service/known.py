"""What is known of the kinds a chapter is made from, and what is not: never told as nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from hub.conformance.named import Subject
from hub.report.model import Said
from hub.report.service.chapter import Asked, Chapter, Part
from hub.report.service.coverage import covered, is_short
from hub.store.reading import Covered

__all__ = ["NO_CASES", "Known", "hours_of", "known", "minute_of", "name_of", "person_of", "whole"]

NO_CASES = Said(phrase="no cases")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Known:
    """How much a chapter may say."""

    absent: Said | None = None
    """Why nothing can be said at all."""
    notes: list[Part] = field(default_factory=list)
    """What is missing in what is said."""
    kinds: frozenset[str] = frozenset()
    """The kinds that were read at least in part."""


def known(asked: Asked, kinds: Sequence[str], *, beside: Sequence[str] = (), until: int | None = None) -> Known:
    """Compare what was read, as known, with the kinds a chapter is made from.

    `beside` = kinds that not every organisation keeps: they are missed only where a source gives them. `until` = up to when they should have been read; None = up to the instant at which figures stand.
    """
    rows = [row for row in covered(asked) if row.kind in (*kinds, *beside)]
    provided, read = {row.kind for row in rows}, {row.kind for row in rows if row.through is not None}
    unprovided = [kind for kind in kinds if kind not in provided]
    if not read & set(kinds):
        return Known(absent=_why(kinds, unprovided, rows))
    notes: list[Part] = []
    wanted = asked.instant if until is None else until
    if unprovided:
        phrase = "No source provides {kinds}: of these nothing is told."
        notes.append(Said(phrase=phrase, values={"kinds": _words(unprovided)}))
    short: dict[tuple[str, str, int | None, str], list[str]] = defaultdict(list)
    for row in rows:
        if is_short(row, wanted):
            short[row.source, row.scope, row.through, row.reason or ""].append(row.kind)
    told = [_short(*gap, kinds=own, zone=asked.zone) for gap, own in short.items()]
    notes += told[:_SHOWN]
    if len(told) > _SHOWN:
        notes.append(Said(phrase="{n} more were not read in full.", values={"n": len(told) - _SHOWN}))
    return Known(notes=notes, kinds=frozenset(read))


def whole(number: int, title: str, said: Known, parts: Sequence[Part], *, empty: bool) -> Chapter:
    """Put a chapter together; `empty` = there were no cases. What could not be read is told even then."""
    if said.absent is not None:
        return Chapter(number, title, absent=said.absent)
    if empty and not said.notes:
        return Chapter(number, title, absent=NO_CASES)
    if empty:
        parts = [Said(phrase="No cases are known.")]
    return Chapter(number, title, [*parts, *said.notes])


def minute_of(instant: int, zone: str) -> str:
    """Write an instant as local time in every language alike, `2026-10-31 14:05`."""
    return f"{datetime.fromtimestamp(instant // 1000, tz=UTC).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def name_of(asked: Asked, subject: Subject | None) -> str:
    """Name a record: what people call it, with its title where it has a key of its own; people as they may be named."""
    if subject is None:
        return ""
    shown = asked.naming.subject(subject)
    key = "" if shown.key == shown.id else shown.key
    return " ".join(word for word in (key, shown.title) if word) or shown.id


def person_of(asked: Asked, subject: Subject | None) -> str:
    """Name who has to do something by role and initials, unless names are allowed; empty for nobody."""
    person = asked.naming.person(subject)
    return person.label if person else ""


def hours_of(seconds: int) -> str:
    """Write a time in hours with one decimal, rounded down."""
    return f"{Decimal(seconds * 10 // 3600).scaleb(-1):f}"


def _why(kinds: Sequence[str], unprovided: Sequence[str], rows: Sequence[Covered]) -> Said:
    if len(unprovided) == len(kinds):
        return Said(phrase="no source provides {kinds}", values={"kinds": _words(kinds)})
    reason = next((row.reason for row in rows if row.reason), "")
    return Said(phrase="{reason}", values={"reason": reason}) if reason else Said(phrase="it was never read to the end")


def _short(source: str, scope: str, through: int | None, reason: str, *, kinds: Sequence[str], zone: str) -> Said:
    values: dict[str, int | str] = {"kind": _words(kinds), "place": f"{source} {scope}".strip()}
    if through is None and reason:
        return Said(
            phrase="Not in these figures: {place}, {kind}, not read ({reason}).", values={**values, "reason": reason}
        )
    if through is None:
        return Said(phrase="Not in these figures: {place}, {kind}, never read to the end.", values=values)
    values["when"] = minute_of(through, zone)
    if reason:
        phrase = "Figures are not complete: {place}, {kind}, read only up to {when} ({reason})."
        return Said(phrase=phrase, values={**values, "reason": reason})
    return Said(phrase="Figures are not complete: {place}, {kind}, read only up to {when}.", values=values)


def _words(kinds: Sequence[str]) -> str:
    return ", ".join(kinds).replace("_", " ")
