"""Configuration items: how many, what moved, what was verified, what was changed without leave, licences."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, and_, case, exists, func, or_, select

from hub.conformance.named import Subject
from hub.conformance.situation.audience import Audience
from hub.conformance.situation.control import MOST
from hub.conformance.situation.flow import CALLED_OFF
from hub.conformance.situation.tie import id_of
from hub.conformance.subject import subjects
from hub.sla.open_time import Span
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["Audited", "Inventory", "ItemFlow", "LicenceUse", "NewVersion", "Unauthorised", "inventory"]

_item: Any = kind_tables["configuration_item"].c
_change: Any = kind_tables["change"].c
_approval: Any = kind_tables["approval"].c
_audit: Any = kind_tables["audit"].c
_licence: Any = kind_tables["licence"].c
_deployment: Any = kind_tables["deployment"].c
_event, _link = metadata.tables["event"], metadata.tables["link"]


class ItemFlow(msgspec.Struct, frozen=True, kw_only=True):
    """Items of one class; opening + added - retired = closing."""

    ci_type: str | None
    opening: int
    added: int
    retired: int
    """Retired, or deleted at their source."""
    closing: int
    live: int
    """Of the closing, those in service as they are now."""
    verified: int
    """Of the closing, found as recorded in the period."""
    unverified: int
    """Of the closing, never verified."""


class Audited(msgspec.Struct, frozen=True, kw_only=True):
    """An audit of the configuration in the period."""

    subject: Subject
    performed_at: int
    sampled: int | None
    discrepancies: int | None


class Unauthorised(msgspec.Struct, frozen=True, kw_only=True):
    """A change begun without an approval given before, or a deployment that names no change."""

    subject: Subject
    at: int


class LicenceUse(msgspec.Struct, frozen=True, kw_only=True):
    """A licence and its use, as recorded."""

    product: str
    entitlement: int | None
    installed: int | None
    valid_to: str | None
    """First local day it is no longer valid."""


class NewVersion(msgspec.Struct, frozen=True, kw_only=True):
    """An item got another version."""

    item: str
    """Id of the record."""
    version: str
    at: int


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """What chapter 9 tells."""

    flows: list[ItemFlow]
    undated: int
    """Items of which nobody knows since when they are recorded: in no figure."""
    states: dict[str, int]
    """Items by state as they are now."""
    versions: list[NewVersion]
    """Versions that items got in the period, the first first."""
    moved: dict[str, int]
    """Field -> how often it changed in the period."""
    audits: list[Audited]
    begun: int
    """Changes begun in the period that need approval before."""
    unapproved: list[Unauthorised]
    unapproved_count: int
    unnamed: list[Unauthorised]
    """Deployments to production that name no change; at most `MOST`, the latest first."""
    unnamed_count: int
    deployments: int
    licences: list[LicenceUse]


def inventory(
    conn: Connection, period: Span, as_of: int, known_at: int | None, audience: Audience | None = None
) -> Inventory:
    """Count in nine queries and the titles, up to as-of."""
    begin, instant = period[0], min(period[1], as_of)
    begun, unapproved, late = _unapproved(conn, begin, instant, known_at, audience)
    deployments, unnamed, number = _unnamed(conn, begin, instant, known_at, audience)
    flows, undated = _flows(conn, begin, instant, audience)
    return Inventory(
        flows=flows,
        undated=undated,
        states=_states(conn, instant, audience),
        versions=_versions(conn, begin, instant, audience),
        moved=_moved(conn, begin, instant, audience),
        audits=_audits(conn, begin, instant, known_at),
        begun=begun,
        unapproved=unapproved,
        unapproved_count=late,
        unnamed=unnamed,
        unnamed_count=number,
        deployments=deployments,
        licences=_licences(conn, instant, audience),
    )


def _items(audience: Audience | None) -> list[Any]:
    """Narrow to an audience's items: its own, and those its services are made of."""
    if audience is None:
        return []
    made_of = select(_link.c.target).where(_link.c.type == "ci_ids", audience.holds(_link.c.sid))
    return [or_(audience.holds(_item.sid), _item.sid.in_(made_of))]


def _flows(conn: Connection, begin: int, instant: int, audience: Audience | None) -> tuple[list[ItemFlow], int]:
    i = _item
    gone = func.coalesce(case((i.ci_status.in_(("retired", "disposed")), i.retired_at)), i.vanished_at)
    untimed = and_(i.ci_status.in_(("retired", "disposed")), i.retired_at.is_(None))
    ended = case((gone < i.created_at, i.created_at), else_=gone)
    at_begin = and_(i.created_at < begin, or_(ended.is_(None), ended >= begin))
    at_end = and_(i.created_at < instant, or_(ended.is_(None), ended >= instant))
    known = and_(i.created_at.is_not(None), ~func.coalesce(untimed, False))
    rows = conn.execute(
        select(
            i.ci_type,
            _count(known, at_begin),
            _count(known, i.created_at >= begin, i.created_at < instant),
            _count(known, ended >= begin, ended < instant),
            _count(known, at_end),
            _count(known, at_end, i.ci_status == "live"),
            _count(known, at_end, i.verified_at >= begin, i.verified_at < instant),
            _count(known, at_end, i.verified_at.is_(None)),
            _count(~known, i.vanished_at.is_(None)),
        )
        .where(*_items(audience))
        .group_by(i.ci_type)
    ).all()
    names = ("opening", "added", "retired", "closing", "live", "verified", "unverified")
    found = [ItemFlow(ci_type=row[0], **dict(zip(names, map(int, row[1:8]), strict=True))) for row in rows]
    shown = [one for one in found if one.opening or one.added]
    return sorted(shown, key=lambda one: (one.ci_type is None, one.ci_type or "")), sum(int(row[8]) for row in rows)


