"""Money: what was set aside, what was spent, and what changes were expected to cost."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from sqlalchemy import Connection, func, or_, select

from hub.conformance.situation.audience import Audience
from hub.sla.open_time import Span
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata

__all__ = ["CostLine", "Costs", "Duty", "costs", "finance_duty"]

_sla: Any = kind_tables["sla"].c
_budget: Any = kind_tables["budget"].c
_line: Any = child_tables["budget", "lines"].c
_entry: Any = kind_tables["cost_entry"].c
_change: Any = kind_tables["change"].c
_record = metadata.tables["record"]
Key = tuple[int | None, str | None, str]
"""Service, kind of cost, currency."""


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """What agreements say on reporting money."""

    agreed: int
    """Agreements that ask for it."""
    none_agreed: int
    """Agreements that say it is not owed."""


class CostLine(msgspec.Struct, frozen=True, kw_only=True):
    """Money of one service and kind of cost, in one currency; decimal numbers as text."""

    service: str | None
    """Title; None = for no single service."""
    cost_type: str | None
    currency: str
    budget: str | None
    """Of the fiscal year; None = none was set aside."""
    actual: str | None
    """Spent in the period."""
    to_date: str | None
    """Spent in the fiscal year up to the end of the period."""
    forecast: str | None
    """Expected for what of the year comes after it."""


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What chapter 10 tells."""

    lines: list[CostLine]
    unreadable: int
    """Amounts that are no number: in no sum."""
    unapproved: int
    """Budgets of the year that nobody approved."""
    changes: dict[str, str]
    """Currency -> expected cost of the changes that ended in the period."""
    estimated: int
    """How many of them have an estimate."""
    ended: int


def finance_duty(conn: Connection, instant: int, audience: Audience | None = None, *, day: str) -> Duty:
    """Ask the agreements that were signed by an instant and are in force on a day whether money is to be reported.

    `day`: the local day before the instant, such as `2026-10-31`. An agreement that ended during a period owes nothing
    for it any more, one that ends with it does (BS15000-5.5-d); one that does not say when it holds always holds.
    """
    s = _sla
    in_force = (or_(s.valid_from.is_(None), s.valid_from <= day), or_(s.valid_to.is_(None), s.valid_to > day))
    owed = or_(s.finance_reporting_frequency.is_not(None), s.finance_reporting_format.is_not(None))
    asked = select(
        func.count(s.sid).filter(owed, func.coalesce(s.finance_reporting_none_agreed, False).is_(False)),
        func.count(s.sid).filter(s.finance_reporting_none_agreed.is_(True)),
    ).where(s.signed_at < instant, s.vanished_at.is_(None), *in_force)
    if audience is not None:
        asked = asked.where(audience.holds(s.sid))
    agreed, none = conn.execute(asked).one()
    return Duty(agreed=agreed, none_agreed=none)


def costs(
    conn: Connection, period: Span, as_of: int, audience: Audience | None = None, *, year: Span, label: str
) -> Costs:
    """Add up in four queries. `year` is the fiscal year the period lies in, `label` how budgets name it."""
    sums: dict[Key, dict[str, Decimal]] = defaultdict(dict)
    bad = 0
    b, x, e = _budget, _line, _entry
    instant = min(period[1], as_of)
    planned = (
        select(x.service, x.cost_type, x.currency, x.amount, b.approved_at, b.sid)
        .join(b.sid.table, b.sid == x.sid)
        .where(b.fiscal_year == label, b.vanished_at.is_(None), *_of(audience, x.service))
    )
    unapproved = set()
    for service, type_, currency, amount, approved, sid in conn.execute(planned):
        bad += not _add(sums[service, type_, currency], "budget", amount)
        if approved is None or approved >= instant:
            unapproved.add(sid)
    spent = select(
        e.service, e.cost_type, e.amount_currency, e.amount_amount, e.entry_type, e.period_start, e.period_end
    ).where(
        e.period_start >= year[0], e.period_start < year[1], e.amount_amount.is_not(None), e.vanished_at.is_(None),
        *_of(audience, e.service),
    )  # fmt: skip
    for service, type_, currency, amount, entry, start, end in conn.execute(spent):
        own = sums[service, type_, currency]
        if entry == "forecast" and start >= period[1]:
            bad += not _add(own, "forecast", amount)
        elif entry != "forecast" and start < instant:
            readable = _add(own, "to_date", amount)
            bad += not readable
            if readable and start >= period[0] and (end or start) <= period[1]:
                _add(own, "actual", amount)
    titles = _titles(conn, {key[0] for key in sums if key[0] is not None})
    lines = [
        CostLine(
            service=None if service is None else titles.get(service, ""),
            cost_type=type_,
            currency=currency or "",
            **{name: _text(own.get(name)) for name in ("budget", "actual", "to_date", "forecast")},
        )
        for (service, type_, currency), own in sums.items()
    ]
    changes, estimated, ended = _changes(conn, period[0], instant, audience)
    ordered = sorted(lines, key=_place)
    return Costs(
        lines=[one for one in ordered if one.budget or one.actual or one.to_date or one.forecast],
        unreadable=bad,
        unapproved=len(unapproved),
        changes=changes,
        estimated=estimated,
        ended=ended,
    )


def _changes(conn: Connection, begin: int, instant: int, audience: Audience | None) -> tuple[dict[str, str], int, int]:
    c = _change
    asked = select(c.cost_estimate_currency, c.cost_estimate_amount).where(
        c.actual_end >= begin, c.actual_end < instant, c.vanished_at.is_(None), *_of(audience, c.sid)
    )
    sums: dict[str, dict[str, Decimal]] = defaultdict(dict)
    ended = estimated = 0
    for currency, amount in conn.execute(asked):
        ended += 1
        estimated += amount is not None and _add(sums[currency or ""], "cost", amount)
    return {currency: _text(own["cost"]) or "" for currency, own in sorted(sums.items()) if own}, estimated, ended


def _add(own: dict[str, Decimal], name: str, amount: str) -> bool:
    try:
        number = Decimal(amount)
    except InvalidOperation:
        return False
    if not number.is_finite():
        return False
    own[name] = own.get(name, Decimal(0)) + number
    return True


def _place(one: CostLine) -> tuple[bool | str, ...]:
    """By service; of two of one name the amounts decide."""
    amounts = (one.budget or "", one.actual or "", one.to_date or "", one.forecast or "")
    return (one.service is None, one.service or "", one.cost_type or "", one.currency, *amounts)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _titles(conn: Connection, sids: set[int]) -> dict[int, str]:
    s: Any = kind_tables["service"].c
    asked = (
        select(_record.c.sid, func.coalesce(s.title, s.name, _record.c.id))
        .outerjoin(s.sid.table, s.sid == _record.c.sid)
        .where(_record.c.sid.in_(sorted(sids)))
    )
    return dict(conn.execute(asked).all())


def _of(audience: Audience | None, sid: Any) -> list[Any]:
    return [] if audience is None else [audience.holds(sid)]
