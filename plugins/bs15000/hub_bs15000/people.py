"""People and the roles they hold: who is the same human, who held a role at an instant, from when an assignment counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select

from hub.conformance.expression import counted, earlier_of, later_of
from hub.conformance.reading import Reads
from hub.conformance.unit import Unit, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = [
    "EMPLOYMENT_UNKNOWN",
    "FAILED",
    "PEOPLE",
    "ROLE_FIELDS",
    "assigned_from",
    "assignments",
    "by_human",
    "employed",
    "employment",
    "ended",
    "holders",
    "human",
    "same_human",
]

_record = metadata.tables["record"]
_link = metadata.tables["link"]
_duty = kind_tables["role_assignment"]
_person = kind_tables["person"]
_d: Any = _duty.c
PEOPLE: Reads = {"role_assignment": "all", "person": "all", "identity": "all"}
"""What everything reads that asks who holds a role."""
EMPLOYMENT_UNKNOWN = "how the person is employed is not recorded"
FAILED = ("failed", "not passed", "not_passed")
"""How training records say that a course was not passed."""
ROLE_FIELDS = frozenset({"person", "role", "from", "to"})
"""What a source of role assignments must be able to say."""


def assignments(*employments: str) -> Unit:
    """Every assignment of a person bound in one of these ways (none = any), from when it counts."""
    units = unit("role_assignment").opening(assigned_from(_d)).reading(**PEOPLE)
    if not employments:
        return units
    bound = employment(_d.person)
    return units.where(or_(bound.in_(employments), bound.is_(None)))


def ended(duty: Any) -> ColumnElement[Any]:
    """Return when an assignment ended; NULL = it has not."""
    return earlier_of(duty.to, duty.vanished_at)


def same_human(one: ColumnElement[Any], other: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say whether two logins or people are the same human; false where a login is tied to nobody. Reads identities."""
    here, there = _record.alias(), _record.alias()
    return or_(
        one == other,
        exists()
        .where(here.c.sid == one, there.c.sid == other, here.c.canonical == there.c.canonical)
        .correlate_except(here, there),
    )


def human(person: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the human behind a login, or the login where it is tied to nobody. Reads identities."""
    login = _record.alias()
    return (
        select(func.coalesce(login.c.canonical, login.c.sid))
        .where(login.c.sid == person)
        .correlate_except(login)
        .scalar_subquery()
    )


def by_human(kind: str) -> Any:
    """Return the rows of a kind with the `human` behind their `person`, to be joined on that. Reads identities."""
    table, login = kind_tables[kind], _record.alias()
    behind = func.coalesce(login.c.canonical, login.c.sid).label("human")
    joined = table.join(login, login.c.sid == table.c.person)
    return select(*table.c, behind).select_from(joined).subquery(f"{kind}_by_human")


def assigned_from(duty: Any) -> ColumnElement[Any]:
    """Return from when an assignment counts: from its first day, never earlier than it was recorded."""
    begins = func.coalesce(duty.from_, duty.created_at, 0)
    return later_of(begins, func.coalesce(duty.created_at, begins))


def employed(person: Any, at: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """Conditions under which a person, by its columns, is active at an instant."""
    return [
        or_(person.active_from.is_(None), person.active_from <= at),
        or_(person.active_to.is_(None), person.active_to > at),
        or_(person.vanished_at.is_(None), person.vanished_at > at),
    ]


def employment(person: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return how a person, or the human behind a login, is bound; NULL = not known. Reads persons and identities."""
    login, human = _record.alias(), _person.alias()
    return (
        select(human.c.employment)
        .select_from(login.join(human, human.c.sid == func.coalesce(login.c.canonical, login.c.sid)))
        .where(login.c.sid == person)
        .correlate_except(login, human)
        .scalar_subquery()
    )


def holders(
    at: ColumnElement[Any], *conditions: Callable[[Any], ColumnElement[bool]], service: Any = None
) -> ColumnElement[int]:
    """Count the active people who hold an assignment for which the conditions hold at an instant.

    Each condition gets the assignment's columns; with `service`, only assignments for that one are looked up. Reads role assignments, persons and identities, all of them.
    """
    duty, login, human = _duty.alias(), _record.alias(), _person.alias()
    d: Any = duty.c
    joined = duty.join(login, login.c.sid == d.person).join(
        human, human.c.sid == func.coalesce(login.c.canonical, login.c.sid)
    )
    for_service = [] if service is None else [d.service == service]
    return counted(
        joined,
        *for_service,
        assigned_from(d) <= at,
        or_(d.to.is_(None), d.to > at),
        or_(d.vanished_at.is_(None), d.vanished_at > at),
        *employed(human.c, at),
        *(one(d) for one in conditions),
        of=human.c.sid,
    )
