"""Clause 8.2, change management: what emergency changes owe (i to k)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, exists, func

from hub.conformance.document import has_section, in_force
from hub.conformance.evidence import fields_filled, rows
from hub.conformance.expression import business_days_after, days_after, filled, later_of, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.relation import linked
from hub.conformance.shape import deadline, precondition, threshold
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.change import (
    EMERGENCY_UNKNOWN,
    END_UNKNOWN,
    approvals,
    c,
    done,
    emergency,
    ended,
    impact_assessed,
    passed_tests,
)
from hub_bs15000.procedure import procedure_in_force

__all__ = ["DECLARATIONS"]

_DOUBTS = (EMERGENCY_UNKNOWN, END_UNKNOWN)
_AUTHORITIES = ("change_authority", "emergency_authority")
_APPROVAL_FIELDS = ("type", "revision", "implementer", "actual_end")


def _8_2_i(rid: str, p: Parameters) -> list[Part]:
    words = Words(
        "A procedure for emergency changes is in force that names who may authorise them.",
        "No procedure for emergency changes that names who may authorise them was in force to the end of the month.",
        "Review the procedure, have it authorised, and name in it who may authorise emergency changes.",
    )
    names = has_section("authorisers", "authorisation")
    return [procedure_in_force(rid, words, in_force("emergency_change_procedure", p.review_days).where(names))]


def _8_2_j(rid: str, p: Parameters) -> list[Part]:
    link: Any = metadata.tables["link"].alias()
    meeting = kind_tables["review"].alias()
    m: Any = meeting.c
    discussed = (
        rows(
            "review",
            and_(link.c.target == c.sid, link.c.type == "items"),
            later_of(m.held_at, func.coalesce(since_when(m.sid, "items"), m.created_at)),
            fields=frozenset({"type", "items", "held_at"}),
            table=link,
            declared=m.declared_by.is_not(None),
        )
        .joining(meeting, m.sid == link.c.sid)
        .where(m.type.in_(("management_review", "management_forum")))
    )
    return [
        precondition(
            rid,
            "reason",
            Words(
                "The reason for the emergency is recorded by the time the change ends.",
                "The emergency change ended without a recorded reason.",
                "Record why the change could not wait.",
            ),
            unit=emergency(),
            before=ended,
            evidence=fields_filled("reason"),
            fields=("type", "actual_end"),
            doubts=_DOUBTS,
        ),
        deadline(
            rid,
            "authorised",
            Words(
                "Somebody who may authorise emergency changes has authorised it.",
                "Nobody who may authorise emergency changes has authorised it.",
                "Have the change authority decide on the change after the fact, and record the decision.",
            ),
            unit=done(emergency()),
            due=days_after(ended, p.days),
            evidence=approvals(*_AUTHORITIES, independent=False),
            fields=_APPROVAL_FIELDS,
            doubts=_DOUBTS,
        ),
        deadline(
            rid,
            "linked",
            Words(
                "The emergency change is linked to the incident, problem or risk that called for it.",
                "No incident, problem or risk is linked to the emergency change.",
                "Link the change to what made it urgent.",
            ),
            unit=done(emergency()),
            due=days_after(ended, p.days),
            evidence=linked(
                c.sid,
                ("incident", "problem", "security_incident", "risk"),
                never=("causes", "caused_by", "caused_by_change_id"),
            ),
            fields=("type", "links", "actual_end"),
            doubts=_DOUBTS,
        ),
        deadline(
            rid,
            "reviewed_by_management",
            Words(
                f"A management review looks at every emergency change within {p.days} days.",
                f"No management review looked at the emergency change within {p.days} days.",
                "Put the change on the agenda of the next management review and list it in the minutes.",
            ),
            unit=done(emergency()),
            due=days_after(ended, p.days),
            evidence=discussed,
            fields=("type", "actual_end"),
            doubts=_DOUBTS,
        ),
    ]


def _8_2_k(rid: str, p: Parameters) -> list[Part]:
    due = business_days_after(ended, p.business_days)
    late = f"within {p.business_days} working days of an emergency change"
    step: Any = child_tables["change", "skipped_steps"].alias()
    unexplained = exists().where(step.c.sid == c.sid, ~filled(step.c.reason)).correlate_except(step)
    units = done(emergency())
    return [
        deadline(
            rid,
            "impact",
            Words(
                f"The effect is written down {late} if there was no time before.",
                "The effect of the emergency change was not written down afterwards in time.",
                "Write down all five effects of the change.",
            ),
            unit=units,
            due=due,
            evidence=impact_assessed(),
            fields=("type", "actual_end"),
            doubts=_DOUBTS,
        ),
        deadline(
            rid,
            "tested",
            Words(
                f"A passed test is supplied {late} if there was no time before.",
                "No passed test of the emergency change was supplied afterwards in time.",
                "Test what went live and record the result with its revision.",
            ),
            unit=units,
            due=due,
            evidence=passed_tests(),
            fields=("type", "tests", "revision", "actual_end"),
            doubts=_DOUBTS,
        ),
        deadline(
            rid,
            "approved",
            Words(
                f"An approval by somebody else than the implementer is supplied {late} if there was no time before.",
                "No valid approval of the emergency change was supplied afterwards in time.",
                "Have the change authority decide whether the change may stay.",
            ),
            unit=units,
            due=due,
            evidence=approvals(*_AUTHORITIES, independent=True),
            fields=_APPROVAL_FIELDS,
            doubts=_DOUBTS,
        ),
        threshold(
            rid,
            "reasons",
            Words(
                "Every step an emergency change left out has a reason.",
                "A step was left out without a reason.",
                "Write down why the step was left out.",
            ),
            unit=units.reading(calendar="all"),
            holds=~unexplained,
            at=due,
            fields=("type", "skipped_steps", "actual_end"),
            doubts=_DOUBTS,
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"BS15000-8.2-i": _8_2_i, "BS15000-8.2-j": _8_2_j, "BS15000-8.2-k": _8_2_k}
"""Requirement -> what makes its parts."""
