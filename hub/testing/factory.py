"""Valid records with sane defaults, for tests: name only what the test is about.

`change("issue/7", type="normal", actual_start=at(2, hours=9))` is a change `desk:issue/7`. A default
never stands in for evidence: approvals, plans, tests and reviews are there only when a test says so.
"""

from __future__ import annotations

from typing import Any, TypeVar

from hub.records import (
    Approval,
    Change,
    Complaint,
    Document,
    ImprovementAction,
    Incident,
    KnownError,
    Person,
    Problem,
    Record,
    Release,
    Request,
    Review,
    RoleAssignment,
    Service,
    Team,
    Waiver,
    kind_of,
)
from hub.records.base import Since

__all__ = [
    "MONDAY",
    "account",
    "approval",
    "at",
    "change",
    "complaint",
    "document",
    "improvement_action",
    "incident",
    "known_error",
    "person",
    "problem",
    "record",
    "release",
    "request",
    "review",
    "role_assignment",
    "service",
    "since",
    "team",
    "waiver",
]

R = TypeVar("R", bound=Record)

MONDAY = 1_767_571_200_000
"""2026-01-05T00:00Z, the Monday that `at` counts from."""
_TOOL = "desk"
_REGISTER = "register"


def at(days: float = 0, *, hours: float = 0, minutes: float = 0, seconds: float = 0) -> int:
    """Give an instant so long after Monday 2026-01-05T00:00Z (negative = before), UTC milliseconds."""
    return MONDAY + round((days * 86_400 + hours * 3600 + minutes * 60 + seconds) * 1000)


def since(**fields: int) -> list[Since]:
    """State since when fields hold their values: `since(backout_plan=at(1))`; `__` stands for a dot."""
    return [Since(field=name.replace("__", "."), at=instant) for name, instant in fields.items()]


def record(kind: type[R], native: str, *, source: str = _TOOL, **fields: Any) -> R:
    """Make a record of any kind with the id `<source>:<native>`."""
    values: dict[str, Any] = {
        "id": f"{source}:{native}",
        "source": source,
        "title": f"{kind_of(kind).replace('_', ' ')} {native}",
    }
    return kind(**(values | fields))


def _ticket(kind: type[R], native: str, scope: str, fields: dict[str, Any]) -> R:
    values: dict[str, Any] = {
        "scope": scope,
        "key": f"{scope}-{native.rpartition('/')[2]}",
        "status": "Open",
        "status_category": "new",
        "created_at": at(hours=8),
        "updated_at": at(hours=8),
    }
    return record(kind, native, **(values | fields))


def incident(native: str = "issue/1", **fields: Any) -> Incident:
    """Make an incident of project OPS, recorded on Monday at 08:00."""
    return _ticket(Incident, native, "OPS", {"reported_at": at(hours=8), "recorded_at": at(hours=8)} | fields)


def request(native: str = "issue/2", **fields: Any) -> Request:
    """Make a service request of project OPS, recorded on Monday at 08:00."""
    return _ticket(Request, native, "OPS", {"reported_at": at(hours=8), "recorded_at": at(hours=8)} | fields)


def problem(native: str = "issue/3", **fields: Any) -> Problem:
    """Make a problem of project PRB, detected on Monday at 08:00."""
    return _ticket(Problem, native, "PRB", {"detected_at": at(hours=8)} | fields)


def known_error(native: str = "issue/4", **fields: Any) -> KnownError:
    """Make a known error of project PRB."""
    return _ticket(KnownError, native, "PRB", fields)


def change(native: str = "issue/5", **fields: Any) -> Change:
    """Make a normal change of project CHG without plan, approval or test."""
    return _ticket(Change, native, "CHG", {"type": "normal"} | fields)


def complaint(native: str = "issue/6", **fields: Any) -> Complaint:
    """Make a complaint of project IMP, received on Monday at 08:00."""
    return _ticket(Complaint, native, "IMP", {"received_at": at(hours=8), "recorded_at": at(hours=8)} | fields)


