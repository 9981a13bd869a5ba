"""Service report management: reports and the way they are made are looked at again (SRM-18, 19, 24)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, exists, func, or_

from hub.conformance.continuous import periodic
from hub.conformance.evidence import rows
from hub.conformance.expression import filled, later_of, since_when
from hub.conformance.listed import lists
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.shape import threshold
from hub.conformance.unit import organisation, unit
from hub.store.schema import kind_tables
from hub_bs15000.report import chapter, child, s, was_sent
from hub_bs15000.review import held, r

__all__ = ["DECLARATIONS"]

_audit: Any = kind_tables["audit"].c


def _srm_18(rid: str, q: Parameters) -> list[Part]:
    finding = child("findings", "audit")
    of_audit = finding.c.sid == _audit.sid
    action: Any = kind_tables["improvement_action"].alias()
    acted = exists().where(action.c.sid == finding.c.action_id).correlate_except(action)
    open_ended = exists().where(of_audit, ~acted).correlate_except(finding)
    listed = exists().where(of_audit).correlate_except(finding)
    performed = later_of(_audit.performed_at, func.coalesce(since_when(_audit.sid, "performed_at"), _audit.created_at))
    return [
        periodic(
            rid,
            "audited",
            Words(
                f"At least every {q.max_interval_days} days an audit checks {q.sample} reports or more for accuracy.",
                f"For more than {q.max_interval_days} days no audit checked {q.sample} reports for accuracy.",
                "Have reports audited by somebody who did not write them.",
            ),
            unit=organisation(),
            evidence=rows(
                "audit",
                _audit.type == "report_accuracy",
                performed,
                fields=frozenset({"type", "performed_at", "sampled"}),
                reach="all",
            )
            .where(or_(_audit.sampled >= q.sample, _audit.sampled.is_(None)))
            .doubtful(_audit.sampled.is_(None), "how many reports were checked is not recorded"),
            at=_audit.performed_at,
            days=q.max_interval_days,
        ),
        threshold(
            rid,
            "corrected",
            Words(
                "For each error an audit of reports found there is an action.",
                "The audit found errors that are not listed, or without an action.",
                "Open an action for each error.",
            ),
            unit=unit("audit")
            .where(_audit.type == "report_accuracy", _audit.performed_at.is_not(None))
            .opening(_audit.performed_at)
            .reading(improvement_action="near"),
            holds=and_(or_(_audit.discrepancies == 0, listed), ~open_ended),
            at=func.coalesce(_audit.issued_at, _audit.performed_at),
            fields=("type", "performed_at", "discrepancies", "findings"),
            doubts=[(_audit.discrepancies.is_(None), "how many errors it found is not recorded")],
        ),
    ]


def _srm_19(rid: str, q: Parameters) -> list[Part]:
    return [
        periodic(
            rid,
            "reviewed",
            Words(
                f"At least every {q.max_interval_days} days the way reports are made is reviewed, and something decided.",
                f"For more than {q.max_interval_days} days no review decided on the way reports are made.",
                "Hold the review and write down what was decided.",
            ),
            unit=organisation(),
            evidence=rows(
                "review",
                r.type == "report_process",
                held(),
                fields=frozenset({"type", "held_at", "decisions"}),
                reach="all",
            ).where(filled(r.decisions)),
            at=r.held_at,
            days=q.max_interval_days,
        )
    ]


def _srm_24(rid: str, q: Parameters) -> list[Part]:
    summary = rows(
        "service_report",
        and_(s.type == "annual_support", was_sent),
        later_of(s.submitted_at, func.coalesce(since_when(s.sid, "submitted_at"), s.created_at, s.submitted_at)),
        fields=frozenset({"type", "submitted_at", "chapters", "audience"}),
        reach="all",
    )
    return [
        periodic(
            rid,
            "summed_up",
            Words(
                f"At least every {q.max_interval_days} days a summary of requests, issues and needs goes to engineering.",
                f"For more than {q.max_interval_days} days engineering got no summary of requests, issues and needs.",
                "Write the summary and send it to engineering.",
            ),
            unit=organisation(),
            evidence=summary.where(
                chapter("requests", "request"), chapter("issues"), chapter("needs"), lists(s.audience, "engineering")
            ),
            at=s.submitted_at,
            days=q.max_interval_days,
        )
    ]


DECLARATIONS: dict[str, Declare] = {"SRM-18": _srm_18, "SRM-19": _srm_19, "SRM-24": _srm_24}
"""Requirement -> what makes its parts."""
