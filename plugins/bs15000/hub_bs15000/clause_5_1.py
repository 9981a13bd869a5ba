"""Clause 5.1, service level management: what is agreed, by whom, reviewed and changed how (a, b, e to g)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, union

from hub.conformance.continuous import in_force, periodic
from hub.conformance.evidence import Rows, rows
from hub.conformance.expression import later_of
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import precondition, threshold
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import (
    agreements,
    began,
    begins,
    covering,
    ends,
    first_day_ends,
    has_target,
    on_side,
    side_unknown,
    signed_for,
)
from hub_bs15000.change import c, every_change
from hub_bs15000.document_control import doc
from hub_bs15000.review import held, r
from hub_bs15000.service import CUSTOMERS_UNKNOWN, for_customers, retired, s

__all__ = ["DECLARATIONS", "REVIEW_FIELDS", "review_of", "with_both_sides"]

a: Any = kind_tables["sla"].c
_link = metadata.tables["link"]
REVIEW_FIELDS = frozenset({"type", "sla_id", "held_at", "attendees"})
_REVIEW_DAYS = 365


def _5_1_a(rid: str, _: Parameters) -> list[Part]:
    found, agreed = covering(s.sid)
    return [
        in_force(
            rid,
            "agreed",
            Words(
                "At any time every service that customers use stands in a signed agreement that names a target.",
                "For a time no signed agreement with a target covered the service.",
                "Agree the service and its levels with the customer, and keep the signed agreement.",
            ),
            unit=for_customers(),
            evidence=found.where(has_target("sla", agreed.sid)),
            until=ends(agreed),
            end=retired(),
            fields=("customer_facing",),
            doubts=[CUSTOMERS_UNKNOWN],
            shape="completeness",
        )
    ]


def _5_1_b(rid: str, _: Parameters) -> list[Part]:
    return [
        precondition(
            rid,
            side,
            Words(
                f"Every agreement is signed for the {whom} on or before its first day.",
                f"The agreement came into force without a signature for the {whom}.",
                f"Have the {whom} sign, and record who signed and when.",
            ),
            unit=agreements("sla"),
            before=later_of(first_day_ends(a), began(a)),
            evidence=signed_for("sla", "other" if side == "customer" else "provider"),
            fields=("signatories", "signed_at"),
        )
        for side, whom in (("customer", "customer"), ("provider", "provider"))
    ]


def _refers(kind: str, doc_type: str) -> ColumnElement[bool]:
    """Say whether the agreement and a document of this type are linked, by either end."""
    link: Any = _link.alias()
    document: Any = kind_tables[kind].alias()
    tied = or_(
        and_(link.c.sid == a.sid, link.c.target == document.c.sid),
        and_(link.c.target == a.sid, link.c.sid == document.c.sid),
    )
    return exists().where(document.c.doc_type == doc_type, tied).correlate_except(link, document)


def _5_1_e(rid: str, _: Parameters) -> list[Part]:
    return [
        doc(
            rid,
            "procedure",
            Words(
                "At any time a procedure for service levels is in force.",
                "For a time there was no service level procedure in force.",
                "Authorise the procedure, and review it every year.",
            ),
            "slm_procedure",
            _REVIEW_DAYS,
        ),
        threshold(
            rid,
            "referred",
            Words(
                "Every agreement refers to the service level procedure.",
                "The agreement does not refer to the service level procedure.",
                "Name the procedure in the agreement.",
            ),
            unit=agreements("sla").reading(document="near"),
            holds=_refers("document", "slm_procedure"),
            at=began(a),
            fields=("links",),
            needs=[Need("document", frozenset({"doc_type"}), evidence=True)],
        ),
    ]


def review_of(agreement: ColumnElement[int], *types: str) -> Rows:
    """Evidence: a review of this type of the agreement, from when it was held and recorded."""
    on = and_(or_(r.sla_id == agreement, r.subject_id == agreement), r.type.in_(types))
    return rows("review", on, held(), fields=REVIEW_FIELDS)


def with_both_sides(found: Rows) -> Rows:
    """Keep reviews of an agreement that both sides attended."""
    attendee: Any = child_tables["review", "attendees"].alias()
    t = attendee.c

    def came(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(t.sid == r.sid, *conditions).correlate_except(attendee)

    unknown = side_unknown(t.party, t.person)
    sides = [came(on_side("sla", a, t.party, t.person, side)) for side in ("provider", "other")]
    doubtful = and_(came(unknown), ~and_(*sides))
    kept = found.where(or_(and_(*sides), doubtful)).doubtful(doubtful, "for whom somebody attended is not known")
    return replace(kept, reads={**kept.reads, "person": "all", "identity": "all", "customer": "all", "supplier": "all"})


def _5_1_f(rid: str, p: Parameters) -> list[Part]:
    return [
        periodic(
            rid,
            "reviewed",
            Words(
                f"Both sides review every agreement at least every {p.max_interval_days} days.",
                f"More than {p.max_interval_days} days passed without a review by both sides.",
                "Review the agreement with the customer, and record who attended.",
            ),
            unit=agreements("sla").opening(begins(a)),
            evidence=with_both_sides(review_of(a.sid, "sla_review")),
            at=r.held_at,
            days=p.max_interval_days,
            end=ends(a),
        )
    ]


def _5_1_g(rid: str, _: Parameters) -> list[Part]:
    link: Any = _link.alias()
    number = case((link.c.sid == a.sid, link.c.target), else_=link.c.sid)
    linked = (
        rows(
            "change",
            or_(link.c.sid == a.sid, link.c.target == a.sid),
            func.coalesce(c.created_at, 0),
            fields=frozenset({"links"}),
            table=link,
            record=c.sid,
        )
        .joining(kind_tables["change"], c.sid == number)
        .where(c.sid.is_not(None))
    )
    out, back = _link.alias(), _link.alias()
    ends = (
        select(out.c.target).where(out.c.sid == a.sid).correlate_except(out),
        select(back.c.sid).where(back.c.target == a.sid).correlate_except(back),
    )
    of_version = c.sid.in_(union(*ends))  # from the few agreements: each change is not tried with each
    approval: Any = kind_tables["approval"].c
    opening = every_change()
    return [
        precondition(
            rid,
            "change",
            Words(
                "Every new version of an agreement goes through change management.",
                "No change stands behind this version of the agreement.",
                "Raise a change for the new version, and link the two.",
            ),
            unit=agreements("sla"),
            before=first_day_ends(a),
            evidence=linked,
            fields=("links",),
        ),
        precondition(
            rid,
            "approved",
            Words(
                "The change behind a new version of an agreement is approved by the first day of the version.",
                "The version came into force before its change was approved.",
                "Have the change decided on, and let the next version wait for it.",
            ),
            unit=replace(
                opening,
                rows=kind_tables["change"].join(kind_tables["sla"], of_version),
                anchor=a.sid,
                conditions=(*opening.conditions, a.valid_from.is_not(None), opening.opened <= first_day_ends(a)),
            ).reading(sla="near", calendar="all"),
            before=first_day_ends(a),
            evidence=rows(
                "approval",
                approval.subject_id == c.sid,
                approval.decided_at,
                fields=frozenset({"decision", "decided_at"}),
                lost=approval.withdrawn_at,
            ).where(approval.decision == "approved"),
        ),
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-5.1-a": _5_1_a,
    "BS15000-5.1-b": _5_1_b,
    "BS15000-5.1-e": _5_1_e,
    "BS15000-5.1-f": _5_1_f,
    "BS15000-5.1-g": _5_1_g,
}
"""Requirement -> what makes its parts."""
