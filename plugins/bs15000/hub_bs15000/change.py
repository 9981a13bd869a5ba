"""Which changes owe something, from when, and the evidence several requirements ask of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, func, or_, select

from hub.conformance.evidence import Filled, Rows, fields_filled, rows
from hub.conformance.expression import later_of, since_when
from hub.conformance.unit import Unit, unit
from hub.store.schema import child_tables, kind_tables
from hub_bs15000.hand import by_other_hands
from hub_bs15000.withdrawal import held_until

__all__ = [
    "EMERGENCY_UNKNOWN",
    "END_UNKNOWN",
    "START_UNKNOWN",
    "approvals",
    "c",
    "change",
    "done",
    "emergency",
    "ended",
    "every_change",
    "first_approved",
    "impact_assessed",
    "normal",
    "passed_tests",
    "started",
]

change = kind_tables["change"]
c: Any = change.c
"""Columns of the change that owes."""

_approval = kind_tables["approval"]
_CARRIED_OUT = ("successful", "with_issues", "backed_out", "failed")

_is_over = or_(func.coalesce(c.outcome, "").in_(_CARRIED_OUT), func.coalesce(c.status_category, "") == "closed")
_has_begun = or_(c.actual_end.is_not(None), func.coalesce(c.outcome, "").in_(_CARRIED_OUT))
_kept = or_(
    c.actual_start.is_not(None),
    and_(
        func.coalesce(c.status_category, "").not_in(("cancelled", "rejected")),
        func.coalesce(c.outcome, "") != "cancelled",
    ),
)

started = func.coalesce(c.actual_start, case((or_(_has_begun, _is_over), func.coalesce(c.created_at, 0))))
"""When work began; where it has begun and nobody recorded when, nothing later than creation was in time."""
ended = c.actual_end
"""When work ended."""

EMERGENCY_UNKNOWN = (c.type.is_(None), "whether it is an emergency change is not recorded")
START_UNKNOWN = (and_(c.actual_start.is_(None), or_(_has_begun, _is_over)), "when it started is not recorded")
END_UNKNOWN = (and_(c.actual_end.is_(None), _is_over), "when it ended is not recorded")


def every_change() -> Unit:
    """Every change that was not called off before it started."""
    return unit("change").where(_kept)


def normal() -> Unit:
    """Every change that is not an emergency and was not called off before it started."""
    return every_change().where(func.coalesce(c.type, "") != "emergency")


def emergency() -> Unit:
    """Every emergency change that was not called off before it started."""
    return every_change().where(func.coalesce(c.type, "emergency") == "emergency")


def done(units: Unit) -> Unit:
    """Those of the changes that ended; they owe from then on."""
    return units.where(or_(c.actual_end.is_not(None), _is_over)).opening(
        func.coalesce(c.actual_end, c.updated_at, c.created_at, 0)
    )


def first_approved() -> ColumnElement[Any]:
    """When the change was first approved by anybody; NULL = never."""
    approval = _approval.alias()
    return (
        select(func.min(approval.c.decided_at))
        .where(approval.c.subject_id == c.sid, approval.c.decision == "approved")
        .correlate_except(approval)
        .scalar_subquery()
    )


def approvals(*roles: str, independent: bool) -> Rows:
    """Decisions for the change, on its revision, by somebody in one of `roles`; `independent` = of nobody who made it."""
    a: Any = _approval.c
    unbound = or_(a.subject_revision.is_(None), c.revision.is_(None))
    found = (
        rows(
            "approval",
            a.subject_id == c.sid,
            a.decided_at,
            fields=frozenset({"decision", "approver", "decided_at", "subject_revision"}),
            lost=held_until(a),
        )
        .where(a.decision == "approved", or_(a.subject_revision == c.revision, unbound))
        .doubtful(unbound, "which revision was approved is not recorded")
        .by(a.approver, *roles)
    )
    return by_other_hands(found.not_by(a.approver, c.implementer), a.approver) if independent else found


def impact_assessed() -> Filled:
    """All five aspects of the impact are filled."""
    aspects = ("service", "business", "customer", "infrastructure", "release_plan")
    return fields_filled(*(f"impact.{aspect}" for aspect in aspects))


def passed_tests() -> Rows:
    """Passed tests of the revision, or of the artefact, that was deployed.

    A test result without a reference to where it ran counts from when it was entered.
    """
    test = child_tables["change", "tests"]
    t: Any = test.c
    entered = since_when(t.sid, "tests")
    finished = case(
        (entered.is_not(None), later_of(t.finished_at, entered)),
        (t.ref.is_not(None), t.finished_at),
    )
    same = or_(
        func.coalesce(t.commit == c.revision, false()),
        _deployed(commit=t.commit),
        _deployed(artefact_digest=t.digest),
    )
    unlabelled = and_(t.commit.is_(None), t.digest.is_(None))
    nothing_to_compare = and_(c.revision.is_(None), ~_deployed())
    unknown = and_(~same, or_(unlabelled, nothing_to_compare))
    found = rows("change", t.sid == c.sid, finished, table=test, stated_by_unit=True)
    found = found.where(t.status == "passed", or_(same, unknown))
    found = found.doubtful(unknown, "which revision was tested is not recorded")
    found = found.doubtful(finished.is_(None), "when the test result was recorded is not known")
    return replace(found, reads={"deployment": "near"})


def _deployed(**values: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say whether a deployment of the change brought this commit or artefact; without values, any it names."""
    deployment = kind_tables["deployment"].alias()
    d: Any = deployment.c
    matches = [d[name] == value for name, value in values.items()]
    named = matches or [or_(d.commit.is_not(None), d.artefact_digest.is_not(None))]
    return exists().where(d.change_id == c.sid, *named).correlate_except(deployment)
