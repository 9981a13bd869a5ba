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

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    case,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    union_all,
)

from hub.conformance.evidence import At, Evidence, Filled
from hub.conformance.expression import earlier_of, no_instant
from hub.conformance.owed import HIDDEN, NEVER, Doubt, owed_columns
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need, merge_reads
from hub.conformance.unit import Unit
from hub.conformance.verdict import EXPIRED

__all__ = ["attestation", "completeness", "deadline", "obligations", "precondition", "threshold", "trend"]

Instants = ColumnElement[Any]
_NO_DUE = "when it is due is not known"
_KEPT = ("unit", "anchor", "opened_at", "due_at", "hidden_at", "doubt", "at", "record", "declared", "expires_at", "who")


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
    owed = owed_columns(unit, due, all_fields, doubts, [*evidence.needs, *needs])
    laid = _decided(_fenced(evidence.beside(unit, owed)))
    if not isinstance(evidence, Filled | At):  # those are one row a unit, which needs no choice
        laid = _chosen(laid, nth)
    unit_needs = (Need(unit.kind, all_fields),) if unit.has_envelope else ()
    return Part(
        requirement=requirement,
        name=name,
        shape=shape,
        unit_kind=unit.kind,
        select=_judged(laid, warn_share, complete=complete),
        reads=merge_reads(unit.reads, evidence.reads),
        needs=(*unit_needs, *evidence.needs, *needs),
        complete=complete or getattr(evidence, "lost", None) is not None,
        words=words,
    )


def _fenced(rows: Sequence[Select[Any]]) -> Any:
    """Put the rows behind a fence, or the engine works out an expression again wherever it is used further on.

    SQLite and PostgreSQL both keep apart what is limited, if only to everything.
    """
    if len(rows) == 1:
        return rows[0].limit(NEVER).cte("laid")
    return select(union_all(*rows).cte("several")).limit(NEVER).cte("laid")


def _decided(laid: Any) -> Any:
    """Say of each row whether it speaks for or against the unit, and what it lacks."""
    one = laid.c
    lacks = func.coalesce(one.lacks, case((one.at.is_(None), one.undated)))
    kept = [one[name] for name in _KEPT]
    lost = earlier_of(one.lost_at, one.expires_at).label("lost_at")
    counts = and_(func.coalesce(one.counts, false()), or_(one.at.is_not(None), lacks.is_not(None)))
    return select(*kept, lost, lacks.label("lacks"), counts.label("counts")).where(one.unit.is_not(None)).cte("decided")


def _judged(chosen: Any, warn_share: float | None, *, complete: bool) -> Select[Any]:
    """Say what the chosen row decides of what is owed."""
    o = chosen.c
    own_lacks = func.coalesce(
        case(
            (and_(o.hidden_at.is_not(None), func.coalesce(o.due_at, NEVER) > o.hidden_at), HIDDEN),
            (and_(o.due_at.is_(None), literal(value=warn_share is not None)), _NO_DUE),
        ),
        o.doubt,
    )
    proven = and_(o.counts, o.lacks.is_(None), o.at.is_not(None))
    if complete:
        proven = and_(proven, own_lacks.is_(None))
    expired = and_(proven, o.expires_at == o.lost_at)
    warn = no_instant()
    if warn_share is not None:  # whole numbers only: one engine rounds a fraction, the other cuts it off
        warn = o.opened_at + (o.due_at - o.opened_at) * literal(round(warn_share * 1000), BigInteger) // 1000
    return select(
        o.unit,
        o.anchor,
        o.opened_at,
        o.due_at,
        warn.label("warn_at"),
        case((proven, o.at)).label("met_at"),
        case((proven, o.lost_at)).label("lost_at"),
        no_instant().label("n"),
        no_instant().label("d"),
        case((proven, o.record)).label("evidence"),
        and_(o.counts, func.coalesce(o.declared, false())).label("declared"),
        func.coalesce(own_lacks, case((o.counts, o.lacks)), case((expired, EXPIRED))).label("lacks"),
    )


def _chosen(decided: Any, nth: int) -> Any:
    """Let the candidate decide that proves most: in time, then in doubt, then late, then withdrawn.

    With `nth`, the one of the nth different person; what is no candidate comes last and decides nothing.
    """
    c = decided.c
    in_time = c.at <= func.coalesce(c.due_at, NEVER)
    stood = or_(c.lost_at.is_(None), c.lost_at > func.coalesce(c.due_at, NEVER))
    grade = case(
        (not_(c.counts), 9),
        (and_(c.lacks.is_(None), in_time, stood), 0),
        (and_(c.lacks.is_not(None), or_(c.at.is_(None), in_time)), 1),
        (and_(c.lacks.is_(None), stood), 2),
        (c.lacks.is_(None), 3),
        else_=4,
    )
    graded = select(*c, grade.label("grade")).cte("graded")
    if nth == 1:
        placed = _placed("placed", graded, graded.c.unit, graded.c.anchor)
        return select(*placed.c).where(placed.c.place == 1).cte("chosen")
    person = case((graded.c.counts, graded.c.who))
    turns = _placed("turn", graded, graded.c.unit, graded.c.anchor, person)
    once = select(*(turns.c[column.name] for column in graded.c)).where(turns.c.place == 1).cte("once")
    placed = _placed("placed", once, once.c.unit, once.c.anchor)
    # the row of the nth person, or a row that decides nothing where there are fewer
    last = func.max(placed.c.place).over(partition_by=(placed.c.unit, placed.c.anchor))
    counted = select(*placed.c, last.label("last")).cte("counted")
    n = counted.c
    kept = [n[column.name] for column in decided.c if column.name != "counts"]
    reached = and_(n.counts, n.place == nth)
    where = n.place == case((n.last < nth, n.last), else_=nth)
    return select(*kept, reached.label("counts")).where(where).cte("chosen")


def _placed(name: str, rows: Any, *within: ColumnElement[Any]) -> Any:
    """Number the rows within a unit, best first; equal ones by all they say, so that the choice is stable."""
    g = rows.c
    order = (g.grade, g.at.nulls_last(), g.record, g.lost_at.nulls_last(), g.declared, g.lacks.nulls_last())
    place = func.row_number().over(partition_by=within, order_by=order).label("place")
    return select(*g, place).cte(name)


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
