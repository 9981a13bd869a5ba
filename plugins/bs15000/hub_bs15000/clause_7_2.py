"""Clause 7.2, problem management: analyses, procedure, records, resolution and known errors (a, b, d, e, g, h, j)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, func, literal, or_, select

from hub.conformance.document import in_force
from hub.conformance.evidence import any_of, at, fields_filled, rows
from hub.conformance.expression import business_days_after, days_after, filled, later_of, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.relation import linked
from hub.conformance.shape import completeness, deadline, threshold
from hub.conformance.unit import unit
from hub.records import KINDS
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.known_error import is_documented, known_error_published, known_errors_solved
from hub_bs15000.problem import CLOSED_UNKNOWN, FROM_INCIDENT, FROM_PROBLEM, closed, incident_links, p, problems, target
from hub_bs15000.procedure import procedure_in_force
from hub_bs15000.review import analysed, concluded

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
_RECORDED = ("priority", "category", "service_ids")


def _7_2_a(rid: str, q: Parameters) -> list[Part]:
    words = Words(
        f"The incidents of every month are analysed within {q.days} days of its end.",
        f"No analysis of the month's incidents was held within {q.days} days of its end.",
        "Hold the analysis, and keep with it which incidents were looked at.",
    )
    return [analysed(rid, "incident_analysis", q.days, words)]


def _7_2_b(rid: str, q: Parameters) -> list[Part]:
    words = Words(
        f"Every analysis of incidents ends in written conclusions within {q.days} days.",
        "The analysis of incidents has no conclusions.",
        "Write down what follows from the analysis, even if it is that nothing stands out.",
    )
    return [concluded(rid, "incident_analysis", q.days, words)]


def _7_2_d(rid: str, q: Parameters) -> list[Part]:
    words = Words(
        "A procedure for problems is in force.",
        "No procedure for problems was in force to the end of the month.",
        "Review the procedure and have it authorised.",
    )
    return [procedure_in_force(rid, words, in_force("problem_procedure", q.review_days))]


def _7_2_e(rid: str, q: Parameters) -> list[Part]:
    days = q.business_days
    i: Any = kind_tables["incident"].c
    reported = func.coalesce(i.reported_at, i.created_at, 0)
    due = business_days_after(p.created_at, days)
    return [
        deadline(
            rid,
            "recorded",
            Words(
                f"Priority, category, service and owner of a problem are filled within {days} working days.",
                f"Priority, category, service or owner of the problem was missing after {days} working days.",
                "Fill what is missing.",
            ),
            unit=problems(),
            due=due,
            evidence=any_of(fields_filled(*_RECORDED, "owner"), fields_filled(*_RECORDED, "assignee")),
            fields=_RECORDED,
            needs=[
                Need(
                    "problem",
                    alternatives=(Need("problem", frozenset({"owner"})), Need("problem", frozenset({"assignee"}))),
                )
            ],
            shape="completeness",
        ),
        threshold(
            rid,
            "detected",
            Words(
                "It is recorded when a problem was noticed.",
                "When the problem was noticed is not recorded.",
                "Enter when the problem was noticed.",
            ),
            unit=problems().reading(calendar="all"),
            holds=p.detected_at.is_not(None),
            at=due,
            fields=("detected_at",),
        ),
        deadline(
            rid,
            "major_incident",
            Words(
                f"Every major incident is linked to a problem within {days} working days.",
                f"The major incident was not linked to a problem within {days} working days.",
                "Open a problem for the incident, or link the one that exists.",
            ),
            unit=unit("incident")
            .where(func.coalesce(i.major, literal(value=True)) == literal(value=True))
            .opening(reported),
            due=business_days_after(reported, days),
            evidence=linked(i.sid, ("problem",), outward=FROM_INCIDENT, inward=FROM_PROBLEM),
            fields=("major", "links"),
            doubts=[(i.major.is_(None), "whether it is a major incident is not recorded")],
            shape="completeness",
        ),
    ]


def _7_2_g(rid: str, q: Parameters) -> list[Part]:
    return [
        deadline(
            rid,
            "resolved",
            Words(
                "Every problem is solved by its target date.",
                "The problem was not solved by its target date.",
                "Solve the problem, or agree a new date and say why.",
            ),
            unit=problems().opening(func.coalesce(p.created_at, 0)),
            due=target(q.days),
            evidence=at(func.coalesce(p.resolved_at, p.closed_at)),
            fields=("target_resolution_at", "priority", "resolved_at"),
        ),
        completeness(
            rid,
            "documented",
            Words(
                "Cause and solution are written down when a problem is closed.",
                "The problem was closed without its cause or its solution.",
                "Write down cause and solution, or open the problem again.",
            ),
            unit=problems(),
            fields=("root_cause", "solution_ref"),
            by=p.closed_at,
            doubts=[CLOSED_UNKNOWN],
        ),
    ]


def _7_2_h(rid: str, q: Parameters) -> list[Part]:
    due = days_after(p.closed_at, q.days)
    incident: Any = kind_tables["incident"].alias()
    reported = func.coalesce(incident.c.reported_at, incident.c.created_at)
    link: Any = _link.alias()
    ties, which = incident_links(link)
    came_back = (
        select(func.count(func.distinct(incident.c.sid)))
        .select_from(link.join(incident, incident.c.sid == which))
        .where(
            ties,
            reported > func.coalesce(p.resolved_at, p.closed_at),
            reported <= p.effectiveness_reviewed_at,
        )
        .correlate_except(link, incident)
        .scalar_subquery()
    )
    reported_in: Any = kind_tables["service_report"].alias()
    named: Any = _record.alias()
    report = (
        rows(
            "service_report",
            named.c.sid == p.effectiveness_report_id,
            later_of(
                reported_in.c.submitted_at,
                func.coalesce(since_when(p.sid, "effectiveness.report_id"), reported_in.c.submitted_at),
            ),
            fields=frozenset({"submitted_at"}),
            table=named,
            declared=func.coalesce(reported_in.c.declared_by, 0) != 0,
        )
        .joining(reported_in, reported_in.c.sid == named.c.sid)
        .where(or_(named.c.kind.is_(None), reported_in.c.submitted_at.is_not(None)))
        .doubtful(named.c.kind.is_(None), "the report that holds the review was not read")
    )
    return [
        deadline(
            rid,
            "reviewed",
            Words(
                f"Within {q.days} days of closing a problem somebody checks whether the solution holds.",
                f"Nobody checked within {q.days} days of closing whether the solution holds.",
                "Check whether the solution holds and record the result.",
            ),
            unit=closed(),
            due=due,
            evidence=fields_filled("effectiveness.reviewed_at"),
            fields=("closed_at",),
            shape="completeness",
        ),
        threshold(
            rid,
            "recurrences",
            Words(
                "The check counts the incidents that came back after the solution.",
                "The number of incidents in the check is not that of the incidents linked to the problem.",
                "Count again, and link or unlink incidents that were forgotten.",
            ),
            unit=closed().where(p.effectiveness_reviewed_at.is_not(None)).reading(incident="near", calendar="all"),
            holds=p.effectiveness_recurrence_count == came_back,
            at=later_of(due, p.effectiveness_reviewed_at),
            fields=("closed_at", "resolved_at", "effectiveness.reviewed_at", "effectiveness.recurrence_count", "links"),
        ),
        deadline(
            rid,
            "reported",
            Words(
                "The result of the check stands in a service report that was handed over.",
                "No service report that was handed over holds the result of the check.",
                "Put the result into the next report and note in the problem which one it is.",
            ),
            unit=closed().reading(**dict.fromkeys(KINDS, "near")),
            due=due,
            evidence=report,
            fields=("closed_at", "effectiveness.report_id"),
        ),
    ]


def _7_2_j(rid: str, q: Parameters) -> list[Part]:
    due = business_days_after(p.root_cause_known_at, q.business_days)
    has_cause = or_(p.root_cause_known_at.is_not(None), filled(p.root_cause))
    return [
        deadline(
            rid,
            "published",
            Words(
                f"A known error is published within {q.business_days} working days of finding the cause.",
                f"No known error was published within {q.business_days} working days of finding the cause.",
                "Publish the known error with its workaround.",
            ),
            unit=problems().where(has_cause).opening(func.coalesce(p.root_cause_known_at, p.created_at, 0)),
            due=due,
            evidence=any_of(at(case((p.resolved_at <= due, p.resolved_at))), *known_error_published()),
            fields=("root_cause", "root_cause_known_at", "resolved_at"),
            needs=[Need("known_error", frozenset({"published_at"}), evidence=True)],
        ),
        threshold(
            rid,
            "solution",
            Words(
                "The known error of a solved problem holds the solution.",
                "The problem is solved, but its known error does not say how.",
                "Add the solution to the known error.",
            ),
            unit=problems()
            .where(p.resolved_at.is_not(None), is_documented())
            .opening(p.resolved_at)
            .reading(known_error="near", calendar="all"),
            holds=known_errors_solved(),
            at=business_days_after(p.resolved_at, q.business_days),
            fields=("resolved_at",),
            needs=[Need("known_error", frozenset({"solution"}), evidence=True)],
        ),
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-7.2-a": _7_2_a,
    "BS15000-7.2-b": _7_2_b,
    "BS15000-7.2-d": _7_2_d,
    "BS15000-7.2-e": _7_2_e,
    "BS15000-7.2-g": _7_2_g,
    "BS15000-7.2-h": _7_2_h,
    "BS15000-7.2-j": _7_2_j,
}
"""Requirement -> what makes its parts."""
