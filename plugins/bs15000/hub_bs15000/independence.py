"""Whether auditors took part in what they audit: a check of the store by Python.

People stand in columns without an index, so that the records of an audited scope are read from end to end; each
audit is therefore looked at once a month while it is new, again where it changed, and once where it is old.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, case, func, or_, select

from hub.conformance.probe import Finding, Probe
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["INDEPENDENT", "PROBES"]

INDEPENDENT = "auditor_independence"
"""Name of the check, its subject the audit; it counts the days between the last work of an auditor and the audit."""
_DAY_MS = 86_400_000
_NEW_DAYS = 92
_WORKED_AS = ("assignee", "implementer", "authorised_by", "approved_by", "actor")
"""Columns that name who did the work, until it ended."""
_WROTE_AS = ("creator", "author")
"""Columns that name who began it."""
_ENDED = ("closed_at", "resolved_at", "actual_end", "finished_at", "submitted_at", "updated_at", "created_at")
"""Columns that tell when work on a record ended, the first that is there."""
_SCOPE = {
    "4.1": ("document",),
    "4.2": ("plan", "document", "risk"),
    "4.3": ("training_record", "competence_profile"),
    "4.4": ("service_report", "plan"),
    "4.5": ("document",),
    "4.6": (),
    "5.1": ("sla", "ola"),
    "5.2": ("outage",),
    "5.3": ("continuity_test", "plan"),
    "5.4": ("service_report",),
    "5.5": ("budget", "cost_entry"),
    "5.6": ("capacity_plan",),
    "5.7": ("security_incident", "control", "risk"),
    "6.1": ("complaint", "satisfaction_survey"),
    "6.2": ("underpinning_contract", "supplier"),
    "7.1": ("incident", "request"),
    "7.2": ("problem", "known_error"),
    "8.1": ("configuration_item",),
    "8.2": ("change",),
    "8.3": ("change",),
    "9": ("release", "deployment"),
}
"""Clause -> kinds of records in its scope."""
_record = metadata.tables["record"]
_link = metadata.tables["link"]


@dataclass(frozen=True, slots=True)
class _Audit:
    id: str
    performed_at: int
    kinds: frozenset[str]
    people: frozenset[int]
    """The auditors, by every login."""


def _kinds(clauses: Iterable[str]) -> frozenset[str]:
    """Return the kinds in the scope of an audit; a clause stands for those below it, none for all."""
    named = [one.strip() for one in clauses]
    whole = not named or "all" in named
    covered = (clause for clause in _SCOPE if whole or any(f"{clause}.".startswith(f"{one}.") for one in named))
    return frozenset(kind for clause in covered for kind in _SCOPE[clause])


def _due(conn: Connection, now: int) -> list[_Audit]:
    """Return the audits to look at now."""
    a: Any = kind_tables["audit"].c
    result: Any = kind_tables["check_result"].c
    seen = (
        select(result.subject_id, func.max(result.at).label("at"), func.max(result.period_end).label("until"))
        .where(result.check == INDEPENDENT)
        .group_by(result.subject_id)
        .subquery()
    )
    old = a.performed_at < now - _NEW_DAYS * _DAY_MS
    settled = (seen.c.at >= func.coalesce(a.updated_at, a.performed_at)) & (or_(old, seen.c.until > now))
    asked = (
        select(_record.c.id, a.sid, a.performed_at, a.scope_clauses)
        .select_from(
            kind_tables["audit"].join(_record, _record.c.sid == a.sid).outerjoin(seen, seen.c.subject_id == a.sid)
        )
        .where(or_(a.type.in_(("internal", "external")), a.type.is_(None)), a.performed_at <= now)
        .where(func.coalesce(settled, False).is_(False))
        .order_by(_record.c.id)
    )
    rows = conn.execute(asked).all()
    people = _people(conn, [row.sid for row in rows])
    return [
        _Audit(row.id, row.performed_at, _kinds(row.scope_clauses or ()), frozenset(people[row.sid])) for row in rows
    ]


def _people(conn: Connection, audits: list[int]) -> dict[int, set[int]]:
    """Return audit -> its auditors by every login."""
    named, login = _record.alias(), _record.alias()
    asked = (
        select(_link.c.sid, named.c.sid.label("auditor"), login.c.sid.label("login"))
        .select_from(_link.join(named, named.c.sid == _link.c.target))
        .outerjoin(login, login.c.canonical == named.c.canonical)
        .where(_link.c.sid.in_(audits), _link.c.type == "auditors")
    )
    found: dict[int, set[int]] = defaultdict(set)
    for row in conn.execute(asked):
        found[row.sid] |= {row.auditor} | ({row.login} if row.login is not None else set())
    return found


def _last_work(conn: Connection, audit: _Audit) -> Iterator[tuple[int, str]]:
    """Yield when the auditors last worked on something of each kind in scope, and of which kind."""
    people = sorted(audit.people)
    for kind in sorted(audit.kinds):
        c: Any = kind_tables[kind].c
        did = or_(*(c[name].in_(people) for name in _WORKED_AS if name in c))
        wrote = or_(*(c[name].in_(people) for name in _WROTE_AS if name in c))
        ended = func.coalesce(*(c[name] for name in _ENDED if name in c))
        worked = case((ended > audit.performed_at, audit.performed_at), else_=ended)
        last = func.max(case((did, worked), else_=c.created_at))
        asked = select(last).where(or_(did, wrote), c.created_at <= audit.performed_at)
        if kind == "plan":
            asked = asked.where(func.coalesce(c.plan_type, "") != "audit")  # auditors plan their own work
        if (at := conn.scalar(asked)) is not None:
            yield at, kind
    p: Any = kind_tables["approval"].c
    approved = (
        select(func.max(p.decided_at))
        .select_from(kind_tables["approval"].join(_record, _record.c.sid == p.subject_id))
        .where(p.approver.in_(people), p.decided_at <= audit.performed_at, _record.c.kind.in_(sorted(audit.kinds)))
    )
    if (at := conn.scalar(approved)) is not None:
        yield at, "approval"


def _look(conn: Connection, now: int) -> Iterator[Finding]:
    for audit in _due(conn, now):
        if not audit.people:
            continue
        work = max(_last_work(conn, audit), default=None)
        if work is None:
            yield Finding(passed=True, subject=audit.id)
        else:
            days = (audit.performed_at - work[0]) // _DAY_MS
            yield Finding(passed=False, subject=audit.id, counted=days, detail=f"worked on a record of kind {work[1]}")


PROBES = (Probe(INDEPENDENT, _look),)
"""Looks at every audit against the standard that names its auditors."""
