"""The few SQL expressions requirements need, the same on SQLite and PostgreSQL.

Instants are BIGINT UTC milliseconds. Days are calendar days of the organisation's zone, counted date
to date with the last day included; business days are days on which its calendar opens. Both come from
the materialised table `local_day`, so that a due instant is an index look-up.
"""

from __future__ import annotations

import re
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import (
    BigInteger,
    Boolean,
    ClauseElement,
    ColumnElement,
    Dialect,
    FromClause,
    Integer,
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
    "business_hours_after",
    "changed",
    "counted",
    "day_begins",
    "days_after",
    "earlier_of",
    "exactly",
    "filled",
    "hours_after",
    "later_of",
    "minutes_after",
    "narrow",
    "no_instant",
    "no_text",
    "since_when",
    "tongue",
    "touched",
    "write",
    "year_after",
]

CALENDAR = "organisation"
"""Name under which the organisation's own calendar is materialised."""
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
local_day = metadata.tables["local_day"]
open_interval = metadata.tables["open_interval"]
Instants = ColumnElement[Any]
_NEVER = 9_000_000_000_000_000
_LAST = 2**63 - 1
"""Later than every instant and than `never`: stands in for NULL where an engine compares."""


class touched(FunctionElement[bool]):  # noqa: N801 - reads as a condition
    """Marks where incremental derivation narrows a select to the units that changed."""

    inherit_cache = False
    type = Boolean()

    def self_group(self, against: Any = None) -> touched:  # noqa: ARG002 - the base class asks
        """Stay as it is: `= 1`, which SQLite would get, hides the index."""
        return self


class changed(touched):  # noqa: N801 - reads as a condition
    """Marks where what is counted (`hub.conformance.tally`) narrows to the records that changed."""

    inherit_cache = False


@compiles(touched)
def _mark(element: touched, compiler: SQLCompiler, **kw: Any) -> str:
    (sid,) = element.clauses
    return f"/*{type(element).__name__}*/{compiler.process(sid, **kw)} IN (SELECT unit FROM {{units}})/**/"


compiles(changed)(_mark)
_NARROWED = re.compile(r"/\*(touched|changed)\*/(.*?)/\*\*/", re.DOTALL)


def write(statement: ClauseElement, dialect: Dialect) -> str:
    """Write a select as SQL text without parameters, marked where it may be narrowed.

    All values in a requirement's select are constants of the pack or the profile.
    """
    texts = _written.setdefault(statement, {})  # writing a select takes longer than running it on few records
    spoken = tongue(dialect)
    if spoken not in texts:
        texts[spoken] = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    return texts[spoken]


def narrow(written: str, units: str = "", *, changed: str = "") -> str:
    """Let every `touched(sid)` narrow to the units of the table `units`, `changed(sid)` to the records of another; empty = all."""
    tables = {"touched": units, "changed": changed}
    if not units and not changed:
        return _NARROWED.sub("1 = 1", written)
    return _NARROWED.sub(
        lambda found: found[2].replace("{units}", table) if (table := tables[found[1]]) else "1 = 1", written
    )


def tongue(dialect: Dialect) -> str:
    """Name all of a dialect that changes how a select is written."""
    return f"{dialect.name}+{dialect.driver} {getattr(dialect, '_backslash_escapes', '')}".rstrip()


_written: WeakKeyDictionary[ClauseElement, dict[str, str]] = WeakKeyDictionary()


def no_instant() -> Instants:
    """NULL as an instant."""
    return cast(null(), BigInteger)


def no_text() -> ColumnElement[Any]:
    """NULL as a text."""
    return cast(null(), Text)


class later_of(FunctionElement[int]):  # noqa: N801 - reads as an expression
    """The later of two instants; NULL if either is NULL. Each is written once, or what is nested would double."""

    inherit_cache = True
    type = BigInteger()


@compiles(later_of)
def _later(element: later_of, compiler: SQLCompiler, **kw: Any) -> str:
    first, second = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"max({first}, {second})"


@compiles(later_of, "postgresql")
def _greatest(element: later_of, compiler: SQLCompiler, **kw: Any) -> str:
    first, second = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"nullif(greatest(coalesce({first}, {_LAST}), coalesce({second}, {_LAST})), {_LAST})"


class earlier_of(FunctionElement[int]):  # noqa: N801 - reads as an expression
    """The earlier of two instants; the other where one is NULL."""

    inherit_cache = True
    type = BigInteger()


