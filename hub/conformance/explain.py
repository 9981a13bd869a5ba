"""Everything there is to say about one requirement, or about what one record owes under it."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select

from hub.conformance.answer import Evidence, ObligationRow, Subject
from hub.conformance.judge import Judgement
from hub.conformance.listing import list_obligations
from hub.conformance.pack import CatalogueEntry
from hub.conformance.part import Part
from hub.conformance.reading import Need
from hub.conformance.subject import evidence_of, subjects
from hub.store.tables import metadata

__all__ = ["Explanation", "Moment", "PartExplanation", "explain"]

_link = metadata.tables["link"]
_event = metadata.tables["event"]
_record = metadata.tables["record"]
_obligation = metadata.tables["obligation"]
_derivation = metadata.tables["derivation"]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a timeline."""

    at: int
    text: str


class PartExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """One part: what it asks, what it reads, and how it is judged."""

    name: str
    shape: str
    asks: str
    unit_kind: str
    reads: list[str]
    obligations: list[ObligationRow]
    coverage: str
    """How far one may conclude from absence for these obligations."""
    sql: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What `hub explain` shows."""

    requirement: str
    clause: str
    title: str
    statement: str
    severity: str
    iso20000: str | None
    parameters: dict[str, Any]
    parts: list[PartExplanation]
    unit: Subject | None = None
    timeline: list[Moment] = []
    related: list[Evidence] = []
    """Records that refer to the unit or that it refers to, with the hashes of their documents."""
    history: list[Moment] = []
    """When what the hub knew of these obligations changed."""


def explain(
    judgement: Judgement, entry: CatalogueEntry, parts: tuple[Part, ...], unit: int | None = None
) -> Explanation:
    """Explain a requirement, for one unit where it is given."""
    conn = judgement.conn
    rows = [] if unit is None else list_obligations(judgement, requirement=entry.id, units=[unit])
    return Explanation(
        requirement=entry.id,
        clause=entry.clause,
        title=entry.title,
        statement=entry.statement,
        severity=entry.severity,
        iso20000=entry.iso20000,
        parameters=dict(entry.parameters),
        parts=[_explain_part(judgement, part, rows, unit) for part in parts],
        unit=None if unit is None else subjects(conn, [unit])[unit],
        timeline=[] if unit is None else _timeline(judgement, unit, rows),
        related=[] if unit is None else _related(judgement, unit),
        history=[] if unit is None else _history(judgement, unit, entry.id),
    )


def _explain_part(judgement: Judgement, part: Part, rows: list[ObligationRow], unit: int | None) -> PartExplanation:
    coverage = ""
    if unit is not None:
        place = judgement.conn.execute(select(_record.c.source, _record.c.scope).where(_record.c.sid == unit)).one()
        reach = judgement.horizon.reach(part, place.source or "", place.scope or "")
        coverage = reach.reason or "read as far as the last reading"
    needs = [name for need in part.needs for name in _named(need)]
    return PartExplanation(
        name=part.name,
        shape=part.shape,
        asks=part.words.asks,
        unit_kind=part.unit_kind,
        reads=sorted(set(needs)),
        obligations=[row for row in rows if row.part == part.name],
        coverage=coverage,
        sql=part.sql(judgement.conn.dialect),
    )


def _named(need: Need) -> list[str]:
    return [f"{need.kind}.{field}" for field in sorted(need.fields)] or [need.kind]


def _timeline(judgement: Judgement, unit: int, rows: list[ObligationRow]) -> list[Moment]:
    """Merge the record's own events with what the obligations say."""
    moments = [
        Moment(at=row.at, text=f"{row.type}{f' {row.field}' if row.field else ''}{f' → {row.to}' if row.to else ''}")
        for row in judgement.conn.execute(select(_event).where(_event.c.sid == unit))
    ]
    for one in rows:
        for at, text in (
            (one.opened_at, "owed from here"),
            (one.due_at, "due"),
            (one.met_at, "met"),
            (one.lost_at, "evidence withdrawn"),
        ):
            if at is not None:
                moments.append(Moment(at=at, text=f"{text} ({one.part})"))
    return sorted(moments, key=lambda moment: (moment.at, moment.text))


def _related(judgement: Judgement, unit: int) -> list[Evidence]:
    conn = judgement.conn
    targets = conn.scalars(select(_link.c.target).where(_link.c.sid == unit)).all()
    sources = conn.scalars(select(_link.c.sid).where(_link.c.target == unit)).all()
    found = evidence_of(conn, {unit, *targets, *sources})
    return sorted(found.values(), key=lambda one: (one.subject.id != found[unit].subject.id, one.subject.id))


def _history(judgement: Judgement, unit: int, requirement: str) -> list[Moment]:
    names = {number: part.name for number, part in judgement.parts.items() if part.requirement == requirement}
    rows = judgement.conn.execute(select(_obligation).where(_obligation.c.unit == unit, _obligation.c.part.in_(names)))
    ours = _definitions(judgement, requirement)
    moments = []
    for row in rows:
        state = "met" if row.met_at is not None else row.lacks or "not met"
        moments.append(
            Moment(at=row.known_from, text=f"{names[row.part]}: known as {state}{ours.get(row.known_from, '')}")
        )
        if row.known_to is not None:
            why = ours.get(row.known_to, "")
            moments.append(Moment(at=row.known_to, text=f"{names[row.part]}: no longer known as {state}{why}"))
    return sorted(moments, key=lambda moment: (moment.at, moment.text))


def _definitions(judgement: Judgement, requirement: str) -> dict[int, str]:
    """Say at which instants we changed what is known by changing the requirement; its first derivation is none."""
    derived = judgement.conn.execute(
        select(_derivation.c.known_at, _derivation.c.cause)
        .where(_derivation.c.requirement == requirement)
        .order_by(_derivation.c.known_at)
    ).all()
    return {row.known_at: " (changed by us: the rules changed)" for row in derived[1:] if row.cause == "definition"}
