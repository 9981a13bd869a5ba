"""Configuration items: which are in use, when they were altered and by whom, and what they are tied to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select, true, union_all

from hub.conformance.expression import touched
from hub.conformance.unit import Unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.report import holds_role

__all__ = ["ROLES", "SINCE_UNKNOWN", "alterations", "ci", "gone_at", "in_use", "item", "tied", "updates"]

item = kind_tables["configuration_item"]
ci: Any = item.c
"""Columns of the configuration item that owes."""
ROLES = ("configuration_manager", "configuration_librarian", "configuration_administrator")
"""Who may alter the inventory."""
SINCE_UNKNOWN = "since when it has been different is not recorded"
"""Why nothing can have come before an alteration that was seen only afterwards."""
_CONTROLLED = (
    "attributes",
    "baseline",
    "ci_status",
    "connects_to",
    "depends_on",
    "location",
    "part_of",
    "retired_at",
    "runs_on",
    "serial_or_digest",
    "site",
    "version",
)
"""Fields whose change is a change or a move of the item; who looks after it and when it was last seen are none."""
_GONE = ("retired", "disposed")
_event = metadata.tables["event"]
_link = metadata.tables["link"]
_record = metadata.tables["record"]
_unknown = metadata.tables["unknown_field"]
_duty = kind_tables["role_assignment"]


def in_use(row: Any) -> ColumnElement[bool]:
    """Say whether an item is still in use or kept for use; `row` are its columns."""
    there = func.coalesce(row.ci_status, "").not_in(_GONE)
    return and_(there, row.retired_at.is_(None), row.vanished_at.is_(None))


def gone_at(row: Any) -> ColumnElement[Any]:
    """When an item left service, or its source; NULL = it is in use."""
    gone = case((~in_use(row), func.coalesce(row.updated_at, row.created_at, 0)))
    return func.coalesce(row.retired_at, row.vanished_at, gone)


def _slots(slot: Any) -> Unit:
    return Unit(
        kind="configuration_item",
        rows=slot.join(item, ci.sid == slot.c.sid),
        sid=ci.sid,
        anchor=slot.c.at,
        opened=slot.c.at,
        conditions=(),
        reads={"configuration_item": "near"},
    )


def alterations(*fields: str) -> tuple[Unit, Any]:
    """Every instant at which an item was changed or moved, in one of `fields`; also returns `at`, `to`, `vague` of it.

    Without `fields` all those count that change control is about. What the inventory notes and what monitoring reports
    of an item stand side by side; several of one instant are one alteration. `vague` = 1: it was changed at `at` or before.
    """
    event, own = _event.alias(), item.alias()
    noted = (
        select(event.c.sid, event.c.at, event.c.to, literal(0).label("vague"))
        .select_from(own.join(event, event.c.sid == own.c.sid))
        .where(touched(own.c.sid), event.c.field.in_(fields or _CONTROLLED), event.c.type != "created")
    )
    about, alert, open_start = _link.alias(), kind_tables["alert"].alias(), _unknown.alias()
    a: Any = alert.c
    cut = exists().where(open_start.c.sid == a.sid, open_start.c.field == "started_at").correlate_except(open_start)
    reported = (
        select(
            about.c.target,
            func.coalesce(a.started_at, a.created_at),
            literal(None),
            case((or_(a.started_at.is_(None), cut), 1), else_=0),
        )
        .select_from(about.join(alert, alert.c.sid == about.c.sid))
        .where(touched(about.c.target), about.c.type == "ci_ids", a.altered == true())
        .where(func.coalesce(a.started_at, a.created_at).is_not(None))
    )
    seen = union_all(noted, reported).subquery("seen")
    slot = (
        select(seen.c.sid, seen.c.at, func.max(seen.c.to).label("to"), func.max(seen.c.vague).label("vague"))
        .group_by(seen.c.sid, seen.c.at)
        .subquery("alteration")
    )
    return _slots(slot).reading(alert="near"), slot.c


def updates() -> tuple[Unit, ColumnElement[bool], ColumnElement[bool]]:
    """Every instant at which an item's entry was written; also, whether somebody without a role did, or nobody knows.

    A service account may hold a role itself. Reads role assignments and identities, both `all`.
    """
    event, own, login, duty = _event.alias(), item.alias(), _record.alias(), _duty.alias()
    d: Any = duty.c
    itself = (
        exists()
        .where(
            d.person == event.c.actor,
            d.role.in_(ROLES),
            or_(d.from_.is_(None), d.from_ <= event.c.at),
            or_(d.to.is_(None), d.to > event.c.at),
            or_(d.vanished_at.is_(None), d.vanished_at > event.c.at),
        )
        .correlate_except(duty)
    )
    known = login.c.canonical.is_not(None)
    foreign = and_(known, ~itself, ~holds_role(event.c.actor, event.c.at, *ROLES))
    unclear = and_(~known, ~itself)
    slot = (
        select(
            event.c.sid,
            event.c.at,
            func.max(case((foreign, 1), else_=0)).label("foreign"),
            func.max(case((unclear, 1), else_=0)).label("unclear"),
        )
        .select_from(own.join(event, event.c.sid == own.c.sid).outerjoin(login, login.c.sid == event.c.actor))
        .where(touched(own.c.sid), event.c.type != "linked")
        .group_by(event.c.sid, event.c.at)
        .subquery("entry")
    )
    units = _slots(slot).reading(role_assignment="all", identity="all")
    return units, slot.c.foreign == 1, slot.c.unclear == 1


def tied(link: Any, sid: ColumnElement[int]) -> tuple[ColumnElement[bool], ColumnElement[int]]:
    """Say which links tie something to the record `sid`, by either end, and what stands at the other end."""
    return or_(link.c.sid == sid, link.c.target == sid), case((link.c.sid == sid, link.c.target), else_=link.c.sid)
