"""Clause 5.7, information security: controls carry out the policy and the agreements, and changes heed them (a, c, g, h)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_

from hub.conformance.evidence import at, fields_filled
from hub.conformance.expression import days_after, earlier_of, filled, later_of, since_when
from hub.conformance.listed import lists
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, precondition, threshold
from hub.conformance.unit import each, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import each_month_of, some_child
from hub_bs15000.authorisation import begun, in_effect, start_unknown
from hub_bs15000.change import START_UNKNOWN, c, every_change, started

__all__ = ["DECLARATIONS"]

_control = kind_tables["control"]
k: Any = _control.c
d: Any = kind_tables["document"].c
_period = metadata.tables["period"].c
_OPERATING = "operating"


def _since_operating(control: Any) -> ColumnElement[Any]:
    """Return since when a control that is in operation is recorded so."""
    return func.coalesce(since_when(control.sid, "control_status"), control.created_at, 0)


def _operates(control: Any, instant: ColumnElement[Any]) -> ColumnElement[bool]:
    there = or_(control.vanished_at.is_(None), control.vanished_at > instant)
    return and_(control.control_status == _OPERATING, _since_operating(control) <= instant, there)


# -- what controls answer to (a, c) -----------------------------------------------------------


def _5_7_a(rid: str, _: Parameters) -> list[Part]:
    statement: Any = child_tables["document", "statements"].alias()
    control: Any = _control.alias()
    o = control.c
    carried_out = exists().where(
        lists(o.policy_statement_ids, statement.c.id),
        _operates(o, _period.ends_at),
        o.owner.is_not(None),
        o.last_checked_at <= _period.ends_at,
    )
    bare = exists().where(statement.c.sid == d.sid, ~carried_out.correlate_except(control))
    policies = in_effect("document", "security_policy")
    stated = some_child("document", "statements", d.sid)
    months = each(policies.where(stated), "month", start=begun(), end=earlier_of(d.superseded_at, d.withdrawn_at))
    return [
        deadline(
            rid,
            "stated",
            Words(
                "The security policy lists what it demands, statement by statement.",
                "The security policy does not list what it demands.",
                "List the statements of the policy, each with an id.",
            ),
            unit=policies,
            due=days_after(begun(), 0),
            evidence=fields_filled("statements"),
            fields=("doc_type",),
            doubts=[start_unknown()],
            shape="completeness",
        ),
        threshold(
            rid,
            "carried_out",
            Words(
                "Every month each statement of the security policy is carried out by a control in operation, with an owner, "
                "that was checked.",
                "Some statement of the security policy is carried out by no control with an owner that was checked.",
                "Name a control for every statement, with its owner, and check that it works.",
            ),
            unit=months.reading(control="all"),
            holds=~bare.correlate_except(statement),
            at=_period.ends_at,
            fields=("statements",),
            needs=[
                Need(
                    "control",
                    frozenset({"policy_statement_ids", "control_status", "owner", "last_checked_at"}),
                    evidence=True,
                )
            ],
        ),
    ]


def _5_7_c(rid: str, _: Parameters) -> list[Part]:
    a: Any = kind_tables["sla"].c
    control: Any = _control.alias()

    def unanswered(requirement: Any) -> ColumnElement[bool]:
        named = control.c.control_id == requirement.control_id
        return ~exists().where(named, _operates(control.c, _period.ends_at)).correlate_except(control)

    agreed = each_month_of("sla").where(some_child("sla", "security_requirements", a.sid))
    return [
        threshold(
            rid,
            "answered",
            Words(
                "Every security demand of an agreement in force is answered by a control in operation.",
                "A security demand of the agreement is answered by no control in operation.",
                "Name the control that answers the demand, or put one in operation.",
            ),
            unit=agreed.reading(control="all"),
            holds=some_child("sla", "security_requirements", a.sid, unanswered, none=True),
            at=_period.ends_at,
            fields=("security_requirements", "valid_from"),
            needs=[Need("control", frozenset({"control_id", "control_status"}), evidence=True)],
        )
    ]


# -- what stands with a control, and with a change (g, h) -------------------------------------


def _5_7_g(rid: str, _: Parameters) -> list[Part]:
    since = _since_operating(k)
    return [
        deadline(
            rid,
            "documented",
            Words(
                "Every control in operation names the risk it answers, how it works, how it is kept working and its owner.",
                "The control is in operation without its risk, its operation, its maintenance or its owner.",
                "Complete the description of the control.",
            ),
            unit=unit("control").where(k.control_status == _OPERATING).opening(since),
            due=days_after(since, 0),
            evidence=fields_filled("risk_id", "operation", "maintenance", "owner"),
            fields=("control_status",),
            shape="completeness",
        )
    ]


def _5_7_h(rid: str, p: Parameters) -> list[Part]:
    preauthorised = and_(func.coalesce(c.type, "").in_(p.exempt), or_(c.type != "standard", c.model_id.is_not(None)))
    entered = since_when(c.sid, "security_assessment.result", "security_assessment.by", "security_assessment.at")
    judged = and_(filled(c.security_assessment_result), c.security_assessment_by.is_not(None))
    instant = case((judged, later_of(c.security_assessment_at, entered)))
    undated = and_(judged, c.security_assessment_at.is_not(None), entered.is_(None))
    return [
        precondition(
            rid,
            "assessed",
            Words(
                "What a change does to information security is judged, by whom and when, before it starts.",
                "The change started before anybody judged what it does to information security.",
                "Judge it now, and have what is live put right where security suffers.",
            ),
            unit=every_change().where(~preauthorised),
            before=started,
            evidence=at(instant, lacks=case((undated, "when the assessment was recorded is not known"))),
            fields=("type", "security_assessment", "actual_start"),
            doubts=[(c.type.is_(None), "whether it is a pre-authorised change is not recorded"), START_UNKNOWN],
        )
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-5.7-a": _5_7_a,
    "BS15000-5.7-c": _5_7_c,
    "BS15000-5.7-g": _5_7_g,
    "BS15000-5.7-h": _5_7_h,
}
"""Requirement -> what makes its parts."""
