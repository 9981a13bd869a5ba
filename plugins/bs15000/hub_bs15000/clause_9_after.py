"""Clause 9, release management: what it replaced goes, what it stirred up is looked at (d, j to l)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select, union

from hub.conformance.evidence import any_of, at
from hub.conformance.expression import day_begins, days_after, filled, since_when, touched
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, threshold
from hub.conformance.unit import Unit, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.configuration import ci, in_use, item, tied
from hub_bs15000.deployment import in_production, succeeded
from hub_bs15000.entry import entered_at
from hub_bs15000.improvement import decided, stands
from hub_bs15000.release import gone_live, r
from hub_bs15000.review import held_for, review
from hub_bs15000.review import r as looked
from hub_bs15000.service import s

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
_DAY_MS = 86_400_000
_REPLACES, _REPLACED_BY = "supersedes", "superseded_by"


# -- what it replaced -------------------------------------------------------------------------


def _replaced() -> tuple[Unit, Any]:
    """Every item x release in use that replaces it; also returns the columns of the release.

    It replaces what it names itself, and what a release it replaces names while nothing ties it to the new one.
    """
    named, back = _link.alias(), _link.alias()
    pairs = [
        select(named.c.target.label("item"), named.c.sid.label("release")).where(
            touched(named.c.target), named.c.type == _REPLACES
        ),
        select(back.c.sid, back.c.target).where(touched(back.c.sid), back.c.type == _REPLACED_BY),
    ]
    tie, step, old, still = _link.alias(), _link.alias(), kind_tables["release"].alias(), _link.alias()
    here, there = tied(still, tie.c.target)
    kept = exists().where(here, there == step.c.sid).correlate_except(still)
    joined = tie.join(old, old.c.sid == tie.c.sid).join(step, step.c.target == old.c.sid)
    pairs.append(
        select(tie.c.target, step.c.sid)
        .select_from(joined)
        .where(touched(tie.c.target), tie.c.type != "same_as", step.c.type == _REPLACES, ~kept)
    )
    pair = union(*pairs).subquery("pair")
    release: Any = kind_tables["release"].alias()
    items = unit("configuration_item")
    units = replace(
        items,
        rows=pair.join(item, ci.sid == pair.c.item).join(release, release.c.sid == pair.c.release),
        anchor=pair.c.release,
        opened=release.c.released_at,
    )
    return units.where(release.c.released_at.is_not(None)).reading(release="far", calendar="all"), release.c


def _9_d(rid: str, p: Parameters) -> list[Part]:
    units, release = _replaced()
    due = days_after(release.released_at, p.days)
    status = func.coalesce(since_when(ci.sid, "ci_status"), ci.updated_at, ci.created_at)
    out = func.coalesce(entered_at(ci, "retired_at"), case((ci.ci_status.in_(("retired", "disposed")), status)))
    names, licence = _link.alias(), kind_tables["licence"].alias()
    held: Any = licence.c
    ends = day_begins(held.valid_to)
    covered = exists().where(
        names.c.target == ci.sid,
        names.c.type == "ci_ids",
        held.sid == names.c.sid,
        or_(held.vanished_at.is_(None), held.vanished_at > due),
        or_(held.valid_to.is_(None), ends > due),
    )
    return [
        deadline(
            rid,
            "retired",
            Words(
                f"What a release replaces is retired within {p.days} days, or somebody decides why it stays.",
                f"The item was replaced more than {p.days} days ago, is still there, and nobody decided that it stays.",
                "Retire the item, or record why it stays, who decided that, and when.",
            ),
            unit=units,
            due=due,
            evidence=any_of(at(out), decided(ci.sid)),
            fields=("ci_status", "retired_at"),
        ),
        threshold(
            rid,
            "licence_freed",
            Words(
                f"Within {p.days} days no licence in the register covers what was retired.",
                "A licence still covers the item that was retired.",
                "Take the item off the licence, and correct how many copies are in use.",
            ),
            unit=units.where(~in_use(ci)).reading(licence="near"),
            holds=~covered.correlate_except(names, licence),
            at=due,
            fields=("ci_status", "retired_at"),
            needs=[Need("licence", frozenset({"ci_ids"}), evidence=True)],
        ),
    ]


# -- what came after --------------------------------------------------------------------------


def _lives() -> tuple[Unit, Any]:
    """Every service x release that concerns it and went to production; also returns (`release`, `at`) of it.

    The service owes, so that an incident leads to it.
    """
    names, deployment = _link.alias(), kind_tables["deployment"].alias()
    one: Any = deployment.c
    first = (
        select(names.c.target.label("service"), one.release_id.label("release"), func.min(one.finished_at).label("at"))
        .select_from(names.join(deployment, one.release_id == names.c.sid))
        .where(
            touched(names.c.target),
            names.c.type == "service_ids",
            in_production(one),
            succeeded(one),
            one.finished_at.is_not(None),
        )
        .group_by(names.c.target, one.release_id)
        .subquery("first")
    )
    services = unit("service").reading(release="near", deployment="far", calendar="all")
    rows = first.join(kind_tables["service"], s.sid == first.c.service)
    return replace(services, rows=rows, anchor=first.c.release, opened=first.c.at), first


def _counted(live: Any, window: int, windows: int) -> Any:
    """Return rows (`service`, `release`, `during`, `before`): incidents in the window of a release, and in those before.

    `live` are rows (`service`, `release`, `at`).
    """
    about, incident = _link.alias(), kind_tables["incident"].alias()
    i: Any = incident.c
    seen = func.coalesce(i.reported_at, i.recorded_at, i.created_at)
    first, last = live.c.at - windows * window * _DAY_MS, live.c.at + window * _DAY_MS
    named = and_(about.c.target == live.c.service, about.c.type == "service_ids")
    return (
        select(
            live.c.service,
            live.c.release,
            func.sum(case((seen >= live.c.at, 1), else_=0)).label("during"),
            func.sum(case((seen < live.c.at, 1), else_=0)).label("before"),
        )
        .select_from(live.join(about, named).join(incident, i.sid == about.c.sid))
        .where(seen >= first, seen < last)
        .group_by(live.c.service, live.c.release)
        .subquery("counted")
    )


def _states(topic: str, *conditions: Any, of: ColumnElement[Any] | None = None) -> ColumnElement[bool]:
    """Say whether the review has a finding on a topic for which all conditions hold; each gets its columns.

    With `of`, the id of a record, the topic may also be written `topic:id`.
    """
    line: Any = child_tables["review", "topics"].alias()
    said = func.trim(line.c.topic)
    named = func.lower(said) == topic
    named = named if of is None else or_(named, said == literal(f"{topic}:").concat(of))
    return exists().where(line.c.sid == looked.sid, named, *(one(line.c) for one in conditions)).correlate_except(line)


def _9_j(rid: str, p: Parameters) -> list[Part]:
    services, first = _lives()
    counted = _counted(first, p.window_days, p.baseline_windows)
    here = and_(counted.c.service == first.c.service, counted.c.release == first.c.release)
    own = _record.alias()
    joined = services.rows.join(own, own.c.sid == first.c.service).outerjoin(counted, here)
    over = first.c.at + p.window_days * _DAY_MS
    during, before = (func.coalesce(counted.c[name], 0) for name in ("during", "before"))
    n = p.baseline_windows

    def mean_of(one: Any) -> ColumnElement[bool]:
        """Say whether the mean fits; it is told to two decimals."""
        return and_(one.value * n <= before + 0.01 * n, one.value * n >= before - 0.01 * n)

    analysis = held_for(first.c.release, "release").where(
        looked.held_at >= over,
        _states("incidents", lambda one: one.value == during, of=own.c.id),
        _states("baseline", mean_of, of=own.c.id),
    )
    units = replace(services, rows=joined, opened=over)
    return [
        deadline(
            rid,
            "analysed",
            Words(
                f"Within {p.days} days after the {p.window_days} days that follow a release a review tells how many "
                "incidents each of its services had in them, and how many on average in spans of that length before.",
                "No review tells both figures in time, or they are not those the hub counts.",
                "Hold the review of the release, and state both figures, even if they are zero.",
            ),
            unit=units.reading(incident="near"),
            due=days_after(over, p.days),
            evidence=replace(analysis, needs=(Need("review", _REVIEW, evidence=True),), reads={"review": "far"}),
            needs=[
                _DEPLOYED,
                Need("release", frozenset({"service_ids"}), evidence=True),
                Need("incident", frozenset({"service_ids", "reported_at"}), evidence=True),
            ],
            shape="trend",
        )
    ]


_REVIEW = frozenset({"type", "subject_id", "held_at", "topics"})
_DEPLOYED = Need("deployment", frozenset({"release_id", "tier", "finished_at"}), evidence=True)


def _9_k(rid: str, p: Parameters) -> list[Part]:
    releases, live = gone_live()
    over = live + p.window_days * _DAY_MS
    link, other = _link.alias(), _record.alias()
    here, there = tied(link, r.sid)
    stirred = exists().where(here, other.c.sid == there, other.c.kind == "incident").correlate_except(link, other)

    def weighed(one: Any) -> ColumnElement[bool]:
        return or_(filled(one.text), filled(one.not_applicable_reason))

    assessed = held_for(r.sid, "release").where(
        *(_states(side, weighed) for side in ("business", "operations", "support"))
    )
    return [
        deadline(
            rid,
            "weighed",
            Words(
                "Where a release led to incidents, its review says what they meant for business, operations and support.",
                "No review says for all three what the incidents after the release meant.",
                "Ask the three sides, and write down in the review what the incidents cost them.",
            ),
            unit=releases.where(stirred).opening(over).reading(incident="near"),
            due=days_after(over, p.days),
            evidence=replace(assessed, needs=(Need("review", _REVIEW, evidence=True),)),
            needs=[_DEPLOYED, Need("incident", frozenset({"links"}), evidence=True)],
            shape="completeness",
        )
    ]


def _9_l(rid: str, p: Parameters) -> list[Part]:
    advice: Any = child_tables["review", "recommendations"].alias()
    action: Any = kind_tables["improvement_action"].alias()
    due = days_after(looked.held_at, p.days)
    done = exists().where(
        action.c.sid == advice.c.action_id, stands(action.c), func.coalesce(action.c.created_at, 0) <= due
    )
    answered = or_(filled(advice.c.decision), done.correlate_except(action))
    return [
        threshold(
            rid,
            "followed_up",
            Words(
                f"Within {p.days} days each recommendation of a release review leads to an action or a reasoned decision.",
                "A recommendation of the review has neither an action nor a decision.",
                "Open an action for the recommendation, or record why none is taken.",
            ),
            unit=review("release").reading(improvement_action="near", calendar="all"),
            holds=~exists().where(advice.c.sid == looked.sid, ~answered).correlate_except(advice),
            at=due,
            fields=("type", "recommendations", "held_at"),
            needs=[Need("improvement_action", frozenset({"no_action"}), evidence=True)],
        )
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-9-d": _9_d,
    "BS15000-9-j": _9_j,
    "BS15000-9-k": _9_k,
    "BS15000-9-l": _9_l,
}
"""Requirement -> what makes its parts."""
