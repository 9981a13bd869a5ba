"""Clause 8.3, new or changed services: what their plans hold (a to g)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from hub.conformance.evidence import at, rows
from hub.conformance.expression import counted, filled, later_of
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import precondition
from hub.store.schema import kind_tables
from hub_bs15000.document_control import says
from hub_bs15000.new_service import in_effect, line, lines, plan, planned, plans, went_live
from hub_bs15000.people import same_human

__all__ = ["DECLARATIONS"]

_PARTIES = ("provider", "customer", "supplier")
_FAILED = ("failed", "cancelled", "aborted")
_approval: Any = kind_tables["approval"].c


def _section(*names: str) -> ColumnElement[bool]:
    return says("plan", *names)


def _8_3_a(rid: str, _: Parameters) -> list[Part]:
    role = line("roles")
    told = [
        or_(
            lines(role, role.c.party == party, filled(role.c.role)),
            _section(f"{party}_roles", f"{party}_tasks"),
        )
        for party in _PARTIES
    ]
    return [
        planned(
            rid,
            "roles",
            Words(
                "The plan of a new or altered service names the roles of provider, customer and suppliers.",
                "The plan took effect without the roles of provider, customer or suppliers.",
                "Name who does what on each side, or write that a side has no part in it.",
            ),
            and_(*told),
            "roles",
            "sections",
        )
    ]


def _8_3_b(rid: str, _: Parameters) -> list[Part]:
    return [
        planned(
            rid,
            "framework_changes",
            Words(
                "The plan says how the management system itself must change, or that it need not.",
                "The plan took effect and says nothing about changes to the management system.",
                "Write down what must change, or that nothing must.",
            ),
            _section("framework_changes"),
            "sections",
        )
    ]


def _8_3_c(rid: str, _: Parameters) -> list[Part]:
    return [
        planned(
            rid,
            "staffing",
            Words(
                "The plan says which people are needed and whom to hire, or that nobody is.",
                "The plan took effect and says nothing about the people needed.",
                "Write down who is needed, or that nobody is.",
            ),
            _section("staffing"),
            "sections",
        )
    ]


def _8_3_d(rid: str, _: Parameters) -> list[Part]:
    need, other, missed = line("training"), line("training"), line("training")
    last = select(func.max(_completed(other))).where(other.c.sid == plan.sid).correlate_except(other).scalar_subquery()
    complete = ~lines(missed, _completed(missed).is_(None))
    return [
        planned(
            rid,
            "listed",
            Words(
                "The plan lists what must be learned, or says that nothing must.",
                "The plan took effect and says nothing about skills and training.",
                "List the training that is needed, or write that none is.",
            ),
            or_(lines(need), _section("training", "skills")),
            "training",
            "sections",
        ),
        precondition(
            rid,
            "completed",
            Words(
                "All training that the plan lists is completed before the service goes live.",
                "The service went live before all training that its plan lists was completed.",
                "Complete the training that is missing, and record it.",
            ),
            unit=plans()
            .where(lines(need))
            .reading(plan="all", training_record="all", identity="all", change="all", service="all"),
            before=went_live(),
            evidence=at(case((complete, last))),
            fields=("plan_type", "training"),
            needs=[Need("training_record", frozenset({"course", "completed_at"}), evidence=True)],
        ),
    ]


def _completed(need: Any) -> ColumnElement[Any]:
    """Return when a listed training was completed by whoever it is for, as recorded; NULL = it was not."""
    training: Any = kind_tables["training_record"].alias()
    t = training.c
    done = later_of(t.completed_at, func.coalesce(t.created_at, t.completed_at))
    return (
        select(func.min(done))
        .where(
            func.lower(func.trim(t.course)) == func.lower(func.trim(need.c.course)),
            func.lower(func.coalesce(t.result, "")).not_in(_FAILED),
            or_(need.c.person.is_(None), same_human(t.person, need.c.person)),
        )
        .correlate_except(training)
        .scalar_subquery()
    )


def _8_3_e(rid: str, _: Parameters) -> list[Part]:
    return [
        planned(
            rid,
            "methods_and_tools",
            Words(
                "The plan names the methods and tools that come with the service.",
                "The plan took effect and names no methods and tools.",
                "Write down the methods and tools.",
            ),
            _section("methods_tools", "methods_and_tools"),
            "sections",
        )
    ]


def _8_3_f(rid: str, _: Parameters) -> list[Part]:
    entry, step = line("schedule"), line("milestones")
    dated = or_(
        lines(entry, entry.c.start.is_not(None), entry.c.end.is_not(None)),
        counted(step, step.c.sid == plan.sid, step.c.due_at.is_not(None), of=step.c.due_at) > 1,
    )
    return [
        planned(
            rid,
            "money",
            Words(
                "The plan says what it may cost, in which currency.",
                "The plan took effect without an amount or its currency.",
                "Enter amount and currency.",
            ),
            and_(filled(plan.budget_amount), filled(plan.budget_currency)),
            "budget",
        ),
        planned(
            rid,
            "time",
            Words(
                "The plan says when the work begins and when it is done.",
                "The plan took effect without a start or an end.",
                "Enter start and end.",
            ),
            dated,
            "schedule",
            "milestones",
        ),
        precondition(
            rid,
            "approved",
            Words(
                "The money is approved before the plan takes effect.",
                "The plan took effect before its budget was approved.",
                "Have the budget approved.",
            ),
            unit=plans(),
            before=in_effect(plan),
            evidence=rows(
                "approval",
                _approval.sid == plan.budget_approval_id,
                _approval.decided_at,
                fields=frozenset({"decision", "decided_at"}),
                lost=_approval.withdrawn_at,
            ).where(_approval.decision == "approved"),
            fields=("plan_type", "budget_approval_id", "effective_from"),
        ),
    ]


def _8_3_g(rid: str, p: Parameters) -> list[Part]:
    outcome = line("outcomes")
    o = outcome.c
    whole = (filled(o.metric), filled(o.unit), o.target.is_not(None), o.due_at.is_not(None))
    return [
        planned(
            rid,
            "outcomes",
            Words(
                f"The plan holds at least {p.min_outcomes} expected result with what is measured, unit, target and date.",
                "The plan took effect without an expected result in figures, with unit, target and date.",
                "Write down what is expected in figures, and by when.",
            ),
            counted(outcome, o.sid == plan.sid, *whole) >= p.min_outcomes,
            "outcomes",
        )
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-8.3-a": _8_3_a,
    "BS15000-8.3-b": _8_3_b,
    "BS15000-8.3-c": _8_3_c,
    "BS15000-8.3-d": _8_3_d,
    "BS15000-8.3-e": _8_3_e,
    "BS15000-8.3-f": _8_3_f,
    "BS15000-8.3-g": _8_3_g,
}
"""Requirement -> what makes its parts."""
