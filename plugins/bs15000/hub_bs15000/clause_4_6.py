"""Clause 4.6, audit and management review: audits come in time and cover everything, by whom, and managers look too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, exists, func, literal, or_

from hub.conformance.continuous import periodic
from hub.conformance.evidence import Rows, rows
from hub.conformance.expression import earlier_of, filled, later_of, since_when
from hub.conformance.listed import lists
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import precondition, threshold
from hub.conformance.unit import Unit, organisation, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.independence import INDEPENDENT
from hub_bs15000.people import FAILED, PEOPLE, ROLE_FIELDS, assigned_from, ended, same_human
from hub_bs15000.process import managers, spoken
from hub_bs15000.review import held, r

__all__ = ["DECLARATIONS"]

_a: Any = kind_tables["audit"].c
_link = metadata.tables["link"]
_DAY_MS = 86_400_000
_CONFORMITY = ("internal", "external")
_TYPE_UNKNOWN = (_a.type.is_(None), "what kind of audit it was is not recorded")


# -- in time ----------------------------------------------------------------------------------


def _held_audit() -> Rows:
    """Evidence: an audit against the standard, from when it was made and recorded."""
    recorded = func.coalesce(since_when(_a.sid, "performed_at"), _a.created_at, _a.performed_at)
    return (
        rows(
            "audit",
            or_(_a.type.in_(_CONFORMITY), _a.type.is_(None)),
            later_of(_a.performed_at, recorded),
            fields=frozenset({"type", "performed_at", "scope_clauses"}),
            reach="all",
        )
        .where(_a.vanished_at.is_(None))
        .doubtful(*_TYPE_UNKNOWN)
    )


def _4_6_a(rid: str, p: Parameters) -> list[Part]:
    every = periodic(
        rid,
        "audited",
        Words(
            f"Service management is audited against the standard at least every {p.max_interval_days} days.",
            f"There was no audit for more than {p.max_interval_days} days.",
            "Have service management audited by people who are independent of it.",
        ),
        unit=organisation(),
        evidence=_held_audit(),
        at=_a.performed_at,
        days=p.max_interval_days,
    )
    return [every, *(_covered(rid, clause, p.max_interval_days) for clause in p.clauses)]


def _covered(rid: str, clause: str, days: int) -> Part:
    names = {clause, clause.split(".", maxsplit=1)[0], "all"}
    return periodic(
        rid,
        f"clause_{clause.replace('.', '_')}",
        Words(
            f"Clause {clause} is within the scope of an audit at least every {days} days.",
            f"No audit covered clause {clause} for more than {days} days.",
            f"Plan an audit that covers clause {clause}.",
        ),
        unit=organisation(),
        evidence=_held_audit().where(or_(*(lists(_a.scope_clauses, name) for name in sorted(names)))),
        at=_a.performed_at,
        days=days,
    )


# -- by whom ----------------------------------------------------------------------------------


def _audits() -> Unit:
    """Every audit against the standard that was made, owing from then on."""
    units = unit("audit").where(or_(_a.type.in_(_CONFORMITY), _a.type.is_(None)), _a.performed_at.is_not(None))
    return units.opening(_a.performed_at)


def _auditors() -> tuple[Unit, ColumnElement[int]]:
    """Every such audit x each of its auditors; anchor = the auditor."""
    named = _link.alias()
    units = _audits()
    joined = units.rows.join(named, and_(named.c.sid == _a.sid, named.c.type == "auditors"))
    return replace(units, rows=joined, anchor=named.c.target).reading(audit="all", identity="all"), named.c.target


def _named(rid: str) -> Part:
    named = _link.alias()
    some = exists().where(named.c.sid == _a.sid, named.c.type == "auditors").correlate_except(named)
    units = _audits()
    return threshold(
        rid,
        "named",
        Words(
            "Every audit names who made it.",
            "The audit names nobody who made it.",
            "Record the auditors.",
        ),
        unit=units,
        holds=some,
        at=units.opened,
        fields=("type", "performed_at", "auditors"),
        doubts=[_TYPE_UNKNOWN],
    )


def _4_6_b(rid: str, p: Parameters) -> list[Part]:
    t: Any = kind_tables["training_record"].c
    units, auditor = _auditors()
    recorded = func.coalesce(since_when(t.sid, "completed_at"), t.created_at, t.completed_at)
    shown = rows(
        "training_record",
        same_human(t.person, auditor),
        later_of(t.completed_at, recorded),
        fields=frozenset({"person", "course", "completed_at"}),
        lost=earlier_of(t.valid_to, t.vanished_at),
        reach="all",
    ).where(
        func.lower(func.trim(t.course)).in_(tuple(one.lower() for one in p.courses)),
        func.lower(func.trim(func.coalesce(t.result, ""))).not_in(FAILED),
    )
    return [
        _named(rid),
        precondition(
            rid,
            "competent",
            Words(
                "Whoever makes an audit has shown the skill for it before.",
                "An auditor had shown no skill for audits when the audit was made.",
                "Train auditors before they audit, and record it.",
            ),
            unit=units,
            before=_a.performed_at,
            evidence=replace(shown, reads={**shown.reads, "identity": "all"}),
            fields=("type", "performed_at", "auditors"),
            doubts=[_TYPE_UNKNOWN],
        ),
    ]


def _4_6_c(rid: str, p: Parameters) -> list[Part]:
    units, auditor = _auditors()
    duty = kind_tables["role_assignment"].alias()
    d: Any = duty.c
    since = _a.performed_at - literal(p.lookback_days * _DAY_MS, BigInteger)
    serves = (
        exists()
        .where(
            d.role.in_(p.operational_roles),
            same_human(d.person, auditor),
            assigned_from(d) < _a.performed_at,
            or_(ended(d).is_(None), ended(d) > since),
        )
        .correlate_except(duty)
    )
    looked = kind_tables["check_result"].alias()
    c: Any = looked.c
    of_audit = (c.check == INDEPENDENT, c.subject_id == _a.sid)
    took_part = exists().where(*of_audit, c.counted <= p.lookback_days).correlate_except(looked)
    was_checked = exists().where(*of_audit, c.result.is_not(None)).correlate_except(looked)
    audits = _audits().reading(check_result="near")
    return [
        _named(rid),
        threshold(
            rid,
            "no_role",
            Words(
                f"No auditor held a role in operation within {p.lookback_days} days before the audit.",
                "An auditor held a role in operation shortly before the audit.",
                "Let somebody audit who does not run what is audited.",
            ),
            unit=units.reading(**PEOPLE),
            holds=~serves,
            at=_a.performed_at,
            fields=("type", "performed_at", "auditors"),
            doubts=[_TYPE_UNKNOWN],
            needs=[Need("role_assignment", ROLE_FIELDS, evidence=True)],
        ),
        threshold(
            rid,
            "no_work",
            Words(
                f"No auditor worked on records of the audited scope within {p.lookback_days} days before the audit.",
                "An auditor was assignee, author or approver of records of the audited scope shortly before the audit.",
                "Let somebody audit who took no part in the work.",
            ),
            unit=audits,
            holds=~took_part,
            at=_a.performed_at,
            fields=("type", "performed_at", "auditors", "scope_clauses"),
            doubts=[_TYPE_UNKNOWN, (~or_(took_part, was_checked), "the hub has not looked at it yet")],
        ),
    ]


# -- management review ------------------------------------------------------------------------


def _4_6_d(rid: str, p: Parameters) -> list[Part]:
    return [_reviewed(rid, process, p.max_interval_days) for process in p.processes]


def _reviewed(rid: str, process: str, days: int) -> Part:
    looked = (
        rows(
            "review",
            and_(r.type == "management_review", r.process == process),
            held(),
            fields=frozenset({"type", "process", "held_at", "chaired_by"}),
            reach="all",
        )
        .where(or_(filled(r.findings), filled(r.conclusions), r.decisions.is_not(None)))
        .by(r.chaired_by, *managers(process))
    )
    return periodic(
        rid,
        process,
        Words(
            f"The manager of the {spoken(process)} process looks back at it at least every {days} days.",
            f"The manager of the {spoken(process)} process held no review with a result for more than {days} days.",
            "Hold the review, chaired by the manager of the process, and record the result.",
        ),
        unit=organisation(),
        evidence=looked,
        at=r.held_at,
        days=days,
    )


DECLARATIONS: dict[str, Declare] = {
    "BS15000-4.6-a": _4_6_a,
    "BS15000-4.6-b": _4_6_b,
    "BS15000-4.6-c": _4_6_c,
    "BS15000-4.6-d": _4_6_d,
}
"""Requirement -> what makes its parts."""
