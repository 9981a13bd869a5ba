"""What the probes of clauses 4.4 and 4.6 see: who worked on what he or she audits, and when an action last moved."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from hub.conformance.probe import Finding, run_probes
from hub.records import Audit, Plan, Record
from hub.store.writer import Write, write_records
from hub.testing.factory import account, approval, at, change, improvement_action, incident, person
from hub_bs15000 import activity, independence

AUDITOR = person("people/aud")
LOGIN = account("user/aud", same_as=[AUDITOR.id])
OTHER = person("people/ben")


def audit(**fields: Any) -> Audit:
    given = {"type": "internal", "performed_at": at(30), "auditors": [AUDITOR.id], "scope_clauses": ["7", "8.2"]}
    return Audit(id="register:audits/1", source="register", created_at=at(30), **{**given, **fields})


def seen(conn: Connection, *records: Record, now: int = at(40)) -> list[Finding]:
    try:
        write_records(conn, [Write(one) for one in (AUDITOR, LOGIN, OTHER, *records)], known_at=1)
        return list(independence.PROBES[0].look(conn, now))
    finally:
        conn.rollback()


@pytest.mark.parametrize(
    ("work", "days"),
    [
        (incident(assignee=AUDITOR.id, created_at=at(1), updated_at=at(10)), 20),
        (incident(assignee=LOGIN.id, created_at=at(1), updated_at=at(10)), 20),
        (incident(creator=LOGIN.id, created_at=at(10), updated_at=at(28)), 20),
        (incident(assignee=AUDITOR.id, created_at=at(1), closed_at=at(5), updated_at=at(35)), 25),
        (incident(assignee=AUDITOR.id, created_at=at(1), updated_at=at(35)), 0),
        (incident(assignee=AUDITOR.id, created_at=at(31)), None),
        (incident(assignee=OTHER.id, created_at=at(1), updated_at=at(10)), None),
        (change(implementer=AUDITOR.id, created_at=at(1), updated_at=at(28)), 2),
    ],
)
def test_work_of_an_auditor_on_what_was_audited(empty: Connection, work: Record, days: int | None):
    (found,) = seen(empty, audit(), work)
    assert (found.subject, found.passed, found.counted) == (audit().id, days is None, days)


def test_work_outside_the_scope_does_not_count(empty: Connection):
    work = incident(assignee=AUDITOR.id, created_at=at(1), updated_at=at(10))
    assert [one.passed for one in seen(empty, audit(scope_clauses=["7.2"]), work)] == [True]
    assert [one.passed for one in seen(empty, audit(scope_clauses=["all"]), work)] == [False]
    assert [one.passed for one in seen(empty, audit(scope_clauses=[]), work)] == [False]
    planned = Plan(id="register:plans/1", source="register", creator=AUDITOR.id, created_at=at(1), plan_type="audit")
    assert [one.passed for one in seen(empty, audit(scope_clauses=["4.2"]), planned)] == [True]


def test_an_approval_is_work(empty: Connection):
    subject = change(created_at=at(1))
    given = approval(subject, AUDITOR, decided_at=at(25))
    assert [one.counted for one in seen(empty, audit(), subject, given)] == [5]
    assert [one.counted for one in seen(empty, audit(scope_clauses=["7.1"]), subject, given)] == [None]


@pytest.mark.parametrize(
    "fields", [{"type": "backup"}, {"performed_at": None}, {"performed_at": at(41)}, {"auditors": []}]
)
def test_what_is_not_looked_at(empty: Connection, fields: dict[str, Any]):
    assert seen(empty, audit(**fields)) == []


def test_an_audit_is_looked_at_once_a_month_and_again_where_it_changed(empty: Connection):
    def look(now: int, *records: Record) -> int:
        write_records(empty, [Write(one) for one in records], known_at=now)
        found = list(independence.PROBES[0].look(empty, now))
        run_probes(empty, independence.PROBES, now)
        return len(found)

    try:
        assert look(at(40), AUDITOR, audit()) == 1
        assert look(at(41)) == 0
        assert look(at(42), audit(updated_at=at(42))) == 1
        assert look(at(70)) == 1
        assert look(at(200)) == 0
    finally:
        empty.rollback()


def test_days_since_an_action_last_moved(empty: Connection):
    def look(*records: Record) -> list[tuple[bool | None, int | None]]:
        write_records(empty, [Write(one) for one in records], known_at=1)
        return [(one.passed, one.counted) for one in activity.PROBES[0].look(empty, at(40))]

    try:
        assert look() == [(False, None)]
        assert look(improvement_action(created_at=at(10), updated_at=None)) == [(True, 30)]
        assert look(improvement_action(created_at=at(10), updated_at=at(15, hours=1))) == [(True, 24)]
    finally:
        empty.rollback()
