"""What can meet an obligation: rows of other records, or the unit's own filled fields.

Every kind of evidence gives candidates: (unit, anchor, at, lost_at, record, declared, lacks). `at` is
the instant the tool recorded it, `lost_at` when it was withdrawn, `lacks` what keeps it from counting
though it might. Which candidate decides is the shape's business (`hub.conformance.shape`).
"""

from __future__ import annotations

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
    union_all,
)

from hub.conformance.expression import filled, no_instant, no_text
from hub.conformance.reading import Need, Reads, merge_reads
from hub.conformance.unit import Unit
from hub.records import KINDS
from hub.store.schema import child_tables, field_shapes, kind_tables
from hub.store.tables import metadata

__all__ = ["AnyOf", "At", "Evidence", "Filled", "Rows", "any_of", "at", "fields_filled", "rows"]

_record = metadata.tables["record"]
_since = metadata.tables["since"]
_link = metadata.tables["link"]


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

    def candidates(self, unit: Unit, due: ColumnElement[Any]) -> Select[Any]:
        """Select (unit, anchor, due, at, lost_at, record, declared, lacks, who)."""
        ...


@dataclass(frozen=True, slots=True)
class Inline:
    """Evidence that stands in the unit's own row."""

    at: ColumnElement[Any]
    lacks: ColumnElement[Any]
    declared: ColumnElement[Any]


def _candidate(
    unit: Unit,
    due: ColumnElement[Any],
    *,
    at: ColumnElement[Any],
    record: ColumnElement[Any],
    declared: ColumnElement[Any],
    lost: ColumnElement[Any] | None = None,
    lacks: ColumnElement[Any] | None = None,
    who: ColumnElement[Any] | None = None,
    joined: FromClause | None = None,
) -> Select[Any]:
    return unit.select(
        unit.sid.label("unit"),
        unit.anchor.label("anchor"),
        due.label("due"),
        at.label("at"),
        (no_instant() if lost is None else lost).label("lost_at"),
        record.label("record"),
        declared.label("declared"),
        (no_text() if lacks is None else lacks).label("lacks"),
        (record if who is None else who).label("who"),
        joined=joined,
    )


@dataclass(frozen=True, slots=True)
class Filled:
    """The unit's own fields hold values; the instant is when the last of them was filled."""

    fields: tuple[str, ...]

    reads: Reads = field(default_factory=dict)
    needs: tuple[Need, ...] = ()

    def inline(self, unit: Unit) -> Inline:
        """`at` is NULL where a field is empty; `lacks` says where its instant is unknown."""
        present = and_(*(_holds(unit, name) for name in self.fields))
        times = (
            select(case((func.count() == len(self.fields), func.max(_since.c.at))))
            .where(_since.c.sid == unit.sid, _since.c.field.in_(self.fields))
            .correlate_except(_since)
            .scalar_subquery()
        )
        names = ", ".join(self.fields)
        lacks = case((and_(present, times.is_(None)), literal(f"since when {names} held a value is not known")))
        return Inline(case((present, times)), lacks, _is_declared(unit))

    def candidates(self, unit: Unit, due: ColumnElement[Any]) -> Select[Any]:
        """One candidate a unit."""
        return _inline_candidate(self.inline(unit), unit, due)


def _inline_candidate(inline: Inline, unit: Unit, due: ColumnElement[Any]) -> Select[Any]:
    found = _candidate(unit, due, at=inline.at, record=unit.sid, declared=inline.declared, lacks=inline.lacks)
    return found.where(or_(inline.at.is_not(None), inline.lacks.is_not(None)))  # else it hides late evidence


def _is_declared(unit: Unit) -> ColumnElement[Any]:
    return kind_tables[unit.kind].c.declared_by.is_not(None) if unit.has_envelope else false()


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

    def inline(self, unit: Unit) -> Inline:
        """The instant as it stands."""
        return Inline(self.instant, no_text() if self.lacks is None else self.lacks, _is_declared(unit))

    def candidates(self, unit: Unit, due: ColumnElement[Any]) -> Select[Any]:
        """One candidate a unit."""
        return _inline_candidate(self.inline(unit), unit, due)


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
    doubts: tuple[tuple[ColumnElement[bool], str], ...] = ()
    joins: tuple[tuple[FromClause, ColumnElement[bool]], ...] = ()
    who: ColumnElement[Any] | None = None
    reads: Reads = field(default_factory=dict)
    needs: tuple[Need, ...] = ()

    def where(self, *conditions: ColumnElement[bool]) -> Rows:
        """Count only rows for which all conditions hold."""
        return replace(self, conditions=(*self.conditions, *conditions))

    def doubtful(self, condition: ColumnElement[bool], why: str) -> Rows:
        """Rows for which `condition` holds might count, but that cannot be known: `why`."""
        return replace(self, doubts=(*self.doubts, (condition, why)))

    def joining(self, table: FromClause, on: ColumnElement[bool]) -> Rows:
        """Let conditions read another table; a row without a match there keeps NULL."""
        return replace(self, joins=(*self.joins, (table, on)))

    def by(self, person: ColumnElement[Any], *roles: str) -> Rows:
        """Count only rows whose `person` held one of `roles` at that instant.

        A login that is not tied to a person leaves the row in doubt.
        """
        login, holder = _record.alias(), _record.alias()
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
            joins=(*self.joins, (login, login.c.sid == person)),
            conditions=(*self.conditions, or_(login.c.canonical.is_(None), held)),
            doubts=(*self.doubts, (login.c.canonical.is_(None), "whose login decided is not known")),
            who=func.coalesce(login.c.canonical, person),
            reads=merge_reads(self.reads, {"role_assignment": "all", "identity": "all"}),
            needs=(*self.needs, Need("role_assignment", frozenset({"role"}), evidence=True)),
        )

    def not_by(self, person: ColumnElement[Any], other: ColumnElement[Any]) -> Rows:
        """Leave out rows whose `person` is `other`, by login or as the same human."""
        login, excluded = _record.alias(), _record.alias()
        unknown = or_(other.is_(None), excluded.c.canonical.is_(None), login.c.canonical.is_(None))
        return replace(
            self,
            joins=(*self.joins, (login, login.c.sid == person), (excluded, excluded.c.sid == other)),
            conditions=(
                *self.conditions,
                func.coalesce(person != other, true()),
                func.coalesce(login.c.canonical != excluded.c.canonical, true()),
            ),
            doubts=(*self.doubts, (unknown, "whether it was somebody else's decision is not known")),
            reads=merge_reads(self.reads, {"identity": "all"}),
        )

    def candidates(self, unit: Unit, due: ColumnElement[Any]) -> Select[Any]:
        """One candidate for every row that counts or might count."""
        joined = unit.rows.join(self.table, self.on)
        for table, onclause in self.joins:
            joined = joined.outerjoin(table, onclause)
        doubts = (*self.doubts, (self.at.is_(None), f"when the {self.kind} was made is not recorded"))
        lacks = case(*((condition, literal(why)) for condition, why in doubts))
        statement = _candidate(
            unit,
            due,
            at=self.at,
            record=self.record,
            declared=self.declared,
            lost=self.lost,
            lacks=lacks,
            who=self.who,
            joined=joined,
        )
        return statement.where(*self.conditions)


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

    def candidates(self, unit: Unit, due: ColumnElement[Any]) -> Select[Any]:
        """Candidates of all of them, side by side."""
        together = union_all(*(evidence.candidates(unit, due) for evidence in self.several)).subquery()
        return select(together)


def any_of(*several: Evidence) -> AnyOf:
    """Any one of these meets the obligation."""
    return AnyOf(several)
