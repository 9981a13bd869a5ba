"""Clause 5.7, information security: the policy is approved, told to everybody, and a body keeps it up (d to f)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, func, or_

from hub.conformance.continuous import periodic
from hub.conformance.evidence import AnyOf, Rows, any_of, rows
from hub.conformance.expression import days_after, earlier_of, filled, later_of
from hub.conformance.owed import NEVER
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, precondition, threshold
from hub.conformance.unit import Unit, organisation, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import some_child
from hub_bs15000.authorisation import assigned, authorised, begun, in_effect, start_unknown
from hub_bs15000.document_control import doc
from hub_bs15000.entry import entered_at
from hub_bs15000.meeting import RECORDED, held_meetings
from hub_bs15000.review import held, r

__all__ = ["DECLARATIONS"]

_POLICY = "security_policy"
_TOPICS = ("policy", "implementation", "risk_assessment")
"""What every meeting of the security forum records, topic by topic."""
_document = kind_tables["document"]
d: Any = _document.c
_link = metadata.tables["link"]
_record = metadata.tables["record"]


# -- approved (d) -----------------------------------------------------------------------------


def _5_7_d(rid: str, p: Parameters) -> list[Part]:
    return [
        doc(
            rid,
            "in_force",
            Words(
                "At any time a security policy is in force.",
                "For a time there was no security policy in force.",
                "Have the policy authorised, and review it in time.",
            ),
            _POLICY,
            p.review_days,
        ),
        precondition(
            rid,
            "approved",
            Words(
                "Top management puts the security policy in force, no later than it takes effect.",
                "The security policy took effect without the approval of top management.",
                "Have top management approve the policy, and record who and when.",
            ),
            unit=in_effect("document", _POLICY),
            before=begun(),
            evidence=authorised("document", *p.roles),
            fields=("doc_type", "authorised_by", "authorised_at", "effective_from"),
            doubts=[start_unknown()],
        ),
    ]


# -- told (e) ---------------------------------------------------------------------------------


def _each_policy(kind: str, starts: ColumnElement[Any], ends: ColumnElement[Any] | None, days: int) -> Unit:
    """Every such person or customer x every version of the policy that held for so many days; anchor = the version."""
    owner = kind_tables[kind]
    opened = later_of(begun(), starts)
    until = earlier_of(earlier_of(d.superseded_at, d.withdrawn_at), d.vanished_at)
    over = until if ends is None else earlier_of(until, ends)
    units = unit(kind).where(
        d.doc_type == _POLICY,
        d.effective_from.is_not(None),
        func.coalesce(d.doc_status, "") != "draft",
        func.coalesce(over, NEVER) > func.coalesce(days_after(opened, days), opened),
    )
    joined = owner.join(_document, d.sid.is_not(None))
    return replace(units, rows=joined, anchor=d.sid, opened=opened).reading(document="all", calendar="all")


def _acknowledged(person: Any) -> AnyOf:
    """The person's training record or message that is linked to the version of the policy."""
    link, training, login = _link.alias(), kind_tables["training_record"].alias(), _record.alias()
    t: Any = training.c
    here = or_(and_(link.c.target == d.sid, link.c.sid == t.sid), and_(link.c.sid == d.sid, link.c.target == t.sid))
    own = (
        exists()
        .where(login.c.sid == t.person, or_(login.c.sid == person.sid, login.c.canonical == person.sid))
        .correlate_except(login)
    )
    tied = exists().where(here).correlate_except(link)
    taught = rows(
        "training_record",
        and_(t.completed_at.is_not(None), own, tied),
        entered_at(t, "completed_at"),
        fields=frozenset({"person", "completed_at", "links"}),
        table=training,
        reach="all",
    )
    named, message, sender = _link.alias(), kind_tables["communication"].alias(), _record.alias()
    m: Any = message.c
    answered = rows(
        "communication",
        and_(named.c.target == d.sid, named.c.type == "record_id"),
        func.coalesce(m.received_at, m.created_at),
        fields=frozenset({"direction", "record_id"}),
        table=named,
        declared=m.declared_by.is_not(None),
        reach="far",
    )
    answered = answered.joining(message, m.sid == named.c.sid).joining(sender, sender.c.sid == m.creator)
    answered = answered.where(m.direction == "in", or_(sender.c.sid == person.sid, sender.c.canonical == person.sid))
    return any_of(
        replace(taught, reads={**taught.reads, "identity": "all"}),
        replace(answered, reads={**answered.reads, "identity": "all"}),
    )


