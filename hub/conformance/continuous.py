"""Evidence that must never lapse: a document in force, a review at most so many days old.

Each piece of evidence holds from an instant until another. What overlaps or meets forms a chain; every
period of the unit must be covered by one chain from its first instant to its last. The verdict of a
period falls when the chain ends: at that instant it is breached, and the next evidence cures it late.

```
period          |------------------------|          due = last instant: met when the second review was held
review    |-----------until
                     review---------------------until
```
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Integer,
    Select,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    union_all,
)

from hub.conformance.evidence import Evidence
from hub.conformance.expression import days_after, earlier_of, later_of, no_instant, no_text, year_after
from hub.conformance.owed import HIDDEN, NEVER, Doubt, owed_columns
from hub.conformance.part import Part, Words
from hub.conformance.piped import Piped, given, once
from hub.conformance.reading import Need, merge_reads
from hub.conformance.unit import PeriodName, Unit
from hub.conformance.verdict import EXPIRED
from hub.store.tables import Text, metadata

__all__ = ["holding", "in_force", "periodic"]

Instants = ColumnElement[Any]
_period = metadata.tables["period"]
_DAY_MS = 86_400_000
_YEAR_DAYS = 365
_LONGEST_DAYS = 100 * 366
"""A longer interval is somebody's slip; multiplied out it would not fit a number of the database."""
_BEGINNING: dict[str, Any] = {
    "unit": Integer,
    "at": BigInteger,
    "until": BigInteger,
    "record": Integer,
    "declared": Boolean,
}
_LAID: dict[str, Any] = {
    **_BEGINNING,
    "lost_at": BigInteger,
    "expires_at": BigInteger,
    "lacks": Text,
    "undated": Text,
    "counts": Boolean,
}
_OWED: dict[str, Any] = {
    "unit": Integer,
    "anchor": BigInteger,
    "opened_at": BigInteger,
    "due_at": BigInteger,
    "hidden_at": BigInteger,
    "doubt": Text,
}
"""Columns of what a part hands to the steps that are alike in all of them."""
_COVERED, _DOUBTED, _LATE, _NOTHING = range(4)
"""How a piece of evidence speaks for a period, best first."""


def holding(at: Instants, days: Any, grace_days: int = 0) -> Instants:
    """Return the end of the local day `days` days after `at`; outside the calendar days of 24 hours are counted.

    365 days are a calendar year: the same date of the next, whether or not a leap day lies between. `grace_days`
    follow either. What was done before the calendar begins must not hold for ever for want of a day to count from.
    """
    named = isinstance(days, ColumnElement)
    limit = (case((days > _LONGEST_DAYS, _LONGEST_DAYS), else_=days) if named else days) + grace_days
    elapsed = at + cast(limit, BigInteger) * _DAY_MS  # PostgreSQL counts small numbers in 32 bits
    if named:
        year = year_after(at, grace_days, where=days == _YEAR_DAYS)
        return func.coalesce(year, days_after(at, limit), days_after(elapsed, 0), elapsed)
    counted = year_after(at, grace_days) if days == _YEAR_DAYS else days_after(at, limit)
    return func.coalesce(counted, days_after(elapsed, 0), elapsed)


def periodic(
    requirement: str,
    name: str,
    words: Words,
    *,
    unit: Unit,
    evidence: Evidence,
    at: Instants,
    days: Any,
    grace_days: int = 0,
    **more: Any,
) -> Part:
    """Evidence comes again at most `days` local days after the last, or after the unit came into being.

    `at` is the instant of the evidence as its own columns give it; `days` may be a column, such as the
    interval a contract names. The day of the limit still counts, and `grace_days` after it.
    """
    return in_force(
        requirement,
        name,
        words,
        unit=unit,
        evidence=evidence,
        until=holding(at, days, grace_days),
        first=None if unit.kind == "organisation" else holding(unit.opened, days, grace_days),
        shape=more.pop("shape", "periodic"),
        **more,
    )


