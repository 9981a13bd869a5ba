"""Clause 8.2, change management: what every planned change owes (a to f)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, true

from hub.conformance.evidence import Rows, any_of, at, fields_filled, rows
from hub.conformance.expression import business_days_after, filled, hours_after, later_of, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.relation import link_instant, linked
from hub.conformance.shape import deadline, precondition, threshold
from hub.conformance.unit import unit
from hub.records import KINDS
from hub.store.schema import kind_tables, metadata
from hub_bs15000.change import (
    EMERGENCY_UNKNOWN,
    END_UNKNOWN,
    START_UNKNOWN,
    approvals,
    c,
    done,
    ended,
    every_change,
    first_approved,
    impact_assessed,
    normal,
    passed_tests,
    started,
)

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
_event = metadata.tables["event"]

INVERSES = {
    "caused_by": "causes",
    "resolved_by": "resolves",
    "documented_as": "documents",
    "implements": "implemented_by",
    "affects": "affected_by",
    "raised_from": "leads_to",
}
INVERSES |= {inverse: relation for relation, inverse in INVERSES.items()}
"""Relations that both ends state."""
_STATING_KINDS = ("incident", "request", "security_incident", "problem", "known_error", "change", "improvement_action")
"""Kinds whose sources state the inverse of a link; registers and releases do not."""


def _8_2_a(rid: str, _p: Parameters) -> list[Part]:
    return [
        precondition(
            rid,
            "assessed",
            Words(
                "The effect on service, business, customers, infrastructure and releases is written down before approval.",
                "The change was approved or started before all five effects were written down.",
                "Write down all five effects of the change, and have it approved again if one of them is a surprise.",
            ),
            unit=normal().reading(approval="near"),
            before=func.coalesce(first_approved(), started),
            evidence=impact_assessed(),
            fields=("type", "actual_start"),
            doubts=[EMERGENCY_UNKNOWN, START_UNKNOWN],
            needs=[Need("approval", frozenset({"decision", "decided_at"}), evidence=True)],
        )
    ]


def _8_2_b(rid: str, _p: Parameters) -> list[Part]:
    return [
        precondition(
            rid,
            "tested",
            Words(
                "A test of exactly what goes live is passed before the change starts.",
                "The change started without a passed test of what it put live.",
                "Test what is live now, record the result with its revision, and repair what fails.",
            ),
            unit=normal(),
            before=started,
            evidence=passed_tests(),
            fields=("type", "tests", "revision", "actual_start"),
            doubts=[EMERGENCY_UNKNOWN, START_UNKNOWN],
        )
    ]


def _8_2_c(rid: str, p: Parameters) -> list[Part]:
    return [
        precondition(
            rid,
            "authorised",
            Words(
                "Approved by the change authority, not by the person carrying it out, before it starts.",
                "The change started without a valid approval by the change authority.",
                "Have the change authority decide now whether the change may stay, and find out how it could start.",
            ),
            unit=normal(),
            before=started,
            evidence=approvals("change_authority", independent=not p.self_approval),
            nth=p.min_approvers,
            fields=("type", "revision", "implementer", "actual_start"),
            doubts=[EMERGENCY_UNKNOWN, START_UNKNOWN],
        )
    ]


def _8_2_d(rid: str, _p: Parameters) -> list[Part]:
    changes = every_change()
    link: Any = _link.alias()
    own, made = link.c.sid == c.sid, link_instant(link)
    concerned = rows("change", own, made, table=link, record=link.c.target, stated_by_unit=True)
    concerned = replace(concerned, undated="when the link was made is not known")
    return [
        precondition(
            rid,
            "linked",
            Words(
                "The change names the service or configuration item it touches.",
                "The change ended without naming a service or configuration item.",
                "Link the change to the services and items it touched.",
            ),
            unit=changes.reading(service="near", configuration_item="near"),
            before=ended,
            evidence=concerned.where(link.c.type.in_(("service_ids", "affects"))),
            fields=("service_ids", "links", "actual_end"),
            doubts=[END_UNKNOWN],
        ),
        precondition(
            rid,
            "reason",
            Words(
                "A change that repairs something is linked to the incident or problem it repairs.",
                "The repair ended without a link to an incident or problem.",
                "Link the change to the incident or problem that was its reason.",
            ),
            unit=changes.where(func.coalesce(func.lower(c.reason), "fix") == "fix"),
            before=ended,
            evidence=linked(
                c.sid,
                ("incident", "problem", "security_incident"),
                never=("causes", "caused_by", "caused_by_change_id"),
            ),
            fields=("reason", "links", "actual_end"),
            doubts=[(c.reason.is_(None), "why the change is made is not recorded"), END_UNKNOWN],
        ),
        threshold(
            rid,
            "inverse",
            Words(
                "Whatever the change is linked to links back to it.",
                "A record the change is linked to does not link back to it.",
                "Make the link complete at both ends.",
            ),
            unit=changes.reading(**dict.fromkeys(KINDS, "near")),
            holds=~_one_sided(),
            at=ended,
            fields=("links", "actual_end"),
            doubts=[
                (_target_unread(), "a linked record was not read"),
                END_UNKNOWN,
            ],
        ),
    ]


def _one_sided() -> ColumnElement[bool]:
    """Say whether a record the change links to does not state the inverse; another tool's knows nothing of the link."""
    link, back, other, own = _link.alias(), _link.alias(), _record.alias(), _record.alias()
    inverse = case(*((link.c.type == name, literal(inverse)) for name, inverse in INVERSES.items()))
    answered = exists().where(back.c.sid == link.c.target, back.c.target == link.c.sid, back.c.type == inverse)
    return (
        exists()
        .where(
            link.c.sid == c.sid,
            link.c.type.in_(sorted(INVERSES)),
            other.c.sid == link.c.target,
            other.c.kind.in_(_STATING_KINDS),
            own.c.sid == c.sid,
            own.c.source == other.c.source,
            ~answered.correlate_except(back),
        )
        .correlate_except(link, other, own)
    )


