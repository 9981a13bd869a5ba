"""Clause 5.7, information security: incidents are recorded, reported, investigated, counted and learned from (j to n)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, true

from hub.conformance.continuous import periodic
from hub.conformance.evidence import AnyOf, Rows, any_of, at, fields_filled, rows
from hub.conformance.expression import days_after, later_of, minutes_after, since_when
from hub.conformance.owed import Doubt
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.relation import linked
from hub.conformance.shape import deadline, precondition
from hub.conformance.unit import Unit, organisation, unit
from hub.store.schema import child_tables, kind_tables
from hub_bs15000.agreement import some_child
from hub_bs15000.entry import entered_at
from hub_bs15000.improvement import acted
from hub_bs15000.meeting import RECORDED, held_meetings
from hub_bs15000.report import s
from hub_bs15000.review import r

__all__ = ["DECLARATIONS"]

_incident = kind_tables["security_incident"]
i: Any = _incident.c
_CALLED_OFF = ("cancelled", "rejected")
_SUBJECTS = ("security", "information_security")
"""How the process is named in reports."""
_detected = func.coalesce(i.detected_at, i.reported_at, i.created_at)
_closed = func.coalesce(i.closed_at, case((i.status_category == "closed", func.coalesce(i.created_at, 0))))
_CLOSED_UNKNOWN: Doubt = (
    and_(i.closed_at.is_(None), i.status_category == "closed"),
    "when it was closed is not recorded",
)


def _incidents() -> Unit:
    """Every security incident that was not called off."""
    return unit("security_incident").where(func.coalesce(i.status_category, "").not_in(_CALLED_OFF))


# -- reported and recorded (j, k) -------------------------------------------------------------


def _5_7_j(rid: str, p: Parameters) -> list[Part]:
    own: Any = _incident.alias()
    o = own.c
    said = rows("security_incident", o.sid == i.sid, o.reported_to_management_at, table=own, stated_by_unit=True)
    said = said.where(o.reported_to.is_not(None)).by(o.reported_to, *p.roles)
    told = replace(said, at=entered_at(o, "reported_to_management_at"))
    due = case(
        (i.detected_at.is_(None), 0),  # nothing is known to be in time
        *((i.severity == name, minutes_after(i.detected_at, count)) for name, count in p.minutes.items()),
        else_=minutes_after(i.detected_at, min(p.minutes.values())),
    )
    return [
        deadline(
            rid,
            "reported",
            Words(
                "Management, or the security contact, is told of a security incident in the time its severity allows.",
                "Management was not told of the security incident in time.",
                "Tell the security contact now, and record when and whom.",
            ),
            unit=_incidents().opening(func.coalesce(_detected, 0)),
            due=due,
            evidence=told,
            fields=("detected_at", "severity", "reported_to", "reported_to_management_at"),
            doubts=[
                (i.severity.is_(None), "its severity is not recorded"),
                (i.detected_at.is_(None), "when it was noticed is not recorded"),
            ],
        )
    ]


def _noticed(rid: str, name: str, words: Words, *, kind: str, days: int, units: Unit) -> Part:
    t: Any = kind_tables[kind].c
    seen = func.coalesce(t.started_at if kind == "alert" else t.received_at, t.created_at)
    return deadline(
        rid,
        name,
        words,
        unit=units.opening(func.coalesce(seen, 0)),
        due=days_after(seen, days),
        evidence=linked(t.sid, ("security_incident",)),
        fields=("security", "ticket_id" if kind == "alert" else "record_id"),
        shape="completeness",
    )


def _5_7_k(rid: str, p: Parameters) -> list[Part]:
    alert: Any = kind_tables["alert"].c
    mail: Any = kind_tables["communication"].c
    return [
        _noticed(
            rid,
            "alerts",
            Words(
                "Every alert that touches security is linked to a security incident by the end of the next day.",
                "A security alert led to no security incident in time.",
                "Open a security incident for the alert, and link the two.",
            ),
            kind="alert",
            days=p.days,
            units=unit("alert").where(alert.security == true()),
        ),
        _noticed(
            rid,
            "messages",
            Words(
                "Every message that touches security is linked to a security incident by the end of the next day.",
                "A message that touches security led to no security incident in time.",
                "Open a security incident for the message, and link the two.",
            ),
            kind="communication",
            days=p.days,
            units=unit("communication").where(mail.security == true(), func.coalesce(mail.direction, "in") == "in"),
        ),
        deadline(
            rid,
            "complete",
            Words(
                "A security incident shows when it was noticed, its kind, its severity and its owner.",
                "The security incident lacks when it was noticed, its kind, its severity or its owner.",
                "Complete the record of the security incident.",
            ),
            unit=_incidents(),
            due=days_after(i.created_at, p.days),
            evidence=fields_filled("detected_at", "type", "severity", "owner"),
            shape="completeness",
        ),
    ]


# -- investigated (l) -------------------------------------------------------------------------


def _5_7_l(rid: str, p: Parameters) -> list[Part]:
    found = fields_filled("cause", "investigator")
    return [
        deadline(
            rid,
            "investigated",
            Words(
                f"Within {p.investigation_days} days somebody finds out how a security incident could happen.",
                "Nobody found out in time how the security incident could happen.",
                "Investigate the incident, and record the cause and who found it.",
            ),
            unit=_incidents().opening(func.coalesce(_detected, 0)),
            due=days_after(_detected, p.investigation_days),
            evidence=found,
            shape="completeness",
        ),
        precondition(
            rid,
            "understood",
            Words(
                "No security incident is closed before its cause is known.",
                "The security incident was closed without a cause and the name of who found it.",
                "Open it again, and investigate it.",
            ),
            unit=_incidents(),
            before=_closed,
            evidence=found,
            fields=("closed_at",),
            doubts=[_CLOSED_UNKNOWN],
        ),
        precondition(
            rid,
            "answered",
            Words(
                "No security incident is closed before management acted on it, or decided that nothing is needed.",
                "The security incident was closed without an action of management or a decision that none is needed.",
                "Decide what is to be done, and record the action or the decision.",
            ),
            unit=_incidents(),
            before=_closed,
            evidence=any_of(fields_filled("management_action"), *acted(i.sid).several),
            fields=("closed_at", "management_action"),
            doubts=[_CLOSED_UNKNOWN],
        ),
    ]


# -- counted, and learned from (m, n) ---------------------------------------------------------


def _security_report() -> ColumnElement[bool]:
    return and_(func.coalesce(s.process, "").in_(_SUBJECTS), func.coalesce(s.state, "") != "cancelled")


def _quantified() -> Rows:
    """Issued security reports that give a figure for every measure."""
    found = rows(
        "service_report",
        and_(s.sid.is_not(None), _security_report()),
        entered_at(s, "issued_at"),
        fields=frozenset({"process", "issued_at", "metrics"}),
        reach="all",
    )
    return found.where(s.issued_at.is_not(None))


def _5_7_m(rid: str, p: Parameters) -> list[Part]:
    def figure(name: str) -> Any:
        return some_child(
            "service_report", "metrics", s.sid, lambda m: m.metric_id == name, lambda m: m.current_actual.is_not(None)
        )

    named = ", ".join(p.metrics)
    return [
        periodic(
            rid,
            "quantified",
            Words(
                f"At least every {p.max_interval_days} days a report on security gives figures, even if they are zero: {named}.",
                f"For more than {p.max_interval_days} days no report on security gave figures for all of: {named}.",
                "Count the security incidents by type, with downtime and cost, and issue the report.",
            ),
            unit=organisation(),
            evidence=_quantified().where(*(figure(name) for name in p.metrics)),
            at=s.issued_at,
            days=p.max_interval_days,
            shape="trend",
        )
    ]


def _led_to(sid: ColumnElement[int], kind: str, field: str, *done: str) -> AnyOf:
    """An action of the record, or that each of its recommendations names one, or a decision."""
    row: Any = child_tables[kind, field].alias()
    open_ = and_(*(row.c[name].is_(None) for name in done))
    none_open = ~exists().where(row.c.sid == sid, open_).correlate_except(row)
    answered = at(
        case((none_open, since_when(sid, field))),
        lacks=case(
            (and_(none_open, since_when(sid, field).is_(None)), "since when each names its action is not known")
        ),
    )
    return any_of(answered, *acted(sid).several)


def _5_7_n(rid: str, p: Parameters) -> list[Part]:
    words = Words(
        f"What a look at security recommends leads to an improvement action within {p.days} days, or to a decision.",
        "A look at security recommended something, and no improvement action followed in time.",
        "Open an improvement action for each recommendation, or record who decided that none is needed and why.",
    )
    forum = held_meetings(["security_forum"]).where(some_child("review", "recommendations", r.sid))
    issued = later_of(s.issued_at, func.coalesce(s.created_at, s.issued_at))
    reports = unit("service_report").where(
        _security_report(), s.issued_at.is_not(None), some_child("service_report", "findings", s.sid)
    )
    return [
        deadline(
            rid,
            "forum",
            words,
            unit=forum,
            due=days_after(RECORDED, p.days),
            evidence=_led_to(r.sid, "review", "recommendations", "action_id", "decision"),
            fields=("type", "recommendations", "action_ids"),
            shape="completeness",
        ),
        deadline(
            rid,
            "report",
            words,
            unit=reports.opening(issued),
            due=days_after(issued, p.days),
            evidence=_led_to(s.sid, "service_report", "findings", "action_id"),
            fields=("process", "findings", "issued_at"),
            shape="completeness",
        ),
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-5.7-j": _5_7_j,
    "BS15000-5.7-k": _5_7_k,
    "BS15000-5.7-l": _5_7_l,
    "BS15000-5.7-m": _5_7_m,
    "BS15000-5.7-n": _5_7_n,
}
"""Requirement -> what makes its parts."""
