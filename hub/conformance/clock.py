"""Service level clocks as units and evidence: due, warning and stop come from the agreement, not from the pack.

The clocks themselves are computed by `hub.sla` from events, agreement and calendars and lie in `sla_clock`
(one row a ticket and metric) and `sla_mark` (when a share of the target is used up). A ticket that has no
clock of a metric was promised nothing; one whose clock lacks something is not provable. What the agreement
leaves out of attainment, such as a duplicate, owes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select

from hub.conformance.evidence import At, at
from hub.conformance.expression import no_instant
from hub.conformance.owed import HIDDEN, NEVER, Doubt, owed_columns
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.unit import Unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["Clock", "clock", "kept"]

_clock = metadata.tables["sla_clock"]
_mark = metadata.tables["sla_mark"]


class Clock:
    """The clocks of one metric of the units, for use as unit, due and evidence of a deadline."""

    def __init__(self, owner: Unit, metric: str) -> None:
        self._metric = metric
        row: Any = _clock.alias(f"{metric}_clock")
        self.c = row.c
        """Columns of the clock: `started_at`, `due_at`, `warn_at`, `stopped_at`, `counted_s`, `target_s`, `lacks`."""
        running = and_(row.c.sid == owner.sid, row.c.metric == metric)
        self.unit: Unit = replace(
            owner,
            rows=owner.rows.join(row, running),
            opened=func.coalesce(row.c.started_at, owner.opened),
            conditions=(*owner.conditions, row.c.excluded.is_(None)),
            reads={**owner.reads, "clock": "near"},
        )
        """Every unit that was promised this, owing from the start of its clock."""
        self.due: ColumnElement[Any] = row.c.due_at
        """When the promised time is used up; NULL while the clock is paused."""
        self.doubts: tuple[Doubt, ...] = ((row.c.lacks.is_not(None), f"its {metric} clock cannot be computed"),)
        """Pass as `doubts`: what a clock lacks, its obligation lacks."""

    @property
    def stopped(self) -> At:
        """Evidence: the clock stopped."""
        return at(self.c.stopped_at)

    def mark(self, percent: int) -> ColumnElement[Any]:
        """Return when `percent` of the promised time is used up; NULL = it stopped or paused before."""
        marked = _mark.alias()
        return (
            select(marked.c.at)
            .where(marked.c.sid == self.unit.sid, marked.c.metric == self._metric, marked.c.percent == percent)
            .correlate_except(marked)
            .scalar_subquery()
        )


def clock(owner: Unit, metric: str) -> Clock:
    """Return the clocks of `metric` (`response`, `onsite`, `resolution`) of such units."""
    return Clock(owner, metric)


def kept(requirement: str, name: str, words: Words, *, of: Clock, fields: Sequence[str] = ()) -> Part:
    """Every clock stops by its due instant, warned at the share its agreement names.

    A paused clock has no due instant and stays pending; one left out by a rule owes nothing.
    """
    row = of.c
    unit = of.unit.where(row.excluded.is_(None))
    owed = owed_columns(unit, row.due_at, frozenset(fields), of.doubts, [])
    declared = kind_tables[unit.kind].c.declared_by.is_not(None).label("declared")
    o = unit.select(*owed, row.warn_at, row.stopped_at, declared).cte("laid").c
    hidden = case((and_(o.hidden_at.is_not(None), func.coalesce(o.due_at, NEVER) > o.hidden_at), HIDDEN))
    return Part(
        requirement=requirement,
        name=name,
        shape="deadline",
        unit_kind=unit.kind,
        select=select(
            o.unit,
            o.anchor,
            o.opened_at,
            o.due_at,
            o.warn_at,
            case((o.doubt.is_(None), o.stopped_at)).label("met_at"),
            no_instant().label("lost_at"),
            no_instant().label("n"),
            no_instant().label("d"),
            case((o.stopped_at.is_not(None), o.unit)).label("evidence"),
            o.declared,
            func.coalesce(hidden, o.doubt).label("lacks"),
        ),
        reads=unit.reads,
        needs=(Need(unit.kind, frozenset(fields)),),
        complete=False,
        words=words,
        of_kind=unit.of_kind,
    )
