"""Clause 6.1, business relationship management: complaints from the first word to the closing (d to g)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_

from hub.conformance.evidence import any_of, at, fields_filled, rows
from hub.conformance.expression import business_days_after, business_hours_after, days_after, filled, later_of
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.shape import deadline, precondition, threshold
from hub.conformance.unit import unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.complaint import (
    CLOSED_UNKNOWN,
    RECEIVED_UNKNOWN,
    closed,
    closed_when,
    complaints,
    f,
    in_time,
    received,
    replied,
)
from hub_bs15000.entry import entered_at

__all__ = ["DECLARATIONS"]

_m: Any = kind_tables["communication"].c
_link = metadata.tables["link"]
_record = metadata.tables["record"]
_TOLD = ("received_at", "recorded_at", "complainant", "service_ids", "description")
_FOUND = ("investigation.by", "investigation.at", "investigation.finding")


# -- recorded (d) -----------------------------------------------------------------------------


def _6_1_d(rid: str, q: Parameters) -> list[Part]:
    arrived = func.coalesce(_m.received_at, _m.created_at, 0)
    link, complaint = _link.alias(), kind_tables["complaint"].alias()
    become = rows(
        "complaint",
        and_(link.c.sid == _m.sid, link.c.type.in_(("record_id", "evidences"))),
        complaint.c.created_at,
        table=link,
        record=complaint.c.sid,
        declared=complaint.c.declared_by.is_not(None),
    ).joining(complaint, complaint.c.sid == link.c.target)
    heard = unit("communication").where(_m.class_ == "complaint", func.coalesce(_m.direction, "in") == "in")
    due = business_hours_after(received, q.business_hours)
    return [
        deadline(
            rid,
            "from_mail",
            Words(
                f"Every message that complains becomes a complaint within {q.business_hours} working hours.",
                "A message complains, and no complaint was recorded for it in time.",
                "Record the complaint, and link the message to it.",
            ),
            unit=heard.opening(arrived),
            due=business_hours_after(arrived, q.business_hours),
            evidence=become.where(complaint.c.sid.is_not(None)),
            fields=("class", "direction", "received_at", "record_id"),
            shape="completeness",
        ),
        deadline(
            rid,
            "recorded",
            Words(
                f"Every complaint is recorded within {q.business_hours} working hours after it reached us.",
                "The complaint was recorded too late.",
                "Record complaints as they come in, and find out what held this one up.",
            ),
            unit=complaints(),
            due=due,
            evidence=in_time(later_of(func.coalesce(f.recorded_at, f.created_at), f.created_at)),
            fields=("received_at",),
            doubts=[RECEIVED_UNKNOWN],
            shape="completeness",
        ),
        deadline(
            rid,
            "complete",
            Words(
                f"Within {q.business_hours} working hours it is written down who complains, about which service, and of what.",
                "It was not written down in time who complains, about which service, of what, or when it was received.",
                "Complete the complaint.",
            ),
            unit=complaints(),
            due=due,
            evidence=fields_filled(*_TOLD),
            shape="completeness",
        ),
    ]


# -- investigated (e) -------------------------------------------------------------------------


def _6_1_e(rid: str, _: Parameters) -> list[Part]:
    one, other = _record.alias(), _record.alias()
    both = (one.c.sid == f.investigation_by, other.c.sid == f.about)

    def is_so(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(*both, *conditions).correlate_except(one, other)

    same = or_(one.c.sid == other.c.sid, one.c.canonical == other.c.canonical)
    unknown = and_(one.c.sid != other.c.sid, or_(one.c.canonical.is_(None), other.c.canonical.is_(None)))
    return [
        precondition(
            rid,
            "investigated",
            Words(
                "Before a complaint is closed somebody looks into it and says what was found.",
                "The complaint was closed, and it is not recorded who looked into it, when, or what was found.",
                "Look into the complaint, and record what was found.",
            ),
            unit=closed(),
            before=closed_when,
            evidence=fields_filled(*_FOUND),
            fields=("closed_at",),
            doubts=[CLOSED_UNKNOWN],
        ),
        threshold(
            rid,
            "by_another",
            Words(
                "Nobody looks into a complaint about themselves.",
                "The person whom the complaint is about looked into it.",
                "Have somebody else look into it again.",
            ),
            unit=closed().where(is_so(other.c.kind == "person")).reading(identity="all", person="all"),
            holds=~is_so(same),
            at=closed_when,
            fields=("about", "investigation.by", "closed_at"),
            doubts=[CLOSED_UNKNOWN, (is_so(unknown), "whether it was somebody else is not known")],
        ),
    ]


# -- answered and closed (f, g) ---------------------------------------------------------------


def _6_1_f(rid: str, q: Parameters) -> list[Part]:
    return [
        deadline(
            rid,
            "first_reply",
            Words(
                f"Whoever complains hears from us within {q.first_reply_business_hours} working hours.",
                "Whoever complains did not hear from us in time.",
                "Answer now, and say when the result will follow.",
            ),
            unit=complaints(),
            due=business_hours_after(received, q.first_reply_business_hours),
            evidence=replied(),
            fields=("received_at", "first_reply_at"),
            doubts=[RECEIVED_UNKNOWN],
        ),
        deadline(
            rid,
            "final_answer",
            Words(
                f"Whoever complains hears the result within {q.final_business_days} working days.",
                "Whoever complains did not hear the result in time.",
                "Tell the result, or at least what holds it up.",
            ),
            unit=complaints(),
            due=business_days_after(received, q.final_business_days),
            evidence=in_time(entered_at(f, "customer_informed_at")),
            fields=("received_at", "customer_informed_at"),
            doubts=[RECEIVED_UNKNOWN],
        ),
    ]


def _6_1_g(rid: str, q: Parameters) -> list[Part]:
    approval: Any = kind_tables["approval"].c
    extended = rows(
        "approval",
        approval.subject_id == f.sid,
        approval.decided_at,
        fields=frozenset({"decision", "decided_at"}),
        lost=approval.withdrawn_at,
    ).where(approval.decision == "approved")
    return [
        threshold(
            rid,
            "outcome",
            Words(
                "Every closed complaint says how it ended and who closed it.",
                "The complaint was closed, and it does not say how it ended or who closed it.",
                "Record the outcome and who closed it.",
            ),
            unit=closed(),
            holds=and_(filled(f.outcome), f.closed_by.is_not(None)),
            at=closed_when,
            fields=("closed_at", "outcome", "closed_by"),
            doubts=[CLOSED_UNKNOWN],
        ),
        precondition(
            rid,
            "informed",
            Words(
                "Whoever complains hears the result before the complaint is closed.",
                "The complaint was closed before whoever complains had heard the result.",
                "Tell the result, and close complaints only after that.",
            ),
            unit=closed(),
            before=closed_when,
            evidence=at(entered_at(f, "customer_informed_at")),
            fields=("closed_at", "customer_informed_at"),
            doubts=[CLOSED_UNKNOWN],
        ),
        deadline(
            rid,
            "in_time",
            Words(
                f"No complaint stays open for more than {q.max_open_days} days, unless an extension is approved by then.",
                f"The complaint was open for more than {q.max_open_days} days, and nobody had approved that.",
                "Settle the complaint, or have more time approved.",
            ),
            unit=complaints(),
            due=days_after(received, q.max_open_days),
            evidence=any_of(in_time(closed_when), extended),
            fields=("received_at", "closed_at"),
            doubts=[RECEIVED_UNKNOWN, CLOSED_UNKNOWN],
        ),
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-6.1-d": _6_1_d,
    "BS15000-6.1-e": _6_1_e,
    "BS15000-6.1-f": _6_1_f,
    "BS15000-6.1-g": _6_1_g,
}
"""Requirement -> what makes its parts."""