def improvement_action(native: str = "issue/7", **fields: Any) -> ImprovementAction:
    """Make an improvement action of project IMP."""
    return _ticket(ImprovementAction, native, "IMP", fields)


def approval(subject: Record | str, approver: Record | str, *, n: int = 1, **fields: Any) -> Approval:
    """Make an approval of `subject` by `approver` on Monday at 10:00; it stands in the subject's scope and source.

    `n` tells several approval rounds of one subject apart.
    """
    subject_id = subject if isinstance(subject, str) else subject.id
    approver_id = approver if isinstance(approver, str) else approver.id
    values: dict[str, Any] = {
        "id": f"{subject_id}/approval/{n}/{approver_id.partition(':')[2].rpartition('/')[2]}",
        "source": subject_id.partition(":")[0],
        "scope": "CHG" if isinstance(subject, str) else subject.scope,
        "title": f"approval {n}",
        "subject_id": subject_id,
        "approver": approver_id,
        "decision": "approved",
        "decided_at": at(hours=10),
        "via": "tool",
        "authenticity": "tool_login",
    }
    return Approval(**(values | fields))


def review(native: str = "issue/8", *, subject: Record | str | None = None, **fields: Any) -> Review:
    """Make a review held on Monday at 14:00; with `subject` a post-implementation review in its scope."""
    values: dict[str, Any] = {"scope": "CHG", "type": "pir", "held_at": at(hours=14)}
    if subject is not None:
        values["subject_id"] = subject if isinstance(subject, str) else subject.id
    if isinstance(subject, Record):
        values["scope"] = subject.scope
    return record(Review, native, **(values | fields))


def release(native: str = "version/1", **fields: Any) -> Release:
    """Make a release of project CHG that is planned, not released."""
    return record(Release, native, **({"scope": "CHG", "version": "1.0"} | fields))


def account(native: str = "user/alice", **fields: Any) -> Person:
    """Make a login of a tool; say whose by `same_as=[person.id]`."""
    values: dict[str, Any] = {"account": True, "name": native.rpartition("/")[2]}
    return record(Person, native, **(values | fields))


def _register_row(kind: type[R], native: str, fields: dict[str, Any]) -> R:
    values: dict[str, Any] = {"source": _REGISTER, "scope": native.partition("/")[0] + ".yaml"}
    return record(kind, native, **(values | fields))


def person(native: str = "people/alice", **fields: Any) -> Person:
    """Make a human of the register."""
    name = native.rpartition("/")[2]
    return _register_row(Person, native, {"name": name, "email": [f"{name}@example.com"]} | fields)


def team(native: str = "teams/operations", **fields: Any) -> Team:
    """Make a team of the register without members."""
    return _register_row(Team, native, fields)


def service(native: str = "services/shop", **fields: Any) -> Service:
    """Make a service of the register."""
    return _register_row(Service, native, fields)


def role_assignment(holder: Record | str, role: str, native: str = "", **fields: Any) -> RoleAssignment:
    """Let `holder` have `role` from 2025 on, without end."""
    holder_id = holder if isinstance(holder, str) else holder.id
    values: dict[str, Any] = {"person": holder_id, "role": role, "from_": at(-370)}
    return _register_row(RoleAssignment, native or f"roles/{role}-{holder_id.rpartition('/')[2]}", values | fields)


def document(native: str = "documents/change-policy", **fields: Any) -> Document:
    """Make an effective document of the register."""
    values: dict[str, Any] = {"version": "1", "doc_status": "effective", "effective_from": at(-30)}
    return _register_row(Document, native, values | fields)


def waiver(requirement_id: str, native: str = "waivers/1", **fields: Any) -> Waiver:
    """Make a waiver of a whole requirement for the first quarter of 2026."""
    values: dict[str, Any] = {
        "requirement_id": requirement_id,
        "reason": "accepted for the test",
        "approver": f"{_REGISTER}:people/alice",
        "valid_from": at(-4),
        "valid_to": at(86),
    }
    return _register_row(Waiver, native, values | fields)
