"""Operations: capacity needs, the capacity plan and what is learned from incidents (OPS-11 to 13)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, exists, func, or_, select, union_all

from hub.conformance.continuous import holding, in_force, periodic
from hub.conformance.evidence import Rows, rows
from hub.conformance.expression import days_after, filled, later_of, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, precondition
from hub.conformance.unit import organisation
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import agreements, first_day_ends, some_child
from hub_bs15000.authorisation import authorised, begun
from hub_bs15000.capacity import KIND, beyond_limit, plans_in_effect
from hub_bs15000.entry import entered_at
from hub_bs15000.review import r
from hub_bs15000.service import in_scope, retired
from hub_bs15000.service import s as service
from hub_bs15000.ticket import columns, tickets
from hub_bs15000.ticket import recorded as registered

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_period = metadata.tables["period"].c
_INCIDENTS = ("incidents", "capacity_incidents", "capacity incidents")
"""Topic under which a review says how many incidents came from lack of capacity."""


# -- needs ------------------------------------------------------------------------------------


def _needs() -> tuple[Rows, Any]:
    """Evidence: a need with source, urgency and date, from when it was recorded; also returns its columns."""
    need, of = child_tables[KIND, "needs"].alias(), kind_tables[KIND].alias()
    n: Any = need.c
    entered = later_of(n.recorded_at, func.coalesce(since_when(n.sid, "needs"), of.c.created_at, n.recorded_at))
    found = rows(
        KIND,
        n.recorded_at.is_not(None),
        entered,
        fields=frozenset({"needs"}),
        table=need,
        record=n.sid,
        lost=of.c.vanished_at,
        declared=of.c.declared_by.is_not(None),
        reach="all",
    )
    return found.joining(of, of.c.sid == n.sid).where(filled(n.source), filled(n.urgency)), n


def _ops_11(rid: str, p: Parameters) -> list[Part]:
    needs, n = _needs()
    theirs, t = _needs()
    a: Any = kind_tables["sla"].c
    earlier = kind_tables["sla"].alias()
    first = ~exists().where(
        earlier.c.customer_id == a.customer_id,
        earlier.c.sid != a.sid,
        earlier.c.signed_at.is_not(None),
        earlier.c.valid_from < a.valid_from,
    ).correlate_except(earlier)
    return [
        in_force(
            rid,
            "gathered",
            Words(
                f"What capacity the service needs is written down, with source and urgency, every {p.max_age_days} days.",
                f"No capacity need of the service with source and urgency is younger than {p.max_age_days} days.",
                "Ask users, customers and managers what the service will need, and write it into the capacity plan.",
            ),
            unit=in_scope(),
            evidence=needs.where(n.service_id == service.sid),
            until=holding(n.recorded_at, p.max_age_days),
            end=retired(),
            shape="completeness",
            fields=("in_scope",),
        ),
        precondition(
            rid,
            "new_customer",
            Words(
                "What capacity a new customer needs is written down by the first day of the first agreement.",
                "The first agreement with the customer began before the customer's capacity needs were written down.",
                "Ask the customer, and write the need into the capacity plan.",
            ),
            unit=agreements("sla")
            .where(a.signed_at.is_not(None), a.customer_id.is_not(None), first)
            .reading(sla="all"),
            before=first_day_ends(a),
            evidence=theirs.where(t.customer_id == a.customer_id),
            fields=("customer_id", "signed_at", "valid_from"),
        ),
    ]


# -- the plan ---------------------------------------------------------------------------------


def _dates() -> Any:
    """Every day on which a capacity plan took effect or was looked at, from when that was recorded."""
    one, two = kind_tables[KIND].alias(), kind_tables[KIND].alias()

    def of(table: Any, field: str) -> Any:
        c = table.c
        kept = (c.doc_status != "draft", c.authorised_by.is_not(None), c[field].is_not(None))
        return select(
            c.sid, c[field].label("day"), entered_at(c, field).label("at"), c.declared_by, c.expires_at
        ).where(*kept)

    return union_all(of(one, "effective_from"), of(two, "last_review_at")).subquery("looked")


def _ops_12(rid: str, p: Parameters) -> list[Part]:
    looked = _dates()
    fields = frozenset({"doc_status", "effective_from", "last_review_at", "authorised_by"})
    return [
        precondition(
            rid,
            "approved",
            Words(
                "The head of department approves the capacity plan before it takes effect.",
                "The capacity plan took effect without an approval by the head of department.",
                "Have the head of department decide on the plan.",
            ),
            unit=plans_in_effect(),
            before=begun(KIND),
            evidence=authorised(KIND, "department_manager"),
            fields=("authorised_by", "authorised_at", "effective_from"),
        ),
        periodic(
            rid,
            "reviewed",
            Words(
                f"The capacity plan is reviewed or renewed at least every {p.max_interval_days} days.",
                f"For more than {p.max_interval_days} days the capacity plan was neither reviewed nor renewed.",
                "Review the plan, and record the day.",
            ),
            unit=organisation(),
            evidence=rows(KIND, looked.c.sid.is_not(None), looked.c.at, fields=fields, table=looked, reach="all"),
            at=looked.c.day,
            days=p.max_interval_days,
        ),
    ]


# -- analyses ---------------------------------------------------------------------


def _analyses(*conditions: Any, reach: Any = "all") -> Rows:
    kept = and_(r.sid.is_not(None), r.type == "capacity_analysis", *conditions)
    fields = frozenset({"type", "held_at", "inputs", "topics"})
    return rows("review", kept, entered_at(r, "held_at"), fields=fields, lost=r.vanished_at, reach=reach)


def _listed(rid: str, days: int) -> Part:
    i, link, review = columns("incident"), _link.alias(), kind_tables["review"].alias()
    held = entered_at(review.c, "held_at")
    found = rows(
        "review",
        and_(link.c.target == i.sid, link.c.type == "items"),
        later_of(held, func.coalesce(since_when(review.c.sid, "items"), held)),
        fields=frozenset({"type", "held_at", "items"}),
        table=link,
        declared=review.c.declared_by.is_not(None),
    )
    capacity = or_(*(func.lower(func.coalesce(i[name], "")) == "capacity" for name in _CAUSES))
    opened = func.coalesce(registered("incident"), 0)
    return deadline(
        rid,
        "listed",
        Words(
            f"An incident from lack of capacity is looked at in a review of capacity within {days} days.",
            "No review of capacity in time lists the incident.",
            "List the incident in the next review of capacity, and use it in the forecast.",
        ),
        unit=tickets("incident").where(capacity),
        due=days_after(opened, days),
        evidence=found.joining(review, review.c.sid == link.c.sid).where(review.c.type == "capacity_analysis"),
        fields=("category",),
        shape="trend",
    )


_CAUSES = ("category", "subcategory", "resolution_code")
"""Fields of an incident that may say that capacity was lacking."""


def _ops_13(rid: str, p: Parameters) -> list[Part]:
    days = p.max_interval_days
    units, limit = beyond_limit()
    number = some_child(
        "review",
        "topics",
        r.sid,
        lambda one: func.lower(func.trim(one.topic)).in_(_INCIDENTS),
        lambda one: or_(one.value.is_not(None), filled(one.text)),
    )
    concluded = some_child(
        "review",
        "topics",
        r.sid,
        lambda one: func.lower(func.trim(one.topic)) == func.lower(func.trim(limit.resource)),
        lambda one: filled(one.text),
    )
    return [
        periodic(
            rid,
            "held",
            Words(
                f"At least every {days} days incidents are searched for lack of capacity, and their number is kept.",
                f"For more than {days} days nobody searched incidents for lack of capacity and kept question and number.",
                "Search the incidents now; keep how they were searched for and how many there were, zero included.",
            ),
            unit=organisation(),
            evidence=_analyses().where(r.inputs.is_not(None), number),
            at=r.held_at,
            days=days,
            shape="trend",
        ),
        _listed(rid, days),
        deadline(
            rid,
            "concluded",
            Words(
                f"For a resource beyond its limit a review of capacity draws a conclusion within {days} days.",
                "No review of capacity in time draws a conclusion on the resource beyond its limit.",
                "Write down in the next review what follows for the resource.",
            ),
            unit=units,
            due=days_after(units.opened, days),
            evidence=_analyses(r.held_at >= units.opened).where(concluded),
            shape="trend",
            needs=[
                Need(KIND, frozenset({"limits"}), evidence=True),
                Need("measurement", frozenset({"metric_id", "subject", "actual"}), evidence=True),
            ],
        ),
    ]


DECLARATIONS: dict[str, Declare] = {
    "OPS-11": _ops_11,
    "OPS-12": _ops_12,
    "OPS-13": _ops_13,
}
"""Requirement -> what makes its parts."""
