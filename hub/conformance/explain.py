"""Everything there is to say about one requirement, or about what one record owes under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Dialect, select

from hub.conformance.answer import Evidence, ObligationRow, ProfileLine, Subject
from hub.conformance.demand import EvidenceKind, Read, Setting, evidence_kinds, reads, settings
from hub.conformance.horizon import Horizon
from hub.conformance.judge import Judgement
from hub.conformance.listing import list_obligations
from hub.conformance.pack import CatalogueEntry, Language
from hub.conformance.part import Part
from hub.conformance.profile import Choice, profile_lines, resolve
from hub.conformance.reading import Need
from hub.conformance.subject import evidence_of, subjects
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["Explanation", "Moment", "PartExplanation", "describe", "explain"]

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
    needs: list[Read]
    """What it reads with the sources that give it."""
    looks_at: list[str] = []
    """What else counts where there is any: kinds of records, and `calendar`, `identity`, `period`."""
    obligations: list[ObligationRow] = []
    coverage: str = ""
    """How far one may conclude from absence for these obligations."""
    sql: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What `hub explain` shows."""

    requirement: str
    clause: str
    clause_title: str
    title: str
    statement: str
    severity: str
    iso20000: str | None
    role: str
    """Process role that answers for it when a subject has no owner."""
    shape: str
    unit_kind: str
    """Record kind the demand is about."""
    evidence_kinds: list[EvidenceKind]
    parameters: dict[str, Any]
    settings: list[Setting]
    """The same parameters with the shipped value and where each comes from."""
    profile: list[ProfileLine]
    """What the organisation has set otherwise than shipped."""
    asked: bool
    """False = the profile leaves it out for everybody."""
    parts: list[PartExplanation]
    """Empty = no part judges it yet, or it is not asked."""
    unit: Subject | None = None
    timeline: list[Moment] = []
    related: list[Evidence] = []
    """Records that refer to the unit or that it refers to, with the hashes of their documents."""
    history: list[Moment] = []
    """When what the hub knew of these obligations changed."""


def describe(
    entry: CatalogueEntry,
    parts: tuple[Part, ...],
    horizon: Horizon,
    dialect: Dialect,
    *,
    clause_title: str = "",
    language: Language = "en",
    chosen: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    choices: Sequence[Choice] = (),
    place: str = "",
) -> Explanation:
    """Say what a requirement asks of whom, what it reads and from where.

    `entry` is as the pack ships it; `chosen` and `choices` are the organisation's, which stand below `place`.
    """
    resolved = resolve(entry, chosen.get(entry.id, {}), choices)
    deviations = profile_lines([entry], chosen, choices, place=place)
    return Explanation(
        requirement=entry.id,
        clause=entry.clause,
        clause_title=clause_title,
        title=entry.title_in(language),
        statement=entry.statement_in(language),
        severity=resolved.entry.severity,
        iso20000=entry.iso20000,
        role=entry.role,
        shape=entry.shape,
        unit_kind=entry.unit,
        evidence_kinds=evidence_kinds(entry.evidence, horizon),
        parameters=dict(resolved.entry.parameters),
        settings=settings(entry, resolved.entry.parameters, deviations),
        profile=deviations,
        asked=resolved.is_asked,
        parts=[
            PartExplanation(
                name=part.name,
                shape=part.shape,
                asks=part.words.asks,
                unit_kind=part.unit_kind,
                reads=sorted({name for need in part.needs for name in _named(need)}),
                needs=reads(part, horizon),
                looks_at=sorted(part.reads.keys() - {need.kind for need in part.needs}),
                sql=part.sql(dialect),
            )
            for part in parts
        ],
    )


def explain(judgement: Judgement, described: Explanation, parts: tuple[Part, ...], unit: int) -> Explanation:
    """Add to what a requirement asks what one unit owes under it."""
    rows = list_obligations(judgement, requirement=described.requirement, units=[unit])
    place = judgement.conn.execute(select(_record.c.source, _record.c.scope).where(_record.c.sid == unit)).one()

    def owed(told: PartExplanation, part: Part) -> PartExplanation:
        reach = judgement.horizon.reach(part, place.source or "", place.scope or "")
        return replace(
            told,
            obligations=[row for row in rows if row.part == part.name],
            coverage=reach.reason or "read as far as the last reading",
        )

    return replace(
        described,
        parts=[owed(told, part) for told, part in zip(described.parts, parts, strict=True)],
        unit=subjects(judgement.conn, [unit])[unit],
        timeline=_timeline(judgement, unit, rows),
        related=_related(judgement, unit),
        history=_history(judgement, unit, described.requirement),
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
    moments += _decisions(judgement, unit)
    return sorted(moments, key=lambda moment: (moment.at, moment.text))


def _decisions(judgement: Judgement, unit: int) -> list[Moment]:
    """Tell decisions about the unit, and claims of such with the reason why they do not count."""
    a, who = kind_tables["approval"].c, _record.alias()
    rows = judgement.conn.execute(
        select(a.decision, a.decided_at, a.claimed_at, a.created_at, a.status, who.c.id.label("approver"))
        .join_from(a.sid.table, who, who.c.sid == a.approver, isouter=True)
        .where(a.subject_id == unit, a.vanished_at.is_(None))
    )
    moments = []
    for row in rows:
        at = row.decided_at or row.claimed_at or row.created_at
        text = f"{row.decision} by {row.approver}" if row.decision else f"asked: {row.status or 'not answered'}"
        if at is not None:
            moments.append(Moment(at=at, text=text))
    return moments


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
        select(_derivation.c.known_at, _derivation.c.cause, _derivation.c.detail)
        .where(_derivation.c.requirement == requirement)
        .order_by(_derivation.c.known_at)
    ).all()
    return {
        row.known_at: f" (changed by us: {row.detail or 'the rules changed'})"
        for row in derived[1:]
        if row.cause == "definition"
    }
