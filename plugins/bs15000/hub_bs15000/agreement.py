"""Agreements: when a version holds, who signed it for whom, which services and targets it is about.

Days of an agreement are local days of the organisation, also where it names a zone of its own. A version
counts from when it holds, it was signed, and that was recorded, until it no longer holds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, and_, exists, func, literal, or_, select

from hub.conformance.evidence import AnyOf, Rows, any_of, rows
from hub.conformance.expression import day_begins, days_after, earlier_of, later_of, no_instant, since_when
from hub.conformance.unit import Unit, each, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata

__all__ = [
    "AGREEMENTS",
    "Side",
    "agreements",
    "began",
    "begins",
    "counts_from",
    "covering",
    "covers",
    "day_begins",
    "each_month_of",
    "ends",
    "first_day_ends",
    "has_target",
    "holds",
    "in_use",
    "on_side",
    "side_unknown",
    "signatures",
    "signed",
    "signed_for",
    "some_child",
]

AGREEMENTS = ("sla", "ola", "underpinning_contract")
"""Kinds of agreements: with customers, between units of the provider, with suppliers."""
Side = Literal["provider", "other"]
"""For whom somebody signs: the provider, or the customer, receiving unit or supplier it agrees with."""

_OTHER = {"sla": "customer_id", "ola": "receiver_unit", "underpinning_contract": "supplier_id"}
_OUTSIDERS = {"sla": "customer", "underpinning_contract": "supplier"}
_record = metadata.tables["record"]
_link = metadata.tables["link"]
_period = metadata.tables["period"].c
_DAY_MS = 86_400_000


# -- when -------------------------------------------------------------------------------------


def begins(a: Any) -> ColumnElement[Any]:
    """Return the first instant at which a version holds, by its own words; NULL = it does not say."""
    return day_begins(a.valid_from)


def ends(a: Any) -> ColumnElement[Any]:
    """Return the first instant at which it no longer holds; NULL = open end."""
    return day_begins(a.valid_to)


def first_day_ends(a: Any) -> ColumnElement[Any]:
    """Return the last instant of its first day, by which it must be signed and approved."""
    return func.coalesce(days_after(begins(a), 0), begins(a) + (_DAY_MS - 1))


def began(a: Any) -> ColumnElement[Any]:
    """Return from when a version is judged: from its first day, not before it was recorded."""
    return later_of(begins(a), func.coalesce(a.created_at, begins(a)))


def holds(a: Any, at: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say whether a version is in force at an instant by its own words, signed or not."""
    return and_(a.valid_from.is_not(None), begins(a) <= at, or_(a.valid_to.is_(None), ends(a) > at))


def signed(a: Any) -> ColumnElement[Any]:
    """Return from when its last signature counts: never earlier than it was recorded; NULL = not signed."""
    return later_of(a.signed_at, func.coalesce(since_when(a.sid, "signed_at"), a.created_at, a.signed_at))


def counts_from(a: Any) -> ColumnElement[Any]:
    """Return from when a version is in force, signed and recorded; NULL = never."""
    return later_of(begins(a), signed(a))


