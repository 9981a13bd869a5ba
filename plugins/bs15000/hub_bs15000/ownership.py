"""Who answers for a problem over its life: spells without anybody, and owners who left.

The owner is the record's `owner`, or its `assignee` where the source knows no owner; the past comes
from the events of that field, whose values are record ids.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, literal, or_, select, union

from hub.conformance.evidence import at
from hub.conformance.expression import business_days_after, earlier_of, filled, later_of, touched
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need, Reads
from hub.conformance.shape import deadline
from hub.conformance.unit import Unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.problem import open_until, p, problems, worked_until

__all__ = ["owner_left", "without_owner"]

_event = metadata.tables["event"]
_record = metadata.tables["record"]
_problem = kind_tables["problem"]
_OWNED = (
    Need("problem", alternatives=(Need("problem", frozenset({"owner"})), Need("problem", frozenset({"assignee"})))),
)


def _followed(problem: Any) -> ColumnElement[Any]:
    """Name the field that tells who answers for the problem."""
    event: Any = _event.alias()
    ever = exists().where(event.c.sid == problem.c.sid, event.c.field == "owner").correlate_except(event)
    return case((or_(problem.c.owner.is_not(None), ever), "owner"), else_="assignee")


def _moves(problem: Any) -> tuple[Any, ColumnElement[bool]]:
    """Join problems with the events of that field."""
    event: Any = _event.alias()
    return event, (event.c.sid == problem.c.sid) & (event.c.field == _followed(problem))


def _first_move(event: Any) -> ColumnElement[bool]:
    """Say whether the event is the first of its field."""
    earlier: Any = _event.alias()
    return ~(
        exists()
        .where(earlier.c.sid == event.c.sid, earlier.c.field == event.c.field, earlier.c.pos < event.c.pos)
        .correlate_except(earlier)
    )


def _unmoved(problem: Any) -> ColumnElement[bool]:
    event: Any = _event.alias()
    return ~exists().where(event.c.sid == problem.c.sid, event.c.field == _followed(problem)).correlate_except(event)


def _slots(
    problem: Any, instant: ColumnElement[Any], who: ColumnElement[Any], *where: ColumnElement[bool]
) -> Select[Any]:
    columns = (problem.c.sid.label("sid"), func.coalesce(instant, 0).label("at"), who.label("who"))
    return select(*columns).where(touched(problem.c.sid), *where)


def _after(instant: ColumnElement[Any], *conditions: Any, or_at: bool) -> ColumnElement[Any]:
    """Return when the field changed next, by an event for which the conditions hold."""
    event: Any = _event.alias()
    later = event.c.at >= instant if or_at else event.c.at > instant
    return (
        select(func.min(event.c.at))
        .where(event.c.sid == p.sid, event.c.field == _followed(_problem), later, *(make(event) for make in conditions))
        .correlate_except(event)
        .scalar_subquery()
    )


def _unit(slot: Any, opened: ColumnElement[Any], rows: Any, reads: Reads) -> Unit:
    return Unit(
        kind="problem",
        rows=rows,
        sid=p.sid,
        anchor=slot.c.at,
        opened=opened,
        conditions=(*problems().conditions, opened < open_until),
        reads={"problem": "near", **reads},
    )


def without_owner(rid: str, days: int) -> Part:
    """Every spell without an owner ends within some working days."""
    problem = _problem.alias()
    event, ties = _moves(problem)
    nobody = literal("")
    spells = union(
        _slots(problem, problem.c.created_at, nobody, ties, ~filled(event.c.from_), _first_move(event)),
        _slots(
            problem,
            problem.c.created_at,
            nobody,
            _unmoved(problem),
            problem.c.owner.is_(None),
            problem.c.assignee.is_(None),
        ),
        _slots(problem, event.c.at, nobody, ties, ~filled(event.c.to)),
    ).subquery("spell")
    found = _after(spells.c.at, lambda event: filled(event.c.to), or_at=True)
    return deadline(
        rid,
        "owned",
        Words(
            f"A problem is never without an owner for more than {days} working days.",
            "Nobody answered for the open problem.",
            "Name an owner.",
        ),
        unit=_unit(spells, spells.c.at, spells.join(_problem, p.sid == spells.c.sid), {}),
        due=business_days_after(spells.c.at, days),
        evidence=at(earlier_of(found, worked_until)),
        fields=("closed_at",),
        needs=_OWNED,
        shape="completeness",
    )


def owner_left(rid: str, days: int) -> Part:
    """A problem whose owner leaves gets another within some working days."""
    problem, named = _problem.alias(), _record.alias()
    event, ties = _moves(problem)
    current = func.coalesce(problem.c.owner, problem.c.assignee)
    spells = union(
        _slots(problem, problem.c.created_at, event.c.from_, ties, filled(event.c.from_), _first_move(event)),
        _slots(problem, problem.c.created_at, named.c.id, _unmoved(problem), named.c.sid == current),
        _slots(problem, event.c.at, event.c.to, ties, filled(event.c.to)),
    ).subquery("spell")
    last = select(spells.c.sid, spells.c.at, func.max(spells.c.who).label("who")).group_by(spells.c.sid, spells.c.at)
    slot = last.subquery("slot")
    login, person = _record.alias(), kind_tables["person"].alias()
    rows = (
        slot.join(_problem, p.sid == slot.c.sid)
        .join(login, login.c.id == slot.c.who)
        .join(person, person.c.sid == func.coalesce(login.c.canonical, login.c.sid))
    )
    left = later_of(person.c.active_to, slot.c.at)
    replaced = _after(slot.c.at, or_at=False)
    base = _unit(slot, left, rows, {"person": "all", "identity": "all"})
    return deadline(
        rid,
        "owner_active",
        Words(
            f"A problem whose owner has left gets a new one within {days} working days.",
            "The owner of the open problem is no longer with the organisation.",
            "Name a new owner.",
        ),
        unit=base.where(person.c.active_to.is_not(None), func.coalesce(replaced, open_until) > left),
        due=business_days_after(left, days),
        evidence=at(earlier_of(replaced, worked_until)),
        fields=("closed_at",),
        needs=_OWNED,
        shape="completeness",
    )
