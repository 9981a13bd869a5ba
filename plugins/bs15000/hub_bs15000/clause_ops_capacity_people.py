"""Operations: capacity reports reach their reader, and capacity of people is planned (OPS-14, 15)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Text, and_, cast, exists, func, literal, or_

from hub.conformance.continuous import in_force
from hub.conformance.expression import counted, earlier_of, filled, later_of
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, threshold
from hub.conformance.unit import Unit, each
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.capacity import KIND, plan, plans, plans_in_effect
from hub_bs15000.effective import stopped
from hub_bs15000.people import assignments, employed
from hub_bs15000.report import SENT_UNKNOWN, due, handed_over, holds_role, ours, s, sent, sent_at

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_period = metadata.tables["period"].c


def _of_capacity(units: Unit) -> Unit:
    kind = func.coalesce(s.type, "internal_process") == "internal_process"
    return units.where(kind, func.lower(func.trim(s.process)) == "capacity")


def _ops_14(rid: str, p: Parameters) -> list[Part]:
    link = _link.alias()
    reached = exists().where(
        link.c.sid == s.sid, link.c.type == "recipients", holds_role(link.c.target, sent_at, "capacity_manager")
    )
    return [
        deadline(
            rid,
            "on_time",
            Words(
                "A capacity report is handed over by the day it is due.",
                "The capacity report was not handed over in time.",
                "Hand it over now, and find out why it was late.",
            ),
            unit=_of_capacity(ours()),
            due=due(p.default_due_business_days_after_period),
            evidence=handed_over(),
            fields=("process", "due_at", "submitted_at"),
        ),
        threshold(
            rid,
            "recipient",
            Words(
                "A capacity report goes to the capacity manager.",
                "None of those who got the capacity report was the capacity manager.",
                "Send it to the capacity manager, and name a capacity manager where there is none.",
            ),
            unit=_of_capacity(sent()).reading(role_assignment="all", identity="all"),
            holds=reached.correlate_except(link),
            at=sent_at,
            fields=("process", "recipients", "submitted_at"),
            doubts=[SENT_UNKNOWN],
            needs=[Need("role_assignment", frozenset({"person", "role"}), evidence=True)],
        ),
    ]


# -- people -----------------------------------------------------------------------------------


def _current(line: Any) -> Any:
    last = _period.ends_at - 1
    begun_by = or_(line.c.starts_at.is_(None), line.c.starts_at <= last)
    return and_(line.c.sid == plan.sid, begun_by, or_(line.c.ends_at.is_(None), line.c.ends_at > last))


def _ops_15(rid: str, _p: Parameters) -> list[Part]:
    d: Any = kind_tables["role_assignment"].c
    used, staff = kind_tables["service"].alias(), child_tables[KIND, "staff"].alias()
    of_service = exists().where(used.c.sid == d.service, used.c.in_scope).correlate_except(used)
    base = plans("staff").joining(staff, staff.c.sid == plan.sid)
    planned = replace(base, at=later_of(base.at, func.coalesce(staff.c.starts_at, 0))).where(
        func.lower(func.trim(staff.c.role)) == func.lower(func.trim(d.role)),
        staff.c.needed.is_not(None),
        staff.c.available.is_not(None),
    )
    line, short, unnamed = (child_tables[KIND, "staff"].alias() for _ in range(3))
    person = kind_tables["person"].alias()
    able = cast(person.c.competences, Text).like(literal('%"') + line.c.skill + literal('"%'))
    bound = func.coalesce(person.c.employment, "employee").in_(("employee", "external"))
    there = counted(person, ~person.c.account, bound, able, *employed(person.c, _period.ends_at - 1))
    differs = exists().where(_current(line), filled(line.c.skill), line.c.available != there).correlate_except(line)
    untold = exists().where(_current(unnamed), ~filled(unnamed.c.skill)).correlate_except(unnamed)
    lacking = exists().where(_current(short), short.c.available < short.c.needed, short.c.action_id.is_(None))
    monthly = each(plans_in_effect(), "month", end=stopped(KIND))
    return [
        in_force(
            rid,
            "planned",
            Words(
                "The capacity plan says how many people each role of a service needs, and how many there are.",
                "No capacity plan in force says how many people the role needs and has.",
                "Add the role to the plan, with the people needed and there.",
            ),
            unit=assignments().where(d.service.is_not(None), of_service).reading(service="near"),
            evidence=planned,
            until=staff.c.ends_at,
            end=earlier_of(d.to, d.vanished_at),
            shape="completeness",
            fields=("role", "service"),
        ),
        threshold(
            rid,
            "counted",
            Words(
                "As many people as the capacity plan counts are active and have the skill.",
                "The capacity plan counts more or fewer people with a skill than there are.",
                "Correct the figure in the plan, or the skills recorded of people.",
            ),
            unit=monthly.reading(person="all"),
            holds=~differs,
            at=_period.ends_at - 1,
            fields=("staff",),
            doubts=[(untold, "which skill a line of the plan asks for is not recorded")],
            needs=[Need("person", frozenset({"competences"}), evidence=True)],
        ),
        threshold(
            rid,
            "short",
            Words(
                "Where the capacity plan has fewer people than needed it says what is done about it.",
                "The capacity plan has fewer people than needed, and names no action.",
                "Decide what is done, and name the action in the plan.",
            ),
            unit=monthly,
            holds=~lacking.correlate_except(short),
            at=_period.ends_at - 1,
            fields=("staff",),
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"OPS-14": _ops_14, "OPS-15": _ops_15}
"""Requirement -> what makes its parts."""