def _states(conn: Connection, instant: int, audience: Audience | None) -> dict[str, int]:
    i = _item
    asked = (
        select(i.ci_status, func.count())
        .where(i.ci_status.is_not(None), or_(i.created_at.is_(None), i.created_at < instant))
        .where(or_(i.vanished_at.is_(None), i.vanished_at >= instant), *_items(audience))
        .group_by(i.ci_status)
        .order_by(i.ci_status)
    )
    return dict(conn.execute(asked).all())


def _versions(conn: Connection, begin: int, instant: int, audience: Audience | None) -> list[NewVersion]:
    e, record = _event.c, metadata.tables["record"]
    asked = (
        select(record.c.id, e.to, e.at)
        .join(record, record.c.sid == e.sid)
        .join(_item.sid.table, _item.sid == e.sid)
        .where(e.at >= begin, e.at < instant, e.field == "version", e.to.is_not(None), *_items(audience))
        .order_by(e.at, record.c.id, e.pos)
    )
    return [NewVersion(item=id_, version=version, at=at) for id_, version, at in conn.execute(asked)]


def _moved(conn: Connection, begin: int, instant: int, audience: Audience | None) -> dict[str, int]:
    e = _event.c
    asked = (
        select(e.field, func.count())
        .join(_item.sid.table, _item.sid == e.sid)
        .where(e.at >= begin, e.at < instant, e.field.in_(("ci_status", "version", "location", "owner")))
        .where(*_items(audience))
        .group_by(e.field)
        .order_by(e.field)
    )
    return dict(conn.execute(asked).all())


def _audits(conn: Connection, begin: int, instant: int, known_at: int | None) -> list[Audited]:
    a = _audit
    rows = conn.execute(
        select(a.sid, a.performed_at, a.sampled, a.discrepancies)
        .where(a.type == "configuration", a.performed_at >= begin, a.performed_at < instant, a.vanished_at.is_(None))
        .order_by(a.performed_at, id_of(a.sid))
    ).all()
    named = subjects(conn, [row.sid for row in rows], known_at)
    return [
        Audited(
            subject=named[row.sid],
            performed_at=row.performed_at,
            sampled=row.sampled,
            discrepancies=row.discrepancies,
        )
        for row in rows
    ]


def _unapproved(
    conn: Connection, begin: int, instant: int, known_at: int | None, audience: Audience | None
) -> tuple[int, list[Unauthorised], int]:
    """Find changes begun without an approval that held then; standard ones are authorised beforehand, emergencies later."""
    c, a = _change, _approval
    held = (
        exists()
        .where(a.subject_id == c.sid, a.decision == "approved", a.decided_at <= c.actual_start)
        .where(or_(a.withdrawn_at.is_(None), a.withdrawn_at > c.actual_start))
        .correlate(c.sid.table)
    )
    ours = [
        c.actual_start >= begin,
        c.actual_start < instant,
        c.vanished_at.is_(None),
        func.coalesce(c.type, "").not_in(("standard", "emergency")),
        func.coalesce(c.status_category, "").not_in(CALLED_OFF),
        *([] if audience is None else [audience.holds(c.sid)]),
    ]
    begun = conn.scalar(select(func.count()).select_from(c.sid.table).where(*ours)) or 0
    rows = conn.execute(
        select(c.sid, c.actual_start.label("at"), func.count().over().label("number"))
        .where(*ours, ~held)
        .order_by(c.actual_start.desc(), id_of(c.sid))
        .limit(MOST)
    ).all()
    return begun, *_told(conn, rows, known_at)


def _unnamed(
    conn: Connection, begin: int, instant: int, known_at: int | None, audience: Audience | None
) -> tuple[int, list[Unauthorised], int]:
    d = _deployment
    named = exists().where(_link.c.sid == d.sid, _link.c.type.in_(("change_ids", "change_id"))).correlate(d.sid.table)
    ours = [
        d.finished_at >= begin,
        d.finished_at < instant,
        d.tier == "production",
        d.deployment_status == "success",
        d.vanished_at.is_(None),
        *([] if audience is None else [audience.holds(d.sid)]),
    ]
    number = conn.scalar(select(func.count()).select_from(d.sid.table).where(*ours)) or 0
    rows = conn.execute(
        select(d.sid, d.finished_at.label("at"), func.count().over().label("number"))
        .where(*ours, d.release_id.is_(None), ~named)
        .order_by(d.finished_at.desc(), id_of(d.sid))
        .limit(MOST)
    ).all()
    return number, *_told(conn, rows, known_at)


def _told(conn: Connection, rows: Any, known_at: int | None) -> tuple[list[Unauthorised], int]:
    named = subjects(conn, [row.sid for row in rows], known_at)
    return [Unauthorised(subject=named[row.sid], at=row.at) for row in rows], rows[0].number if rows else 0


def _licences(conn: Connection, instant: int, audience: Audience | None) -> list[LicenceUse]:
    x = _licence
    asked = (
        select(func.coalesce(x.product, x.title), x.entitlement, x.installed, x.valid_to)
        .where(or_(x.vanished_at.is_(None), x.vanished_at >= instant))
        .order_by(func.coalesce(x.product, x.title), id_of(x.sid))
    )
    if audience is not None:
        items = select(_item.sid).where(*_items(audience))
        covers = select(_link.c.sid).where(_link.c.type == "ci_ids", _link.c.target.in_(items))
        asked = asked.where(or_(audience.holds(x.sid), x.sid.in_(covers)))
    return [
        LicenceUse(product=name or "", entitlement=a, installed=b, valid_to=c) for name, a, b, c in conn.execute(asked)
    ]


def _count(*conditions: Any) -> Any:
    return func.coalesce(func.sum(case((and_(*conditions), 1), else_=0)), 0)
