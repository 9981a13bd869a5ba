"""Clause 7.2, problem management: like incidents that come in clusters lead to a problem (c)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, func, literal, or_, select

from hub.conformance.evidence import Rows, any_of, rows
from hub.conformance.expression import changed, days_after, later_of, since_when, touched
from hub.conformance.lineup import ASKED, in_line
from hub.conformance.owed import NEVER
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
_NAMED = 0
"""Role of an incident that forms no cluster; a decision may name it."""
_LINKED = {
    True: {name: step for step, name in enumerate(FROM_INCIDENT, 2)},
    False: {name: step for step, name in enumerate(FROM_PROBLEM, 2 + len(FROM_INCIDENT))},
}
"""Does the incident state the link -> its name -> role of the problem in line."""


def _reported(incident: Any) -> ColumnElement[Any]:
    return func.coalesce(incident.c.reported_at, incident.c.created_at)


def _counts(incident: Any) -> ColumnElement[bool]:
    return func.coalesce(incident.c.status_category, "").not_in(("cancelled", "rejected"))


@dataclass(frozen=True, slots=True)
class Line:
    """The line in which the incidents of a subject and category stand, one part's own."""

    naming: str
    """Field by which an incident names its subject."""
    by_category: bool
    q: Parameters

    def incidents(self) -> Any:
        """Select the incidents, read once for all that looks at them; those that may form a cluster are asked."""
        scope, incident = _link.alias(), _incident.alias()
        rows = self._rows(scope, incident, case((_counts(incident), ASKED), else_=_NAMED))
        return self._marked(rows.select_from(_scoped(scope, incident))).cte("seen")

    def problems(self, *, outward: bool) -> Any:
        """Select every problem linked to such an incident, by the end that states it.

        The joins are outer ones and their rows are asked for in words that hide it, or the engine would begin with all
        links there are.
        """
        scope, incident, link, other = _link.alias(), _incident.alias(), _link.alias(), _record.alias()
        here, there = (link.c.sid, link.c.target) if outward else (link.c.target, link.c.sid)
        steps = _LINKED[outward]
        is_problem = or_(other.c.kind == "problem", link.c.type == "problem_ids")
        rows = self._rows(scope, incident, case(*((link.c.type == name, step) for name, step in steps.items())))
        rows = (
            rows.add_columns(there.label("other"), link_instant(link).label("value"))
            .select_from(
                _scoped(scope, incident)
                .outerjoin(link, and_(here == incident.c.sid, link.c.type.in_(steps)))
                .outerjoin(other, other.c.sid == there)
            )
            .where(_counts(incident), func.coalesce(is_problem, false()))
        )
        told = self._marked(rows).subquery("told").c
        return (
            select(
                told.unit.label("subject"),
                told.grp.label("category"),
                told.at.label("reported_at"),
                told.other.label("problem"),
                told.value.label("made"),
            )
            .where(told.step.in_(steps.values()))
            .limit(NEVER)
            .subquery("linked")
        )

    def _rows(self, scope: Any, incident: Any, step: ColumnElement[int]) -> Select[Any]:
        subject, category, at = _about(scope, incident, by_category=self.by_category)
        chosen = [scope.c.type == self.naming, touched(scope.c.target), changed(incident.c.sid), at.is_not(None)]
        if self.by_category:
            chosen.append(func.coalesce(incident.c.category, "") != "")
        return select(
            subject.label("unit"),
            category.label("grp"),
            at.label("at"),
            step.label("step"),
            incident.c.sid.label("sid"),
        ).where(*chosen)

    def _marked(self, rows: Select[Any]) -> Select[Any]:
        """Say how far an episode reaches: back to the k-th incident before the one that opens it, and on to when it is due."""
        before = 2 * self.q.window_days * _DAY_MS if self.q.k > 1 else NEVER
        return in_line(rows, before=before, after=(self.q.decision_days + 2) * _DAY_MS)


def _scoped(scope: Any, incident: Any) -> Any:
    return scope.join(incident, incident.c.sid == scope.c.sid)


def _clusters(seen: Any, q: Parameters) -> Any:
    """Select (subject, category, anchor, first, opened, due): the k-th incident in the window that opens an episode.

    Worked out once for all kinds of evidence, and behind a fence, or its due instant is looked up again for each
    incident it is compared with.
    """
    k, window_days = q.k, q.window_days
    over: dict[str, Any] = {"partition_by": (seen.c.unit, seen.c.grp), "order_by": (seen.c.at, seen.c.sid)}
    first = func.lag(seen.c.at, k - 1).over(**over) if k > 1 else seen.c.at
    # one layer: of windows within windows SQLite expects no rows, and then compares each with each
    before = func.lag(seen.c.at).over(**over) - func.lag(seen.c.at, k).over(**over)
    told = select(seen.c.unit, seen.c.grp, seen.c.sid, seen.c.at, first.label("first"), before.label("before"))
    e = told.where(seen.c.step == ASKED).subquery("episodes").c
    return (
        select(
            e.unit.label("subject"),
            e.grp.label("category"),
            e.sid.label("anchor"),
            e.first,
            e.at.label("opened"),
            days_after(e.at, q.decision_days).label("due"),
        )
        .where(e.at - e.first <= window_days * _DAY_MS, or_(e.before.is_(None), e.before > window_days * _DAY_MS))
        .limit(NEVER)
        .cte("cluster")
    )


