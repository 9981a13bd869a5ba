"""Service report management: reports are on time, arrive, are registered and kept (SRM-07 to 10)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, case, exists, func, null, or_

from hub.conformance.evidence import any_of, at, fields_filled, rows
from hub.conformance.expression import business_days_after, filled, hours_after, later_of, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.ratio import ratio
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, threshold
from hub.conformance.unit import Unit, each_month
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.message import mails
from hub_bs15000.report import SENT_UNKNOWN, child, due, handed_over, none_of, ours, report, s, sent, sent_at, some

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
_NOTICE_DAYS = 1
"""Working days after the due day within which readers are told that a report is late."""


def _scheduled() -> Unit:
    """Every report that was to be on time, counted once: neither what was rejected and made again, nor a correction."""
    later: Any = report.alias()
    earlier: Any = report.alias()
    again = exists().where(later.c.report_id == s.report_id, later.c.revision > s.revision).correlate_except(later)
    corrects = (
        exists()
        .where(
            earlier.c.report_id == s.report_id,
            earlier.c.revision < s.revision,
            earlier.c.submitted_at.is_not(None),
        )
        .correlate_except(earlier)
    )
    return (
        ours()
        .where(
            or_(s.due_at.is_not(None), func.coalesce(s.class_, "routine") == "routine"),
            ~and_(func.coalesce(s.state, "") == "rejected", again),
            ~corrects,
        )
        .reading(service_report="all")
    )


def _srm_07(rid: str, q: Parameters) -> list[Part]:
    limit = due()
    counted: Any = _scheduled().conditions
    late = _scheduled().where(or_(s.submitted_at.is_(None), s.submitted_at > limit)).opening(func.coalesce(limit, 0))
    notice, _ = mails("service_report", "customer_notice", "report_delivery", "other")
    reacted = business_days_after(limit, _NOTICE_DAYS)
    return [
        ratio(
            rid,
            "on_time",
            Words(
                f"Of the reports due in a month at least {q.target * 100:g} per cent are handed over in time.",
                f"Less than {q.target * 100:g} per cent of the reports due in the month were handed over in time.",
                "Find out what holds reports up, and change it.",
            ),
            unit=each_month(),
            of=rows(
                "service_report",
                s.sid.is_not(None),
                limit,
                fields=frozenset({"due_at", "period", "submitted_at"}),
                reach="all",
            ).where(*counted),
            good=case((SENT_UNKNOWN[0], null()), else_=and_(s.submitted_at.is_not(None), s.submitted_at <= limit)),
            share=q.target,
        ),
        deadline(
            rid,
            "reason",
            Words(
                "It is recorded why a report is late, by the end of the next working day.",
                "Why the report was late is not recorded.",
                "Record the reason.",
            ),
            unit=late,
            due=reacted,
            evidence=fields_filled("late_reason"),
            fields=("due_at", "period", "submitted_at", "late_reason"),
            doubts=[SENT_UNKNOWN],
            shape="completeness",
        ),
        deadline(
            rid,
            "readers_told",
            Words(
                "Readers are told that a report is late, by the end of the next working day.",
                "The readers of the late report were not told in time.",
                "Tell the readers when the report will come, and why.",
            ),
            unit=late,
            due=reacted,
            evidence=any_of(notice, handed_over()),
            fields=("due_at", "period", "submitted_at"),
            doubts=[SENT_UNKNOWN],
        ),
    ]


def _srm_08(rid: str, _: Parameters) -> list[Part]:
    units = sent()
    delivery, file = child("delivery"), child("files")
    wanted: Any = _link.alias()
    failed = func.coalesce(delivery.c.result, "") == "bounced"
    reached = some(delivery, delivery.c.recipient == wanted.c.target, delivery.c.sent_at.is_not(None))
    left_out = exists().where(wanted.c.sid == s.sid, wanted.c.type == "recipients", ~reached).correlate_except(wanted)
    carried: Any = _link.alias()
    mail: Any = kind_tables["communication"].alias()
    attached: Any = child_tables["communication", "attachments"].alias()
    same = or_(attached.c.sha256 == s.content_hash, some(file, file.c.sha256 == attached.c.sha256))
    proven = (
        exists()
        .where(
            carried.c.target == s.sid,
            carried.c.type == "record_id",
            mail.c.sid == carried.c.sid,
            mail.c.message_id == delivery.c.message_id,
            attached.c.sid == mail.c.sid,
            same,
        )
        .correlate_except(carried, mail, attached)
    )
    again = child("delivery")
    resent = some(
        again,
        again.c.recipient == delivery.c.recipient,
        again.c.sent_at > delivery.c.sent_at,
        func.coalesce(again.c.result, "") != "bounced",
    )
    acted: Any = _link.alias()
    action = (
        exists()
        .where(
            acted.c.target == s.sid,
            acted.c.type == "source_ids",
            _record.c.sid == acted.c.sid,
            _record.c.kind == "improvement_action",
        )
        .correlate_except(acted, _record)
    )
    return [
        threshold(
            rid,
            "to_everybody",
            Words(
                "A report is sent to everybody who is to get it.",
                "The report names no recipient, or somebody who is to get it was sent nothing.",
                "Send it to whoever is missing, and note the delivery.",
            ),
            unit=units,
            holds=and_(some(delivery), ~left_out),
            at=sent_at,
            fields=("recipients", "delivery", "submitted_at"),
            doubts=[SENT_UNKNOWN],
        ),
        threshold(
            rid,
            "as_approved",
            Words(
                "For each delivery there is the message with the report attached just as it was approved.",
                "For a delivery the message is missing, or another file was attached to it.",
                "Find the message, or send the approved report again.",
            ),
            unit=units.reading(communication="near"),
            holds=none_of(delivery, ~failed, ~proven),
            at=sent_at,
            fields=("delivery", "content_hash", "files"),
            doubts=[SENT_UNKNOWN],
            needs=[Need("communication", frozenset({"message_id", "attachments", "record_id"}), evidence=True)],
        ),
        threshold(
            rid,
            "bounces",
            Words(
                "Where a message came back, the report is sent again or an action is opened.",
                "A message came back, and nothing was done about it.",
                "Find the right address and send the report again.",
            ),
            unit=units.reading(improvement_action="near", calendar="all"),
            holds=or_(none_of(delivery, failed, ~resent), action),
            at=business_days_after(sent_at, _NOTICE_DAYS),
            fields=("delivery",),
            doubts=[SENT_UNKNOWN],
        ),
    ]


def _srm_09(rid: str, q: Parameters) -> list[Part]:
    limit = business_days_after(sent_at, q.business_days)
    entered = later_of(s.registered_at, func.coalesce(since_when(s.sid, "registered.at"), s.registered_at))
    agrees = and_(
        s.registered_submitted_at == s.submitted_at,
        s.registered_due_at == s.due_at,
        s.registered_period_start == s.period_start,
        s.registered_period_end == s.period_end,
        filled(s.registered_result),
    )
    words = f"within {q.business_days} working days of being handed over"
    return [
        deadline(
            rid,
            "entered",
            Words(
                f"Every report is entered in the register of reports {words}.",
                f"The report was not entered in the register of reports {words}.",
                "Enter the report.",
            ),
            unit=sent(),
            due=limit,
            evidence=at(entered),
            fields=("registered.at", "submitted_at"),
            doubts=[SENT_UNKNOWN],
        ),
        threshold(
            rid,
            "agrees",
            Words(
                "The entry says of period, due time, delivery and result what the report says.",
                "The entry differs from the report, or leaves something out.",
                "Correct the entry.",
            ),
            unit=sent().where(s.registered_at.is_not(None)).reading(calendar="all"),
            holds=func.coalesce(agrees, False),
            at=limit,
            fields=("registered.submitted_at", "registered.due_at", "submitted_at", "due_at", "period"),
            doubts=[SENT_UNKNOWN],
        ),
    ]


def _srm_10(rid: str, q: Parameters) -> list[Part]:
    limit = business_days_after(sent_at, q.business_days)
    days = f"within {q.business_days} working days"
    receipt: Any = func.coalesce(since_when(s.sid, "archive.customer_received_at"), s.archive_customer_received_at)
    received = later_of(s.archive_customer_received_at, receipt)
    kept = sent().where(s.archived_at.is_not(None)).reading(calendar="all")
    archived = later_of(s.archived_at, func.coalesce(since_when(s.sid, "archived_at"), s.archived_at))
    return [
        deadline(
            rid,
            "archived",
            Words(
                f"Every report is archived {days} of being handed over, and it is recorded where.",
                f"The report was not archived {days}, or it is not recorded where.",
                "Archive the report and record the place.",
            ),
            unit=sent(),
            due=limit,
            evidence=at(case((filled(s.archive_location), archived))),
            fields=("archived_at", "archive.location", "submitted_at"),
            doubts=[SENT_UNKNOWN],
        ),
        deadline(
            rid,
            "customer_copy",
            Words(
                f"The customer confirms {days} that it has its copy.",
                f"The customer did not confirm {days} that it has its copy.",
                "Ask the customer for a receipt.",
            ),
            unit=sent().where(func.coalesce(s.direction, "external") == "external"),
            due=limit,
            evidence=at(received),
            fields=("archive.customer_received_at", "direction", "submitted_at"),
            doubts=[SENT_UNKNOWN, (s.direction.is_(None), "whether it goes to a customer is not recorded")],
        ),
        threshold(
            rid,
            "unchanged",
            Words(
                "What is archived is what was handed over.",
                "What is archived differs from what was handed over.",
                "Archive what was handed over, and find out what the other file is.",
            ),
            unit=kept,
            holds=s.archive_sha256 == s.content_hash,
            at=limit,
            fields=("archive.sha256", "content_hash"),
            doubts=[(or_(s.archive_sha256.is_(None), s.content_hash.is_(None)), "the hash of one is not recorded")],
        ),
        threshold(
            rid,
            "kept",
            Words(
                f"The archive keeps the report for {q.retention_days} days.",
                f"The report may go from the archive before {q.retention_days} days are over.",
                "Set the day until which it is kept.",
            ),
            unit=kept,
            holds=s.archive_keep_until >= hours_after(sent_at, 24 * q.retention_days),
            at=limit,
            fields=("archive.keep_until", "submitted_at"),
            doubts=[(s.archive_keep_until.is_(None), "until when it is kept is not recorded")],
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"SRM-07": _srm_07, "SRM-08": _srm_08, "SRM-09": _srm_09, "SRM-10": _srm_10}
"""Requirement -> what makes its parts."""
