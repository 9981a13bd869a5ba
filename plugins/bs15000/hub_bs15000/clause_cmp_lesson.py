"""Complaint handling: what complaints and surveys teach, and who hears of it (05, 12, 13)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from hub.conformance.continuous import periodic
from hub.conformance.evidence import AnyOf, Rows, any_of, rows
from hub.conformance.expression import business_days_after, filled, later_of, since_when
from hub.conformance.listed import lists
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.relation import link_instant
from hub.conformance.shape import deadline, precondition, threshold
from hub.conformance.unit import organisation, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.complaint import CLOSED_UNKNOWN, closed, closed_when, f, upheld
from hub_bs15000.document_control import says
from hub_bs15000.entry import entered_at
from hub_bs15000.improvement import decided
from hub_bs15000.report import holds_role
from hub_bs15000.review import held, r

__all__ = ["DECLARATIONS"]

s: Any = kind_tables["service_report"].c
_plan: Any = kind_tables["plan"].c
_document = kind_tables["document"]
_link = metadata.tables["link"]
_record = metadata.tables["record"]
_PERIODS = 3
"""The period reported and the two before."""


# -- complaints are analysed (05) -------------------------------------------------------------


def _cmp_05(rid: str, q: Parameters) -> list[Part]:
    analyses = rows(
        "review",
        r.type == "feedback_analysis",
        held(),
        fields=frozenset({"type", "held_at", "findings"}),
        reach="all",
    ).where(filled(r.findings))
    return [
        periodic(
            rid,
            "analysed",
            Words(
                f"At least every {q.max_interval_days} days complaints are analysed by kind and cause, even if there were none.",
                f"For more than {q.max_interval_days} days complaints were not analysed, or the analysis says nothing.",
                "Analyse the complaints, and write down the counts, zero too.",
            ),
            unit=organisation(),
            evidence=analyses,
            at=r.held_at,
            days=q.max_interval_days,
            shape="trend",
        )
    ]


# -- satisfaction reaches the top (12) --------------------------------------------------------


def _is_summary(metric: str) -> ColumnElement[bool]:
    """Say whether a report sums surveys up beside the two periods before, and went to top management."""
    line: Any = child_tables["service_report", "satisfaction"].alias()
    value: Any = child_tables["service_report", "trend_values"].alias()
    delivery: Any = child_tables["service_report", "delivery"].alias()
    figures = (line.c.sent.is_not(None), line.c.replied.is_not(None), line.c.mean.is_not(None))
    summed = exists().where(line.c.sid == s.sid, *figures).correlate_except(line)
    compared = (
        select(func.count(func.distinct(value.c.period)))
        .where(value.c.sid == s.sid, func.lower(value.c.metric_id) == metric.lower(), value.c.value.is_not(None))
        .correlate_except(value)
        .scalar_subquery()
    )
    reached = (
        exists()
        .where(
            delivery.c.sid == s.sid,
            delivery.c.sent_at.is_not(None),
            func.coalesce(delivery.c.result, "") != "bounced",
            holds_role(delivery.c.recipient, delivery.c.sent_at, "top_management"),
        )
        .correlate_except(delivery)
    )
    return and_(summed, compared >= _PERIODS, reached)


def _cmp_12(rid: str, q: Parameters) -> list[Part]:
    submitted = entered_at(s, "submitted_at")
    fields = frozenset({"satisfaction", "trend_values", "delivery", "submitted_at"})
    summaries = rows("service_report", s.submitted_at.is_not(None), submitted, fields=fields, reach="all")
    summary = _is_summary(q.metric)
    duties = Need("role_assignment", frozenset({"role"}), evidence=True)
    people = {"role_assignment": "all", "identity": "all"}
    named: Any = _link.alias()
    own: Any = _record.alias()
    cited = or_(
        exists().where(named.c.sid == r.sid, named.c.type == "items", named.c.target == s.sid).correlate_except(named),
        exists().where(own.c.sid == s.sid, lists(r.inputs, own.c.id)).correlate_except(own),
    )
    following: Any = kind_tables["review"].alias()
    later = (following.c.type == "management_review", following.c.held_at > s.submitted_at)
    next_review = select(func.min(following.c.held_at)).where(*later).correlate_except(following).scalar_subquery()
    management = and_(r.type == "management_review", r.held_at > s.submitted_at)
    reviews = rows("review", management, r.held_at, fields=frozenset({"type", "items", "inputs"}), reach="all")
    return [
        periodic(
            rid,
            "summed_up",
            Words(
                f"At least every {q.max_interval_days} days top management gets a summary of all surveys with their trend.",
                f"For more than {q.max_interval_days} days top management got no summary of surveys with their trend.",
                "Sum up the surveys beside the two periods before, and send that to top management.",
            ),
            unit=organisation().reading(**people),
            evidence=summaries.where(summary),
            at=s.submitted_at,
            days=q.max_interval_days,
            needs=[duties],
            shape="trend",
        ),
        precondition(
            rid,
            "reviewed",
            Words(
                "The next management review looks at the summary of surveys.",
                "The next management review did not look at the summary of surveys.",
                "Put the summary among what the management review looks at.",
            ),
            unit=unit("service_report")
            .where(s.submitted_at.is_not(None), summary)
            .opening(s.submitted_at)
            .reading(service_report="all", review="all", **people),
            before=next_review,
            evidence=reviews.where(cited),
            fields=tuple(sorted(fields)),
            needs=[duties],
        ),
    ]


# -- lessons are kept and used (13) -----------------------------------------------------------


def _cases() -> AnyOf:
    """Evidence: a case document tied to the complaint by either end, with cause, responsible unit and lesson."""
    return any_of(_case(outward=True), _case(outward=False))


def _case(*, outward: bool) -> Rows:
    link: Any = _link.alias()
    here, there = (link.c.sid, link.c.target) if outward else (link.c.target, link.c.sid)
    made = link_instant(link)
    found = rows(
        "document",
        here == f.sid,
        later_of(_document.c.created_at, made),
        fields=frozenset({"doc_type", "sections"}),
        table=link,
        record=there,
        declared=_document.c.declared_by.is_not(None),
    ).joining(_document, _document.c.sid == there)
    told = [says("document", *names) for names in (("cause",), ("responsible unit", "responsible"), ("lesson",))]
    found = found.where(_document.c.doc_type == "case", *told)
    return found.doubtful(made.is_(None), "when the case was linked is not known")


def _cmp_13(rid: str, q: Parameters) -> list[Part]:
    authorised = later_of(
        _plan.authorised_at,
        func.coalesce(since_when(_plan.sid, "authorised_at"), _plan.created_at, _plan.authorised_at),
    )
    plans = unit("plan").where(_plan.plan_type == "new_or_changed_service", _plan.authorised_at.is_not(None))
    return [
        deadline(
            rid,
            "kept",
            Words(
                f"Within {q.business_days} working days after closing, the lesson of a complaint that was right is kept.",
                "The complaint was right, and its lesson was not kept in time.",
                "Write the case with cause, responsible unit and lesson, or record who decided that none is needed and why.",
            ),
            unit=closed().where(upheld()),
            due=business_days_after(closed_when, q.business_days),
            evidence=any_of(_cases(), decided(f.sid)),
            fields=("closed_at", "investigation.finding"),
            doubts=[CLOSED_UNKNOWN],
            shape="completeness",
        ),
        threshold(
            rid,
            "used",
            Words(
                "Every plan for a new or changed service says which cases were considered, or that there were none.",
                "The plan was authorised, and it does not say which cases were considered.",
                "Look through the cases, and name those that matter in the plan.",
            ),
            unit=plans.opening(func.coalesce(authorised, 0)),
            holds=says("plan", "cases", "cases considered"),
            at=authorised,
            fields=("plan_type", "authorised_at", "sections"),
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"CMP-05": _cmp_05, "CMP-12": _cmp_12, "CMP-13": _cmp_13}
"""Requirement -> what makes its parts."""