@compiles(earlier_of)
def _earlier(element: earlier_of, compiler: SQLCompiler, **kw: Any) -> str:
    first, second = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"nullif(min(coalesce({first}, {_LAST}), coalesce({second}, {_LAST})), {_LAST})"


@compiles(earlier_of, "postgresql")
def _least(element: earlier_of, compiler: SQLCompiler, **kw: Any) -> str:
    first, second = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"least({first}, {second})"


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
    return instant + literal(round(hours * HOUR_MS), BigInteger)


def minutes_after(instant: Instants, minutes: Any) -> Instants:
    """Add elapsed minutes, a number or a column."""
    elapsed: Instants = minutes * literal(MINUTE_MS, BigInteger)
    return instant + elapsed


def business_hours_after(instant: Instants, hours: float, calendar: Any = CALENDAR) -> Instants:
    """Return when `hours` of the calendar's open time have passed since `instant`; NULL outside the calendar."""
    at, then = open_interval.alias(), open_interval.alias()
    inside = case((at.c.closes < instant, at.c.closes), else_=instant) - at.c.opens
    used = at.c.seconds_before * 1000 + inside + literal(round(hours * HOUR_MS), BigInteger)
    reached = (
        select(then.c.opens + used - then.c.seconds_before * 1000)
        .where(
            then.c.calendar == calendar, then.c.seconds_before < (used + 999) // 1000
        )  # bare, so that an index serves
        .order_by(then.c.seconds_before.desc())
        .limit(1)
        .correlate_except(then)
        .scalar_subquery()
    )
    return (
        select(reached)
        .where(at.c.calendar == calendar, at.c.opens <= instant)
        .order_by(at.c.opens.desc())
        .limit(1)
        .correlate_except(at)
        .scalar_subquery()
    )


def counted(rows: FromClause, *conditions: ColumnElement[bool], of: Any = None) -> ColumnElement[int]:
    """Count the rows for which the conditions hold, or the different values of the column `of`."""
    number = func.count() if of is None else func.count(func.distinct(of))
    return select(number).select_from(rows).where(*conditions).correlate_except(rows).scalar_subquery()


def exactly(n: int, rows: FromClause, *conditions: ColumnElement[bool], of: Any = None) -> ColumnElement[bool]:
    """Say whether the conditions hold for exactly `n` rows, or different values of `of`."""
    return counted(rows, *conditions, of=of) == n


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


def day_begins(date: ColumnElement[Any]) -> Instants:
    """Return the first instant of a local day given as `2026-10-01`.

    A day before the materialised calendar begins where that does; one after it never comes.
    """
    day = local_day.alias()
    found = (
        select(day.c.starts_at)
        .where(day.c.calendar == CALENDAR, day.c.date >= date)
        .order_by(day.c.date)
        .limit(1)
        .correlate_except(day)
        .scalar_subquery()
    )
    return func.coalesce(found, case((date.is_not(None), literal(_NEVER, BigInteger))))


def days_after(instant: Instants, days: Any) -> Instants:
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


def year_after(instant: Instants, days: int = 0, *, where: ColumnElement[bool] | None = None) -> Instants:
    """Return the last millisecond of the same date a year later, and `days` days on; NULL unless `where` holds.

    Where the next year has no such date it is that of the day before. NULL outside the materialised calendar.
    One select and no nesting: these stand deep inside others, and SQLite's parser gives up on what is too deep.
    """
    own, following, last = local_day.alias(), local_day.alias(), local_day.alias()
    day = case((func.substr(own.c.date, 6) == "02-29", "-02-28"), else_=func.substr(own.c.date, 5))
    same = cast(cast(func.substr(own.c.date, 1, 4), Integer) + 1, Text).concat(day)
    found = (
        select(last.c.ends_at - 1)
        .where(own.c.calendar == CALENDAR, own.c.starts_at <= instant, own.c.ends_at > instant)
        .where(following.c.calendar == CALENDAR, following.c.date == same)  # bare, so that an index serves
        .where(last.c.calendar == CALENDAR, last.c.day_no == following.c.day_no + days)
        .order_by(own.c.starts_at.desc())
        .limit(1)
    )
    found = found if where is None else found.where(where)
    return found.correlate_except(own, following, last).scalar_subquery()


def business_days_after(instant: Instants, days: Any) -> Instants:
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
