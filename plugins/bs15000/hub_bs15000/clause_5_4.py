"""Clause 5.4, service reporting: what every report says of itself, when it comes, what reports cover (a, b, d, e)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, func, literal, or_

from hub.conformance.evidence import rows
from hub.conformance.expression import filled, later_of
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.previous import previous
from hub.conformance.shape import deadline, threshold
from hub.conformance.unit import each, organisation
from hub.store.tables import metadata
from hub_bs15000.report import (
    SENT_UNKNOWN,
    beside,
    chapter,
    child,
    due,
    handed_over,
    issued,
    none_of,
    ours,
    report,
    s,
    some,
)

__all__ = ["DECLARATIONS"]

_period = metadata.tables["period"].c
_COVERED = ("service_level", "incident", "problem", "change", "configuration", "finance")
_AS_DATED = ("report_id", "title", "revision", "purpose", "audience", "period")


def _5_4_a(rid: str, _: Parameters) -> list[Part]:
    units = issued()
    other = previous(report, of=(report.c.report_id, report.c.revision), by=report.c.sid)
    numbered = issued().reading(service_report="all")
    identified = [filled(s[name]) for name in ("report_id", "title", "revision", "purpose", "audience", "period_start")]
    return [
        threshold(
            rid,
            "identified",
            Words(
                "Every report names its id, title, revision, purpose, audience and period.",
                "The report leaves out its id, title, revision, purpose, audience or period.",
                "Complete what identifies the report and issue it again.",
            ),
            unit=units,
            holds=and_(*identified, s.period_end.is_not(None)),
            at=units.opened,
            fields=_AS_DATED,
        ),
        threshold(
            rid,
            "unique",
            Words(
                "No two reports have the same id and revision.",
                "Another report has the same id and revision.",
                "Give one of the two another revision.",
            ),
            unit=beside(numbered, other),
            holds=and_(other.c.previous.is_(None), other.c.following.is_(None)),
            at=units.opened,
            fields=("report_id", "revision"),
            doubts=[(or_(s.report_id.is_(None), s.revision.is_(None)), "its id or its revision is not recorded")],
        ),
    ]


def _5_4_b(rid: str, _: Parameters) -> list[Part]:
    units = issued()
    source = child("data_sources")
    named = and_(filled(source.c.system), filled(source.c.query), source.c.retrieved_at.is_not(None))
    final = func.coalesce(s.provisional, literal(value=False)) == literal(value=False)
    return [
        threshold(
            rid,
            "dated",
            Words(
                "Every report says when it was issued and as of when its data is, which is not later.",
                "The report does not say when it was issued or as of when its data is, or its data is later than it.",
                "State both instants in the report.",
            ),
            unit=units,
            holds=and_(s.issued_at.is_not(None), s.as_of.is_not(None), s.as_of <= s.issued_at),
            at=units.opened,
            fields=("issued_at", "as_of"),
        ),
        threshold(
            rid,
            "sources",
            Words(
                "Every report names where its data came from, by which question and when.",
                "The report names no source, or leaves out the system, the question or the instant of one.",
                "Complete the list of sources.",
            ),
            unit=units,
            holds=and_(some(source), none_of(source, ~named)),
            at=units.opened,
            fields=("data_sources",),
        ),
        threshold(
            rid,
            "whole_period",
            Words(
                "Data is taken after the period has ended, or the report is marked as provisional.",
                "Data was taken before the period ended, and the report is not marked as provisional.",
                "Take the data again, or mark the report as provisional.",
            ),
            unit=units,
            holds=or_(~final, none_of(source, source.c.retrieved_at < s.period_end)),
            at=units.opened,
            fields=("data_sources", "period"),
            doubts=[(and_(final, s.period_end.is_(None)), "which period it is about is not recorded")],
        ),
    ]


def _5_4_d(rid: str, q: Parameters) -> list[Part]:
    limit = due(q.default_due_business_days_after_period)
    scheduled = ours().where(or_(s.due_at.is_not(None), func.coalesce(s.class_, "routine") == "routine"))
    return [
        deadline(
            rid,
            "in_time",
            Words(
                "Every report that is planned is handed over by the time it is due.",
                "The report was not handed over by the time it was due.",
                "Hand the report over, and say why it is late.",
            ),
            unit=scheduled.opening(func.coalesce(s.period_end, s.created_at, 0)),
            due=limit,
            evidence=handed_over(),
            fields=("due_at", "period", "submitted_at"),
            doubts=[SENT_UNKNOWN],
        )
    ]


def _5_4_e(rid: str, q: Parameters) -> list[Part]:
    return [_covered(rid, section, q.period) for section in _COVERED]


def _covered(rid: str, section: str, period: Any) -> Part:
    what = section.replace("_", " ")
    issued_at = func.coalesce(s.issued_at, s.submitted_at)
    found = rows(
        "service_report",
        and_(issued_at >= _period.starts_at, issued_at < _period.ends_at),
        later_of(issued_at, func.coalesce(s.created_at, issued_at)),
        fields=frozenset({"issued_at", "chapters"}),
        reach="all",
    )
    return deadline(
        rid,
        section,
        Words(
            f"In every {period} some report has a section on {what}.",
            f"No report issued in the {period} had a section on {what}.",
            "Add the section to a report, even if it says that there were no cases.",
        ),
        unit=each(organisation(), period).opening(_period.starts_at),
        due=_period.ends_at - 1,
        evidence=found.where(func.coalesce(s.direction, "") != "inbound", chapter(section)),
        shape="completeness",
    )


DECLARATIONS: dict[str, Declare] = {
    "BS15000-5.4-a": _5_4_a,
    "BS15000-5.4-b": _5_4_b,
    "BS15000-5.4-d": _5_4_d,
    "BS15000-5.4-e": _5_4_e,
}
"""Requirement -> what makes its parts."""