def _notified(customer: Any) -> Rows:
    """A message of ours about the policy that went to the customer, or to one of its people."""
    named, message = _link.alias(), kind_tables["communication"].alias()
    to, login, human = _link.alias(), _record.alias(), kind_tables["person"].alias()
    m: Any = message.c
    reached = (
        exists()
        .select_from(
            to.join(login, login.c.sid == to.c.target).join(
                human, human.c.sid == func.coalesce(login.c.canonical, login.c.sid)
            )
        )
        .where(to.c.sid == m.sid, to.c.type == "to_persons", human.c.party == customer.sid)
        .correlate_except(to, login, human)
    )
    found = rows(
        "communication",
        and_(named.c.target == d.sid, named.c.type == "record_id"),
        func.coalesce(m.received_at, m.created_at),
        fields=frozenset({"direction", "record_id"}),
        table=named,
        declared=m.declared_by.is_not(None),
        reach="far",
    )
    found = found.joining(message, m.sid == named.c.sid)
    found = found.where(
        m.direction == "out", ~func.coalesce(m.bounce, false()), or_(m.customer_id == customer.sid, reached)
    )
    return replace(found, reads={**found.reads, "person": "all", "identity": "all"})


def _5_7_e(rid: str, p: Parameters) -> list[Part]:
    person: Any = kind_tables["person"].c
    customer: Any = kind_tables["customer"].c
    start = func.coalesce(person.active_from, person.created_at, 0)
    staff = _each_policy("person", start, person.active_to, p.days)
    return [
        deadline(
            rid,
            "acknowledged",
            Words(
                f"Everybody who works for the service acknowledges the security policy within {p.days} days.",
                "The person did not acknowledge the security policy in time.",
                "Explain the policy to the person, and record the acknowledgement.",
            ),
            unit=staff.where(
                ~person.account, func.coalesce(person.employment, "employee").in_(("employee", "external"))
            ),
            due=days_after(staff.opened, p.days),
            evidence=_acknowledged(person),
            fields=("employment",),
            doubts=[(person.employment.is_(None), "how the person is bound is not recorded")],
            needs=[Need("document", frozenset({"doc_type", "effective_from"}), evidence=True)],
        ),
        deadline(
            rid,
            "notified",
            Words(
                f"Every customer is told of the security policy within {p.days} days.",
                "The customer was not told of the security policy in time.",
                "Send the policy to the customer.",
            ),
            unit=_each_policy("customer", func.coalesce(customer.created_at, 0), None, p.days),
            due=days_after(later_of(begun(), func.coalesce(customer.created_at, 0)), p.days),
            evidence=_notified(customer),
            needs=[Need("document", frozenset({"doc_type", "effective_from"}), evidence=True)],
        ),
    ]


# -- kept up (f) ------------------------------------------------------------------------------


def _5_7_f(rid: str, p: Parameters) -> list[Part]:
    met = rows("review", r.type == "security_forum", held(), fields=frozenset({"type", "held_at"}), reach="all")
    told = [
        some_child(
            "review",
            "topics",
            r.sid,
            lambda one, topic=topic: func.lower(func.trim(one.topic)) == topic,
            lambda one: or_(filled(one.text), filled(one.not_applicable_reason)),
        )
        for topic in _TOPICS
    ]
    return [
        assigned(
            rid,
            "responsible",
            Words(
                "At any time somebody manages information security.",
                "For a time nobody managed information security.",
                "Assign the role of security manager.",
            ),
            "security_manager",
        ),
        periodic(
            rid,
            "meets",
            Words(
                f"The security forum meets at least every {p.max_interval_days} days.",
                f"More than {p.max_interval_days} days passed without a meeting of the security forum.",
                "Hold a meeting of the security forum, and record it.",
            ),
            unit=organisation(),
            evidence=met,
            at=r.held_at,
            days=p.max_interval_days,
        ),
        threshold(
            rid,
            "records",
            Words(
                "Every meeting of the security forum records how the policy, its implementation and the risks stand.",
                "The meeting does not record how the policy, its implementation and the risks stand.",
                "Complete the record of the meeting topic by topic: policy, implementation, risk_assessment.",
            ),
            unit=held_meetings(["security_forum"]),
            holds=case((and_(*told), 1), else_=0) == 1,
            at=RECORDED,
            fields=("type", "held_at", "topics"),
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"BS15000-5.7-d": _5_7_d, "BS15000-5.7-e": _5_7_e, "BS15000-5.7-f": _5_7_f}
"""Requirement -> what makes its parts."""