def _of_episode(followed: Any, cluster: Any) -> ColumnElement[bool]:
    """Say whether the incident something followed from belongs to the episode: same subject and category, before it was due."""
    f, c = followed.c, cluster.c
    return and_(f.subject == c.subject, f.category == c.category, f.reported_at >= c.first, f.reported_at <= c.due)


def _about(scope: Any, incident: Any, *, by_category: bool) -> list[ColumnElement[Any]]:
    category: ColumnElement[Any] = incident.c.category if by_category else literal("")
    return [scope.c.target.label("subject"), category.label("category"), _reported(incident).label("reported_at")]


def _problem(cluster: Any, linked: Any) -> Rows:
    """A problem linked to an incident of the episode.

    Apart from the episodes, or all incidents of one are looked at: these grow with the square of time.
    """
    made = linked.c.made
    return rows("problem", _of_episode(linked, cluster), made, table=linked, record=linked.c.problem).doubtful(
        and_(linked.c.problem.is_not(None), made.is_(None)), "when the incident was linked to the problem is not known"
    )


def _decided(cluster: Any, naming: str, *, by_category: bool) -> Sequence[Rows]:
    """A decision to do nothing that names the service or item, or an incident of the episode."""
    named = _link.alias()
    direct = _decisions(named, named, [named.c.target.label("subject")])
    link, scope, incident = _link.alias(), _link.alias(), _incident.alias()
    path = link.join(incident, incident.c.sid == link.c.target).join(
        scope, and_(scope.c.sid == incident.c.sid, scope.c.type == naming)
    )
    of_incident = _decisions(link, path, _about(scope, incident, by_category=by_category), scope)
    found = (direct, direct.c.subject == cluster.c.subject), (of_incident, _of_episode(of_incident, cluster))
    return [
        rows(
            "improvement_action",
            on,
            told.c.recorded,
            fields=_DECISION,
            table=told,
            reach="far",
            declared=told.c.declared,
        ).where(
            told.c.no_action_approver.is_not(None),
            func.coalesce(told.c.no_action_at, cluster.c.first) >= cluster.c.first,
        )
        for told, on in found
    ]


def _decisions(link: Any, path: Any, about: Sequence[ColumnElement[Any]], scope: Any = None) -> Any:
    """Select the decisions that `link` names as a source of something, from the few there are, not from all that is linked."""
    action = kind_tables["improvement_action"].alias()
    a: Any = action.c
    return (
        select(
            *about,
            a.sid,
            a.no_action_approver,
            a.no_action_at,
            _no_action_at(a).label("recorded"),
            _declared(a).label("declared"),
        )
        .select_from(path.join(action, and_(a.sid == link.c.sid, link.c.type == "source_ids")))
        .where(touched((link if scope is None else scope).c.target))
        .limit(NEVER)
        .subquery("decided")
    )


_DECISION = frozenset({"no_action", "source_ids"})


def _no_action_at(a: Any) -> ColumnElement[Any]:
    recorded = func.coalesce(since_when(a.sid, "no_action.at"), since_when(a.sid, "no_action"))
    return later_of(a.no_action_at, recorded)


def _declared(a: Any) -> ColumnElement[bool]:
    return func.coalesce(a.declared_by, 0) != 0


def _cluster_part(
    rid: str, name: str, words: Words, q: Parameters, *, kind: str, naming: str, by_category: bool
) -> Part:
    line = Line(naming, by_category, q)
    cluster = _clusters(line.incidents(), q)
    units = Unit(
        kind=kind,
        rows=cluster,
        sid=cluster.c.subject,
        anchor=cluster.c.anchor,
        opened=cluster.c.opened,
        conditions=(),
        reads={kind: "near", "incident": "near", "problem": "far"},
        has_envelope=False,
        lined={"incident": "near", "problem": "near"},
    )
    problems = [_problem(cluster, line.problems(outward=outward)) for outward in (True, False)]
    decisions = _decided(cluster, naming, by_category=by_category)
    known = frozenset({naming, "category"} if by_category else {naming})
    return deadline(
        rid,
        name,
        words,
        unit=units,
        due=cluster.c.due,
        evidence=any_of(*decisions, *problems),  # the fewer first: each unit is laid beside all of these
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
