"""What can meet an obligation: rows of other records, or the unit's own filled fields.

Every kind of evidence is laid beside what is owed, one row for every candidate and at least one a unit,
so that a unit is read once: `at` is the instant the tool recorded it, `lost_at` when it was withdrawn,
`expires_at` when a declaration ends, `lacks` what keeps it from counting though it might, `undated` what it lacks where `at` is not known,
`counts` whether it is a candidate at all. Which candidate decides is the shape's business
(`hub.conformance.shape`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Table,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import ColumnClause
from sqlalchemy.sql.util import ClauseAdapter

from hub.conformance.expression import filled, no_instant, no_text
from hub.conformance.member import Member
from hub.conformance.reading import Need, Reads, merge_reads
from hub.conformance.unit import Unit
from hub.records import KINDS
from hub.store.schema import child_tables, field_shapes, kind_tables
from hub.store.tables import metadata

__all__ = ["AnyOf", "At", "Evidence", "Filled", "Rows", "any_of", "at", "fields_filled", "rows"]

_record = metadata.tables["record"]
_since = metadata.tables["since"]
_link = metadata.tables["link"]


Owed = Sequence[ColumnElement[Any]]


class Evidence(Protocol):
    """Something that can meet an obligation."""

    @property
    def reads(self) -> Reads:
        """Kinds it reads and how far they reach."""
        ...

    @property
    def needs(self) -> tuple[Need, ...]:
        """What must be known for its absence to prove anything."""
        ...

    def beside(self, unit: Unit, owed: Owed, *, every: bool = True) -> list[Select[Any]]:
        """Select `owed` with (at, lost_at, expires_at, record, declared, lacks, undated, who, counts), one select a kind of row.

        `every`: every unit has a row, if one that does not count; otherwise only what may count.
        """
        ...


def _beside(
    unit: Unit,
    owed: Owed,
    *,
    every: bool,
    at: ColumnElement[Any],
    record: ColumnElement[Any],
    declared: ColumnElement[Any],
    counts: ColumnElement[bool],
    expires: ColumnElement[Any] | None = None,
    lost: ColumnElement[Any] | None = None,
    lacks: ColumnElement[Any] | None = None,
    undated: str | None = None,
    who: ColumnElement[Any] | None = None,
    joined: FromClause | None = None,
) -> Select[Any]:
    laid = unit.select(
        *owed,
        at.label("at"),
        (no_instant() if lost is None else lost).label("lost_at"),
        (no_instant() if expires is None else expires).label("expires_at"),
        record.label("record"),
        declared.label("declared"),
        (no_text() if lacks is None else lacks).label("lacks"),
        (no_text() if undated is None else literal(undated)).label("undated"),
        (record if who is None else who).label("who"),
        counts.label("counts"),
        joined=joined,
    )
    return laid if every else laid.where(counts)


@dataclass(frozen=True, slots=True)
class Filled:
    """The unit's own fields hold values; the instant is when the last of them was filled."""

    fields: tuple[str, ...]

    reads: Reads = field(default_factory=dict)
    needs: tuple[Need, ...] = ()

    def beside(self, unit: Unit, owed: Owed, *, every: bool = True) -> list[Select[Any]]:
        """One row a unit, which counts where all fields are filled; since when may not be known."""
        held: ColumnElement[bool] = _since.c.field.in_(self.fields)
        latest: ColumnElement[Any] = case((func.count() == len(self.fields), func.max(_since.c.at)))
        if len(self.fields) == 1:  # one look-up, no aggregate
            held, latest = _since.c.field == self.fields[0], _since.c.at
        times = select(latest).where(_since.c.sid == unit.sid, held).correlate_except(_since).scalar_subquery()
        undated = f"since when {', '.join(self.fields)} held a value is not known"
        present = and_(*(_holds(unit, name) for name in self.fields))
        return [
            _beside(
                unit,
                owed,
                every=every,
                at=times,
                record=unit.sid,
                declared=_is_declared(unit),
                expires=_expires(unit),
                undated=undated,
                counts=present,
            )
        ]


def _is_declared(unit: Unit) -> ColumnElement[Any]:
    return kind_tables[unit.kind].c.declared_by.is_not(None) if unit.has_envelope else false()


def _expires(unit: Unit) -> ColumnElement[Any]:
    return kind_tables[unit.kind].c.expires_at if unit.has_envelope else no_instant()


def _holds(unit: Unit, name: str) -> ColumnElement[bool]:
    """Say whether the unit's field `name` (dotted for a struct's) holds a value."""
    table = kind_tables[unit.kind]
    column = name.replace(".", "_")
    if column in table.c:
        return filled(table.c[column])
    shape = next(shape for shape in field_shapes(KINDS[unit.kind]) if shape.name == name)
    if shape.role == "references":
        return exists().where(_link.c.sid == unit.sid, _link.c.type == name).correlate_except(_link)
    child = child_tables[unit.kind, name]
    present = exists().where(child.c.sid == unit.sid).correlate_except(child)
    said = exists().where(_since.c.sid == unit.sid, _since.c.field == name).correlate_except(_since)
    return or_(present, said)  # an empty list may be an answer: `none` is an explicit value


