"""Waivers as rows for people: in force, soon to end, to come, ended; what each covers, and what is odd about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Literal

from sqlalchemy import Connection, func, select

from hub.clock import format_instant
from hub.conformance.answer import Subject, WaiverRow
from hub.conformance.judge import Judgement
from hub.conformance.subject import subjects
from hub.conformance.waiver import KnownWaiver, covered_units
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["WARN_DAYS", "list_waivers", "owing", "owners_of", "units_found", "warnings"]

_record = metadata.tables["record"]
_finding = metadata.tables["finding"]
_revision = metadata.tables["revision"]
_DAY_MS = 86_400_000
_CHUNK = 500
WARN_DAYS = 30
"""So long before its end a waiver is pointed at."""


def list_waivers(judgement: Judgement, *, everything: bool = False, warn_days: int = WARN_DAYS) -> list[WaiverRow]:
    """List the waivers in force at as-of, by the day they end, with how many violations each covers now.

    `everything`: those that ended and those to come too.
    """
    chosen = [one for one in judgement.waivers if everything or one.holds(judgement.as_of)]
    waived: dict[str, list[int]] = defaultdict(list)
    for row in judgement.rows("j.part, j.unit", where="j.verdict = 'waived' AND NOT j.baseline") if chosen else ():
        waived[judgement.parts[row.part].requirement].append(row.unit)
    approvers = _people(judgement, (one.waiver.approver for one in chosen))
    rows = [_row(judgement, one, waived, approvers, warn_days) for one in chosen]
    return sorted(rows, key=lambda row: (row.valid_to, row.requirement, row.unit_filter, row.id))


def warnings(judgement: Judgement, *, warn_days: int = WARN_DAYS) -> list[str]:
    """Say of which waivers in force the end is near, and what is odd about one; a sentence each."""
    said = []
    for row in list_waivers(judgement, everything=True, warn_days=warn_days):
        if row.state in ("ended", "to_come"):
            continue
        named = f"waiver {row.id.rpartition('/')[2]} of {row.requirement}"
        if row.state == "ends_soon":
            cases = f"{row.obligations} case{'' if row.obligations == 1 else 's'}"
            said.append(f"{named} ends {format_instant(row.valid_to)}: {cases} will be open again")
        said += [f"{named} {note}" for note in row.notes]
    return said


def _row(
    judgement: Judgement,
    one: KnownWaiver,
    waived: dict[str, list[int]],
    approvers: dict[str, Subject],
    warn_days: int,
) -> WaiverRow:
    waiver, requirement = one.waiver, one.waiver.requirement_id or ""
    units = _known(judgement, covered_units(judgement.conn, waiver))
    holds = one.holds(judgement.as_of)
    return WaiverRow(
        requirement=requirement,
        unit_filter=waiver.subject or waiver.subject_filter or "all",
        reason=waiver.reason or "",
        approver=approvers.get(waiver.approver or ""),
        valid_from=one.valid_from,
        valid_to=one.valid_to,
        obligations=sum(units is None or unit in units for unit in waived[requirement]) if holds else 0,
        id=waiver.id,
        state=_state(one, judgement.as_of, warn_days),
        units=None if units is None else len(units),
        notes=_notes(judgement, one, units),
    )


def _state(
    one: KnownWaiver, at: int, warn_days: int
) -> Literal["in_force", "ends_soon", "to_come", "ended", "refused"]:
    if one.valid_to <= at:
        return "ended"
    if one.refusal(at) is not None:
        return "refused"
    if at < one.valid_from:
        return "to_come"
    return "ends_soon" if one.valid_to <= at + warn_days * _DAY_MS else "in_force"


def _known(judgement: Judgement, units: set[int] | None) -> set[int] | None:
    """Leave out what was not known yet, so that the list of then stays what it was."""
    if units is None or judgement.known_at is None:
        return units
    r, found = _revision.c, set[int]()
    for chunk in _chunks(units):
        then = r.sid.in_(chunk), r.known_from <= judgement.known_at
        found |= set(judgement.conn.scalars(select(r.sid).where(*then)))
    return found


def _notes(judgement: Judgement, one: KnownWaiver, units: Collection[int] | None) -> list[str]:
    notes = []
    requirement = one.waiver.requirement_id
    if (no := one.refusal(judgement.as_of)) is not None:
        notes.append(f"does not hold: it was {no.word} by who is named as its approver")
    numbers = [number for number, part in judgement.parts.items() if part.requirement == requirement]
    if not numbers:
        notes.append("covers nothing: the requirement is not judged now")
    elif units is not None and not units:
        notes.append("covers nothing: no record matches")
    elif units is not None and not owing(judgement, numbers, units):
        notes.append("covers nothing: what matches owes nothing under the requirement")
    human = _human(judgement.conn, one.waiver.approver)
    if units and human is not None and human in owners_of(judgement.conn, units, numbers):
        notes.append("who approved it owns what it covers")
    return notes


def owing(judgement: Judgement, numbers: Collection[int], units: Collection[int]) -> set[int]:
    """Keep the units that owe, or once owed, anything under some of the parts."""
    found: set[int] = set()
    listed = ", ".join(map(str, numbers))
    known = "known_to IS NULL" if judgement.known_at is None else f"known_from <= {judgement.known_at}"
    for chunk in _chunks(units):
        among = ", ".join(map(str, chunk))
        asked = f"SELECT DISTINCT unit FROM obligation WHERE part IN ({listed}) AND unit IN ({among}) AND {known}"
        found.update(row.unit for row in judgement.conn.exec_driver_sql(asked))
    return found


def owners_of(conn: Connection, units: Collection[int], parts: Collection[int]) -> set[int]:
    """Return the humans who own units, by their records or by findings of the given parts about them."""
    found: set[int] = set()
    for chunk in _chunks(units):
        kinds = conn.scalars(select(_record.c.kind).distinct().where(_record.c.sid.in_(chunk))).all()
        for kind in kinds:
            if kind in kind_tables:
                table = kind_tables[kind]
                human = func.coalesce(_record.c.canonical, table.c.owner)
                owned = select(human).join(_record, _record.c.sid == table.c.owner).where(table.c.sid.in_(chunk))
                found |= set(conn.scalars(owned))
        human = func.coalesce(_record.c.canonical, _finding.c.owner)
        dealt = select(human).join(_record, _record.c.sid == _finding.c.owner)
        about = _finding.c.unit.in_(chunk), _finding.c.part.in_(list(parts)), _finding.c.state != "withdrawn"
        found |= set(conn.scalars(dealt.where(*about)))
    return found


def units_found(conn: Connection, parts: Collection[int]) -> set[int]:
    """Return the units of open or waived findings of parts."""
    asked = select(_finding.c.unit).where(_finding.c.part.in_(list(parts)), _finding.c.state.in_(("open", "waived")))
    return set(conn.scalars(asked))


def _human(conn: Connection, person: str | None) -> int | None:
    return conn.scalar(select(_record.c.canonical).where(_record.c.id == person))


def _people(judgement: Judgement, ids: Iterable[str | None]) -> dict[str, Subject]:
    wanted = [one for one in ids if one is not None]
    sids = judgement.conn.scalars(select(_record.c.sid).where(_record.c.id.in_(wanted))).all()
    return {one.id: one for one in subjects(judgement.conn, sids, judgement.known_at).values()}


def _chunks(values: Collection[int]) -> Iterable[list[int]]:
    ordered = sorted(values)
    return (ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK))