def _target_unread() -> ColumnElement[bool]:
    """Say whether the change links to a record that no source has shown."""
    link, other = _link.alias(), _record.alias()
    explicit = link.c.type.in_((*sorted(INVERSES), "relates"))
    unread = (link.c.sid == c.sid, explicit, other.c.sid == link.c.target, other.c.kind.is_(None))
    return exists().where(*unread).correlate_except(link, other)


def _8_2_e(rid: str, p: Parameters) -> list[Part]:
    one_way = and_(func.coalesce(c.irreversible, literal(value=False)), ~filled(c.backout_plan))
    event: Any = _event.alias()
    backed_out = since_when(c.sid, "outcome")
    return [
        precondition(
            rid,
            "planned",
            Words(
                "The way back is written down before the change is approved.",
                "The change was approved or started without a written way back.",
                "Write down how the change is undone; if it cannot be undone, say so and have a second person approve it.",
            ),
            unit=normal().where(~one_way).reading(approval="near"),
            before=func.coalesce(first_approved(), started),
            evidence=fields_filled("backout_plan"),
            fields=("type", "irreversible", "actual_start"),
            doubts=[EMERGENCY_UNKNOWN, START_UNKNOWN],
            needs=[Need("approval", frozenset({"decision", "decided_at"}), evidence=True)],
        ),
        precondition(
            rid,
            "extra_approval",
            Words(
                "A change that cannot be undone is approved by two people of the change authority before it starts.",
                "A change that cannot be undone started without the approval of two people.",
                "Have a second person of the change authority decide on the change.",
            ),
            unit=normal().where(one_way),
            before=started,
            evidence=approvals("change_authority", independent=True),
            nth=2,
            fields=("type", "irreversible", "backout_plan", "revision", "implementer", "actual_start"),
            doubts=[EMERGENCY_UNKNOWN, START_UNKNOWN],
        ),
        deadline(
            rid,
            "failed",
            Words(
                f"A failed change is undone or repaired by a further change within {p.forward_fix_days} working days.",
                "The change failed and neither undoing it nor a further change is on record.",
                "Undo the change, or link the change that repairs what it left behind.",
            ),
            unit=done(unit("change")).where(c.outcome.in_(("failed", "backed_out"))),
            due=business_days_after(ended, p.forward_fix_days),
            evidence=any_of(
                rows("change", event.c.sid == c.sid, event.c.at, table=event, stated_by_unit=True).where(
                    event.c.type == "backed_out"
                ),
                at(
                    case((c.outcome == "backed_out", backed_out)),
                    lacks=case(
                        (
                            and_(c.outcome == "backed_out", backed_out.is_(None)),
                            literal("since when it is backed out is not known"),
                        )
                    ),
                ),
                _follow_up(outward=True),
                _follow_up(outward=False),
            ),
            fields=("outcome", "actual_end"),
            doubts=[END_UNKNOWN],
        ),
    ]


