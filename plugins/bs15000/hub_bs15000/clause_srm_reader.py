"""Service report management: readers are heard, and process managers told (SRM-20, 28)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import and_, case, exists, func, literal, or_, select

from hub.conformance.evidence import any_of, at, rows
from hub.conformance.expression import business_days_after, filled, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline
from hub.conformance.unit import Unit, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.report import holds_role, report, s

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
_a: Any = kind_tables["improvement_action"].c
_mail = kind_tables["communication"].alias("feedback")
_m: Any = _mail.c
_tied: Any = _link.alias("about")
_MAIL = Need("communication", frozenset({"direction", "class", "record_id", "received_at"}), evidence=True)
_manager = _a.process + "_manager"


def _feedback() -> Unit:
    """Every report, once for each mail that a person wrote about it; anchor = the mail."""
    machine = or_(
        func.coalesce(_m.auto_submitted, literal(value=False)) == literal(value=True),
        func.coalesce(_m.bounce, literal(value=False)) == literal(value=True),
    )
    reports = unit("service_report").reading(communication="near")
    mailed = and_(_tied.c.target == s.sid, _tied.c.type == "record_id")
    written = reports.rows.join(_tied, mailed).join(_mail, _m.sid == _tied.c.sid)
    mails = replace(reports, rows=written, anchor=_m.sid)
    incoming = mails.where(_m.direction == "in", ~machine, func.coalesce(_m.class_, "other") != "approval")
    return incoming.opening(func.coalesce(_m.received_at, _m.created_at, 0))


def _srm_20(rid: str, q: Parameters) -> list[Part]:
    arrived = func.coalesce(_m.received_at, _m.created_at)
    limit = business_days_after(arrived, q.business_days)
    within = f"within {q.business_days} working days"
    reply: Any = kind_tables["communication"].alias("reply")
    tied: Any = _link.alias()
    answered = (
        rows(
            "communication",
            and_(tied.c.target == s.sid, tied.c.type == "record_id"),
            func.coalesce(reply.c.received_at, reply.c.created_at),
            fields=frozenset({"direction", "in_reply_to", "message_id", "record_id"}),
            table=tied,
            declared=reply.c.declared_by.is_not(None),
        )
        .joining(reply, reply.c.sid == tied.c.sid)
        .where(reply.c.direction == "out", reply.c.in_reply_to == _m.message_id)
        .where(func.coalesce(reply.c.auto_submitted, literal(value=False)) == literal(value=False))
    )
    link: Any = _link.alias()
    action: Any = kind_tables["improvement_action"].alias()
    decided = case(
        (action.c.no_action_at.is_not(None), action.c.no_action_at),
        else_=func.coalesce(link.c.at, since_when(action.c.sid, "source_ids"), action.c.created_at),
    )
    decision = (
        rows(
            "improvement_action",
            and_(link.c.target == _m.sid, link.c.type == "source_ids"),
            decided,
            fields=frozenset({"source_ids"}),
            table=link,
            reach="far",
            declared=action.c.declared_by.is_not(None),
        )
        .joining(action, action.c.sid == link.c.sid)
        .where(or_(action.c.no_action_at.is_(None), action.c.no_action_approver.is_not(None)))
    )
    revised: Any = report.alias()
    correction = rows(
        "service_report",
        and_(revised.c.supersedes == s.sid, revised.c.submitted_at >= arrived),
        revised.c.submitted_at,
        fields=frozenset({"supersedes", "submitted_at"}),
        table=revised,
    )
    claims = or_(
        func.coalesce(_m.claims_error, literal(value=True)) == literal(value=True),
        func.coalesce(_m.class_, "") == "complaint",
    )
    unjudged = and_(_m.claims_error.is_(None), func.coalesce(_m.class_, "") != "complaint")
    return [
        deadline(
            rid,
            "answered",
            Words(
                f"What a reader says about a report is answered {within}.",
                f"The reader got no answer {within}.",
                "Answer the reader.",
            ),
            unit=_feedback(),
            due=limit,
            evidence=answered,
            needs=[_MAIL],
        ),
        deadline(
            rid,
            "decided",
            Words(
                f"Where a reader finds an error it is decided {within} whether the report is corrected.",
                f"A reader found an error, and nothing was decided {within}.",
                "Correct the report, open an action, or record who decided to leave it.",
            ),
            unit=_feedback().where(claims),
            due=limit,
            evidence=any_of(decision, correction),
            needs=[_MAIL, Need("communication", frozenset({"claims_error"}), evidence=True)],
            doubts=[(unjudged, "whether the reader claims an error is not recorded")],
        ),
    ]


def _srm_28(rid: str, q: Parameters) -> list[Part]:
    tied: Any = _link.alias()
    source: Any = report.alias()
    shown = (
        select(func.min(source.c.submitted_at))
        .where(tied.c.sid == _a.sid, tied.c.type == "source_ids", source.c.sid == tied.c.target)
        .correlate_except(tied, source)
        .scalar_subquery()
    )
    unread = (
        exists()
        .where(
            tied.c.sid == _a.sid, tied.c.type == "source_ids", _record.c.sid == tied.c.target, _record.c.kind.is_(None)
        )
        .correlate_except(tied, _record)
    )
    units = unit("improvement_action").where(_a.source_type == "report")
    units = units.opening(func.coalesce(shown, _a.created_at, 0)).reading(
        service_report="near", role_assignment="all", identity="all"
    )

    def given(person: Any, field: str) -> Any:
        since = since_when(_a.sid, field)
        manager = holds_role(person, since, "process_manager", _manager, process=_a.process)
        lacks = case(
            (and_(person.is_not(None), since.is_(None)), literal(f"since when it has its {field} is not known"))
        )
        return at(case((manager, since)), lacks=lacks)

    mail: Any = kind_tables["communication"].alias()
    carried, addressed = _link.alias(), _link.alias()
    sent_to = func.coalesce(mail.c.received_at, mail.c.created_at)
    told = (
        rows(
            "communication",
            and_(carried.c.target == _a.sid, carried.c.type == "record_id"),
            sent_to,
            fields=frozenset({"record_id", "to_persons", "direction"}),
            table=carried,
            declared=mail.c.declared_by.is_not(None),
        )
        .joining(mail, mail.c.sid == carried.c.sid)
        .joining(addressed, and_(addressed.c.sid == carried.c.sid, addressed.c.type == "to_persons"))
        .where(
            mail.c.direction == "out",
            holds_role(addressed.c.target, sent_to, "process_manager", _manager, process=_a.process),
        )
    )
    within = f"within {q.business_days} working days of the report"
    return [
        deadline(
            rid,
            "told",
            Words(
                f"Whoever manages a process hears {within} what could be better there.",
                f"Whoever manages the process was not told {within} and was not given the action.",
                "Tell the manager of the process, or hand the action over.",
            ),
            unit=units,
            due=business_days_after(shown, q.business_days),
            evidence=any_of(given(_a.owner, "owner"), given(_a.assignee, "assignee"), told),
            fields=("source_type", "source_ids", "process"),
            doubts=[
                (unread, "the report it came from was not read"),
                (~filled(_a.process), "which process it concerns is not recorded"),
            ],
            needs=[
                Need("role_assignment", frozenset({"role", "process"}), evidence=True),
                Need("service_report", frozenset({"submitted_at"}), evidence=True),
            ],
        )
    ]


DECLARATIONS: dict[str, Declare] = {"SRM-20": _srm_20, "SRM-28": _srm_28}
"""Requirement -> what makes its parts."""
