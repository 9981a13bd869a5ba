"""The shapes of requirements, each compiled to one select of obligations.

precondition   evidence exists before the unit's own event
deadline       evidence exists by a due instant after something happened
completeness   fields or links are filled by a due instant
threshold      a condition over the unit holds at an instant
trend          an analysis is made for every period
attestation    a document is in force throughout every period
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, exists, func, literal, or_, select

from hub.conformance.evidence import At, Evidence, Filled
from hub.conformance.expression import no_instant, no_text
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need, merge_reads
from hub.conformance.unit import Unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["attestation", "completeness", "deadline", "obligations", "precondition", "threshold", "trend"]

Instants = ColumnElement[Any]
Doubt = tuple[ColumnElement[bool], str]
_unknown = metadata.tables["unknown_field"]
_NEVER = 9_000_000_000_000_000
_HIDDEN = "it is no longer visible at its source"
_NO_DUE = "when it is due is not known"


def obligations(
    shape: str,
    requirement: str,
    name: str,
    words: Words,
    *,
    unit: Unit,
    evidence: Evidence,
    due: Instants,
    fields: Sequence[str] = (),
    warn_share: float | None = None,
    nth: int = 1,
    doubts: Sequence[Doubt] = (),
    complete: bool = False,
    needs: Sequence[Need] = (),
) -> Part:
    """Compile one part.

    `fields` are the unit's own neutral fields the part reads: where the source could not give one for
    a record, the obligation lacks it; where no source gives it at all, nothing is provable. `doubts`
    are conditions under which it cannot be known whether the unit owes this. `nth` asks for evidence
    of that many different people.
    """
    own = tuple(evidence.fields) if isinstance(evidence, Filled) else ()
    all_fields = frozenset((*fields, *own))
    owed = _owed(unit, due, all_fields, doubts, evidence)
    compiled = _judged(owed, warn_share, complete=complete, chosen=_chosen(unit, evidence, due, nth), nth=nth)
    unit_needs = (Need(unit.kind, all_fields),) if unit.has_envelope else ()
    return Part(
        requirement=requirement,
        name=name,
        shape=shape,
        unit_kind=unit.kind,
        select=compiled,
        reads=merge_reads(unit.reads, evidence.reads),
        needs=(*unit_needs, *evidence.needs, *needs),
        complete=complete or getattr(evidence, "lost", None) is not None,
        words=words,
    )


def _owed(unit: Unit, due: Instants, fields: frozenset[str], doubts: Sequence[Doubt], evidence: Evidence) -> Any:
    """Select who owes, since when and by when, with what cannot be known of the unit itself."""
    cases = [(condition, literal(why)) for condition, why in doubts]
    hidden: ColumnElement[Any] = no_instant()
    if unit.has_envelope:
        hidden = kind_tables[unit.kind].c.invisible_at
        if fields:
            unread = exists().where(_unknown.c.sid == unit.sid, _unknown.c.field.in_(sorted(fields)))
            text = literal(f"the source could not give {', '.join(sorted(fields))}")
            cases.append((unread.correlate_except(_unknown), text))
    own = evidence.inline(unit) if isinstance(evidence, Filled | At) else None
    return unit.select(
        unit.sid.label("unit"),
        unit.anchor.label("anchor"),
        unit.opened.label("opened_at"),
        due.label("due_at"),
        hidden.label("hidden_at"),
        (case(*cases) if cases else no_text()).label("doubt"),
        (no_instant() if own is None else own.at).label("at"),
        no_instant().label("lost_at"),
        unit.sid.label("record"),
        (literal(value=False) if own is None else own.declared).label("declared"),
        (no_text() if own is None else own.lacks).label("lacks"),
    ).subquery("owed")


def _judged(owed: Any, warn_share: float | None, *, complete: bool, chosen: Any, nth: int) -> Select[Any]:
    """Put the deciding evidence beside what is owed."""
    o = owed.c
    e = o if chosen is None else chosen.c
    lacks = func.coalesce(
        case(
            (and_(o.hidden_at.is_not(None), func.coalesce(o.due_at, _NEVER) > o.hidden_at), _HIDDEN),
            (and_(o.due_at.is_(None), literal(value=warn_share is not None)), _NO_DUE),
        ),
        o.doubt,
        e.lacks,
    )
    proven = and_(e.lacks.is_(None), lacks.is_(None)) if complete else e.lacks.is_(None)
    met = case((proven, e.at))
    warn = no_instant()
    if warn_share is not None:  # whole numbers only: one engine rounds a fraction, the other cuts it off
        warn = o.opened_at + (o.due_at - o.opened_at) * literal(round(warn_share * 1000), BigInteger) // 1000
    rows = owed
    if chosen is not None:
        rows = owed.outerjoin(chosen, and_(e.unit == o.unit, e.anchor == o.anchor, e.place == nth))
    return select(
        o.unit,
        o.anchor,
        o.opened_at,
        o.due_at,
        warn.label("warn_at"),
        met.label("met_at"),
        case((proven, e.lost_at)).label("lost_at"),
        no_instant().label("n"),
        no_instant().label("d"),
        case((and_(proven, e.at.is_not(None)), e.record)).label("evidence"),
        func.coalesce(e.declared, literal(value=False)).label("declared"),
        lacks.label("lacks"),
    ).select_from(rows)


def _chosen(unit: Unit, evidence: Evidence, due: Instants, nth: int) -> Any:
    """Let the candidate decide that proves most: in time, then in doubt, then late, then withdrawn.

    None for evidence in the unit's own row, which needs no choice.
    """
    if isinstance(evidence, Filled | At):
        return None
    # materialised, or the engine repeats what makes a candidate wherever its instant is compared
    c = evidence.candidates(unit, due).cte("candidate").prefix_with("MATERIALIZED").c
    in_time = c.at <= func.coalesce(c.due, _NEVER)
    stood = or_(c.lost_at.is_(None), c.lost_at > func.coalesce(c.due, _NEVER))
    grade = case(
        (and_(c.lacks.is_(None), in_time, stood), 0),
        (and_(c.lacks.is_not(None), or_(c.at.is_(None), in_time)), 1),
        (and_(c.lacks.is_(None), stood), 2),
        (c.lacks.is_(None), 3),
        else_=4,
    )
    graded = select(*c, grade.label("grade")).subquery("graded")
    if nth > 1:
        best = _placed(graded, "turn", graded.c.unit, graded.c.anchor, graded.c.who)
        names = [column.name for column in graded.c]
        graded = select(*(best.c[name] for name in names)).where(best.c.turn == 1).subquery("best")
    return _placed(graded, "place", graded.c.unit, graded.c.anchor)


def _placed(graded: Any, name: str, *within: ColumnElement[Any]) -> Any:
    """Number the candidates within a unit, best first; equal ones by all they say, so that the choice is stable."""
    g = graded.c
    order = (g.grade, g.at.nulls_last(), g.record, g.lost_at.nulls_last(), g.declared, g.lacks.nulls_last())
    place = func.row_number().over(partition_by=within, order_by=order).label(name)
    return select(*graded.c, place).subquery(f"{name}d")


def precondition(
    requirement: str, name: str, words: Words, *, unit: Unit, before: Instants, evidence: Evidence, **more: Any
) -> Part:
    """Evidence exists before the unit's own event `before`; equal instants pass.

    Without the event the obligation stays pending: nothing has gone live yet.
    """
    return obligations("precondition", requirement, name, words, unit=unit, evidence=evidence, due=before, **more)


def deadline(
    requirement: str,
    name: str,
    words: Words,
    *,
    unit: Unit,
    due: Instants,
    evidence: Evidence,
    warn_share: float = 0.8,
    shape: str = "deadline",
    **more: Any,
) -> Part:
    """Evidence exists by `due`, counted from the instant the unit opens; a warning goes out at `warn_share`.

    Where the calendar does not reach the day, the obligation lacks it.
    """
    return obligations(
        shape,
        requirement,
        name,
        words,
        unit=unit.reading(calendar="all"),
        evidence=evidence,
        due=due,
        warn_share=warn_share,
        **more,
    )


def completeness(
    requirement: str, name: str, words: Words, *, unit: Unit, fields: Sequence[str], by: Instants, **more: Any
) -> Part:
    """All `fields` of the unit hold values by `by` (NULL = not yet called for)."""
    return obligations(
        "completeness", requirement, name, words, unit=unit, evidence=Filled(tuple(fields)), due=by, **more
    )


def threshold(
    requirement: str, name: str, words: Words, *, unit: Unit, holds: ColumnElement[bool], at: Instants, **more: Any
) -> Part:
    """The condition `holds` is true of the unit as recorded; decided at `at`."""
    return obligations(
        "threshold",
        requirement,
        name,
        words,
        unit=unit,
        evidence=At(case((holds, at))),
        due=at,
        complete=True,
        **more,
    )


def trend(
    requirement: str, name: str, words: Words, *, unit: Unit, due: Instants, evidence: Evidence, **more: Any
) -> Part:
    """An analysis is made for every period, by `due` after its end."""
    return deadline(requirement, name, words, unit=unit, due=due, evidence=evidence, shape="trend", **more)


def attestation(
    requirement: str, name: str, words: Words, *, unit: Unit, due: Instants, evidence: Evidence, **more: Any
) -> Part:
    """Something declared is in force to the end of every period; what lapses before is lost."""
    return obligations("attestation", requirement, name, words, unit=unit, evidence=evidence, due=due, **more)