def in_force(
    requirement: str,
    name: str,
    words: Words,
    *,
    unit: Unit,
    evidence: Evidence,
    until: Instants,
    every: PeriodName = "month",
    first: Instants | None = None,
    end: Instants | None = None,
    warn_days: int = 30,
    shape: str = "attestation",
    fields: Sequence[str] = (),
    doubts: Sequence[Doubt] = (),
    needs: Sequence[Need] = (),
) -> Part:
    """Evidence holds without a gap throughout every period; anchor = the period's start.

    `until` is the first instant at which a piece of evidence no longer holds, by its own columns (NULL =
    it holds on); what is withdrawn before ends then. `first` is when the first evidence must be there
    (NULL or None = at once), `end` when the unit stops owing.
    """
    inputs: dict[str, Any] = {"evidence": _laid(unit, evidence, until)}
    if first is not None:
        inputs["beginning"] = _beginning(unit, first)
    last = _period.c.ends_at - 1 if end is None else earlier_of(end, _period.c.ends_at - 1)
    owing = _periods(unit, every, first, end)
    owed = owed_columns(owing, last, frozenset(fields), doubts, [*evidence.needs, *needs])
    inputs["owed"] = owing.select(*owed)
    alike = ("continuous", first is None, warn_days)
    return Part(
        requirement=requirement,
        name=name,
        shape=shape,
        unit_kind=unit.kind,
        select=Piped(inputs, alike, partial(_what_follows, warn_days, begins=first is not None), once=("evidence",)),
        reads=merge_reads(unit.reads, evidence.reads, {"period": "all", "calendar": "all"}),
        needs=(*((Need(unit.kind, frozenset(fields)),) if unit.has_envelope else ()), *evidence.needs, *needs),
        complete=False,
        words=words,
        of_kind=unit.of_kind,
    )


def _laid(unit: Unit, evidence: Evidence, until: Instants) -> Any:
    """Lay every candidate beside its unit, with the instant up to which it holds."""
    selects = evidence.beside(unit, [unit.sid.label("unit"), until.label("until")], every=False)
    return selects[0] if len(selects) == 1 else union_all(*selects)


def _beginning(unit: Unit, first: Instants) -> Select[Any]:
    """Give the time before the first evidence is owed, which counts as covered by nothing."""
    columns = (
        unit.sid.label("unit"),
        unit.opened.label("at"),
        first.label("until"),
        no_instant().label("record"),
        false().label("declared"),
    )
    return unit.select(*columns).where(first > unit.opened)


def _what_follows(warn_days: int, *, begins: bool) -> Select[Any]:
    laid, owed = given("evidence", _LAID), given("owed", _OWED)
    beginning = given("beginning", _BEGINNING) if begins else None
    chained = _chained(laid, beginning)
    return _judged(_chosen(_reached(owed, chained), laid, chained), warn_days)


def _chained(laid: Any, beginning: Any) -> Any:
    """Join evidence that meets or overlaps into numbered chains."""
    e = laid.c
    holds_until = func.coalesce(earlier_of(e.until, earlier_of(e.lost_at, e.expires_at)), NEVER)
    sure = select(e.unit, e.at, holds_until.label("until"), e.record, e.declared).where(
        e.counts, e.lacks.is_(None), e.at.is_not(None), holds_until > e.at
    )
    rows = (sure if beginning is None else union_all(sure, select(*beginning.c))).subquery("row")
    r = rows.c
    order = (r.at, r.record.nulls_first(), r.until)
    before = func.max(r.until).over(partition_by=r.unit, order_by=order, rows=(None, -1))
    broken = select(*r, case((r.at <= before, 0), else_=1).label("broken")).subquery("broken")
    b = broken.c
    number = func.sum(b.broken).over(
        partition_by=b.unit, order_by=(b.at, b.record.nulls_first(), b.until), rows=(None, 0)
    )
    return once(select(b.unit, b.at, b.until, b.record, b.declared, number.label("chain")), "chained")


def _periods(unit: Unit, every: PeriodName, first: Instants | None, end: Instants | None) -> Unit:
    """Let the unit owe every period, from the one in which the first evidence is owed."""
    starts: Instants = _period.c.starts_at
    opened: Instants = later_of(starts, unit.opened)
    begins = unit.opened
    if first is not None:
        begins = func.coalesce(first, unit.opened)
        opened = case((starts <= begins, unit.opened), else_=starts)
    within = [_period.c.unit == every, _period.c.ends_at > begins]
    if end is not None:
        within.append(or_(end.is_(None), end > opened))
    return replace(unit, rows=unit.rows.join(_period, and_(*within)), anchor=starts, opened=opened)


