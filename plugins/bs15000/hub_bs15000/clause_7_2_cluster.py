"""Clause 7.2, problem management: like incidents that come in clusters lead to a problem (c)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, or_, select

from hub.conformance.evidence import Rows, any_of, rows
from hub.conformance.expression import days_after, later_of, since_when, touched
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.relation import link_instant
from hub.conformance.shape import deadline
from hub.conformance.unit import Unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.problem import FROM_INCIDENT, FROM_PROBLEM

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
_incident = kind_tables["incident"]
_DAY_MS = 86_400_000


def _reported(incident: Any) -> ColumnElement[Any]:
    return func.coalesce(incident.c.reported_at, incident.c.created_at)


def _counts(incident: Any) -> ColumnElement[bool]:
    return func.coalesce(incident.c.status_category, "").not_in(("cancelled", "rejected"))


def _clusters(naming: str, *, by_category: bool, k: int, window_days: int) -> Any:
    """Select (subject, category, anchor, first, opened): the k-th incident in the window that opens an episode."""
    link, incident = _link.alias(), _incident.alias()
    reported = _reported(incident)
    category: ColumnElement[Any] = incident.c.category if by_category else literal("")
    chosen = [link.c.type == naming, touched(link.c.target), _counts(incident), reported.is_not(None)]
    if by_category:
        chosen.append(func.coalesce(incident.c.category, "") != "")
    seen = (
        select(
            link.c.target.label("subject"),
            category.label("category"),
            incident.c.sid.label("sid"),
            reported.label("at"),
        )
        .select_from(link.join(incident, incident.c.sid == link.c.sid))
        .where(*chosen)
        .subquery("seen")
    )
    over: dict[str, Any] = {"partition_by": (seen.c.subject, seen.c.category), "order_by": (seen.c.at, seen.c.sid)}
    start = func.lag(seen.c.at, k - 1).over(**over) if k > 1 else seen.c.at
    spans = select(*seen.c, start.label("first")).subquery("spans")
    again: dict[str, Any] = {"partition_by": (spans.c.subject, spans.c.category), "order_by": (spans.c.at, spans.c.sid)}
    full = spans.c.at - spans.c.first <= window_days * _DAY_MS
    before = func.lag(spans.c.at - spans.c.first).over(**again)
    episodes = select(*spans.c, full.label("full"), before.label("before")).subquery("episodes")
    e = episodes.c
    return (
        select(e.subject, e.category, e.sid.label("anchor"), e.first, e.at.label("opened"))
        .where(e.full, or_(e.before.is_(None), e.before > window_days * _DAY_MS))
        .subquery("cluster")
    )


def _linked_problem(cluster: Any, naming: str, due: ColumnElement[Any], *, by_category: bool, outward: bool) -> Rows:
    """A problem linked to an incident of the episode, by the end that states it."""
    scope, incident, link, other = _link.alias(), _incident.alias(), _link.alias(), _record.alias()
    types = FROM_INCIDENT if outward else FROM_PROBLEM
    here, there = (link.c.sid, link.c.target) if outward else (link.c.target, link.c.sid)
    member = [scope.c.target == cluster.c.subject, scope.c.type == naming]
    of_episode = [_reported(incident) >= cluster.c.first, _reported(incident) <= due, _counts(incident)]
    if by_category:
        of_episode.append(incident.c.category == cluster.c.category)
    made = link_instant(link)
    return (
        rows("problem", and_(*member), made, table=scope, record=there)
        .joining(incident, incident.c.sid == scope.c.sid)
        .joining(link, and_(here == incident.c.sid, link.c.type.in_(types)))
        .joining(other, other.c.sid == there)
        .where(*of_episode, or_(other.c.kind == "problem", link.c.type == "problem_ids"))
        .doubtful(made.is_(None), "when the incident was linked to the problem is not known")
    )


def _decided(cluster: Any, naming: str, due: ColumnElement[Any], *, by_category: bool) -> Sequence[Rows]:
    """A decision to do nothing that names the service or item, or an incident of the episode."""
    found = []
    for of_incident in (False, True):
        link: Any = _link.alias()
        action: Any = kind_tables["improvement_action"].alias()
        a = action.c
        recorded = func.coalesce(since_when(a.sid, "no_action.at"), since_when(a.sid, "no_action"))
        at = later_of(a.no_action_at, recorded)
        on = and_(link.c.type == "source_ids", link.c.target == cluster.c.subject)
        if of_incident:
            scope, incident = _link.alias(), _incident.alias()
            members = (
                select(scope.c.sid)
                .select_from(scope.join(incident, incident.c.sid == scope.c.sid))
                .where(
                    scope.c.target == cluster.c.subject,
                    scope.c.type == naming,
                    _reported(incident) >= cluster.c.first,
                    _reported(incident) <= due,
                    *([incident.c.category == cluster.c.category] if by_category else []),
                )
                .correlate_except(scope, incident)
            )
            on = and_(link.c.type == "source_ids", link.c.target.in_(members))
        found.append(
            rows(
                "improvement_action",
                on,
                at,
                fields=frozenset({"no_action", "source_ids"}),
                table=link,
                reach="far",
                declared=func.coalesce(a.declared_by, 0) != 0,
            )
            .joining(action, a.sid == link.c.sid)
            .where(a.no_action_approver.is_not(None), func.coalesce(a.no_action_at, cluster.c.first) >= cluster.c.first)
        )
    return found


def _cluster_part(
    rid: str, name: str, words: Words, q: Parameters, *, kind: str, naming: str, by_category: bool
) -> Part:
    cluster = _clusters(naming, by_category=by_category, k=q.k, window_days=q.window_days)
    units = Unit(
        kind=kind,
        rows=cluster,
        sid=cluster.c.subject,
        anchor=cluster.c.anchor,
        opened=cluster.c.opened,
        conditions=(),
        reads={"incident": "near", "problem": "far"},
        has_envelope=False,
    )
    due = days_after(cluster.c.opened, q.decision_days)
    problems = [
        _linked_problem(cluster, naming, due, by_category=by_category, outward=outward) for outward in (True, False)
    ]
    decisions = _decided(cluster, naming, due, by_category=by_category)
    known = frozenset({naming, "category"} if by_category else {naming})
    return deadline(
        rid,
        name,
        words,
        unit=units,
        due=due,
        evidence=any_of(*problems, *decisions),
        needs=[Need("incident", known, evidence=True)],
        shape="completeness",
    )


def _7_2_c(rid: str, q: Parameters) -> list[Part]:
    often = f"{q.k} incidents within {q.window_days} days"
    return [
        _cluster_part(
            rid,
            "by_service",
            Words(
                f"After {often} of one category on one service a problem is opened, or it is decided why not.",
                f"There were {often} of one category on this service, and no problem and no decision followed in time.",
                "Open a problem and link the incidents, or record who decided that none is needed.",
            ),
            q,
            kind="service",
            naming="service_ids",
            by_category=True,
        ),
        _cluster_part(
            rid,
            "by_item",
            Words(
                f"After {often} on one configuration item a problem is opened, or it is decided why not.",
                f"There were {often} on this item, and no problem and no decision followed in time.",
                "Open a problem and link the incidents, or record who decided that none is needed.",
            ),
            q,
            kind="configuration_item",
            naming="ci_ids",
            by_category=False,
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"BS15000-7.2-c": _7_2_c}
"""Requirement -> what makes its parts."""
