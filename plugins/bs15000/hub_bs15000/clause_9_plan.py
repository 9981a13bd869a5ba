"""Clause 9, release management: releases are planned, their plan is whole, and all agree on the roll-out (e to g)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select

from hub.conformance.evidence import AnyOf, any_of, at, fields_filled, rows
from hub.conformance.expression import since_when, touched
from hub.conformance.listed import lists
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import obligations, precondition
from hub.conformance.unit import Unit, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.deployment import in_production
from hub_bs15000.people import same_human
from hub_bs15000.release import first_unknown, r, started_first

__all__ = ["DECLARATIONS"]

_record = metadata.tables["record"]
_release = kind_tables["release"]
_DEPLOYED = Need("deployment", frozenset({"release_id", "tier", "started_at"}), evidence=True)


def _live() -> ColumnElement[Any]:
    """When it first went to production; where no deployment says so, when it was released."""
    return func.coalesce(started_first(), r.released_at)


def _releases() -> Unit:
    return unit("release").reading(deployment="near")


def _9_e(rid: str, _: Parameters) -> list[Part]:
    plan: Any = kind_tables["plan"].c
    made = rows("plan", plan.sid == r.plan_id, plan.created_at, fields=frozenset({"plan_type"}), lost=plan.vanished_at)
    return [
        precondition(
            rid,
            "planned",
            Words(
                "A release has a plan before it first goes to production.",
                "The release went to production before there was a plan of it.",
                "Write a plan for what is still to come, and plan the next release first.",
            ),
            unit=_releases(),
            before=_live(),
            evidence=made.where(or_(plan.plan_type == "release", plan.plan_type.is_(None))).doubtful(
                plan.plan_type.is_(None), "whether it is a release plan is not recorded"
            ),
            fields=("plan_id", "released_at"),
            needs=[_DEPLOYED],
            doubts=[first_unknown()],
        )
    ]


def _listed(field: str) -> AnyOf:
    """Evidence: the list names something, or it is said that it is empty."""
    none = lists(r.none_declared, field)
    said = since_when(r.sid, "none_declared")
    return any_of(
        fields_filled(field),
        at(
            case((none, said)),
            lacks=case((and_(none, said.is_(None)), literal("since when it says that there are none is not known"))),
        ),
    )


def _9_f(rid: str, _: Parameters) -> list[Part]:
    def part(name: str, words: Words, evidence: Any, *fields: str) -> Part:
        return obligations(
            "completeness",
            rid,
            name,
            words,
            unit=_releases(),
            due=_live(),
            evidence=evidence,
            fields=(*fields, "released_at"),
            needs=[_DEPLOYED],
            doubts=[first_unknown()],
        )

    return [
        part(
            "dates",
            Words(
                "Before a release goes live its plan gives the dates of release and delivery.",
                "One of the dates was missing when the release went live.",
                "Set both dates in the plan of each release.",
            ),
            fields_filled("planned_release_at", "delivery_at"),
        ),
        part(
            "changes",
            Words(
                "Before a release goes live its plan names the changes it brings.",
                "The release went live without naming a change.",
                "Link the changes the release brings.",
            ),
            fields_filled("change_ids"),
        ),
        part(
            "known_errors",
            Words(
                "Before a release goes live its plan names known errors, or says that there are none.",
                "The release went live without a word on known errors.",
                "Link the known errors concerned, or state that there are none.",
            ),
            _listed("known_error_ids"),
            "known_error_ids",
            "none_declared",
        ),
        part(
            "problems",
            Words(
                "Before a release goes live its plan names the problems concerned, or says that there are none.",
                "The release went live without a word on problems.",
                "Link the problems concerned, or state that there are none.",
            ),
            _listed("problem_ids"),
            "problem_ids",
            "none_declared",
        ),
    ]


def _parties() -> tuple[Unit, Any]:
    """Every release x party it lists, once it is deployed there; also returns `party`, `first` and `sure` of it.

    `first` may be a deployment of which nobody recorded where it went, `sure` is none.
    """
    line: Any = child_tables["release", "parties"].alias()
    deployment: Any = kind_tables["deployment"].alias()
    one = deployment.c
    there = or_(line.c.site.is_(None), one.site == line.c.site)
    place = and_(one.release_id == line.c.sid, in_production(one), or_(there, one.site.is_(None)))
    known = and_(there, one.tier.is_not(None), one.deployment_status.is_not(None))
    slot = (
        select(
            line.c.sid,
            func.coalesce(line.c.party, 0).label("party"),
            func.min(one.started_at).label("first"),
            func.min(case((known, one.started_at))).label("sure"),
        )
        .select_from(line.outerjoin(deployment, place))
        .where(touched(line.c.sid))
        .group_by(line.c.sid, func.coalesce(line.c.party, 0))
        .subquery("party")
    )
    units = replace(_releases(), rows=slot.join(_release, r.sid == slot.c.sid), anchor=slot.c.party)
    return units, slot.c


def _9_g(rid: str, _: Parameters) -> list[Part]:
    units, slot = _parties()
    approval: Any = kind_tables["approval"].alias()
    a = approval.c
    login, human, named = _record.alias(), kind_tables["person"].alias(), _record.alias()
    line: Any = child_tables["release", "parties"].alias()
    whose = (
        select(human.c.party)
        .select_from(login.join(human, human.c.sid == func.coalesce(login.c.canonical, login.c.sid)))
        .where(login.c.sid == a.approver)
        .correlate_except(login, human)
        .scalar_subquery()
    )
    by_id = exists().where(
        line.c.sid == slot.sid, line.c.party == slot.party, named.c.sid == a.sid, named.c.id == line.c.approval_id
    )
    theirs = or_(
        by_id.correlate_except(line, named),
        func.coalesce(whose == slot.party, literal(value=False)),
        func.coalesce(same_human(a.approver, slot.party), literal(value=False)),
    )
    signed = (
        rows(
            "approval",
            a.subject_id == r.sid,
            a.decided_at,
            fields=frozenset({"decision", "approver", "decided_at"}),
            table=approval,
            lost=a.withdrawn_at,
        )
        .where(a.decision == "approved", or_(theirs, whose.is_(None)))
        .doubtful(and_(~theirs, whose.is_(None)), "for whom it was approved is not known")
    )
    people: Any = {"person": "all", "identity": "all"}
    return [
        precondition(
            rid,
            "agreed",
            Words(
                "Each party to a release agrees to the roll-out before it reaches its site.",
                "The release reached the site before the party had agreed.",
                "Have the party agree before the next site is reached.",
            ),
            unit=units.reading(**people),
            before=slot.first,
            evidence=signed,
            fields=("parties",),
            needs=[_DEPLOYED],
            doubts=[
                (slot.party == 0, "one of the parties is not named"),
                (
                    and_(slot.first.is_not(None), func.coalesce(slot.sure != slot.first, literal(value=True))),
                    "when it first reached the site is not recorded",
                ),
            ],
        )
    ]


DECLARATIONS: dict[str, Declare] = {"BS15000-9-e": _9_e, "BS15000-9-f": _9_f, "BS15000-9-g": _9_g}
"""Requirement -> what makes its parts."""