def _reached(owed: Any, chained: Any) -> Any:
    """Say which chain covers the first instant of each period, and when it ends."""
    o, row = owed.c, chained.c
    grouped = row.unit, row.chain
    whole = select(*grouped, func.min(row.at).label("at"), func.max(row.until).label("ends")).group_by(*grouped)
    begin = whole.subquery("whole")
    c = begin.c
    covering = and_(c.unit == o.unit, c.at <= o.opened_at, c.ends > o.opened_at)
    lapses = func.coalesce(c.ends, o.opened_at)
    rows = select(*o, c.chain, lapses.label("lapses_at")).select_from(owed.outerjoin(begin, covering))
    return once(rows, "reached")


def _chosen(reached: Any, laid: Any, chained: Any) -> Any:
    """Choose for each period the evidence that covers it to the end, or else what may, or else what came late."""
    r = reached.c
    covering, late, doubted = chained.alias("covering"), chained.alias("late"), laid.alias("doubted")
    c, t, d = covering.c, late.c, doubted.c
    kept = [r.unit, r.anchor, r.opened_at, r.due_at, r.hidden_at, r.doubt, r.lapses_at]

    def row(grade: int, at: Any, record: Any, declared: Any, lacks: Any, *, began: Any = None) -> list[Any]:
        return [
            *kept,
            literal(grade).label("grade"),
            at.label("at"),
            (at if began is None else began).label("began"),
            record.label("record"),
            declared.label("declared"),
            lacks.label("lacks"),
        ]

    covers = and_(c.unit == r.unit, c.chain == r.chain, c.until >= r.due_at, c.record.is_not(None))
    comes = and_(t.unit == r.unit, t.at >= r.lapses_at, r.lapses_at <= r.due_at, t.record.is_not(None))
    why = func.coalesce(d.lacks, case((d.at.is_(None), d.undated)), literal(EXPIRED))
    unsure = or_(d.lacks.is_not(None), d.at.is_(None), d.expires_at <= r.due_at)
    overlaps = and_(
        d.unit == r.unit,
        d.counts,
        unsure,
        or_(d.at.is_(None), d.at <= r.lapses_at),  # what begins later leaves the gap before it as certain as it is
        func.coalesce(earlier_of(d.until, d.lost_at), NEVER) > r.lapses_at,
    )
    several = union_all(
        select(*row(_COVERED, later_of(c.at, r.opened_at), c.record, c.declared, no_text(), began=c.at)).join(
            covering, covers
        ),
        select(*row(_DOUBTED, no_instant(), no_instant(), false(), why)).join(doubted, overlaps),
        select(*row(_LATE, t.at, t.record, t.declared, no_text())).join(late, comes),
        select(*row(_NOTHING, no_instant(), no_instant(), false(), no_text())),
    ).subquery("several")
    s = several.c
    # what held from before the period began is told apart by when it did: numbers of records are given as they arrive
    order = (s.grade, s.at.nulls_last(), s.began.nulls_last(), s.declared, s.lacks.nulls_last(), s.record.nulls_last())
    place = func.row_number().over(partition_by=(s.unit, s.anchor), order_by=order).label("place")
    placed = select(*s, place).cte("placed")
    p = placed.c
    left = and_(p.grade == _NOTHING, p.lapses_at > p.due_at)  # the unit stopped owing before the first was due
    return select(*p).where(p.place == 1, ~left).cte("chosen")


def _judged(chosen: Any, warn_days: int) -> Select[Any]:
    """Say what the chosen evidence decides: met to the period's end, or breached where the chain ended."""
    o = chosen.c
    due = case((o.grade == _COVERED, o.due_at), else_=o.lapses_at)
    own = func.coalesce(case((and_(o.hidden_at.is_not(None), due > o.hidden_at), HIDDEN)), o.doubt)
    warn = later_of(due - warn_days * _DAY_MS, o.opened_at)
    return select(
        o.unit,
        o.anchor,
        o.opened_at,
        due.label("due_at"),
        warn.label("warn_at"),
        o.at.label("met_at"),
        no_instant().label("lost_at"),
        no_instant().label("n"),
        no_instant().label("d"),
        o.record.label("evidence"),
        func.coalesce(o.declared, false()).label("declared"),
        func.coalesce(own, o.lacks).label("lacks"),
    )
