"""Clause 5.5, financial management: rules, yearly budgets, what is agreed on reporting, cost of changes (a, b, d, e)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import and_, case, exists, false, func, literal, or_, true

from hub.conformance.continuous import in_force
from hub.conformance.evidence import at, fields_filled, rows
from hub.conformance.expression import filled, later_of, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, precondition
from hub.conformance.unit import PeriodName, each, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import ends
from hub_bs15000.change import c, every_change
from hub_bs15000.contract import agreed
from hub_bs15000.customer import served, u
from hub_bs15000.document_control import doc
from hub_bs15000.elapsed import following_end
from hub_bs15000.entry import entered_at
from hub_bs15000.money import fiscal_years, year_of
from hub_bs15000.report import FREQUENCIES, chapter
from hub_bs15000.service import retired, s

__all__ = ["DECLARATIONS"]

a: Any = kind_tables["sla"].c
_link = metadata.tables["link"]
_period = metadata.tables["period"].c
_NOTICE_MS = 90 * 86_400_000
"""How long before a year begins its budget is spoken of."""


def _5_5_a(rid: str, q: Parameters) -> list[Part]:
    return [
        doc(
            rid,
            "policy",
            Words(
                "At any time it is laid down how services are authorised, budgeted and charged.",
                "For a time no such policy was in force, or it left one of the three out.",
                "Complete the policy: authorise, budget, charge; and review it every year.",
            ),
            "financial_policy",
            q.review_days,
            sections=(
                ("authorise", "authorisation", "authorising"),
                ("budget", "budgeting"),
                ("charge", "charging"),
            ),
        )
    ]


# -- budgets (b) ------------------------------------------------------------------------------


def _5_5_b(rid: str, q: Parameters) -> list[Part]:
    year: Any = fiscal_years(q.first_month)
    y = year.c
    first = func.coalesce(s.in_scope_from, s.created_at, 0)
    from_start = first <= y.starts_at
    services = unit("service").where(s.in_scope, first < y.ends_at, func.coalesce(retired() > y.starts_at, true()))
    units = replace(
        services,
        rows=services.rows.join(year, true()),
        anchor=y.starts_at,
        opened=case((from_start, y.starts_at - _NOTICE_MS), else_=first),
    ).reading(period="all", calendar="all")
    link, budget, line = _link.alias(), kind_tables["budget"].alias(), child_tables["budget", "lines"].alias()
    b: Any = budget.c
    detailed = (
        exists().where(line.c.sid == b.sid, line.c.service == s.sid, filled(line.c.cost_type)).correlate_except(line)
    )
    planned = rows(
        "budget",
        and_(link.c.target == s.sid, link.c.type == "lines.service"),
        entered_at(b, "approved_at"),
        fields=frozenset({"fiscal_year", "lines", "approved_at"}),
        table=link,
        declared=b.declared_by.is_not(None),
    ).joining(budget, b.sid == link.c.sid)
    planned = replace(planned, expires=b.expires_at)
    unknown_start = and_(~from_start, s.live_at.is_(None), func.coalesce(s.lifecycle, "live") != "planned")
    return [
        precondition(
            rid,
            "budgeted",
            Words(
                "Before a year begins, its approved budget says what each service will cost; for a new one before it goes live.",
                "The year began, or the service went live, without an approved budget for it.",
                "Work out what the service costs, and have the budget approved.",
            ),
            unit=units,
            before=case((from_start, y.starts_at), else_=s.live_at) - 1,
            evidence=planned.where(b.approved_at.is_not(None), year_of(b.fiscal_year) == y.year, detailed),
            fields=("in_scope", "in_scope_from"),
            doubts=[(unknown_start, "when it went live is not recorded")],
        )
    ]


# -- reporting of money (d) -------------------------------------------------------------------


def _5_5_d(rid: str, _: Parameters) -> list[Part]:
    said = or_(
        func.coalesce(a.finance_reporting_none_agreed, false()) == true(),
        and_(filled(a.finance_reporting_frequency), filled(a.finance_reporting_format)),
    )
    names = ("finance_reporting", *(f"finance_reporting.{one}" for one in ("frequency", "format", "none_agreed")))
    since = since_when(a.sid, *names)
    return [
        in_force(
            rid,
            "agreed",
            Words(
                "Every agreement says how often and in what form money is reported, or that it is not.",
                "For a time the agreement did not say how money is reported.",
                "Agree with the customer how often and in what form, or that nothing is reported.",
            ),
            unit=agreed("sla"),
            evidence=at(
                case((said, since)),
                lacks=case((and_(said, since.is_(None)), literal("since when the agreement says so is not known"))),
            ),
            until=ends(a),
            end=ends(a),
            fields=("finance_reporting", "finance_reporting.frequency", "finance_reporting.format", "valid_to"),
            shape="completeness",
        ),
        *(_reported(rid, every) for every in FREQUENCIES),
    ]


def _reported(rid: str, every: PeriodName) -> Part:
    """A customer with whom reports on money are agreed so often got one for each such period."""
    link, report = _link.alias(), kind_tables["service_report"].alias()
    t = report.c
    customers, ended = served(lambda o: func.lower(o.finance_reporting_frequency).in_(FREQUENCIES[every]))
    issued = rows(
        "service_report",
        and_(link.c.target == u.sid, link.c.type == "customer_id"),
        later_of(func.coalesce(t.issued_at, t.submitted_at), func.coalesce(t.created_at, t.issued_at, t.submitted_at)),
        fields=frozenset({"customer_id", "period", "issued_at", "chapters"}),
        table=link,
        declared=t.declared_by.is_not(None),
    ).joining(report, t.sid == link.c.sid)
    covering = (t.period_start <= _period.starts_at, t.period_end >= _period.ends_at)
    return deadline(
        rid,
        f"reported_each_{every}",
        Words(
            f"Where it is agreed, a report on money is issued for each {every} before the next is over.",
            f"No report on money was issued for the {every}.",
            "Issue the report with its section on money.",
        ),
        unit=each(customers, every, end=ended),
        due=following_end(),
        evidence=issued.where(*covering, chapter("finance", "financial", "money", of=t.sid)),
        needs=[Need("sla", frozenset({"finance_reporting", "customer_id"}), evidence=True)],
        shape="completeness",
    )


# -- cost of changes (e) ----------------------------------------------------------------------


def _5_5_e(rid: str, _: Parameters) -> list[Part]:
    approval: Any = kind_tables["approval"].c
    changes = every_change().where(func.coalesce(c.class_, "service_change") == "service_change")
    begun = func.coalesce(c.development_started_at, c.actual_start)
    doubts = [(c.class_.is_(None), "whether a service is changed is not recorded")]
    approved = rows(
        "approval",
        approval.sid == c.cost_approval_id,
        approval.decided_at,
        fields=frozenset({"decision", "decided_at"}),
        lost=approval.withdrawn_at,
    ).where(approval.decision == "approved")
    return [
        precondition(
            rid,
            "estimated",
            Words(
                "What the change of a service costs is worked out before anybody builds it.",
                "Building began before the cost was worked out.",
                "Work out the cost now, and have it approved.",
            ),
            unit=changes,
            before=begun,
            evidence=fields_filled("cost_estimate.amount"),
            fields=("class", "development_started_at", "actual_start"),
            doubts=doubts,
        ),
        precondition(
            rid,
            "approved",
            Words(
                "The cost of changing a service is approved before anybody builds it.",
                "Building began before the cost was approved.",
                "Have the cost approved, and let building wait for that.",
            ),
            unit=changes,
            before=begun,
            evidence=approved,
            fields=("class", "cost_approval_id", "development_started_at", "actual_start"),
            doubts=doubts,
        ),
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-5.5-a": _5_5_a,
    "BS15000-5.5-b": _5_5_b,
    "BS15000-5.5-d": _5_5_d,
    "BS15000-5.5-e": _5_5_e,
}
"""Requirement -> what makes its parts."""
