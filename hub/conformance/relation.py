"""Links between records as evidence: each end may state them, and any end will do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from hub.conformance.evidence import AnyOf, Rows, any_of, rows
from hub.conformance.expression import earlier_of
from hub.records import KINDS
from hub.store.tables import metadata

__all__ = ["ends_at", "link_instant", "linked"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]


def link_instant(link: Any) -> ColumnElement[Any]:
    """Return when a link was made: as it says, as any link between the two says, or since when its field is filled."""
    there, back = _earliest(link.c.sid, link.c.target), _earliest(link.c.target, link.c.sid)
    return func.coalesce(link.c.at, earlier_of(there, back), _field_since(link))


def _earliest(sid: ColumnElement[int], target: ColumnElement[int]) -> ColumnElement[Any]:
    pair = _link.alias()
    return (
        select(func.min(pair.c.at))
        .where(pair.c.sid == sid, pair.c.target == target)
        .correlate_except(pair)
        .scalar_subquery()
    )


def _field_since(link: Any) -> ColumnElement[Any]:
    since = metadata.tables["since"].alias()
    return (
        select(since.c.at)
        .where(since.c.sid == link.c.sid, since.c.field == link.c.type)
        .correlate_except(since)
        .scalar_subquery()
    )


def linked(
    sid: ColumnElement[int],
    kinds: Iterable[str],
    *,
    outward: Iterable[str] = (),
    inward: Iterable[str] = (),
    never: Iterable[str] = (),
    reach: Any = "near",
) -> AnyOf:
    """Evidence is a link between the unit and a record of one of `kinds`, from when it was made.

    `outward` are the types the unit states, `inward` those the other record states; empty = any type
    but those of `never`. A record at the other end that was never read might be of those kinds,
    so any kind that is read later matters.
    """
    wanted, types = tuple(kinds), (tuple(outward), tuple(inward))
    return any_of(
        _linked(sid, wanted, types[0], tuple(never), outward=True, reach=reach),
        _linked(sid, wanted, types[1], tuple(never), outward=False, reach=reach),
    )


def _linked(
    sid: ColumnElement[int],
    kinds: tuple[str, ...],
    types: tuple[str, ...],
    never: tuple[str, ...],
    *,
    outward: bool,
    reach: Any,
) -> Rows:
    link, other = _link.alias(), _record.alias()
    here, there = (link.c.sid, link.c.target) if outward else (link.c.target, link.c.sid)
    allowed = link.c.type.in_(types) if types else link.c.type.not_in((*never, "same_as"))
    wanted = or_(other.c.kind.in_(kinds), other.c.kind.is_(None))
    made = case((wanted, link_instant(link)))
    own = here == sid + 0  # from the unit to its links: a unit is not looked up for every link there is
    found = rows(kinds[0], and_(own, allowed), made, table=link, record=there, stated_by_unit=True)
    found = found.joining(other, other.c.sid == there).where(wanted)
    found = found.doubtful(other.c.kind.is_(None), "a linked record was not read")
    return replace(found, reads=dict.fromkeys(KINDS, reach), undated="when the link was made is not known")


def ends_at(
    link: Any, sid: ColumnElement[int], *, outward: Iterable[str], inward: Iterable[str]
) -> tuple[ColumnElement[bool], ColumnElement[int]]:
    """Say which links tie something to the record `sid`, by either end, and what stands at the other end."""
    stated = and_(link.c.sid == sid, link.c.type.in_(tuple(outward)))
    received = and_(link.c.target == sid, link.c.type.in_(tuple(inward)))
    return or_(stated, received), case((link.c.sid == sid, link.c.target), else_=link.c.sid)
