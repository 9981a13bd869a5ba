"""Who owes: the units of a part, each with the instant its obligation opens.

A unit is always a record; what it owes more than once (a month, a cluster, an idle spell) is told
apart by the anchor: the start of the period or the record that opened it, never a row number.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, Table, func, literal, or_, select, true

from hub.conformance.expression import touched
from hub.conformance.reading import Reads
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["ORGANISATION", "PeriodName", "Unit", "each", "each_month", "organisation", "unit"]

PeriodName = Literal["month", "quarter", "half_year", "year"]
ORGANISATION = "hub:organisation"
"""Id of the record that owes what the organisation as a whole owes."""


@dataclass(frozen=True, slots=True)
class Unit:
    """The records, or slots of records, that owe something."""

    kind: str
    rows: FromClause
    sid: ColumnElement[int]
    anchor: ColumnElement[int]
    opened: ColumnElement[int]
    conditions: tuple[ColumnElement[bool], ...]
    reads: Reads
    has_envelope: bool = True
    """The rows are the kind's own table, with its envelope columns."""
    lined: Reads = field(default_factory=dict)
    """See `Outline.lined`."""

    @property
    def of_kind(self) -> bool:
        """Every unit stands in the table of its kind; where only a link names it, it may be anything."""
        table = kind_tables.get(self.kind)
        return table is not None and self.sid is table.c.sid

    def where(self, *conditions: ColumnElement[bool]) -> Unit:
        """Keep the units for which all conditions hold; a condition that is NULL keeps nothing."""
        return replace(self, conditions=(*self.conditions, *conditions))

    def opening(self, instant: ColumnElement[Any]) -> Unit:
        """Let the obligation open at `instant` instead of at creation."""
        return replace(self, opened=instant)

    def reading(self, **reads: Any) -> Unit:
        """Say what the conditions read beside the unit itself: `reading(incident="near")`."""
        return replace(self, reads={**self.reads, **reads})

    def select(self, *columns: ColumnElement[Any], joined: FromClause | None = None) -> Select[Any]:
        """Select from the units, narrowed to those touched when deriving incrementally."""
        rows = self.rows if joined is None else joined
        return select(*columns).select_from(rows).where(touched(self.sid), *self.conditions)


def unit(kind: str) -> Unit:
    """Every record of `kind` owes, from the instant its source recorded it."""
    table: Table = kind_tables[kind]
    return Unit(
        kind=kind,
        rows=table,
        sid=table.c.sid,
        anchor=literal(0, BigInteger),
        opened=func.coalesce(table.c.created_at, 0),
        conditions=(),
        reads={kind: "near"},
    )


def organisation() -> Unit:
    """The organisation itself owes, once and from the beginning."""
    record = metadata.tables["record"].alias("organisation")
    return Unit(
        kind="organisation",
        rows=record,
        sid=record.c.sid,
        anchor=literal(0, BigInteger),
        opened=literal(0, BigInteger),
        conditions=(record.c.id == ORGANISATION,),
        reads={},
        has_envelope=False,
    )


def each(
    owner: Unit,
    every: PeriodName = "month",
    *,
    start: ColumnElement[Any] | None = None,
    end: ColumnElement[Any] | None = None,
) -> Unit:
    """Every such unit owes once a period, from the period's end; anchor = the period's start.

    `each(unit("service"), "month")` reads: each service x month. Only periods that lie whole within
    [`start`, `end`) count; NULL = no limit at that end. Conditions, due and evidence may read
    `period.c.starts_at` and `period.c.ends_at` of the table `period`.
    """
    period = metadata.tables["period"]
    begins = owner.opened if start is None else func.coalesce(start, 0)
    conditions = (*owner.conditions, period.c.unit == every, period.c.starts_at >= begins)
    if end is not None:
        conditions = (*conditions, or_(end.is_(None), period.c.ends_at <= end))
    return replace(
        owner,
        rows=owner.rows.join(period, true()),
        anchor=period.c.starts_at,
        opened=period.c.ends_at,
        conditions=conditions,
        reads={**owner.reads, "period": "all", "calendar": "all"},
    )


def each_month() -> Unit:
    """The organisation owes once a month, from the end of the month in its zone; anchor = its start."""
    return each(organisation(), "month")
