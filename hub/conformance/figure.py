"""Figures of a period: what a share and a mean have in common, which are their sums and what follows from these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, and_, case, cast, false, func, or_, select, true

from hub.conformance.evidence import Owed, Rows
from hub.conformance.expression import no_instant, no_text, touched
from hub.conformance.owed import HIDDEN
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need, merge_reads
from hub.conformance.tally import SUMS, marked
from hub.conformance.unit import Unit
from hub.store.tables import metadata

__all__ = ["figure", "sums"]

_period = metadata.tables["period"].c


def sums(
    unit: Unit, owed: Owed, of: Rows, *, value: ColumnElement[Any], valid: ColumnElement[bool] | None = None
) -> Select[Any]:
    """Select what is owed with the sums of the rows `of` whose instant lies in the unit's period, one row where there are any.

    The sums are `hub.conformance.tally.SUMS`; `value` is NULL where it is not known, and where it is not `valid` the
    row does not count for certain.
    """
    valid = true() if valid is None else valid
    in_period = of.where(of.at >= _period.starts_at, of.at < _period.ends_at)
    if of.member is None or of.joins:
        laid = in_period.beside(unit, [*owed, value.label("value"), valid.label("valid")], every=False)[0].cte("laid").c
        sure = case((and_(laid.lacks.is_(None), laid.valid), 1), else_=0)
        whose = [laid[column.name] for column in owed]
        return select(*whose, *_sums(laid.value, sure)).group_by(*whose)
    sure = case(*((doubt, 0) for doubt, _ in of.doubts), (valid, 1), else_=0)
    rows = (
        select(
            of.member.unit.label("unit"),
            _period.starts_at.label("anchor"),
            of.member.sid.label("sid"),
            cast(value, BigInteger).label("value"),
            cast(sure, Integer).label("sure"),
        )
        .select_from(of.member.joined)
        .where(*in_period.conditions)
    )
    one: Any = marked(rows, "counted").subquery("counted").c
    totals = select(one.unit, one.anchor, *_sums(one.value, one.sure)).group_by(one.unit, one.anchor)
    tally: Any = marked(totals, "tally").cte("tallied")
    joined = unit.rows.join(tally, and_(tally.c.unit == unit.sid, tally.c.anchor == unit.anchor))
    told = select(*owed, *(tally.c[name] for name in SUMS)).select_from(joined)
    return told.where(touched(unit.sid), *unit.conditions)


def _sums(value: ColumnElement[Any], sure: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    figures: dict[str, ColumnElement[Any]] = {
        "most": func.count(),
        "counted": func.sum(sure),
        "total": cast(func.sum(case((sure == 1, func.coalesce(value, 0)), else_=0)), BigInteger),
        "no": func.sum(case((value == 0, sure), else_=0)),
        "most_yes": func.sum(case((value == 1, 1), else_=0)),
        "most_no": func.sum(case((value == 0, 1), else_=0)),
    }
    return [figures[name].label(name) for name in SUMS]


def figure(
    requirement: str,
    name: str,
    words: Words,
    *,
    unit: Unit,
    of: Rows,
    sums: Any,
    n: ColumnElement[Any],
    holds: ColumnElement[bool],
    fails: ColumnElement[bool],
    why: str,
    fields: Sequence[str],
    needs: Sequence[Need],
) -> Part:
    """Judge a period by its `sums`: one row a unit and period with what it owes and `counted`.

    `holds` and `fails` say that it is so whatever is not known turns out to be; where neither is, it is not
    provable, and `why` says so.
    """
    known = and_(sums.doubt.is_(None), sums.hidden_at.is_(None))
    unsaid = case((or_(holds, fails), no_text()), else_=why)
    return Part(
        requirement=requirement,
        name=name,
        shape="threshold",
        unit_kind=unit.kind,
        select=select(
            sums.unit,
            sums.anchor,
            sums.opened_at,
            sums.due_at,
            no_instant().label("warn_at"),
            case((and_(holds, known), sums.due_at)).label("met_at"),
            no_instant().label("lost_at"),
            n.label("n"),
            sums.counted.label("d"),
            no_instant().label("evidence"),
            false().label("declared"),
            func.coalesce(case((sums.hidden_at.is_not(None), HIDDEN)), sums.doubt, unsaid).label("lacks"),
        ),
        reads=merge_reads(unit.reads, of.reads, {"period": "all", "calendar": "all"}),
        needs=(*((Need(unit.kind, frozenset(fields)),) if unit.has_envelope else ()), *of.needs, *needs),
        complete=True,
        words=words,
        of_kind=unit.of_kind,
    )
