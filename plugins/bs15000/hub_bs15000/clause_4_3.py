"""Clause 4.3, competence: what roles ask for, courses taken for them, and who is responsible (a, b, f)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import and_, case, func, or_, select

from hub.conformance.continuous import holding, in_force
from hub.conformance.evidence import at, rows
from hub.conformance.expression import days_after, earlier_of, filled, later_of, no_instant, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, threshold
from hub.conformance.unit import each, organisation
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.people import (
    EMPLOYMENT_UNKNOWN,
    FAILED,
    PEOPLE,
    ROLE_FIELDS,
    assigned_from,
    assignments,
    by_human,
    employment,
    ended,
    holders,
)

__all__ = ["DECLARATIONS"]

_duty: Any = kind_tables["role_assignment"].c
_training = kind_tables["training_record"]
_profile = kind_tables["competence_profile"]
_record = metadata.tables["record"]
_period = metadata.tables["period"].c


# -- what roles ask for -----------------------------------------------------------------------


def _4_3_a(rid: str, _: Parameters) -> list[Part]:
    profile: Any = _profile.c
    written = func.coalesce(since_when(profile.sid, "required"), profile.created_at, 0)
    return [
        in_force(
            rid,
            "described",
            Words(
                "For every role that somebody holds it is laid down what its holder must be able to do.",
                "Nothing lays down what the holder of this role must be able to do.",
                "Record the competences that the role asks for.",
            ),
            unit=assignments(),
            evidence=rows(
                "competence_profile",
                profile.role == _duty.role,
                written,
                fields=frozenset({"role", "required"}),
                lost=profile.vanished_at,
                reach="all",
            ).where(filled(profile.required)),
            until=no_instant(),
            end=ended(_duty),
            fields=("role",),
        )
    ]


def _courses_taken() -> Any:
    """Count for each assignment the courses its role asks for, and those completed; `last` is when the last one was."""
    duty, login = kind_tables["role_assignment"].alias(), _record.alias()
    profile, course = _profile.alias(), child_tables["competence_profile", "courses"].alias()
    training = by_human("training_record")
    t: Any = training.c
    recorded = func.coalesce(since_when(t.sid, "completed_at"), t.created_at, t.completed_at)
    name = func.lower(func.trim(t.course))
    first = (
        select(t.human, name.label("course"), func.min(later_of(t.completed_at, recorded)).label("at"))
        .where(func.lower(func.trim(func.coalesce(t.result, ""))).not_in(FAILED))
        .group_by(t.human, name)
        .subquery("first")
    )
    mandatory = (
        duty.join(login, login.c.sid == duty.c.person)
        .join(profile, and_(profile.c.role == duty.c.role, profile.c.vanished_at.is_(None)))
        .join(course, course.c.sid == profile.c.sid)
    )
    same = and_(
        first.c.human == func.coalesce(login.c.canonical, login.c.sid),
        first.c.course == func.lower(func.trim(course.c.course)),
    )
    return (
        select(
            duty.c.sid.label("duty"),
            func.count().label("asked"),
            func.count(first.c.at).label("done"),
            func.max(first.c.at).label("last"),
        )
        .select_from(mandatory.outerjoin(first, same))
        .group_by(duty.c.sid)
        .subquery("taken")
    )


def _4_3_b(rid: str, p: Parameters) -> list[Part]:
    taken = _courses_taken()
    due = days_after(assigned_from(_duty), p.grace_days)
    units = assignments("employee").where(or_(ended(_duty).is_(None), ended(_duty) > due))
    units = replace(units, rows=units.rows.join(taken, taken.c.duty == _duty.sid))
    bound = employment(_duty.person)
    return [
        deadline(
            rid,
            "trained",
            Words(
                f"Within {p.grace_days} days of taking a role, employees complete every course that the role asks for.",
                "The person has not completed every course that the role asks for.",
                "Let the person take the course and record it.",
            ),
            unit=units.reading(training_record="all", competence_profile="all"),
            due=due,
            evidence=at(case((taken.c.asked == taken.c.done, taken.c.last))),
            fields=("person", "role", "from"),
            doubts=[(bound.is_(None), EMPLOYMENT_UNKNOWN)],
            needs=[
                Need("training_record", frozenset({"person", "course", "completed_at"}), evidence=True),
                Need("competence_profile", frozenset({"courses"}), evidence=True),
            ],
            shape="completeness",
        )
    ]


def _4_3_f(rid: str, p: Parameters) -> list[Part]:
    login, human = _record.alias(), kind_tables["person"].alias()
    h: Any = human.c
    last = _period.ends_at - 1
    held_by = rows(
        "role_assignment",
        _duty.role == "competence_manager",
        assigned_from(_duty),
        fields=ROLE_FIELDS,
        lost=_duty.vanished_at,
        reach="all",
    )
    held_by = held_by.joining(login, login.c.sid == _duty.person)
    held_by = held_by.joining(human, h.sid == func.coalesce(login.c.canonical, login.c.sid))
    left = earlier_of(earlier_of(_duty.to, h.active_to), h.vanished_at)
    return [
        in_force(
            rid,
            "held",
            Words(
                "Somebody is responsible for competence, and the role is never open for more than "
                f"{p.max_gap_days} days.",
                f"Nobody was responsible for competence for more than {p.max_gap_days} days.",
                "Assign the role of competence manager.",
            ),
            unit=organisation().reading(person="all", identity="all"),
            evidence=replace(held_by, reads={**held_by.reads, "person": "all", "identity": "all"}),
            until=holding(left, p.max_gap_days),
        ),
        threshold(
            rid,
            "only_one",
            Words(
                "At the end of every month not more than one person is responsible for competence.",
                "More than one person is responsible for competence.",
                "Agree on one person.",
            ),
            unit=each(organisation(), "month").opening(_period.starts_at).reading(**PEOPLE),
            holds=holders(last, lambda d: d.role == "competence_manager") <= 1,
            at=last,
            needs=[Need("role_assignment", ROLE_FIELDS, evidence=True), Need("person", evidence=True)],
        ),
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-4.3-a": _4_3_a,
    "BS15000-4.3-b": _4_3_b,
    "BS15000-4.3-f": _4_3_f,
}
"""Requirement -> what makes its parts."""