def in_use(a: Any, at: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say whether a version is in force at an instant, signed, and recorded as such by then."""
    there = or_(a.vanished_at.is_(None), a.vanished_at > at)
    return and_(a.signed_at.is_not(None), holds(a, at), signed(a) <= at, there)


# -- which ------------------------------------------------------------------------------------


def agreements(kind: str) -> Unit:
    """Every version that says from when it holds, signed or not; what it owes is due `began`, or by its first day."""
    a: Any = kind_tables[kind].c
    return unit(kind).where(a.valid_from.is_not(None)).reading(calendar="all")


def each_month_of(kind: str) -> Unit:
    """Every version in force at the end of a month owes once for that month; use the period's `ends_at` as its due."""
    a: Any = kind_tables[kind].c
    last = _period.ends_at - 1
    months = each(unit(kind).where(a.valid_from.is_not(None)), "month", start=literal(0, BigInteger))
    return months.where(holds(a, last), func.coalesce(a.created_at, 0) <= last)


def covers(agreement: ColumnElement[int], service: ColumnElement[int]) -> ColumnElement[bool]:
    """Say whether an agreement names a service; both are numbers of records."""
    link = _link.alias()
    named = and_(link.c.sid == agreement, link.c.type == "service_ids", link.c.target == service)
    return exists().where(named).correlate_except(link)


def covering(service: ColumnElement[int], kind: str = "sla") -> tuple[Rows, Any]:
    """Evidence: a signed version that covers the service, as long as it holds; also returns its columns.

    For `in_force(until=ends(columns))`.
    """
    table: Any = kind_tables[kind].alias()
    a = table.c
    found = rows(
        kind,
        covers(a.sid, service),
        counts_from(a),
        fields=frozenset({"service_ids", "signed_at", "valid_from"}),
        table=table,
        lost=earlier_of(ends(a), a.vanished_at),
    ).where(a.signed_at.is_not(None), a.valid_from.is_not(None))
    return replace(found, reads={**found.reads, "calendar": "all"}), a


def some_child(kind: str, field: str, sid: ColumnElement[int], *conditions: Any, none: bool = False) -> Any:
    """Say whether a record has a row in its list `field` for which all conditions hold; each gets the row's columns."""
    child: Any = child_tables[kind, field].alias()
    found = exists().where(child.c.sid == sid, *(one(child.c) for one in conditions)).correlate_except(child)
    return ~found if none else found


def has_target(kind: str, sid: ColumnElement[int], *conditions: Any) -> ColumnElement[bool]:
    """Say whether an agreement has a target for which all conditions hold; each gets the target's columns."""
    found: ColumnElement[bool] = some_child(kind, "targets", sid, *conditions)
    return found


# -- who --------------------------------------------------------------------------------------


def _whose(party: ColumnElement[Any], person: ColumnElement[Any]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Return the party somebody speaks for, as said or as known of the person, and how that person is employed."""
    login, human = _record.alias(), kind_tables["person"].alias()

    def of(column: Any) -> ColumnElement[Any]:
        return (
            select(column)
            .select_from(login.join(human, human.c.sid == func.coalesce(login.c.canonical, login.c.sid)))
            .where(login.c.sid == person)
            .correlate_except(login, human)
            .scalar_subquery()
        )

    return func.coalesce(party, of(human.c.party)), of(human.c.employment)


def on_side(
    kind: str, a: Any, party: ColumnElement[Any], person: ColumnElement[Any], side: Side
) -> ColumnElement[bool]:
    """Say whether somebody, or the party named beside, stands on this side of an agreement; false where not known.

    Reads persons and identities, both `all`.
    """
    whose, employment = _whose(party, person)
    other = a[_OTHER[kind]]
    if kind == "ola":
        return func.coalesce(whose == (a.provider_unit if side == "provider" else other), literal(value=False))
    named = _record.alias()
    outsider = exists().where(named.c.sid == whose, named.c.kind.in_(("customer", "supplier"))).correlate_except(named)
    if side == "other":
        anybody = and_(other.is_(None), outsider)
        word = and_(whose.is_(None), employment == _OUTSIDERS[kind])
        return func.coalesce(or_(whose == other, anybody, word), literal(value=False))
    insider = and_(whose.is_not(None), func.coalesce(whose != other, literal(value=True)), ~outsider)
    return func.coalesce(
        or_(insider, and_(whose.is_(None), employment.in_(("employee", "external")))), literal(value=False)
    )


def side_unknown(party: ColumnElement[Any], person: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say whether nobody knows for whom somebody speaks."""
    whose, employment = _whose(party, person)
    return and_(whose.is_(None), employment.is_(None))


_PEOPLE: dict[str, Any] = {"person": "all", "identity": "all", "customer": "all", "supplier": "all"}
_FOR_WHOM = "for whom somebody signed is not known"


def signatures(kind: str, side: Side) -> Rows:
    """Evidence: a signature for this side, given by the end of the first day, from when it was recorded."""
    a: Any = kind_tables[kind].c
    signature: Any = child_tables[kind, "signatories"].alias()
    g = signature.c
    given = func.coalesce(g.at, a.signed_at)
    recorded = func.coalesce(since_when(a.sid, "signatories"), a.created_at, given)
    unknown = side_unknown(g.party, g.person)
    found = rows(
        kind, g.sid == a.sid, later_of(given, recorded), table=signature, record=g.sid, stated_by_unit=True,
        declared=a.declared_by.is_not(None),
    )  # fmt: skip
    found = found.where(given <= first_day_ends(a), or_(on_side(kind, a, g.party, g.person, side), unknown))
    return replace(found.doubtful(unknown, _FOR_WHOM), reads={**found.reads, **_PEOPLE, "calendar": "all"})


def signed_for(kind: str, side: Side) -> AnyOf:
    """Evidence: a signature for this side, or a recorded approval by somebody of it, by the end of the first day."""
    a: Any = kind_tables[kind].c
    approval: Any = kind_tables["approval"].alias()
    p = approval.c
    unknown = side_unknown(no_instant(), p.approver)
    approved = (
        rows(
            "approval",
            p.subject_id == a.sid,
            p.decided_at,
            fields=frozenset({"decision", "approver", "decided_at"}),
            table=approval,
            lost=p.withdrawn_at,
        )
        .where(p.decision == "approved", or_(on_side(kind, a, no_instant(), p.approver, side), unknown))
        .doubtful(unknown, _FOR_WHOM)
    )
    return any_of(signatures(kind, side), replace(approved, reads={**approved.reads, **_PEOPLE}))
