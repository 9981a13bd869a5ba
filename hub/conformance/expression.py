"""The few SQL expressions requirements need, the same on SQLite and PostgreSQL.

Instants are BIGINT UTC milliseconds. Days are calendar days of the organisation's zone, counted date
to date with the last day included; business days are days on which its calendar opens. Both come from
the materialised table `local_day`, so that a due instant is an index look-up.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Dialect,
    Select,
    Text,
    case,
    cast,
    func,
    literal,
    null,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from hub.store.tables import metadata

__all__ = [
    "CALENDAR",
    "business_days_after",
    "days_after",
    "earlier_of",
    "filled",
    "hours_after",
    "later_of",
    "no_instant",
    "no_text",
    "render",
    "since_when",
    "touched",
]

CALENDAR = "organisation"
"""Name under which the organisation's own calendar is materialised."""
HOUR_MS = 3_600_000
local_day = metadata.tables["local_day"]
Instants = ColumnElement[Any]


class touched(FunctionElement[bool]):  # noqa: N801 - reads as a condition
    """Marks where incremental derivation narrows a select to the units that changed."""

    inherit_cache = False
    type = Boolean()

    def self_group(self, against: Any = None) -> touched:  # noqa: ARG002 - the base class asks
        """Stay as it is: `= 1`, which SQLite would get, hides the index."""
        return self


@compiles(touched)
def _narrow(element: touched, compiler: SQLCompiler, **kw: Any) -> str:
    (sid,) = element.clauses
    return f"/*touched*/{compiler.process(sid, **kw)} IN (SELECT unit FROM {{units}})/**/"


_NARROWED = re.compile(r"/\*touched\*/(.*?)/\*\*/", re.DOTALL)


def render(statement: Select[Any], dialect: Dialect, *, units: str = "") -> str:
    """Write a select as SQL text without parameters.

    `units` names the table of units to which every `touched(sid)` narrows; empty = all units.
    All values in a requirement's select are constants of the pack or the profile.
    """
    written = _written(statement, dialect)
    if not units:
        return _NARROWED.sub("1 = 1", written)
    return _NARROWED.sub(lambda found: found[1].replace("{units}", units), written)


@lru_cache(maxsize=4096)  # writing a select takes longer than running it on few records
def _written(statement: Select[Any], dialect: Dialect) -> str:
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def no_instant() -> Instants:
    """NULL as an instant."""
    return cast(null(), BigInteger)


def no_text() -> ColumnElement[Any]:
    """NULL as a text."""
    return cast(null(), Text)


def later_of(first: Instants, second: Instants) -> Instants:
    """Return the later of two instants; NULL if either is NULL."""
    return case((first >= second, first), (second > first, second))


def earlier_of(first: Instants, second: Instants) -> Instants:
    """Return the earlier of two instants; the other where one is NULL."""
    return case((second.is_(None), first), (first <= second, first), else_=second)


def since_when(sid: ColumnElement[int], *fields: str) -> Instants:
    """Return since when a record's field has held a value, as its source's history tells; NULL = not known.

    Of several fields the latest counts.
    """
    since = metadata.tables["since"].alias()
    return (
        select(func.max(since.c.at))
        .where(since.c.sid == sid, since.c.field.in_(fields))
        .correlate_except(since)
        .scalar_subquery()
    )


def hours_after(instant: Instants, hours: float) -> Instants:
    """Add elapsed hours."""
    return instant + literal(int(hours * HOUR_MS), BigInteger)


def _day_of(instant: Instants, column: str) -> Any:
    day = local_day.alias()
    return (
        select(day.c[column])
        .where(day.c.calendar == CALENDAR, day.c.starts_at <= instant)
        .order_by(day.c.starts_at.desc())
        .limit(1)
        .correlate_except(day)
        .scalar_subquery()
    )


def days_after(instant: Instants, days: int) -> Instants:
    """Return the last millisecond of the local day `days` days after the day of `instant`.

    NULL outside the materialised calendar: what depends on it is not provable.
    """
    day = local_day.alias()
    return (
        select(day.c.ends_at - 1)
        .where(day.c.calendar == CALENDAR, day.c.day_no == _day_of(instant, "day_no") + days)
        .correlate_except(day)
        .scalar_subquery()
    )


def business_days_after(instant: Instants, days: int) -> Instants:
    """Return the last millisecond of the `days`-th business day after the day of `instant`."""
    day = local_day.alias()
    return (
        select(day.c.ends_at - 1)
        .where(day.c.calendar == CALENDAR, day.c.business_no == _day_of(instant, "business_no") + days)
        .order_by(day.c.starts_at)
        .limit(1)
        .correlate_except(day)
        .scalar_subquery()
    )


def filled(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say whether a column holds a value; an empty text is none."""
    if column.type.python_type is str:
        return func.trim(func.coalesce(column, "")) != ""
    return column.is_not(None)
