"""Service level management: reviews of agreements, and of the process itself (SLM-04, 05, 06, 18, 20)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, not_, or_, select

from hub.conformance.continuous import periodic
from hub.conformance.evidence import AnyOf, Rows, any_of, at, rows
from hub.conformance.expression import business_days_after, days_after, filled, later_of, since_when
from hub.conformance.listed import lists
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, threshold
from hub.conformance.unit import Unit, organisation, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import NEVER, metadata
from hub_bs15000.agreement import agreements, begins, ends
from hub_bs15000.change import END_UNKNOWN, c, done, ended, every_change
from hub_bs15000.clause_5_1 import review_of, with_both_sides
from hub_bs15000.meeting import RECORDED, held_meetings
from hub_bs15000.review import held, r

__all__ = ["DECLARATIONS"]

a: Any = kind_tables["sla"].c
_link = metadata.tables["link"]
_record = metadata.tables["record"]
_DAY_MS = 86_400_000
_INPUTS = {
    "sla": "the text of the agreement",
    "service_report": "reports on its levels",
    "change": "records of changes",
    "improvement_action": "actions of earlier reviews",
}


def _item(*conditions: Any, kind: str) -> ColumnElement[bool]:
    """Say whether the review looked at a record of this kind; each condition gets its columns."""
    link, other = _link.alias(), kind_tables[kind].alias()
    looked = (link.c.sid == r.sid, link.c.type == "items", link.c.target == other.c.sid)
    return exists().where(*looked, *(one(other.c) for one in conditions)).correlate_except(link, other)


def _concerned() -> AnyOf:
    """Reviews of agreements that looked at the change itself, or at an agreement on one of its services."""
    named, here, there = _link.alias(), _link.alias(), _link.alias()
    review: Any = kind_tables["review"].alias()
    agreed = (  # limited, so that it is worked out once from the few agreements, not from all that names a service
        select(there.c.target.label("service"), review.c.sid.label("review"))
        .where(review.c.type == "sla_review", there.c.sid == review.c.sla_id, there.c.type == "service_ids")
        .limit(NEVER)
        .subquery("agreed")
    )
    looked = _agreement_review(named, named.c.target == c.sid, named.c.type.in_(("items", "subject_id")), named.c.sid)
    of_service = _agreement_review(here, here.c.sid == c.sid, here.c.type == "service_ids", agreed.c.review)
    of_service = replace(of_service, joins=((agreed, agreed.c.service == here.c.target), *of_service.joins))
    return any_of(looked, replace(of_service, reads={**of_service.reads, "sla": "all", "service": "all"}))


def _agreement_review(link: Any, near: Any, kind: Any, number: Any) -> Rows:
    fields = frozenset({"type", "sla_id", "held_at"})
    found = rows("review", and_(near, kind), held(), fields=fields, table=link, record=number, reach="all")
    found = found.joining(kind_tables["review"], r.sid == number).where(r.type == "sla_review", r.held_at >= ended)
    return replace(found, declared=r.declared_by.is_not(None), expires=r.expires_at)


def _slm_04(rid: str, p: Parameters) -> list[Part]:
    return [
        deadline(
            rid,
            "reviewed",
            Words(
                f"Within {p.days} days after a new service or a major change the agreements concerned are reviewed.",
                "No review of an agreement followed in time.",
                "Review the agreements of the services concerned, and record the review.",
            ),
            unit=done(every_change()).where(
                or_(func.coalesce(c.class_, "") == "new_service", func.coalesce(c.major, literal(value=False)))
            ),
            due=days_after(ended, p.days),
            evidence=_concerned(),
            fields=("class", "major", "actual_end"),
            doubts=[END_UNKNOWN],
        )
    ]


def _slm_05(rid: str, p: Parameters) -> list[Part]:
    topics = " and ".join(p.topics).replace("_", " ")
    met = with_both_sides(review_of(a.sid, "sla_review")).where(*(lists(r.agenda, topic) for topic in p.topics))
    sent = later_of(r.distributed_at, func.coalesce(since_when(r.sid, "distributed_at"), r.created_at))
    return [
        periodic(
            rid,
            "met",
            Words(
                f"Both sides meet over every agreement at least every {p.max_interval_days} days, and speak about {topics}.",
                f"More than {p.max_interval_days} days passed without a meeting of both sides with that agenda.",
                f"Meet, and put {topics} on the agenda.",
            ),
            unit=agreements("sla").opening(begins(a)),
            evidence=met,
            at=r.held_at,
            days=p.max_interval_days,
            end=ends(a),
        ),
        deadline(
            rid,
            "minutes",
            Words(
                f"The minutes of the meeting are sent within {p.business_days} working days.",
                "The minutes were not sent in time, or there are none.",
                "Write the minutes, send them, and record when.",
            ),
            unit=held_meetings(("sla_review",)),
            due=business_days_after(r.held_at, p.business_days),
            evidence=at(case((or_(filled(r.minutes_ref), filled(r.minutes_hash)), sent))),
            fields=("type", "held_at", "distributed_at", "minutes_ref"),
        ),
    ]


def _slm_06(rid: str, _: Parameters) -> list[Part]:
    units = held_meetings(("sla_review",))
    action: Any = kind_tables["improvement_action"].c
    link, first, following = _link.alias(), kind_tables["review"].alias(), kind_tables["review"].alias()
    f: Any = first.c
    n: Any = following.c
    came = or_(
        and_(link.c.sid == action.sid, link.c.type == "source_ids", link.c.target == f.sid),
        and_(link.c.target == action.sid, link.c.type == "action_ids", link.c.sid == f.sid),
    )
    next_held = (
        select(func.min(n.held_at))
        .where(
            came, f.type == "sla_review", n.type == "sla_review", n.sla_id == f.sla_id, n.held_at > f.held_at,
            n.held_at >= func.coalesce(action.created_at, 0),
        )
        .correlate_except(link, first, following)
        .scalar_subquery()
    )  # fmt: skip
    known = or_(
        filled(action.status),
        action.status_category.is_not(None),
        filled(action.result),
        action.closed_at.is_not(None),
        action.no_action_at.is_not(None),
    )
    return [
        *(
            threshold(
                rid,
                kind,
                Words(
                    f"Every review of an agreement looks at {what}.",
                    f"The review does not refer to {what}.",
                    "Look at it in the next review, and name it among the inputs.",
                ),
                unit=units.reading(**{kind: "near"}),
                holds=or_(lists(r.inputs, kind), _item(kind=kind)),
                at=RECORDED,
                fields=("type", "held_at", "inputs", "items"),
            )
            for kind, what in _INPUTS.items()
        ),
        threshold(
            rid,
            "earlier",
            Words(
                "When an agreement is reviewed again, every action of the last review has a status.",
                "Nobody recorded how the action of the last review stands.",
                "Record how the action stands.",
            ),
            unit=unit("improvement_action").where(next_held.is_not(None)).opening(next_held).reading(review="all"),
            holds=known,
            at=next_held,
            fields=("status", "source_ids"),
            needs=[Need("review", frozenset({"sla_id", "held_at"}), evidence=True)],
        ),
    ]


def _of_process(processes: Any) -> ColumnElement[bool]:
    return and_(r.type == "management_review", r.process.in_(tuple(processes)))


def _planned(meetings: Any) -> tuple[Unit, Any]:
    """Every meeting of the process a plan provides for, once for each start; anchor = the start."""
    entry, other = child_tables["plan", "schedule"].alias(), child_tables["plan", "schedule"].alias()
    plan, e = kind_tables["plan"], entry.c

    def named(one: Any) -> ColumnElement[bool]:
        return func.replace(func.lower(func.trim(one.name)), " ", "_").in_(tuple(meetings))

    before = exists().where(other.c.sid == e.sid, other.c.start == e.start, other.c.pos < e.pos, named(other.c))
    units = replace(
        unit("plan"),
        rows=plan.join(entry, entry.c.sid == plan.c.sid),
        anchor=e.start,
        conditions=(named(e), e.start.is_not(None), not_(before.correlate_except(other))),
    )
    return units, e


def _slm_18(rid: str, p: Parameters) -> list[Part]:
    earlier: Any = kind_tables["review"].alias()
    last = (
        select(func.max(earlier.c.held_at))
        .where(earlier.c.type == r.type, earlier.c.process.in_(tuple(p.processes)), earlier.c.held_at < r.held_at)
        .correlate_except(earlier)
        .scalar_subquery()
    )
    fields = frozenset({"type", "process", "held_at"})
    units, entry = _planned(p.meetings)
    moved = filled(entry.moved_reason)
    start = case((and_(moved, entry.moved_to.is_not(None)), entry.moved_to), else_=entry.start)
    since = start - _DAY_MS
    return [
        periodic(
            rid,
            "reviewed",
            Words(
                f"The service level process is reviewed at least every {p.max_interval_days} days.",
                f"More than {p.max_interval_days} days passed without a review of the service level process.",
                "Review the process, and record the review.",
            ),
            unit=organisation(),
            evidence=rows("review", _of_process(p.processes), held(), fields=fields, reach="all"),
            at=r.held_at,
            days=p.max_interval_days,
        ),
        threshold(
            rid,
            "cited",
            Words(
                "Every such review looks at the figures of the process since the last one.",
                "The review names no figure of the time since the last review.",
                "Take the figures of the process to the review, and name them among its items.",
            ),
            unit=held_meetings(("management_review",))
            .where(_of_process(p.processes))
            .reading(review="all", measurement="near"),
            holds=_item(
                lambda m: and_(m.period_end <= r.held_at, m.period_end > func.coalesce(last, 0)), kind="measurement"
            ),
            at=RECORDED,
            fields=("type", "process", "held_at", "items"),
            needs=[Need("measurement", frozenset({"period"}), evidence=True)],
        ),
        deadline(
            rid,
            "as_planned",
            Words(
                "Every planned meeting on the service level process is held that day, or moved with a reason.",
                "The planned meeting was neither held nor moved with a reason.",
                "Hold it, or record to when it was moved and why.",
            ),
            unit=units,
            due=days_after(start, 0),
            evidence=rows(
                "review",
                and_(_of_process(p.processes), r.held_at >= since, r.held_at <= days_after(start, 0)),
                r.held_at,
                fields=fields,
                reach="all",
            ),
            fields=("schedule",),
        ),
    ]


def _topic(name: str, *conditions: Any) -> ColumnElement[bool]:
    """Say whether the review has a finding on a topic for which all conditions hold; each gets its columns."""
    topic: Any = child_tables["review", "topics"].alias()
    found = (topic.c.sid == r.sid, func.lower(topic.c.topic) == name, *(one(topic.c) for one in conditions))
    return exists().where(*found).correlate_except(topic)


def _slm_20(rid: str, _: Parameters) -> list[Part]:
    measured: Any = kind_tables["measurement"].alias()
    m = measured.c

    def figure(topic: Any, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(m.sid == topic.measurement_id, *conditions).correlate_except(measured)

    of_period = or_(r.period_start.is_(None), and_(m.period_start >= r.period_start, m.period_end <= r.period_end))
    same = _topic("attainment", lambda one: figure(one, m.actual == one.value, of_period))
    different = _topic("attainment", lambda one: figure(one, or_(m.actual != one.value, not_(of_period))))
    unsure = _topic("attainment", lambda one: and_(one.value.is_not(None), not_(figure(one))))
    units = held_meetings(("sla_review",))
    fields = ("type", "held_at", "topics")

    def said(one: Any) -> ColumnElement[bool]:
        return or_(filled(one.text), one.value.is_not(None))

    return [
        threshold(
            rid,
            "attainment",
            Words(
                "Every review of an agreement judges what was reached, by the figures stored for its period.",
                "The review says nothing on what was reached, or other figures than those stored.",
                "Take the stored figures into the review.",
            ),
            unit=units.reading(measurement="near"),
            holds=and_(same, not_(different)),
            at=RECORDED,
            fields=fields,
            doubts=[(and_(unsure, not_(same), not_(different)), "which stored figure it judges is not recorded")],
            needs=[Need("measurement", frozenset({"actual", "period"}), evidence=True)],
        ),
        threshold(
            rid,
            "satisfaction",
            Words(
                "Every review of an agreement judges how satisfied the customer is.",
                "The review says nothing on the customer's satisfaction.",
                "Speak about the customer's satisfaction, and write down what was found.",
            ),
            unit=units,
            holds=_topic("satisfaction", said),
            at=RECORDED,
            fields=fields,
        ),
        threshold(
            rid,
            "cost",
            Words(
                "Every review of an agreement looks at what the service costs, or says why not.",
                "The review says nothing on cost, nor why it does not apply.",
                "Look at the cost, or give the reason why it does not apply.",
            ),
            unit=units,
            holds=_topic("cost", lambda one: or_(said(one), filled(one.not_applicable_reason))),
            at=RECORDED,
            fields=fields,
        ),
    ]


DECLARATIONS: dict[str, Declare] = {
    "SLM-04": _slm_04,
    "SLM-05": _slm_05,
    "SLM-06": _slm_06,
    "SLM-18": _slm_18,
    "SLM-20": _slm_20,
}
"""Requirement -> what makes its parts."""
