"""Who can decide on what still waits for a decision, and what was answered so far."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, or_, select

from hub.records import Waiver
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["Answer", "Holder", "answers_on", "holders", "humans", "waiver_revision", "zones"]

_record = metadata.tables["record"]


class Holder(NamedTuple):
    """Somebody who holds a role."""

    person: str
    """Id of the person's record."""
    human: int
    """record.sid of the human."""
    role: str
    address: str
    """First mail address; empty where none is known."""
    zone: str = ""
    """IANA zone the person lives in; empty where none is known."""


class Answer(NamedTuple):
    """A decision, or the claim of one."""

    subject: str
    """Id of what it is about."""
    revision: str | None
    human: int | None
    """Who decided; None = not known."""
    decision: str | None
    """None = nothing that counts."""
    decided_at: int | None
    status: str
    """What the source says of it; of a claim, why it does not count."""


def holders(conn: Connection, roles: Collection[str], at: int) -> list[Holder]:
    """List who holds one of these roles at an instant, each human once, by role and id."""
    duty, person = kind_tables["role_assignment"].c, kind_tables["person"].c
    named, human = _record.alias(), _record.alias()
    rows = conn.execute(
        select(human.c.id, human.c.sid, duty.role, person.email, person.zone)
        .select_from(
            duty.sid.table.join(named, named.c.sid == duty.person)
            .join(human, human.c.sid == named.c.canonical)
            .join(person.sid.table, person.sid == human.c.sid)
        )
        .where(
            duty.role.in_(sorted(roles)),
            or_(duty["from_"].is_(None), duty["from_"] <= at),
            or_(duty.to.is_(None), duty.to > at),
            duty.vanished_at.is_(None),
            person.vanished_at.is_(None),
            or_(person.active_from.is_(None), person.active_from <= at),
            or_(person.active_to.is_(None), person.active_to > at),
        )
        .order_by(duty.role, human.c.id)
    )
    found: dict[int, Holder] = {}
    for row in rows:
        address = row.email[0] if row.email else ""
        found.setdefault(row.sid, Holder(row.id, row.sid, row.role, address, row.zone or ""))
    return list(found.values())


def humans(conn: Connection, ids: Collection[str]) -> dict[str, int]:
    """Return id of a person or login -> record.sid of the human; who is not known is missing."""
    asked = select(_record.c.id, _record.c.canonical).where(_record.c.id.in_(sorted(ids)))
    return {row.id: row.canonical for row in conn.execute(asked) if row.canonical is not None}


def zones(conn: Connection, ids: Collection[str]) -> dict[str, str]:
    """Return id of a person or login -> zone of the human; where none is known it is missing."""
    person = kind_tables["person"].c
    asked = (
        select(_record.c.id, person.zone)
        .join(person.sid.table, person.sid == _record.c.canonical)
        .where(_record.c.id.in_(sorted(ids)), person.zone.is_not(None))
    )
    return {row.id: row.zone for row in conn.execute(asked)}


def answers_on(conn: Connection, subjects: Sequence[str]) -> list[Answer]:
    """List decisions on these records and claims of such, by subject and when they were made, the claims last."""
    approval = kind_tables["approval"].c
    about, approver = _record.alias(), _record.alias()
    rows = conn.execute(
        select(
            about.c.id,
            approval.subject_revision,
            approver.c.canonical,
            approval.decision,
            approval.decided_at,
            approval.status,
        )
        .select_from(
            approval.sid.table.join(about, about.c.sid == approval.subject_id).outerjoin(
                approver, approver.c.sid == approval.approver
            )
        )
        .where(about.c.id.in_(list(subjects)), approval.vanished_at.is_(None))
        .order_by(about.c.id, approval.decided_at.is_(None), approval.decided_at, approval.sid)
    )
    return [Answer(*row[:-1], row.status or "") for row in rows]


def waiver_revision(waiver: Waiver) -> str:
    """Return what an approval of a waiver binds to: the hash of all that it says."""
    said = (
        *(waiver.requirement_id, waiver.subject, waiver.subject_filter, waiver.reason, waiver.owner, waiver.approver),
        *(waiver.valid_from, waiver.valid_to),
    )
    return hashlib.sha256("\0".join("" if one is None else str(one) for one in said).encode()).hexdigest()
