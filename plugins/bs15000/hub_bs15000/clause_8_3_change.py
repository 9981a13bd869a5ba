"""Clause 8.3, new or changed services: planned and approved through change management (h)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import and_, func, or_, select, true

from hub.conformance.evidence import Rows, rows
from hub.conformance.owed import NEVER, Doubt
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import precondition
from hub.conformance.unit import unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.change import END_UNKNOWN, c, done, ended, every_change
from hub_bs15000.configuration import tied
from hub_bs15000.new_service import CLASSES, effective
from hub_bs15000.service import s as service

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]


def _through_change(decided: frozenset[str]) -> Rows:
    """Approvals of a change that brings or alters the service: from the few of these classes, not from all that names it.

    Behind a fence and by outer joins, or the engine would begin with the latter, or with all approvals.
    """
    link, change, approval = _link.alias(), kind_tables["change"].alias(), kind_tables["approval"].alias()
    a: Any = approval.c
    of_service = and_(link.c.sid == change.c.sid, link.c.type.in_(("service_ids", "affects")))
    decision = func.coalesce(a.decision, "")
    approved = (
        select(link.c.target.label("service"), a.sid, a.decided_at, a.withdrawn_at)
        .select_from(change.outerjoin(link, of_service).outerjoin(approval, a.subject_id == change.c.sid))
        .where(change.c.class_.in_(CLASSES), decision == "approved")
        .limit(NEVER)
        .subquery("approved")
    )
    found = rows(
        "approval",
        approved.c.service == service.sid,
        approved.c.decided_at,
        fields=decided,
        table=approved,
        record=approved.c.sid,
        lost=approved.c.withdrawn_at,
    )
    return replace(found, reads={"change": "near", "approval": "far"})


def _8_3_h(rid: str, _: Parameters) -> list[Part]:
    approval = kind_tables["approval"].alias()
    a: Any = approval.c
    decided = frozenset({"decision", "decided_at"})
    opened = func.coalesce(service.live_at, service.created_at, 0)
    born = unit("service").where(service.in_scope, func.coalesce(service.lifecycle, "") != "retired").opening(opened)
    since_unknown: Doubt = (
        and_(service.live_at.is_(None), func.coalesce(service.lifecycle, "") != "planned"),
        "when the service went live is not recorded",
    )
    major = or_(c.class_ == "new_service", and_(c.class_ == "service_change", func.coalesce(c.major, true())))
    changes = done(every_change()).where(major)
    doubts: list[Doubt] = [
        END_UNKNOWN,
        (and_(c.class_ == "service_change", c.major.is_(None)), "whether it is a major change is not recorded"),
    ]
    of_plan, of_change = _link.alias(), _link.alias()
    few = select(kind_tables["plan"].c.sid)  # of all that names a service, only what is a plan is looked at
    here, there = tied(of_change, c.sid)
    fields = ("class", "major", "actual_end")
    return [
        precondition(
            rid,
            "service_approved",
            Words(
                "A new service goes live by a change that was approved before.",
                "The service went live without a change for it that was approved before.",
                "Have the change authority decide now whether the service may stay.",
            ),
            unit=born,
            before=service.live_at,
            evidence=_through_change(decided),
            fields=("live_at", "in_scope"),
            needs=[Need("change", frozenset({"class", "service_ids"}), evidence=True)],
            doubts=[since_unknown],
        ),
        precondition(
            rid,
            "service_planned",
            Words(
                "A new service goes live with a plan in force.",
                "The service went live without a plan for it in force.",
                "Make the plan now for what is left to do, and have it authorised.",
            ),
            unit=born,
            before=service.live_at,
            evidence=effective(
                of_plan,
                and_(of_plan.c.target == service.sid, of_plan.c.sid.in_(few), of_plan.c.type == "service_ids"),
                of_plan.c.sid,
                "service",
            ),
            fields=("live_at", "in_scope"),
            doubts=[since_unknown],
        ),
        precondition(
            rid,
            "change_approved",
            Words(
                "What brings or greatly alters a service is approved as a change before it goes live.",
                "The service was altered before its change was approved.",
                "Have the change authority decide now whether the change may stay.",
            ),
            unit=changes,
            before=ended,
            evidence=rows(
                "approval",
                and_(a.subject_id == c.sid, a.decision == "approved"),
                a.decided_at,
                fields=decided,
                table=approval,
                lost=a.withdrawn_at,
            ),
            fields=fields,
            doubts=doubts,
        ),
        precondition(
            rid,
            "change_planned",
            Words(
                "Such a change is linked to a plan of the new or altered service in force.",
                "The service was altered without a plan in force that is linked to the change.",
                "Make the plan, have it authorised, and link it to the change.",
            ),
            unit=changes,
            before=ended,
            evidence=effective(of_change, here, there, "change"),
            fields=fields,
            doubts=doubts,
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"BS15000-8.3-h": _8_3_h}
"""Requirement -> what makes its parts."""
