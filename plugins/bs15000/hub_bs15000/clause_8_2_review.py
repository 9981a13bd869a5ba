"""Clause 8.2, change management: looking back at changes (g, h, l to n)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select

from hub.conformance.document import in_force
from hub.conformance.evidence import at
from hub.conformance.expression import days_after, filled, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.shape import deadline, threshold
from hub.records import KINDS
from hub.store.schema import child_tables
from hub.store.tables import metadata
from hub_bs15000.change import END_UNKNOWN, c, done, ended, every_change
from hub_bs15000.procedure import procedure_in_force
from hub_bs15000.review import analysed, concluded, held_for, r, review

__all__ = ["DECLARATIONS"]

_record = metadata.tables["record"]
_ANY_SUBJECT = {**dict.fromkeys(KINDS, "near"), "calendar": "all"}
"""What a review is about may be read later, as any kind."""
_BAD_ENDS = ("failed", "backed_out", "with_issues")


def _8_2_g(rid: str, p: Parameters) -> list[Part]:
    words = Words(
        f"The changes of every month are analysed within {p.days} days of its end.",
        f"No analysis of the month's changes was held within {p.days} days of its end.",
        "Hold the analysis: counts by type and outcome, failed and emergency changes, what repeats.",
    )
    return [analysed(rid, "change_analysis", p.days, words)]


def _8_2_h(rid: str, p: Parameters) -> list[Part]:
    advice: Any = child_tables["review", "recommendations"].alias()
    open_advice = (
        exists()
        .where(advice.c.sid == r.sid, advice.c.action_id.is_(None), ~filled(advice.c.decision))
        .correlate_except(advice)
    )
    return [
        concluded(
            rid,
            "change_analysis",
            p.days,
            Words(
                f"Every analysis of changes ends in written conclusions within {p.days} days.",
                "The analysis of changes has no conclusions.",
                "Write down what follows from the analysis, even if it is that nothing stands out.",
            ),
        ),
        threshold(
            rid,
            "recommendations",
            Words(
                "Every recommendation of the analysis leads to an action or to a decision with its reason.",
                "A recommendation has neither an action nor a decision.",
                "Open an action for the recommendation, or record why none is taken.",
            ),
            unit=review("change_analysis").reading(calendar="all"),
            holds=~open_advice,
            at=days_after(r.held_at, p.days),
            fields=("type", "recommendations", "held_at"),
        ),
    ]


def _8_2_l(rid: str, p: Parameters) -> list[Part]:
    spared = and_(func.coalesce(c.major, literal(value=True)) == literal(value=False), c.outcome == "successful")
    units = done(every_change()).where(or_(c.outcome.is_(None), and_(~spared, c.outcome != "cancelled")))
    bad = func.coalesce(c.outcome, "").in_(_BAD_ENDS)
    return [
        deadline(
            rid,
            "reviewed",
            Words(
                f"A major or troubled change is reviewed within {p.days} days of its end.",
                f"The change was not reviewed within {p.days} days of its end.",
                "Hold the review and record when it was held.",
            ),
            unit=units,
            due=days_after(ended, p.days),
            evidence=held_for(c.sid, "pir"),
            fields=("major", "outcome", "actual_end"),
            doubts=[
                (and_(c.major.is_(None), ~bad), "whether it is a major change is not recorded"),
                (and_(c.outcome.is_(None), ~_is_major()), "how the change ended is not recorded"),
                END_UNKNOWN,
            ],
        ),
        procedure_in_force(
            rid,
            Words(
                "A procedure for reviews after implementation is in force.",
                "No procedure for reviews after implementation was in force to the end of the month.",
                "Review the procedure and have it authorised.",
            ),
            in_force("pir_procedure", p.review_days),
        ),
    ]


def _is_major() -> ColumnElement[bool]:
    return func.coalesce(c.major, literal(value=False)) == literal(value=True)


def _about_change() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Say whether the review is about a change, and whether what it is about was never read."""
    subject: Any = _record.alias()
    kind = select(subject.c.kind).where(subject.c.sid == r.subject_id).correlate_except(subject).scalar_subquery()
    return or_(kind == "change", kind.is_(None)), kind.is_(None)


def _8_2_m(rid: str, p: Parameters) -> list[Part]:
    row: Any = child_tables["review", "planned_vs_actual"].alias()
    told = or_(and_(filled(row.c.planned), filled(row.c.actual)), filled(row.c.not_applicable_reason))
    complete = [
        exists().where(row.c.sid == r.sid, func.lower(func.trim(row.c.aspect)) == aspect, told).correlate_except(row)
        for aspect in p.aspects
    ]
    about_change, unread = _about_change()
    names = ", ".join(p.aspects)
    return [
        threshold(
            rid,
            "aspects",
            Words(
                f"The review compares plan and outcome for each of: {names}.",
                f"The review leaves out plan or outcome of at least one of: {names}.",
                "Add planned and actual value, or say why the aspect does not apply.",
            ),
            unit=review("pir").where(about_change).reading(**_ANY_SUBJECT),
            holds=and_(*complete),
            at=days_after(r.held_at, p.days),
            fields=("type", "subject_id", "planned_vs_actual", "held_at"),
            doubts=[(unread, "what was reviewed was not read")],
        )
    ]


def _8_2_n(rid: str, p: Parameters) -> list[Part]:
    weakness: Any = child_tables["review", "process_weaknesses"].alias()
    found = exists().where(weakness.c.sid == r.sid).correlate_except(weakness)
    unanswered = exists().where(weakness.c.sid == r.sid, weakness.c.action_id.is_(None)).correlate_except(weakness)
    entered = func.coalesce(since_when(r.sid, "process_weaknesses"), since_when(r.sid, "no_weaknesses"))
    said = or_(found, func.coalesce(r.no_weaknesses, literal(value=False)) == literal(value=True))
    about_change, unread = _about_change()
    units = review("pir").where(about_change).reading(**_ANY_SUBJECT)
    doubts = [(unread, "what was reviewed was not read")]
    due = days_after(r.held_at, p.days)
    return [
        deadline(
            rid,
            "said",
            Words(
                "The review says which weaknesses of the change process came to light, or that there were none.",
                "The review says nothing about weaknesses of the change process.",
                "Write down the weaknesses, or state that none were found.",
            ),
            unit=units,
            due=due,
            evidence=at(
                case((said, entered)),
                lacks=case((and_(said, entered.is_(None)), literal("since when the review says so is not known"))),
            ),
            fields=("type", "subject_id", "process_weaknesses", "held_at"),
            doubts=doubts,
            shape="completeness",
        ),
        threshold(
            rid,
            "actions",
            Words(
                "Every weakness the review found has an action.",
                "A weakness the review found has no action.",
                "Open an improvement action for the weakness and link it.",
            ),
            unit=units,
            holds=~unanswered,
            at=due,
            fields=("type", "subject_id", "process_weaknesses", "held_at"),
            doubts=doubts,
        ),
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-8.2-g": _8_2_g,
    "BS15000-8.2-h": _8_2_h,
    "BS15000-8.2-l": _8_2_l,
    "BS15000-8.2-m": _8_2_m,
    "BS15000-8.2-n": _8_2_n,
}
"""Requirement -> what makes its parts."""
