"""Clause 8.1, configuration management: audits lead to repairs, licences are held and known (m to o)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, func, literal, or_, true

from hub.conformance.continuous import in_force
from hub.conformance.evidence import at, fields_filled, rows
from hub.conformance.expression import days_after, filled, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, precondition, threshold
from hub.conformance.unit import Unit, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import day_begins
from hub_bs15000.configuration import ci, gone_at, tied
from hub_bs15000.entry import entered_at

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_event = metadata.tables["event"]
_record = metadata.tables["record"]
_audit: Any = kind_tables["audit"].c
_action: Any = kind_tables["improvement_action"].c
_approval: Any = kind_tables["approval"].c
_licence: Any = kind_tables["licence"].c


# -- audits -----------------------------------------------------------------------------------


def _8_1_m(rid: str, p: Parameters) -> list[Part]:
    finding: Any = child_tables["audit", "findings"].alias()
    unanswered = or_(~filled(finding.c.risk), finding.c.action_id.is_(None))
    due = days_after(_audit.performed_at, p.days)
    audits = unit("audit").where(_audit.type == "configuration", _audit.performed_at.is_not(None))
    audits = audits.opening(_audit.performed_at)
    return [
        threshold(
            rid,
            "findings",
            Words(
                "For each finding of a configuration audit the risk is recorded, and an action is opened.",
                "A finding of the audit has no risk or no action.",
                "Judge how bad the finding is, and open an action.",
            ),
            unit=audits.reading(calendar="all"),
            holds=~exists().where(finding.c.sid == _audit.sid, unanswered).correlate_except(finding),
            at=due,
            fields=("type", "findings", "performed_at"),
        ),
        deadline(
            rid,
            "reported",
            Words(
                f"The report of a configuration audit is issued within {p.days} days.",
                f"The report of the audit was not issued within {p.days} days.",
                "Issue the report, and record where it is.",
            ),
            unit=audits,
            due=due,
            evidence=at(case((filled(_audit.report_ref), entered_at(_audit, "issued_at")))),
            fields=("type", "performed_at", "issued_at", "report_ref"),
        ),
    ]


def _8_1_n(rid: str, p: Parameters) -> list[Part]:
    actions = unit("improvement_action").where(
        _action.source_type == "configuration_audit",
        _action.no_action_approver.is_(None),
        func.coalesce(_action.status_category, "") != "cancelled",
    )
    due = func.coalesce(_action.due_at, days_after(_action.created_at, p.default_due_days))
    event, first = _event.alias(), _event.alias()
    set_before = (
        exists()
        .where(first.c.sid == event.c.sid, first.c.field == "due_at", first.c.pos < event.c.pos)
        .correlate_except(first)
    )
    moved = and_(event.c.sid == _action.sid, event.c.field == "due_at", or_(filled(event.c.from_), set_before))
    moves = Unit(
        kind="improvement_action",
        rows=kind_tables["improvement_action"].join(event, moved),
        sid=_action.sid,
        anchor=event.c.at,
        opened=event.c.at,
        conditions=actions.conditions,
        reads=actions.reads,
    )
    extension = rows(
        "approval",
        _approval.subject_id == _action.sid,
        _approval.decided_at,
        fields=frozenset({"decision", "decided_at"}),
        lost=_approval.withdrawn_at,
    ).where(_approval.decision == "approved")
    common = ("source_type", "due_at", "closed_at")
    return [
        deadline(
            rid,
            "done",
            Words(
                "What a configuration audit asked for is done by its date.",
                "The action of the audit was not closed by its date.",
                "Carry the action out, or have a later date approved.",
            ),
            unit=actions,
            due=due,
            evidence=at(entered_at(_action, "closed_at")),
            fields=common,
        ),
        precondition(
            rid,
            "extended",
            Words(
                "The date of such an action is moved only with an approval.",
                "The date of the action was moved, and nobody had approved that.",
                "Have the later date approved, or set the old one again.",
            ),
            unit=moves,
            before=event.c.at,
            evidence=extension,
            fields=("source_type", "due_at", "events"),
        ),
        deadline(
            rid,
            "verified",
            Words(
                f"Within {p.default_due_days} days of its end it is checked and recorded what the action achieved.",
                "The action was closed, and nobody recorded and checked what it achieved.",
                "Check what the action achieved, and record it.",
            ),
            unit=actions.where(_action.closed_at.is_not(None)).opening(_action.closed_at),
            due=days_after(_action.closed_at, p.default_due_days),
            evidence=fields_filled("verified_at", "result"),
            fields=("source_type", "closed_at"),
        ),
    ]


# -- licences ---------------------------------------------------------------------------------


def _8_1_o(rid: str, p: Parameters) -> list[Part]:
    entered = func.coalesce(since_when(_licence.sid, "entitlement", "installed"), _licence.created_at, 0)
    licences = unit("licence")
    listed = func.coalesce(since_when(_licence.sid, "informed"), _licence.created_at, 0)
    due = days_after(listed, p.notice_days)
    person: Any = _link.alias()
    names = exists().where(person.c.sid == _licence.sid, person.c.type == "informed").correlate_except(person)
    left_out = (
        exists()
        .where(person.c.sid == _licence.sid, person.c.type == "informed", ~_told(person.c.target, due))
        .correlate_except(person)
    )
    return [
        _licensed(rid),
        threshold(
            rid,
            "enough",
            Words(
                "Of no licence more copies are in use than are allowed.",
                "More copies are in use than the licence allows.",
                "Buy what is missing, or remove what is too much.",
            ),
            unit=licences,
            holds=_licence.installed <= _licence.entitlement,
            at=entered,
            fields=("entitlement", "installed"),
            doubts=[
                (
                    or_(_licence.installed.is_(None), _licence.entitlement.is_(None)),
                    "how many copies are allowed or in use is not recorded",
                )
            ],
        ),
        threshold(
            rid,
            "made_known",
            Words(
                f"Those concerned are named and told the terms of a licence within {p.notice_days} days.",
                "Nobody is named who is to know the licence, or somebody who is was not told.",
                "Name who is concerned, send them the terms, and link the message to the licence.",
            ),
            unit=licences.reading(communication="near", identity="all", calendar="all"),
            holds=and_(names, ~left_out),
            at=due,
            fields=("informed",),
            needs=[Need("communication", frozenset({"to_persons", "record_id"}), evidence=True)],
        ),
    ]


def _licensed(rid: str) -> Part:
    link, licence = _link.alias(), kind_tables["licence"].alias()
    h: Any = licence.c
    here, there = tied(link, ci.sid)
    held = (
        rows(
            "licence",
            here,
            h.created_at,
            fields=frozenset({"valid_to", "ci_ids"}),
            table=link,
            record=h.sid,
            lost=h.vanished_at,
            declared=h.declared_by.is_not(None),
        )
        .joining(licence, h.sid == there)
        .where(h.sid.is_not(None))
    )
    return in_force(
        rid,
        "licensed",
        Words(
            "Each item that needs a licence has one that has not run out.",
            "The item needs a licence, and none that held throughout the month is linked to it.",
            "Renew the licence, or link the item to the licence that covers it.",
        ),
        unit=unit("configuration_item").where(func.coalesce(ci.licence_required, false()) == true()),
        evidence=held,
        until=day_begins(h.valid_to),
        end=gone_at(ci),
        fields=("licence_required",),
    )


def _told(whom: ColumnElement[Any], by: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say whether a message of our own about the licence went to a person by an instant."""
    about, to = _link.alias(), _link.alias()
    mail: Any = kind_tables["communication"].alias()
    one, other = _record.alias(), _record.alias()
    same = or_(one.c.sid == other.c.sid, one.c.canonical == other.c.canonical)
    return (
        exists()
        .where(
            about.c.target == _licence.sid,
            about.c.type == "record_id",
            mail.c.sid == about.c.sid,
            mail.c.direction == "out",
            func.coalesce(mail.c.bounce, literal(value=False)) == false(),
            func.coalesce(mail.c.received_at, mail.c.created_at) <= by,
            to.c.sid == mail.c.sid,
            to.c.type == "to_persons",
            one.c.sid == to.c.target,
            other.c.sid == whom,
            same,
        )
        .correlate_except(about, to, mail, one, other)
    )


DECLARATIONS: dict[str, Declare] = {"BS15000-8.1-m": _8_1_m, "BS15000-8.1-n": _8_1_n, "BS15000-8.1-o": _8_1_o}
"""Requirement -> what makes its parts."""
