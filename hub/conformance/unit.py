"""Who owes: the units of a part, each with the instant its obligation opens.

A unit is always a record; what it owes more than once (a month, a cluster, an idle spell) is told
apart by the anchor: the start of the period or the record that opened it, never a row number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, Table, func, literal, select

from hub.conformance.expression import touched
from hub.conformance.reading import Reads
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["ORGANISATION", "Unit", "each_month", "unit"]

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


def each_month() -> Unit:
    """The organisation owes once a month, from the end of the month in its zone; anchor = its start."""
    period, record = metadata.tables["period"], metadata.tables["record"]
    return Unit(
        kind="organisation",
        rows=period.join(record, record.c.id == ORGANISATION),
        sid=record.c.sid,
        anchor=period.c.starts_at,
        opened=period.c.ends_at,
        conditions=(period.c.unit == "month",),
        reads={"period": "all", "calendar": "all"},
        has_envelope=False,
    )
