"""Service report management: findings are followed up, corrections controlled (SRM-15, 21)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, exists, func, or_, select

from hub.conformance.expression import filled
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.previous import previous
from hub.conformance.reading import Need
from hub.conformance.shape import precondition, threshold
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.report import (
    SENT_UNKNOWN,
    approvals,
    beside,
    child,
    none_of,
    report,
    s,
    sent,
    sent_at,
    some,
)

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
_a: Any = kind_tables["improvement_action"].c
_m: Any = kind_tables["communication"].c
_SERIES = (report.c.type, report.c.customer_id, report.c.process, report.c.direction)
_WAS_SENT = report.c.submitted_at.is_not(None)


# -- findings and actions ---------------------------------------------------------------------


def _srm_15(rid: str, _: Parameters) -> list[Part]:
    finding = child("findings")
    action: Any = kind_tables["improvement_action"].alias()
    somebody = or_(action.c.owner.is_not(None), action.c.assignee.is_not(None))
    planned = (
        exists()
        .where(action.c.sid == finding.c.action_id, somebody, action.c.due_at.is_not(None))
        .correlate_except(action)
    )
    neighbour = previous(report, of=_SERIES, by=func.coalesce(report.c.period_start, 0), where=_WAS_SENT)
    following = neighbour.c.following
    here, followed = child("findings"), child("follow_ups")
    named = or_(
        some(here, here.c.action_id == action.c.sid, of=following),
        some(followed, followed.c.action_id == action.c.sid, filled(followed.c.status), of=following),
    )
    still_open = or_(action.c.closed_at.is_(None), action.c.closed_at > s.submitted_at)
    dropped = or_(
        *(
            exists()
            .where(line.c.sid == s.sid, action.c.sid == line.c.action_id, still_open, ~named)
            .correlate_except(line, action)
            for line in (child("findings"), child("follow_ups"))
        )
    )
    next_one: Any = report.alias()
    came = (
        select(next_one.c.submitted_at).where(next_one.c.sid == following).correlate_except(next_one).scalar_subquery()
    )
    followed_up = beside(sent(), neighbour).where(following.is_not(None)).opening(came)
    return [
        threshold(
            rid,
            "action",
            Words(
                "For each finding of a report there is an action that somebody answers for, with a date.",
                "A finding of the report has no action, or one without a person or a date.",
                "Open an action for the finding, with a person and a date.",
            ),
            unit=sent().reading(improvement_action="near"),
            holds=none_of(finding, ~planned),
            at=sent_at,
            fields=("findings", "submitted_at"),
            doubts=[SENT_UNKNOWN],
            needs=[Need("improvement_action", frozenset({"due_at"}), evidence=True)],
        ),
        threshold(
            rid,
            "until_closed",
            Words(
                "Each action that was open in the last report appears in the next one, with where it stands.",
                "An action that was open in this report does not appear in the next one.",
                "List the action in the next report with where it stands, until it is closed.",
            ),
            unit=followed_up.reading(service_report="all", improvement_action="near"),
            holds=~dropped,
            at=came,
            fields=("findings", "follow_ups", "submitted_at"),
            doubts=[SENT_UNKNOWN],
            needs=[Need("improvement_action", frozenset({"closed_at"}), evidence=True)],
        ),
    ]


# -- corrections ------------------------------------------------------------------------------


def _srm_21(rid: str, _: Parameters) -> list[Part]:
    neighbour = previous(report, of=(report.c.report_id,), by=func.coalesce(report.c.revision, 0), where=_WAS_SENT)
    original = func.coalesce(s.supersedes, neighbour.c.previous)
    first: Any = report.alias()
    was_out = (
        exists()
        .where(first.c.sid == original, first.c.submitted_at.is_not(None), first.c.submitted_at < sent_at)
        .correlate_except(first)
    )
    units = beside(sent(), neighbour).where(was_out, or_(s.report_id.is_not(None), s.supersedes.is_not(None)))
    units = units.reading(service_report="all")
    common: dict[str, Any] = {"unit": units, "at": sent_at, "doubts": [SENT_UNKNOWN]}
    value = child("corrections")
    both = and_(filled(value.c.old), filled(value.c.new))
    then, now = child("delivery"), child("delivery")
    arrived = some(now, now.c.recipient == then.c.recipient, now.c.sent_at.is_not(None))
    left_out = some(then, then.c.recipient.is_not(None), ~arrived, of=original)
    gone = exists().where(first.c.sid == original, first.c.vanished_at.is_not(None)).correlate_except(first)
    return [
        threshold(
            rid,
            "explained",
            Words(
                "A corrected report says what was corrected, with the value before and the value now.",
                "The corrected report does not say what was corrected, or shows only one of the two values.",
                "Add a note, and both values.",
            ),
            holds=and_(filled(s.change_note), some(value, both), none_of(value, ~both)),
            fields=("change_note", "corrections", "report_id", "revision"),
            **common,
        ),
        precondition(
            rid,
            "approved_again",
            Words(
                "A corrected report is approved again before it is handed over.",
                "The corrected report was handed over without an approval of its own.",
                "Have the corrected report approved.",
            ),
            unit=units,
            before=sent_at,
            evidence=approvals(),
            fields=("content_hash", "submitted_at"),
            doubts=[SENT_UNKNOWN],
        ),
        threshold(
            rid,
            "to_all_earlier_readers",
            Words(
                "A corrected report goes to everybody who got the one before.",
                "Somebody who got the report before was not sent the corrected one.",
                "Send it to whoever is missing.",
            ),
            holds=~left_out,
            fields=("delivery", "supersedes"),
            **common,
        ),
        threshold(
            rid,
            "original_kept",
            Words(
                "The report as first issued is kept.",
                "The report as first issued is gone.",
                "Restore it from the archive.",
            ),
            holds=~gone,
            fields=("supersedes",),
            **common,
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"SRM-15": _srm_15, "SRM-21": _srm_21}
"""Requirement -> what makes its parts."""
