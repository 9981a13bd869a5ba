"""Security incidents by type and cost, tests of continuity, and what suppliers reached."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from sqlalchemy import Connection, func, or_, select

from hub.conformance.named import Subject
from hub.conformance.situation.audience import Audience
from hub.conformance.situation.control import MOST
from hub.conformance.situation.flow import CALLED_OFF
from hub.conformance.situation.tie import id_of
from hub.conformance.subject import subjects
from hub.sla.open_time import Span
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata

__all__ = ["Continuity", "SecurityLine", "SupplierFigure", "continuity_tests", "security_lines", "supplier_figures"]

_incident: Any = kind_tables["security_incident"].c
_test: Any = kind_tables["continuity_test"].c
_measured: Any = kind_tables["measurement"].c
_contract: Any = kind_tables["underpinning_contract"].c
_record, _link = metadata.tables["record"], metadata.tables["link"]


class SecurityLine(msgspec.Struct, frozen=True, kw_only=True):
    """Security incidents of one type that were noticed in the period."""

    type: str | None
    number: int
    critical: int
    open: int
    """Of these, at the end."""
    costs: dict[str, str]
    """Currency -> sum of the costs recorded."""
    costed: int
    """How many have a cost recorded."""
    personal: int
    """Personal data was touched."""
    unreported: int
    """Management was not told by the end."""


class Continuity(msgspec.Struct, frozen=True, kw_only=True):
    """A test of continuity in the period."""

    subject: Subject
    performed_at: int
    result: str | None
    recovery_min: int | None
    loss_min: int | None
    retest: bool


class SupplierFigure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure measured of a supplier or a contract in the period."""

    supplier: Subject | None
    contract: Subject | None
    metric: str
    target: float | None
    actual: float | None
    unit: str | None
    missing: str
    """Why there is no figure."""
    upward: bool | None
    """More is better; None = the contract does not say."""


def security_lines(conn: Connection, period: Span, as_of: int, audience: Audience | None = None) -> list[SecurityLine]:
    """Count in one query; amounts that are no number count as not recorded."""
    i, begin, instant = _incident, period[0], min(period[1], as_of)
    noticed = func.coalesce(i.detected_at, i.reported_at, i.recorded_at, i.created_at)
    asked = select(
        i.type,
        i.severity,
        func.coalesce(i.resolved_at, i.closed_at).label("ended"),
        i.cost_amount,
        i.cost_currency,
        i.personal_data,
        i.reported_to_management_at.label("told"),
    ).where(noticed >= begin, noticed < instant, i.vanished_at.is_(None), *_of(audience, i.sid))
    rows = conn.execute(asked.where(func.coalesce(i.status_category, "").not_in(CALLED_OFF))).all()
    groups: dict[str | None, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.type].append(row)
    return [
        _line(type_, groups[type_], instant) for type_ in sorted(groups, key=lambda name: (name is None, name or ""))
    ]


def _line(type_: str | None, rows: list[Any], instant: int) -> SecurityLine:
    sums: dict[str, Decimal] = {}
    costed = 0
    for row in rows:
        amount = _number(row.cost_amount)
        if amount is not None:
            costed += 1
            sums[row.cost_currency or ""] = sums.get(row.cost_currency or "", Decimal(0)) + amount
    return SecurityLine(
        type=type_,
        number=len(rows),
        critical=sum(row.severity == "critical" for row in rows),
        open=sum(row.ended is None or row.ended >= instant for row in rows),
        costs={currency: f"{total:f}" for currency, total in sorted(sums.items())},
        costed=costed,
        personal=sum(bool(row.personal_data) for row in rows),
        unreported=sum(row.told is None or row.told >= instant for row in rows),
    )


def continuity_tests(
    conn: Connection, period: Span, as_of: int, known_at: int | None, audience: Audience | None = None
) -> list[Continuity]:
    """List the tests of the period, the latest first; at most `MOST`."""
    t = _test
    rows = conn.execute(
        select(t.sid, t.performed_at, t.result, t.rto_achieved_min, t.rpo_achieved_min, t.retest_of)
        .where(t.performed_at >= period[0], t.performed_at < min(period[1], as_of), t.vanished_at.is_(None))
        .where(*([] if audience is None else [or_(audience.holds(t.sid), audience.holds(t.plan_id))]))
        .order_by(t.performed_at.desc(), id_of(t.sid))
        .limit(MOST)
    ).all()
    named = subjects(conn, [row.sid for row in rows], known_at)
    return [
        Continuity(
            subject=named[row.sid],
            performed_at=row.performed_at,
            result=row.result,
            recovery_min=row.rto_achieved_min,
            loss_min=row.rpo_achieved_min,
            retest=row.retest_of is not None,
        )
        for row in rows
    ]


