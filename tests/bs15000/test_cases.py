"""The tables of tests in `cases/*.yaml`, each case judged on both engines; `cases/README.md` describes the format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from hub.conformance.answer import VERDICTS
from hub.conformance.horizon import Horizon
from hub.conformance.pack import Pack, Requirement
from hub.conformance.part import Part
from hub.conformance.reading import Need
from hub.conformance.verdict import verdict_of
from hub.conformance.waiver import covered_units, known_waivers
from hub.records import Waiver
from hub.store import tables
from hub.store.reading import Covered
from hub.store.row import references
from hub.store.writer import Write, write_records
from hub_bs15000.catalogue import load_pack
from tests.bs15000 import test_changes, test_problems
from tests.bs15000.case_file import CASES, Case, CaseFaultError, Draft, read_file, written

WORDS = {"not_met": "not met", "not_provable": "not provable", "at_risk": "at risk"}
OLDER = {"met": "met", "not_met": "not met", "lacking": "not provable", "pending": "pending"}
"""How the tables in Python call it."""
DATED = {"deadline", "periodic", "trend", "attestation"}
"""Shapes that can be pending."""
_REQUIREMENTS: dict[tuple[str, str], Requirement] = {}


def _drafts() -> Iterator[Draft | CaseFaultError]:
    for path in sorted(CASES.glob("*.yaml")):
        try:
            yield from read_file(path)
        except CaseFaultError as fault:
            yield fault


FOUND = list(_drafts())


def _name(one: Draft | CaseFaultError) -> str:
    return one.name if isinstance(one, Draft) else str(one).partition(":")[0]


@pytest.mark.parametrize("draft", FOUND, ids=_name)
def test_case(empty: Connection, draft: Draft | CaseFaultError):
    if isinstance(draft, CaseFaultError):
        pytest.fail(str(draft), pytrace=False)
    try:
        case = draft.read()
        verdict, owed, ids = judged(empty, case)
    except CaseFaultError as fault:
        message = f"{draft.place}: {fault}"
    else:
        right = verdict == case.expected
        message = "" if right else f"{draft.place}: expected {case.expected}, found {verdict}\n{table(case, owed, ids)}"
    finally:
        empty.rollback()
    if message:
        pytest.fail(message, pytrace=False)


@dataclass(frozen=True)
class Owed:
    """An obligation and how it stands."""

    row: Any
    part: str
    verdict: str | None
    """None = not there yet."""
    counts: bool
    """Decided in the period or open at its end."""


def requirement_of(case: Case) -> Requirement:
    """Compile the requirement of a case alone, once for each set of parameters."""
    key = case.requirement, repr(sorted(case.parameters.items()))
    if key not in _REQUIREMENTS:
        pack = load_pack()
        declared = pack.declarations() if callable(pack.declarations) else pack.declarations
        if case.requirement not in declared:
            raise CaseFaultError(f"nothing judges {case.requirement}")
        alone = {case.requirement: declared[case.requirement]}
        chosen = {case.requirement: case.parameters} if case.parameters else {}
        entries = tuple(entry for entry in pack.entries if entry.id == case.requirement)
        small = Pack(name=pack.name, version=pack.version, clauses=pack.clauses, entries=entries, declarations=alone)
        (_REQUIREMENTS[key],) = small.requirements(chosen)
    whole = _REQUIREMENTS[key]
    if case.part is None:
        return whole
    parts = tuple(part for part in whole.parts if part.name == case.part)
    if not parts:
        raise CaseFaultError(f"no part {case.part!r}; there are {', '.join(part.name for part in whole.parts)}")
    return Requirement(whole.entry, parts)


def judged(conn: Connection, case: Case) -> tuple[str, list[Owed], dict[int, str]]:
    """Write the records, run the requirement's parts and roll their obligations up, as the hub does."""
    requirement = requirement_of(case)
    write_records(conn, [Write(one) for one in case.records], known_at=1)
    places = {row.sid: row for row in conn.execute(select(*tables.record.c))}
    ids = {sid: row.id for sid, row in places.items()}
    _start_clocks(conn, case, {one: sid for sid, one in ids.items()})
    for one in (case.unit, case.anchor):
        if isinstance(one, str) and one not in ids.values():
            raise CaseFaultError(f"{one} is not among the records")
    horizon = _horizon(case, requirement.parts, {(row.source or "", row.scope or "") for row in places.values()})
    waived = _waived(conn, case)
    owed = []
    for part in requirement.parts:
        seen = set()
        for row in conn.exec_driver_sql(part.sql(conn.dialect)):
            if (row.unit, row.anchor) in seen:
                raise CaseFaultError(f"{part.name}: two obligations of {ids[row.unit]} at anchor {row.anchor}")
            seen.add((row.unit, row.anchor))
            if case.unit not in (None, ids[row.unit]) or case.anchor not in (None, row.anchor, ids.get(row.anchor)):
                continue
            place = places[row.unit]
            verdict = verdict_of(
                as_of=case.as_of,
                opened_at=row.opened_at,
                due_at=row.due_at,
                warn_at=row.warn_at,
                met_at=row.met_at,
                lost_at=row.lost_at,
                declared=bool(row.declared),
                lacks=row.lacks,
                complete=part.complete,
                through=horizon.reach(part, place.source or "", place.scope or "").through,
                waived=waived is None or row.unit in waived,
                stale_ms=0,
            )
            decided = _decided_at(row, case.as_of)
            owed.append(Owed(row, part.name, verdict, verdict is not None and (decided or case.start) >= case.start))
    found = {one.verdict for one in owed if one.counts}
    if any(gap.reach.through is None or gap.reach.through < case.as_of for gap in horizon.unit_gaps(requirement)):
        found.add("not_provable")
    worst = next((verdict for verdict in VERDICTS if verdict in found), "none")
    return WORDS.get(worst, worst), owed, ids


