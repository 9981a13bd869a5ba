"""Service report management: who writes, checks and releases a report (SRM-03 to 06)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import and_, exists, func, or_, select

from hub.conformance.continuous import in_force
from hub.conformance.evidence import Rows, rows
from hub.conformance.expression import earlier_of, later_of
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import precondition, threshold
from hub.conformance.unit import Unit, organisation
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.report import (
    SENT_UNKNOWN,
    approvals,
    approved_by_author,
    holds_role,
    ours,
    report,
    s,
    sent,
    sent_at,
)

__all__ = ["DECLARATIONS"]

_record = metadata.tables["record"]
_link = metadata.tables["link"]
_a: Any = kind_tables["approval"].c
_duty: Any = kind_tables["role_assignment"].c
_MANAGERS = ("process_manager", "department_manager")
_RELEASERS = ("operations_manager", "management_representative")
_APPROVERS = ("report_approver", "report_manager", *_MANAGERS, *_RELEASERS)
_AUTHORS = ("report_author", "report_administrator", "report_manager")
_ROLES = {
    "report_manager": "answers for how reports are made",
    "data_provider": "provides the data of reports",
}
_FIELDS = ("author", "content_hash", "submitted_at")


def _before(units: Unit) -> dict[str, Any]:
    return {"unit": units, "before": sent_at, "fields": _FIELDS, "doubts": [SENT_UNKNOWN]}


def _people(units: Unit) -> Unit:
    return units.reading(role_assignment="all", identity="all")


def _unknown(person: Any) -> Any:
    """Say whether a login is tied to nobody."""
    login: Any = _record.alias()
    return exists().where(login.c.sid == person, login.c.canonical.is_(None)).correlate_except(login)


def _srm_03(rid: str, _: Parameters) -> list[Part]:
    units = _people(sent())
    on_the_day = func.coalesce(s.issued_at, sent_at)
    return [
        threshold(
            rid,
            "author",
            Words(
                "Every report names its author, who had the task of writing reports that day.",
                "The report names no author, or one who did not have the task that day.",
                "Name the author in the report, and record who writes reports.",
            ),
            unit=units,
            holds=holds_role(s.author, on_the_day, *_AUTHORS),
            at=sent_at,
            fields=("author",),
            doubts=[SENT_UNKNOWN, (_unknown(s.author), "whose login wrote it is not known")],
            needs=[Need("role_assignment", frozenset({"role"}), evidence=True)],
        ),
        precondition(
            rid,
            "approver",
            Words(
                "Somebody else than the author approves a report, who had the task of approving reports that day.",
                "Nobody but the author, or nobody with that task, approved the report before it was handed over.",
                "Have somebody else approve the report, and record who approves reports.",
            ),
            **_before(sent()),
            evidence=approvals().by(_a.approver, *_APPROVERS).not_by(_a.approver, s.author),
        ),
        threshold(
            rid,
            "separated",
            Words(
                "Nobody approves what he or she wrote.",
                "The author of the report approved it too.",
                "Have somebody else approve the report.",
            ),
            unit=units.reading(approval="near"),
            holds=~approved_by_author(),
            at=sent_at,
            fields=("author",),
            doubts=[SENT_UNKNOWN, (s.author.is_(None), "who wrote it is not recorded")],
            needs=[Need("approval", frozenset({"approver", "decision"}), evidence=True)],
        ),
        *(_assigned(rid, role) for role in _ROLES),
    ]


def _assigned(rid: str, role: str) -> Part:
    return in_force(
        rid,
        role,
        Words(
            f"At any time it is laid down who {_ROLES[role]}.",
            f"For a time nobody was named who {_ROLES[role]}.",
            "Give somebody the role.",
        ),
        unit=organisation(),
        evidence=rows(
            "role_assignment",
            and_(_duty.role == role, _duty.person.is_not(None)),
            later_of(func.coalesce(_duty.from_, _duty.created_at), func.coalesce(_duty.created_at, _duty.from_)),
            fields=frozenset({"role", "person"}),
            lost=earlier_of(_duty.to, _duty.vanished_at),
            reach="all",
        ),
        until=_duty.to,
        shape="attestation",
    )


def _srm_04(rid: str, _: Parameters) -> list[Part]:
    return [
        precondition(
            rid,
            "approved",
            Words(
                "Every report is approved as it is before it is handed over.",
                "The report was handed over without an approval of just this content.",
                "Have what was sent approved, or send a corrected revision that is.",
            ),
            unit=sent(),
            before=sent_at,
            evidence=approvals(),
            fields=("content_hash", "submitted_at"),
            doubts=[SENT_UNKNOWN],
        )
    ]


def _srm_05(rid: str, q: Parameters) -> list[Part]:
    unsure = [(s.direction.is_(None), "whether it goes to a customer is not recorded")]
    parts = []
    for direction, first, release in (
        ("external", _MANAGERS, "operations_manager"),
        ("internal", ("process_manager",), "management_representative"),
    ):
        units = sent().where(func.coalesce(s.direction, direction) == direction)
        whom = release.replace("_", " ")
        evidence = approvals().by(_a.approver, release)
        parts.append(
            precondition(
                rid,
                direction,
                Words(
                    f"An {direction} report is released by the {whom} after another manager has approved it.",
                    f"The {direction} report did not pass both managers, one after the other, before it was handed over.",
                    "Have both managers look at the report, first that of the process, then the one who releases it.",
                ),
                unit=units,
                before=sent_at,
                evidence=_after_first(evidence, first) if q.levels > 1 else evidence,
                fields=("direction", "content_hash", "submitted_at"),
                doubts=[SENT_UNKNOWN, *unsure],
            )
        )
    return parts


def _after_first(release: Rows, roles: tuple[str, ...]) -> Rows:
    """Keep releases that follow an approval of the same content by somebody else in one of `roles`."""
    first: Any = kind_tables["approval"].alias()
    one, other = _record.alias(), _record.alias()
    earlier = [
        first.c.subject_id == s.sid,
        first.c.decision == "approved",
        func.coalesce(first.c.subject_revision == s.content_hash, s.content_hash.is_(None)),
        first.c.decided_at < _a.decided_at,
        or_(first.c.withdrawn_at.is_(None), first.c.withdrawn_at > _a.decided_at),
        one.c.sid == first.c.approver,
        other.c.sid == _a.approver,
    ]

    def found(*conditions: Any) -> Any:
        return exists().where(*earlier, *conditions).correlate_except(first, one, other)

    sure = found(one.c.canonical != other.c.canonical, holds_role(first.c.approver, first.c.decided_at, *roles))
    maybe = found(or_(one.c.canonical.is_(None), other.c.canonical.is_(None)))
    return release.where(or_(sure, maybe)).doubtful(~sure, "whose login approved first is not known")


def _srm_06(rid: str, _: Parameters) -> list[Part]:
    rejection: Any = kind_tables["approval"].alias("rejection")
    later: Any = report.alias("later")
    again: Any = report.alias("again")
    link: Any = _link.alias()
    same = and_(later.c.report_id == s.report_id, later.c.revision >= s.revision)
    went_out = (
        select(func.min(later.c.submitted_at))
        .where(or_(later.c.sid == s.sid, same), later.c.submitted_at >= rejection.c.decided_at)
        .correlate_except(later)
        .scalar_subquery()
    )
    rejected = replace(
        ours(),
        rows=report.join(rejection, and_(rejection.c.subject_id == s.sid, rejection.c.decision == "rejected")),
        anchor=rejection.c.sid,
    )
    unbound = or_(_a.subject_revision.is_(None), again.c.content_hash.is_(None))
    reapproved = (
        rows(
            "approval",
            and_(link.c.target == s.sid, link.c.type == "supersedes"),
            _a.decided_at,
            fields=frozenset({"decision", "decided_at", "subject_revision"}),
            table=link,
            record=_a.sid,
            declared=_a.declared_by.is_not(None),
            reach="far",
            lost=_a.withdrawn_at,
        )
        .joining(again, again.c.sid == link.c.sid)
        .joining(kind_tables["approval"], _a.subject_id == again.c.sid)
        .where(
            again.c.revision > s.revision,
            _a.decision == "approved",
            _a.decided_at >= rejection.c.decided_at,
            or_(_a.subject_revision == again.c.content_hash, unbound),
            again.c.submitted_at == went_out,
        )
        .doubtful(unbound, "which content was approved is not recorded")
    )
    return [
        precondition(
            rid,
            "reworked",
            Words(
                "After a rejection only a higher revision goes out, and only once it was approved.",
                "After the rejection the report went out without a higher revision that was approved first.",
                "Correct the report as a new revision that names the rejected one, and have it approved.",
            ),
            unit=rejected.opening(func.coalesce(rejection.c.decided_at, rejection.c.created_at, 0)).reading(
                service_report="all", approval="near"
            ),
            before=went_out,
            evidence=reapproved,
            fields=("report_id", "revision", "submitted_at"),
            doubts=[(or_(s.report_id.is_(None), s.revision.is_(None)), "its id or its revision is not recorded")],
        )
    ]


DECLARATIONS: dict[str, Declare] = {"SRM-03": _srm_03, "SRM-04": _srm_04, "SRM-05": _srm_05, "SRM-06": _srm_06}
"""Requirement -> what makes its parts."""