def supplier_figures(
    conn: Connection,
    period: Span,
    known_at: int | None,
    audience: Audience | None = None,
    *,
    days: tuple[str, str],
    supplier: str | None = None,
) -> list[SupplierFigure]:
    """List what was measured of suppliers and contracts in a period, and targets of contracts in force that nobody measured.

    `days` = first local day of the period and first after it; `supplier` narrows to one (record id).
    """
    m, k = _measured, _contract
    party = kind_tables["supplier"].c.sid
    asked = (
        select(m.metric_id, m.target, m.actual, m.unit, m.missing_reason, k.sid.label("contract"), party.label("who"))
        .select_from(m.sid.table)
        .outerjoin(k.sid.table, k.sid == m.subject)
        .outerjoin(party.table, party == func.coalesce(k.supplier_id, m.subject))
        .where(m.period_start >= period[0], m.period_end <= period[1], m.vanished_at.is_(None))
        .where(or_(k.sid.is_not(None), party.is_not(None)), *_serving(supplier, audience, party))
        .order_by(m.metric_id, m.period_start, id_of(m.sid))
    )
    rows = conn.execute(asked).all()
    promised = _promised(conn, days, _serving(supplier, audience, _contract.supplier_id))
    measured = {(row.contract, row.metric_id) for row in rows}
    left = [one for one in promised if (one.sid, one.metric) not in measured]
    upward = {(one.sid, one.metric): one.operator == ">=" for one in promised}
    levels = _levels(promised)
    sids = [sid for row in rows for sid in (row.contract, row.who)] + [sid for one in left for sid in one[:2]]
    named = subjects(conn, sids, known_at)
    found = [
        SupplierFigure(
            supplier=named.get(row.who),
            contract=named.get(row.contract),
            metric=row.metric_id,
            target=row.target if row.target is not None else levels.get((row.contract, row.metric_id, row.unit)),
            actual=row.actual,
            unit=row.unit,
            missing=row.missing_reason or "",
            upward=upward.get((row.contract, row.metric_id)),
        )
        for row in rows
    ]
    found += [
        SupplierFigure(
            supplier=named.get(one.supplier_id),
            contract=named.get(one.sid),
            metric=one.metric,
            target=one.value,
            actual=None,
            unit=one.unit,
            missing="not measured",
            upward=one.operator == ">=",
        )
        for one in left
    ]
    return sorted(found, key=lambda one: tuple(each.id if each else "" for each in (one.supplier, one.contract)))


def _levels(promised: Sequence[Any]) -> dict[tuple[int, str, str], float]:
    """Return (contract, metric, unit) -> the level promised, for figures that name none; of several none is guessed."""
    found = defaultdict[tuple[int, str, str], list[float]](list)
    for one in promised:
        found[one.sid, one.metric, one.unit].append(one.value)
    return {key: values[0] for key, values in found.items() if len(values) == 1}


def _serving(supplier: str | None, audience: Audience | None, party: Any) -> list[Any]:
    """Narrow to one supplier, or to the contracts that agreements of an audience rest on."""
    if supplier is not None:
        return [party == select(_record.c.sid).where(_record.c.id == supplier).scalar_subquery()]
    if audience is None:
        return []
    sla = select(_link.c.sid).where(_link.c.type == "supports_sla", audience.holds(_link.c.target))
    return [or_(audience.holds(_contract.sid), _contract.sid.in_(sla))]


def _promised(conn: Connection, days: tuple[str, str], serving: list[Any]) -> list[Any]:
    """List the targets of contracts in force on some day of the period."""
    t: Any = child_tables["underpinning_contract", "targets"].c
    k = _contract
    asked = (
        select(k.sid, k.supplier_id, t.metric, t.value, t.unit, t.operator)
        .join(k.sid.table, k.sid == t.sid)
        .where(k.vanished_at.is_(None), *serving)
        .where(or_(k.valid_from.is_(None), k.valid_from < days[1]), or_(k.valid_to.is_(None), k.valid_to > days[0]))
        .order_by(id_of(k.sid), t.pos)
    )
    return list(conn.execute(asked))


def _number(amount: str | None) -> Decimal | None:
    try:
        found = Decimal(amount) if amount is not None else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


def _of(audience: Audience | None, sid: Any) -> list[Any]:
    return [] if audience is None else [audience.holds(sid)]