def _start_clocks(conn: Connection, case: Case, sids: dict[str, int]) -> None:
    """Write the service level clocks of the case, which the hub would compute."""
    for given in case.clocks:
        one = dict(given)
        ticket, marks = one.pop("of"), one.pop("marks", {})
        if ticket not in sids:
            raise CaseFaultError(f"a clock is of {ticket}, which is not among the records")
        if "agreement" in one:
            one["agreement"] = sids[one["agreement"]]
        conn.execute(insert(tables.sla_clock).values(sid=sids[ticket], **one))
        for percent, moment in marks.items():
            row = {"sid": sids[ticket], "metric": one["metric"], "percent": percent, "at": moment}
            conn.execute(insert(tables.sla_mark).values(row))


def _decided_at(row: Any, as_of: int) -> int | None:
    """Return when it was met in time and stayed so, else when it was due."""
    stood = row.lost_at is None or row.lost_at > (as_of if row.due_at is None else row.due_at)
    in_time = row.met_at is not None and (row.due_at is None or row.met_at < row.due_at)
    return row.met_at if in_time and stood else row.due_at


def _horizon(case: Case, parts: tuple[Part, ...], places: set[tuple[str, str]]) -> Horizon:
    """Let every place have been read through as-of and say everything, but for what is `unread`."""
    needs = [need for part in parts for need in _flat(part.needs)]
    fields: dict[str, set[str]] = defaultdict(set)
    for need in needs:
        fields[need.kind] |= need.fields
    known = {*fields, *(f"{kind}.{field}" for kind, names in fields.items() for field in names)}
    if case.unread - known:
        raise CaseFaultError(
            f"unread: no part needs {', '.join(sorted(case.unread - known))}, so reading it or not makes no difference; "
            f"needed: {', '.join(sorted(known)) or 'nothing'}"
        )
    places = places | {("register", "")}
    provided = {
        (source, kind): (frozenset({"id"} | {name for name in names if f"{kind}.{name}" not in case.unread}), False)
        for source, _ in places
        for kind, names in fields.items()
    }
    covered = [
        Covered(source, scope, kind, None if kind in case.unread else case.as_of, None, 0)
        for source, scope in places
        for kind in fields
    ]
    return Horizon(covered, provided)


def _flat(needs: tuple[Need, ...]) -> Iterator[Need]:
    for need in needs:
        yield need
        yield from _flat(need.alternatives)


def _waived(conn: Connection, case: Case) -> set[int] | None:
    """Return the units under a waiver; None = all."""
    units: set[int] = set()
    if any(isinstance(one, Waiver) for one in case.records):
        known = known_waivers(conn, as_of=case.as_of, known_at=None, requirements={case.requirement: ""})
        for one in known:
            if not one.holds(case.as_of):
                continue
            covered = covered_units(conn, one.waiver)
            if covered is None:
                return None
            units |= covered
    return units


def table(case: Case, owed: list[Owed], ids: dict[int, str]) -> str:
    """Lay out what was found, so that an author sees why."""
    heads = ["part", "unit", "anchor", "opened", "due", "met", "lost", "verdict", "by", "lacks"]
    lines = [
        [
            one.part,
            ids[one.row.unit],
            ids.get(one.row.anchor) or (written(one.row.anchor) if one.row.anchor else ""),
            *(written(one.row[place]) for place in (2, 3, 5, 6)),
            f"{one.verdict or 'not yet'}{'' if one.counts or not one.verdict else ' (before)'}",
            ids.get(one.row.evidence, ""),
            one.row.lacks or "",
        ]
        for one in owed
    ]
    widths = [max(len(line[n]) for line in [heads, *lines]) for n in range(len(heads))]
    laid = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in [heads, *lines]]
    there = {one.id for one in case.records}
    absent = sorted({one for record in case.records for one in references(record)} - there)
    notes = [f"referred to, but not among the records: {', '.join(absent)}"] if absent else []
    return "\n".join([f"as of {written(case.as_of)}", *(laid if owed else ["nothing is owed"]), *notes])


def test_every_requirement_has_its_cases():
    shown: dict[str, set[str]] = defaultdict(set)
    for requirement, _, stands, _ in (*test_problems.CASES, *test_changes.CASES, *test_changes.MONTHS):
        shown[requirement].add(OLDER.get(stands, stands))
    for draft in FOUND:
        if isinstance(draft, Draft):
            shown[draft.requirement].add(draft.expected)
    lacks = []
    for requirement in load_pack().requirements({}):
        dated = any(part.shape in DATED for part in requirement.parts)
        one = shown[requirement.id.removeprefix("BS15000-")]
        wanted = [("met", "attested"), ("not met",), ("not provable",), *([("pending", "at risk")] if dated else [])]
        missing = [words[0] for words in wanted if one.isdisjoint(words)]
        if missing:
            lacks.append(f"{requirement.id} has no case that is {', '.join(missing)}")
    if lacks:
        pytest.fail("\n".join(lacks), pytrace=False)