def _follow_up(*, outward: bool) -> Rows:
    """Evidence is a change made since, tied to the one that owes by the end that states it."""
    link, later = _link.alias(), kind_tables["change"].alias()
    here, there = (link.c.sid, link.c.target) if outward else (link.c.target, link.c.sid)
    found = rows(
        "change",
        here == c.sid + 0,  # from the change to its links, not from all links
        later_of(later.c.created_at, func.coalesce(link_instant(link), later.c.created_at)),
        table=link,
        record=later.c.sid,
        stated_by_unit=True,
    )
    found = found.joining(later, and_(later.c.sid == there, later.c.created_at >= started))
    return found.where(later.c.sid.is_not(None))


def _8_2_f(rid: str, p: Parameters) -> list[Part]:
    tolerance = literal(p.tolerance_minutes * 60_000)
    in_time = hours_after(started, -p.hours)
    entered = since_when(c.sid, "schedule_published_at")
    published = later_of(c.schedule_published_at, entered)
    unproven = and_(c.schedule_published_at.is_not(None), entered.is_(None))
    doubts = [EMERGENCY_UNKNOWN, START_UNKNOWN]
    link: Any = _link.alias()
    message = kind_tables["communication"].alias()
    event: Any = _event.alias()
    notice = (
        rows(
            "communication",
            and_(link.c.target == c.sid, link.c.type.in_(("evidences", "record_id"))),
            func.coalesce(message.c.received_at, message.c.created_at),  # a letter has no mail server to tell
            fields=frozenset({"class", "received_at", "record_id"}),
            table=link,
            declared=message.c.declared_by.is_not(None),
        )
        .joining(message, message.c.sid == link.c.sid)
        .where(message.c.class_ == "customer_notice")
    )
    told = rows("change", event.c.sid == c.sid, event.c.at, table=event, stated_by_unit=True)
    return [
        precondition(
            rid,
            "planned",
            Words(
                "Start and end are planned before the change starts.",
                "The change started without a planned start and end.",
                "Enter planned start and end before work begins.",
            ),
            unit=normal(),
            before=started,
            evidence=fields_filled("planned_start", "planned_end"),
            fields=("type", "actual_start"),
            doubts=doubts,
        ),
        precondition(
            rid,
            "published",
            Words(
                f"The change stands in the published schedule {p.hours} hours before it starts.",
                f"The change was not in the published schedule {p.hours} hours before it started.",
                "Publish planned changes in time, or move the start.",
            ),
            unit=normal(),
            before=in_time,
            evidence=at(published, lacks=case((unproven, literal("since when it was published is not known")))),
            fields=("type", "schedule_published_at", "actual_start"),
            doubts=doubts,
        ),
        precondition(
            rid,
            "notice",
            Words(
                f"Customers of the services it touches are told {p.hours} hours before it starts.",
                f"No notice to customers {p.hours} hours before the start is on record.",
                "Tell the customers now, and link the notice to the change.",
            ),
            unit=normal(),
            before=in_time,
            evidence=any_of(
                notice,
                told.where(event.c.type == "customer_informed", event.c.visible_to_customer == true()),
            ),
            fields=("type", "events", "actual_start"),
            doubts=doubts,
        ),
        threshold(
            rid,
            "window",
            Words(
                f"The change keeps to its planned window, give or take {p.tolerance_minutes} minutes.",
                "The change ran outside its planned window, or had none.",
                "Find out why it left its window, and plan the next one with that in mind.",
            ),
            unit=normal(),
            holds=and_(c.planned_start - tolerance <= c.actual_start, c.actual_end <= c.planned_end + tolerance),
            at=ended,
            fields=("type", "planned_start", "planned_end", "actual_start", "actual_end"),
            doubts=[*doubts, END_UNKNOWN],
        ),
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-8.2-a": _8_2_a,
    "BS15000-8.2-b": _8_2_b,
    "BS15000-8.2-c": _8_2_c,
    "BS15000-8.2-d": _8_2_d,
    "BS15000-8.2-e": _8_2_e,
    "BS15000-8.2-f": _8_2_f,
}
"""Requirement -> what makes its parts."""
