"""Clause 4.2, planning: what the plan of service management says, and that it is kept current (a, b, d to g)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, exists, func, or_

from hub.conformance.continuous import holding, in_force
from hub.conformance.evidence import Rows, at, rows
from hub.conformance.expression import counted, earlier_of, filled, later_of, no_instant
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need, merge_reads
from hub.conformance.unit import organisation, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.clause_4_1 import SCOPE_STATEMENT
from hub_bs15000.document_control import doc, documents, says
from hub_bs15000.effective import says_throughout
from hub_bs15000.process import spoken

__all__ = ["DECLARATIONS", "PLAN_TYPE"]

PLAN_TYPE = "service_management"
"""Type of the plan this clause is about."""
_p: Any = kind_tables["plan"].c
_risk: Any = kind_tables["risk"].c
_link = metadata.tables["link"]
_RESOURCES = ("people", "tools", "budget")
_OVER = ("closed", "retired", "obsolete")
_SECTIONS = Need("plan", frozenset({"sections"}), evidence=True)


def _plan(rid: str, name: str, words: Words, holds: ColumnElement[bool], *fields: str, **more: Any) -> Part:
    return says_throughout(rid, name, words, holds, *fields, kind="plan", doc_type=PLAN_TYPE, **more)


def _4_2_a(rid: str, p: Parameters) -> list[Part]:
    return [
        doc(
            rid,
            "in_force",
            Words(
                "A reviewed plan of service management that says whom it covers is in force without a gap.",
                "No reviewed plan of service management that says whom it covers was in force throughout the month.",
                "Complete the section on the scope, review the plan and have it authorised.",
            ),
            PLAN_TYPE,
            p.review_days,
            kind="plan",
            sections=["scope"],
            needs=[_SECTIONS],
        ),
        in_force(
            rid,
            "scope_statement",
            Words(
                "The plan refers to the statement of the scope that is in force.",
                "The plan refers to no statement of the scope that was in force throughout the month.",
                "Link the statement of the scope that is in force to the plan.",
            ),
            unit=organisation(),
            evidence=_with_scope(),
            until=no_instant(),
        ),
    ]


def _with_scope() -> Rows:
    """Evidence is a plan for as long as it and the statement of the scope that it names are both in force."""
    link, statement = _link.alias(), kind_tables["document"].alias()
    d: Any = statement.c
    plans = documents(PLAN_TYPE, kind="plan")
    named = plans.joining(link, link.c.sid == _p.sid).joining(statement, d.sid == link.c.target)
    named = named.where(
        d.doc_type == SCOPE_STATEMENT,
        filled(d.version),
        d.authorised_by.is_not(None),
        d.authorised_at <= d.effective_from,
        func.coalesce(d.doc_status, "") != "draft",
    )
    assert plans.lost is not None  # noqa: S101 - a document is lost when it is replaced
    ended = earlier_of(earlier_of(d.superseded_at, d.withdrawn_at), d.vanished_at)
    return replace(
        named,
        at=later_of(plans.at, later_of(d.effective_from, func.coalesce(d.created_at, d.effective_from))),
        lost=earlier_of(plans.lost, ended),
        reads=merge_reads(named.reads, {"document": "all"}),
        needs=(*named.needs, Need("document", frozenset({"doc_type", "doc_status"}), evidence=True)),
    )


def _4_2_b(rid: str, p: Parameters) -> list[Part]:
    aim: Any = child_tables["plan", "aims"].alias()
    whole = and_(filled(aim.c.name), filled(aim.c.measure), filled(aim.c.target), aim.c.due_at.is_not(None))
    lacking = exists().where(aim.c.sid == _p.sid, ~whole).correlate_except(aim)
    return [
        _plan(
            rid,
            "objectives",
            Words(
                "The plan sets objectives, each with a measure, a target and a date.",
                f"The plan sets fewer objectives than {p.min_objectives}, or one without measure, target or date.",
                "Complete the objectives of the plan.",
            ),
            and_(counted(aim, aim.c.sid == _p.sid) >= p.min_objectives, ~lacking),
            "aims",
        )
    ]


def _4_2_d(rid: str, p: Parameters) -> list[Part]:
    section: Any = child_tables["plan", "sections"].alias()
    text = func.replace(func.lower(section.c.text), "_", " ")
    names_all = [func.replace(text, spoken(process), "") != text for process in p.processes]
    named = func.lower(func.trim(section.c.name)).in_(("interfaces", "interface"))
    told = exists().where(section.c.sid == _p.sid, named, filled(section.c.text), *names_all)
    return [
        _plan(
            rid,
            "interfaces",
            Words(
                "The plan describes how the processes work together, and names every one of them.",
                "The section on interfaces is empty, or leaves out a process.",
                f"Complete the section; it must name: {', '.join(spoken(one) for one in p.processes)}.",
            ),
            told.correlate_except(section),
            "sections",
        )
    ]


def _4_2_e(rid: str, p: Parameters) -> list[Part]:
    units, over = unit("risk").opening(func.coalesce(_risk.created_at, 0)), _over()
    complete = and_(_risk.owner.is_not(None), filled(_risk.rating), filled(_risk.treatment))
    known = rows("risk", _risk.sid.is_not(None), units.opened, reach="all")
    return [
        _plan(
            rid,
            "approach",
            Words(
                "The plan says how risks to its objectives are found, weighed and treated.",
                "The plan has no section on risks.",
                "Describe in the plan how risks are handled.",
            ),
            says("plan", "risk_approach", "risk approach", "risks"),
            "sections",
        ),
        in_force(
            rid,
            "register",
            Words(
                "Risks are recorded.",
                "No risk is recorded.",
                "Record the risks to the objectives.",
            ),
            unit=organisation(),
            evidence=replace(known, lost=_risk.vanished_at),
            until=no_instant(),
            shape="completeness",
        ),
        in_force(
            rid,
            "treated",
            Words(
                "Every open risk has an owner, a rating and a treatment.",
                "The risk has no owner, no rating or no treatment.",
                "Complete the risk.",
            ),
            unit=units,
            evidence=at(case((complete, units.opened))),
            until=no_instant(),
            end=over,
            shape="completeness",
            fields=("owner", "rating", "treatment", "risk_status"),
        ),
        in_force(
            rid,
            "reviewed",
            Words(
                f"Every open risk is looked at again at least every {p.risk_review_days} days.",
                f"Nobody looked at the risk for more than {p.risk_review_days} days.",
                "Look at the risk again and record when.",
            ),
            unit=units,
            evidence=at(units.opened),
            until=holding(func.coalesce(_risk.reviewed_at, units.opened), p.risk_review_days),
            end=over,
            shape="completeness",
            fields=("reviewed_at", "risk_status"),
        ),
    ]


def _over() -> ColumnElement[Any]:
    """Return since when the risk is closed or gone; NULL = it is open."""
    closed = or_(
        func.lower(func.trim(func.coalesce(_risk.risk_status, ""))).in_(_OVER),
        func.coalesce(_risk.status_category, "").in_(("closed", "cancelled", "rejected")),
    )
    closed_at = case((closed, func.coalesce(_risk.updated_at, _risk.created_at, 0)))
    return earlier_of(closed_at, _risk.vanished_at)


def _4_2_f(rid: str, _: Parameters) -> list[Part]:
    told = [says("plan", f"resources.{one}", f"resources: {one}", one) for one in _RESOURCES]
    return [
        _plan(
            rid,
            "resources",
            Words(
                "The plan lists the people, the tools and the money it needs.",
                "The plan says nothing on people, on tools or on money.",
                "Complete the section on resources.",
            ),
            and_(*told),
            "sections",
        )
    ]


def _4_2_g(rid: str, p: Parameters) -> list[Part]:
    interval = func.coalesce(_p.review_days, cast(p.default_review_days, BigInteger))
    return [
        _plan(
            rid,
            "authority",
            Words(
                "The plan has a version, somebody who keeps it current, and was authorised before it took effect.",
                "The plan has no version, nobody keeps it current, or it took effect before it was authorised.",
                "Complete the plan and have it authorised.",
            ),
            and_(
                filled(_p.version),
                _p.owner.is_not(None),
                _p.authorised_by.is_not(None),
                _p.authorised_at.is_not(None),
                _p.authorised_at <= _p.effective_from,
            ),
            "version",
            "owner",
            "authorised_by",
            "authorised_at",
        ),
        _plan(
            rid,
            "current",
            Words(
                "The plan is reviewed as often as it says, "
                f"or every {p.default_review_days} days where it does not say.",
                "The review of the plan is overdue.",
                "Review the plan and record when.",
            ),
            _p.effective_from.is_not(None),
            "last_review_at",
            "review_days",
            until=holding(func.coalesce(_p.last_review_at, _p.effective_from), interval),
        ),
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-4.2-a": _4_2_a,
    "BS15000-4.2-b": _4_2_b,
    "BS15000-4.2-d": _4_2_d,
    "BS15000-4.2-e": _4_2_e,
    "BS15000-4.2-f": _4_2_f,
    "BS15000-4.2-g": _4_2_g,
}
"""Requirement -> what makes its parts."""
