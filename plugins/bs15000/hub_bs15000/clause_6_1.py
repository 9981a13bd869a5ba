"""Clause 6.1, business relationship management: customers are met, and what is agreed with them is done (a to c)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, case, exists, func

from hub.conformance.continuous import periodic
from hub.conformance.evidence import at
from hub.conformance.expression import business_days_after, filled, later_of, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, threshold
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import ends
from hub_bs15000.contract import agreed
from hub_bs15000.customer import served
from hub_bs15000.improvement import each_action
from hub_bs15000.meeting import RECORDED, attended, held_meetings, meetings, spoken_about
from hub_bs15000.review import r

__all__ = ["DECLARATIONS"]

u: Any = kind_tables["customer"].c
a: Any = kind_tables["sla"].c
_link = metadata.tables["link"]
_TOPICS = ("progress", "results", "issues", "plans")
_WITH_CUSTOMERS = ("service_review", "interim")


# -- reviews and meetings (a, b) --------------------------------------------------------------


def _6_1_a(rid: str, q: Parameters) -> list[Part]:
    units, ended = served()
    found, m = meetings("service_review", of=[("customer_id", u.sid)])
    return [
        periodic(
            rid,
            "reviewed",
            Words(
                f"With every customer who has an agreement the service is reviewed at least every {q.max_interval_days} days.",
                f"More than {q.max_interval_days} days passed without a review of the service by both sides.",
                "Review the service with the customer, and record who attended for which side.",
            ),
            unit=units,
            evidence=attended(found, m, u.sid),
            at=m.held_at,
            days=q.max_interval_days,
            end=ended,
            needs=[Need("sla", frozenset({"customer_id", "signed_at"}), evidence=True)],
        )
    ]


def _6_1_b(rid: str, q: Parameters) -> list[Part]:
    of = [("sla_id", a.sid), ("subject_id", a.sid), ("customer_id", a.customer_id)]
    found, m = meetings("interim", of=of, reach="all")  # one of the customer speaks of all its agreements
    return [
        periodic(
            rid,
            "met",
            Words(
                "Customer and provider meet as often as the agreement says.",
                "Customer and provider did not meet as often as agreed.",
                "Meet the customer, record when, and put the next meetings into the calendar.",
            ),
            unit=agreed("sla").where(a.signed_at.is_not(None)),
            evidence=found.where(func.coalesce(m.sla_id, a.sid) == a.sid),
            at=m.held_at,
            days=func.coalesce(a.meeting_interval_days, q.default_interval_days),
            grace_days=q.tolerance_days,
            end=ends(a),
            fields=("meeting_interval_days", "customer_id", "signed_at", "valid_to"),
        ),
        spoken_about(rid, _TOPICS, ["interim"]),
    ]


# -- what came of them (c) --------------------------------------------------------------------


def _6_1_c(rid: str, q: Parameters) -> list[Part]:
    advice: Any = child_tables["review", "recommendations"].alias()
    loose = and_(advice.c.sid == r.sid, advice.c.action_id.is_(None), ~filled(advice.c.decision))
    reviews = held_meetings(_WITH_CUSTOMERS)
    units, action = each_action(reviews)
    planned = and_(action.owner.is_not(None), action.due_at.is_not(None))
    given = later_of(action.created_at, since_when(action.sid, "owner", "due_at"))
    due = business_days_after(RECORDED, q.business_days)
    return [
        threshold(
            rid,
            "recorded",
            Words(
                f"Whatever a meeting asks for becomes an action within {q.business_days} working days, or it is decided why not.",
                "The minutes ask for something, and there is neither an action nor a decision.",
                "Open an improvement action, or record why none is taken.",
            ),
            unit=reviews.reading(calendar="all"),
            holds=~exists().where(loose).correlate_except(advice),
            at=due,
            fields=("type", "held_at", "recommendations"),
        ),
        deadline(
            rid,
            "planned",
            Words(
                f"Every action of a meeting has an owner and a date within {q.business_days} working days.",
                "An action that came of a meeting had no owner or no date in time.",
                "Give the action an owner and a date.",
            ),
            unit=units,
            due=due,
            evidence=at(case((planned, given))),
            fields=("type", "held_at", "action_ids"),
            doubts=[
                (action.sid.is_(None), "the action it names was not read"),
                (and_(planned, given.is_(None)), "since when the action has an owner and a date is not known"),
            ],
            needs=[Need("improvement_action", frozenset({"owner", "due_at"}), evidence=True)],
            shape="completeness",
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"BS15000-6.1-a": _6_1_a, "BS15000-6.1-b": _6_1_b, "BS15000-6.1-c": _6_1_c}
"""Requirement -> what makes its parts."""