def fields_filled(*names: str) -> Filled:
    """All of these fields of the unit hold values."""
    return Filled(names)


@dataclass(frozen=True, slots=True)
class At:
    """An instant that the unit's own row gives, such as the moment it was resolved."""

    instant: ColumnElement[Any]
    lacks: ColumnElement[Any] | None = None

    reads: Reads = field(default_factory=dict)
    needs: tuple[Need, ...] = ()

    def beside(self, unit: Unit, owed: Owed, *, every: bool = True) -> list[Select[Any]]:
        """One row a unit; without an instant nor a reason why it is not known, it says nothing."""
        declared = _is_declared(unit)
        counts = (
            self.instant.is_not(None) if self.lacks is None else or_(self.instant.is_not(None), self.lacks.is_not(None))
        )
        return [
            _beside(
                unit,
                owed,
                every=every,
                at=self.instant,
                record=unit.sid,
                declared=declared,
                expires=_expires(unit),
                lacks=self.lacks,
                counts=true() if every else counts,
            )
        ]


def at(instant: ColumnElement[Any], *, lacks: ColumnElement[Any] | None = None, **reads: Any) -> At:
    """Evidence is an instant of the unit's row; name what a subquery in it reads: `incident="near"`."""
    return At(instant, lacks, reads=dict(reads))


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of another record joined to the unit."""

    kind: str
    table: FromClause
    on: ColumnElement[bool]
    at: ColumnElement[Any]
    record: ColumnElement[Any]
    declared: ColumnElement[Any]
    conditions: tuple[ColumnElement[bool], ...] = ()
    lost: ColumnElement[Any] | None = None
    expires: ColumnElement[Any] | None = None
    doubts: tuple[tuple[ColumnElement[bool], str], ...] = ()
    joins: tuple[tuple[FromClause, ColumnElement[bool]], ...] = ()
    who: ColumnElement[Any] | None = None
    reads: Reads = field(default_factory=dict)
    needs: tuple[Need, ...] = ()
    member: Member | None = None
    """Set where what is counted of each row may be remembered."""
    undated: str | None = None
    """What a row lacks whose instant is not known; None = that it is not recorded when it was made."""

    def where(self, *conditions: ColumnElement[bool]) -> Rows:
        """Count only rows for which all conditions hold."""
        return replace(self, conditions=(*self.conditions, *conditions))

    def doubtful(self, condition: ColumnElement[bool], why: str) -> Rows:
        """Rows for which `condition` holds might count, but that cannot be known: `why`."""
        return replace(self, doubts=(*self.doubts, (condition, why)))

    def joining(self, table: FromClause, on: ColumnElement[bool]) -> Rows:
        """Let conditions read another table; a row without a match there keeps NULL."""
        return replace(self, joins=(*self.joins, (table, on)))

    def latest(self, before: ColumnElement[Any]) -> Rows:
        """Of the rows up to `before`, keep the last one; conditions set so far choose among which."""
        return self._extreme(lambda other: other <= before, last=True)

    def first(self) -> Rows:
        """Keep the earliest row; conditions set so far choose among which."""
        return self._extreme(lambda _: true(), last=False)

    def _extreme(self, within: Callable[[ColumnElement[Any]], ColumnElement[bool]], *, last: bool) -> Rows:
        further = {table for table, _ in self.joins}
        own = [one for one in (self.on, *self.conditions) if not _tables(one) & further]
        other = self.table.alias()
        there: Callable[[ColumnElement[Any]], ColumnElement[Any]] = ClauseAdapter(other).traverse
        at, record = there(self.at), there(self.record)
        theirs, ours = _id_of(record), _id_of(self.record)  # numbers are given as records arrive
        beyond = and_(at == self.at, theirs > ours if last else theirs < ours)
        better = or_(at > self.at if last else at < self.at, beyond)
        surpassed = exists().where(*(there(one) for one in own), within(at), better).correlate_except(other)
        return replace(self, conditions=(*self.conditions, func.coalesce(within(self.at), true()), ~surpassed))

    def by(self, person: ColumnElement[Any], *roles: str) -> Rows:
        """Count only rows whose `person` held one of `roles` at that instant.

        A login that is not tied to a person leaves the row in doubt.
        """
        login, joins = self._login(person)
        holder = _record.alias()
        duty = kind_tables["role_assignment"].alias()
        held = (
            exists()
            .where(
                holder.c.sid == duty.c.person,
                holder.c.canonical == login.c.canonical,
                duty.c.role.in_(roles),
                or_(duty.c.from_.is_(None), duty.c.from_ <= self.at),
                or_(duty.c.to.is_(None), duty.c.to > self.at),
                or_(duty.c.vanished_at.is_(None), duty.c.vanished_at > self.at),
            )
            .correlate_except(duty, holder)
        )
        return replace(
            self,
            joins=joins,
            conditions=(*self.conditions, or_(login.c.canonical.is_(None), held)),
            doubts=(*self.doubts, (login.c.canonical.is_(None), "whose login decided is not known")),
            who=func.coalesce(login.c.canonical, person),
            reads=merge_reads(self.reads, {"role_assignment": "all", "identity": "all"}),
            needs=(*self.needs, Need("role_assignment", frozenset({"role"}), evidence=True)),
        )

    def not_by(self, person: ColumnElement[Any], other: ColumnElement[Any]) -> Rows:
        """Leave out rows whose `person` is `other`, by login or as the same human."""
        login, joins = self._login(person)
        excluded = _record.alias()
        unknown = or_(other.is_(None), excluded.c.canonical.is_(None), login.c.canonical.is_(None))
        return replace(
            self,
            joins=(*joins, (excluded, excluded.c.sid == other)),
            conditions=(
                *self.conditions,
                func.coalesce(person != other, true()),
                func.coalesce(login.c.canonical != excluded.c.canonical, true()),
            ),
            doubts=(*self.doubts, (unknown, "whether it was somebody else's decision is not known")),
            reads=merge_reads(self.reads, {"identity": "all"}),
        )

    def _login(self, person: ColumnElement[Any]) -> tuple[FromClause, tuple[tuple[FromClause, Any], ...]]:
        """Return the record of a login, joined once however often it is asked for, and all joins."""
        for table, onclause in self.joins:
            if "canonical" in table.c and onclause.compare(table.c.sid == person):
                return table, self.joins
        login = _record.alias()
        return login, (*self.joins, (login, login.c.sid == person))

    def beside(self, unit: Unit, owed: Owed, *, every: bool = True) -> list[Select[Any]]:
        """One row for every row that may count; conditions that need no further table narrow what is joined."""
        further = {table for table, _ in self.joins}
        late = [condition for condition in self.conditions if _tables(condition) & further]
        early = [condition for condition in self.conditions if not _tables(condition) & further]
        joined = unit.rows.join(self.table, and_(self.on, *early), isouter=every)
        for table, onclause in self.joins:
            joined = joined.outerjoin(table, onclause)
        lacks = case(*((condition, literal(why)) for condition, why in self.doubts)) if self.doubts else None
        return [
            _beside(
                unit,
                owed,
                every=every,
                at=self.at,
                record=self.record,
                declared=self.declared,
                expires=self.expires,
                lost=self.lost,
                lacks=lacks,
                undated=self.undated or f"when the {self.kind} was made is not recorded",
                who=self.who,
                counts=and_(_present(self.table), *late),
                joined=joined,
            )
        ]


def _id_of(number: ColumnElement[Any]) -> ColumnElement[Any]:
    """Look up the id of a record."""
    named = _record.alias()
    return select(named.c.id).where(named.c.sid == number).correlate_except(named).scalar_subquery()


def _tables(condition: ColumnElement[Any]) -> set[Any]:
    """Return every table a condition names, inside its subqueries too."""
    return {element.table for element in visitors.iterate(condition) if isinstance(element, ColumnClause)}


def _present(table: FromClause) -> ColumnElement[bool]:
    """Say whether an outer join found a row: its first column is a key."""
    return next(iter(table.c)).is_not(None)


def rows(
    kind: str,
    on: ColumnElement[bool],
    at: ColumnElement[Any],
    *,
    fields: frozenset[str] = frozenset(),
    table: FromClause | None = None,
    record: ColumnElement[Any] | None = None,
    lost: ColumnElement[Any] | None = None,
    reach: Any = "near",
    declared: ColumnElement[Any] | None = None,
    stated_by_unit: bool = False,
) -> Rows:
    """Evidence of `kind`, joined to the unit by `on`, counting from `at`.

    `fields` are the neutral fields a source must be able to give; `reach` says how a changed record of
    that kind finds its units. `table` = rows other than the kind's own; `stated_by_unit`: they belong to
    the unit's record (its events, tests, links), whose fields the part names itself.
    """
    own: Table = kind_tables[kind]
    source = own if table is None else table
    if declared is None:
        declared = source.c.declared_by.is_not(None) if "declared_by" in source.c else false()
    return Rows(
        kind=kind,
        table=source,
        on=on,
        at=at,
        record=source.c.sid if record is None else record,
        declared=declared,
        lost=lost,
        expires=source.c.expires_at if "expires_at" in source.c else None,
        reads={kind: reach},
        needs=() if stated_by_unit else (Need(kind, fields, evidence=True),),
    )


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Any one of several kinds of evidence will do."""

    several: tuple[Evidence, ...]

    @property
    def reads(self) -> Reads:
        """Everything any of them reads."""
        return merge_reads(*(evidence.reads for evidence in self.several))

    @property
    def needs(self) -> tuple[Need, ...]:
        """Absence proves something only where every alternative could have been seen."""
        return tuple(need for evidence in self.several for need in evidence.needs)

    def beside(self, unit: Unit, owed: Owed, *, every: bool = True) -> list[Select[Any]]:
        """Rows of all of them; only the first need have one for every unit."""
        first, *others = self.several
        laid = first.beside(unit, owed, every=every)
        return [*laid, *(one for other in others for one in other.beside(unit, owed, every=False))]


def any_of(*several: Evidence) -> AnyOf:
    """Any one of these meets the obligation."""
    return AnyOf(several)
