"""Clause 5.5, financial management: what services cost is compared with their budget, period by period (c)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import FromClause, Select, and_, case, exists, func, or_, select, union_all

from hub.conformance.evidence import at
from hub.conformance.expression import days_after, touched
from hub.conformance.owed import NEVER
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.relation import link_instant
from hub.conformance.shape import deadline
from hub.conformance.unit import PeriodName, Unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.improvement import NAMED_BY, NAMES, acted_at, stands
from hub_bs15000.money import fiscal_years, number, year_of

__all__ = ["DECLARATIONS"]

_service = kind_tables["service"]
_link = metadata.tables["link"]
_period = metadata.tables["period"]
_MONTHS: dict[PeriodName, int] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}


def _entries() -> FromClause:
    """Select what was spent on each service, entry by entry."""
    tie, entry = _link.alias(), kind_tables["cost_entry"].alias()
    e = entry.c
    return (
        select(
            tie.c.target.label("service"),
            e.sid,
            func.lower(e.cost_type).label("cost_type"),
            e.period_start,
            e.period_end,
            e.created_at,
            e.amount_currency.label("currency"),
            number(e.amount_amount).label("amount"),
        )
        .select_from(tie.join(entry, e.sid == tie.c.sid))
        .where(touched(tie.c.target), tie.c.type == "service", e.entry_type == "actual")
        .limit(NEVER)
        .cte("entry")
    )


def _acts() -> FromClause:
    """Select (entry, at): when an action on a cost entry was taken, or it was decided that none is needed."""

    def tied(*, outward: bool) -> Select[Any]:
        tie, link, action = _link.alias(), _link.alias(), kind_tables["improvement_action"].alias()
        here, there = (link.c.sid, link.c.target) if outward else (link.c.target, link.c.sid)
        a, named = action.c, and_(here == tie.c.sid, link.c.type.in_(NAMES if outward else NAMED_BY))
        facts = (a.sid, a.created_at, a.no_action_at, a.no_action_approver, a.no_action_reason)
        return (
            select(tie.c.sid.label("entry"), link_instant(link).label("made"), *facts)
            .select_from(tie.join(link, named).join(action, a.sid == there))
            .where(touched(tie.c.target), tie.c.type == "service", stands(a))
        )

    found = select(union_all(tied(outward=True), tied(outward=False)).subquery()).limit(NEVER).subquery("act")
    f = found.c
    at = acted_at(f, func.coalesce(f.made, f.created_at))
    return select(f.entry, func.min(at).label("at")).group_by(f.entry).subquery("acts")


def _planned(first_month: int, every: PeriodName) -> FromClause:
    """Select (service, cost_type, currency, starts_at, ends_at, share): what a line allows for each period."""
    tie, budget, line = _link.alias(), kind_tables["budget"].alias(), child_tables["budget", "lines"].alias()
    later_tie, later, later_line = (
        _link.alias(),
        kind_tables["budget"].alias(),
        child_tables["budget", "lines"].alias(),
    )
    b, n, year, period = budget.c, later.c, fiscal_years(first_month), _period.alias()
    cost_type = func.lower(line.c.cost_type)
    replaced = (
        exists()
        .where(
            later_tie.c.target == tie.c.target,
            later_tie.c.type == "lines.service",
            n.sid == later_tie.c.sid,
            year_of(n.fiscal_year) == year_of(b.fiscal_year),
            or_(n.approved_at > b.approved_at, and_(n.approved_at == b.approved_at, n.sid > b.sid)),
            later_line.c.sid == n.sid,
            later_line.c.service == tie.c.target,
            func.lower(later_line.c.cost_type) == cost_type,
        )
        .correlate_except(later_tie, later, later_line)
    )
    within = and_(period.c.unit == every, period.c.starts_at >= year.c.starts_at, period.c.starts_at < year.c.ends_at)
    group = (tie.c.target, cost_type, line.c.currency, period.c.starts_at, period.c.ends_at)
    return (
        select(
            tie.c.target.label("service"),
            cost_type.label("cost_type"),
            line.c.currency,
            period.c.starts_at,
            period.c.ends_at,
            (func.sum(number(line.c.amount)) * _MONTHS[every]).label("share"),
        )
        .select_from(
            tie.join(budget, b.sid == tie.c.sid)
            .join(line, and_(line.c.sid == b.sid, line.c.service == tie.c.target))
            .join(year, year.c.year == year_of(b.fiscal_year))
            .join(period, within)
        )
        .where(touched(tie.c.target), tie.c.type == "lines.service", b.approved_at.is_not(None), ~replaced)
        .group_by(*group)
        .cte("planned")
    )


def _compared(first_month: int, every: PeriodName, percent: int) -> FromClause:
    """Select one row a service and period: how many lines, entered since when, how many are off, acted since when."""
    planned = _planned(first_month, every)
    p = planned.c
    entries = _entries()
    e, acts = entries.c, _acts()
    alike = and_(
        e.service == p.service,
        e.cost_type == p.cost_type,
        e.period_start >= p.starts_at,
        e.period_end <= p.ends_at,
    )
    foreign = case((e.currency == p.currency, 0), else_=1)
    key = (p.service, p.cost_type, p.currency, p.starts_at, p.ends_at, p.share)
    line = (
        select(
            *key,
            func.sum(e.amount).label("actual"),
            func.min(e.created_at).label("first"),
            func.sum(case((e.sid.is_(None), 0), else_=foreign)).label("foreign"),
            func.min(acts.c.at).label("acted"),
        )
        .select_from(planned.outerjoin(entries, alike).outerjoin(acts, acts.c.entry == e.sid))
        .group_by(*key)
        .subquery("line")
    )
    n = line.c
    off = and_(n.foreign == 0, func.abs(n.actual * 12 - n.share) * 100 > func.abs(n.share) * percent)
    unsure = and_(n.first.is_not(None), or_(n.actual.is_(None), n.share.is_(None), n.foreign > 0))
    return (
        select(
            n.service,
            n.starts_at,
            n.ends_at,
            case((func.count() == func.count(n.first), func.max(n.first))).label("entered"),
            func.sum(case((off, 1), else_=0)).label("off"),
            func.sum(case((unsure, 1), else_=0)).label("unsure"),
            func.sum(case((and_(off, n.acted.is_(None)), 1), else_=0)).label("open"),
            func.max(case((off, n.acted))).label("acted"),
        )
        .group_by(n.service, n.starts_at, n.ends_at)
        .subquery("compared")
    )


def _5_5_c(rid: str, q: Parameters) -> list[Part]:
    found = _compared(q.first_month, q.period, q.variance_pct)
    f = found.c
    services = Unit(
        kind="service",
        rows=found.join(_service, _service.c.sid == f.service),
        sid=_service.c.sid,
        anchor=f.starts_at,
        opened=f.ends_at,
        conditions=(),
        reads={
            "service": "near",
            "budget": "near",
            "cost_entry": "near",
            "improvement_action": "far",
            "period": "all",
            "calendar": "all",
        },
    )
    money = [
        Need("budget", frozenset({"lines", "fiscal_year", "approved_at"}), evidence=True),
        Need("cost_entry", frozenset({"service", "cost_type", "period", "amount", "entry_type"}), evidence=True),
    ]
    return [
        deadline(
            rid,
            "entered",
            Words(
                f"Within {q.days} days after each {q.period} it is entered what was spent on each line of the budget, zero too.",
                f"What was spent in the {q.period} was not entered in time for every line of the budget.",
                "Enter what was spent on each line, zero too.",
            ),
            unit=services,
            due=days_after(f.ends_at - 1, q.days),
            evidence=at(f.entered),
            needs=money,
            shape="periodic",
        ),
        deadline(
            rid,
            "acted",
            Words(
                f"Where spending differs by more than {q.variance_pct} per cent, an action or a decision follows "
                f"within another {q.days} days.",
                f"Spending differed by more than {q.variance_pct} per cent from the budget, and nothing followed.",
                "Open an action for the cost entry, or record who decided that none is needed and why.",
            ),
            unit=services.where(or_(f.off > 0, f.unsure > 0)),
            due=days_after(f.ends_at - 1, 2 * q.days),
            evidence=at(case((and_(f.open == 0, f.unsure == 0), f.acted))),
            doubts=[(and_(f.off == 0, f.unsure > 0), "amounts that cannot be compared were entered")],
            needs=[*money, Need("improvement_action", frozenset({"source_ids", "no_action"}), evidence=True)],
            shape="periodic",
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"BS15000-5.5-c": _5_5_c}
"""Requirement -> what makes its parts."""
