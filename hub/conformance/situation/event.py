"""What a report on one event or one supplier asks: actions that came of it, incidents after a release, reviews, disputes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Connection, case, func, or_, select, true

from hub.conformance.named import Subject
from hub.conformance.situation.change_outcome import WATCH_MS, beside_of, caused_by
from hub.conformance.situation.flow import CALLED_OFF
from hub.conformance.situation.tie import id_of
from hub.conformance.subject import subjects
from hub.sla.open_time import Span
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata

__all__ = [
    "Action",
    "After",
    "Brought",
    "Dispute",
    "ReleaseFacts",
    "Reviewed",
    "SupplierFacts",
    "about_subjects",
    "actions_of",
    "release_facts",
    "supplier_facts",
]

_record, _link = metadata.tables["record"], metadata.tables["link"]
_action: Any = kind_tables["improvement_action"].c
_change: Any = kind_tables["change"].c
_incident: Any = kind_tables["incident"].c
_release: Any = kind_tables["release"].c
_contract: Any = kind_tables["underpinning_contract"].c
_review: Any = kind_tables["review"].c
_dispute: Any = child_tables["underpinning_contract", "disputes"].c


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """An improvement action that came of something."""

    subject: Subject
    owner: Subject | None
    due_at: int | None
    closed_at: int | None


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """A change a release brought."""

    subject: Subject
    type: str | None
    outcome: str | None


class After(msgspec.Struct, frozen=True, kw_only=True):
    """An incident of the 14 days after a release, caused by it or on one of its services."""

    subject: Subject
    begun_at: int
    priority: str | None
    caused: bool
    """It is recorded as caused by the release or one of its changes."""


class ReleaseFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a release brought and what came after it."""

    changes: list[Brought]
    incidents: list[After]


class Reviewed(msgspec.Struct, frozen=True, kw_only=True):
    """A review of a contract or supplier."""

    subject: Subject
    contract: Subject | None
    held_at: int
    needs_met: bool | None
    actions: int


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute that was open at some time of the period."""

    contract: Subject
    text: str | None
    opened_at: int | None
    owner: Subject | None
    settled_at: int | None
    """None = it is open."""


class SupplierFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a supplier; of all where the report names none."""

    supplier: Subject | None
    reviews: list[Reviewed]
    disputes: list[Dispute]


def about_subjects(conn: Connection, ids: Collection[str], known_at: int | None) -> dict[str, Subject]:
    """Describe records by id; those nobody referred to are left out."""
    sids = conn.scalars(select(_record.c.sid).where(_record.c.id.in_(sorted(set(ids))))).all()
    return {one.id: one for one in subjects(conn, sids, known_at).values()}


def actions_of(conn: Connection, ids: Collection[str], known_at: int | None) -> list[Action]:
    """List improvement actions that name one of the records as their source, by due day."""
    a = _action
    sources = select(_record.c.sid).where(_record.c.id.in_(sorted(set(ids))))
    came = select(_link.c.sid).where(_link.c.type.in_(("source_ids", "raised_from")), _link.c.target.in_(sources))
    rows = conn.execute(
        select(
            a.sid,
            func.coalesce(a.owner, a.assignee).label("who"),
            a.due_at,
            func.coalesce(a.closed_at, a.no_action_at).label("closed"),
        )
        .where(a.sid.in_(came), a.vanished_at.is_(None))
        .order_by(a.due_at.is_(None), a.due_at, id_of(a.sid))
    ).all()
    named = subjects(conn, [sid for row in rows for sid in (row.sid, row.who)], known_at)
    return [
        Action(subject=named[row.sid], owner=named.get(row.who), due_at=row.due_at, closed_at=row.closed)
        for row in rows
    ]


def release_facts(conn: Connection, ids: Collection[str], as_of: int, known_at: int | None) -> ReleaseFacts:
    """List the changes of releases, and the incidents of the 14 days after each, the first first."""
    sids = list(conn.scalars(select(_record.c.sid).where(_record.c.id.in_(sorted(ids)), _record.c.kind == "release")))
    c = _change
    brought = select(_link.c.target).where(_link.c.sid.in_(sids), _link.c.type == "change_ids")
    changes = conn.execute(select(c.sid, c.type, c.outcome).where(c.sid.in_(brought)).order_by(id_of(c.sid))).all()
    incidents = _after(conn, sids, as_of)
    named = subjects(conn, [row.sid for row in (*changes, *incidents)], known_at)
    return ReleaseFacts(
        changes=[Brought(subject=named[row.sid], type=row.type, outcome=row.outcome) for row in changes],
        incidents=[
            After(subject=named[row.sid], begun_at=row.begun, priority=row.priority, caused=bool(row.caused))
            for row in incidents
        ],
    )


def _after(conn: Connection, sids: list[int], as_of: int) -> list[Any]:
    i, r = _incident, _release
    begun = func.coalesce(i.reported_at, i.recorded_at, i.created_at)
    caused, beside = caused_by(sids).subquery(), beside_of(sids).subquery()
    ties = select(caused.c.release, caused.c.incident, case((caused.c.release > 0, 1)).label("caused")).union_all(
        select(beside.c.release, beside.c.incident, case((beside.c.release > 0, 0)))
    )
    pair = ties.subquery()
    asked = (
        select(i.sid, begun.label("begun"), i.priority, func.max(pair.c.caused).label("caused"))
        .select_from(pair)
        .join(r.sid.table, r.sid == pair.c.release)
        .join(i.sid.table, i.sid == pair.c.incident)
        .where(begun >= r.released_at, begun < r.released_at + WATCH_MS, begun < as_of, i.vanished_at.is_(None))
        .where(func.coalesce(i.status_category, "").not_in(CALLED_OFF))
        .group_by(i.sid, begun, i.priority)
        .order_by(begun, id_of(i.sid))
    )
    return list(conn.execute(asked))


def supplier_facts(conn: Connection, about: Collection[str], period: Span, known_at: int | None) -> SupplierFacts:
    """List reviews and disputes of the period, of the supplier a report is about or of all."""
    own = conn.execute(
        select(_record.c.sid, _record.c.id).where(_record.c.id.in_(sorted(about)), _record.c.kind == "supplier")
    ).first()
    k, v, d = _contract, _review, _dispute
    contracts = select(k.sid).where(k.vanished_at.is_(None))
    if own is not None:
        contracts = contracts.where(k.supplier_id == own.sid)
    of = [v.contract_id.in_(contracts), v.subject_id.in_(contracts)]
    if own is not None:
        of.append(v.subject_id == own.sid)
    actions = select(func.count()).where(_link.c.sid == v.sid, _link.c.type == "action_ids")
    reviews = conn.execute(
        select(
            v.sid,
            func.coalesce(v.contract_id, v.subject_id).label("contract"),
            v.held_at,
            v.needs_met,
            actions.correlate_except(_link).scalar_subquery().label("actions"),
        )
        .where(v.type.in_(("contract", "supplier_service")), v.held_at >= period[0], v.held_at < period[1])
        .where(or_(*of) if own is not None else true(), v.vanished_at.is_(None))
        .order_by(v.held_at, id_of(v.sid))
    ).all()
    disputes = conn.execute(
        select(d.sid, d.text, d.opened_at, d.owner, case((d.settled_at < period[1], d.settled_at)).label("settled"))
        .where(d.sid.in_(contracts), or_(d.opened_at.is_(None), d.opened_at < period[1]))
        .where(or_(d.settled_at.is_(None), d.settled_at >= period[0]))
        .order_by(d.opened_at, id_of(d.sid), d.pos)
    ).all()
    sids = [sid for row in reviews for sid in (row.sid, row.contract)] + [
        s for row in disputes for s in (row.sid, row.owner)
    ]
    named = subjects(conn, [*sids, *([own.sid] if own is not None else [])], known_at)
    return SupplierFacts(
        supplier=named[own.sid] if own is not None else None,
        reviews=[
            Reviewed(
                subject=named[row.sid],
                contract=named.get(row.contract),
                held_at=row.held_at,
                needs_met=row.needs_met,
                actions=row.actions,
            )
            for row in reviews
        ],
        disputes=[
            Dispute(
                contract=named[row.sid],
                text=row.text,
                opened_at=row.opened_at,
                owner=named.get(row.owner),
                settled_at=row.settled,
            )
            for row in disputes
        ],
    )
