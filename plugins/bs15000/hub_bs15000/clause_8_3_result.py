"""Clause 8.3, new or changed services: what became of them is reported, shown to customers and used (i to k)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from hub.conformance.evidence import Rows, any_of, rows
from hub.conformance.expression import days_after, later_of, touched
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, threshold
from hub.conformance.unit import Unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import in_use
from hub_bs15000.entry import entered_at
from hub_bs15000.improvement import stands
from hub_bs15000.message import mails
from hub_bs15000.new_service import line, lines, plan, plans, went_live
from hub_bs15000.report import child, issued, report, s, some

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
_TYPES = ("implementation", "implementation_report")
"""How reports on the results of a plan are called."""


def _8_3_i(rid: str, p: Parameters) -> list[Part]:
    live, outcome = went_live(), line("outcomes")
    last = (
        select(func.max(outcome.c.due_at)).where(outcome.c.sid == plan.sid).correlate_except(outcome).scalar_subquery()
    )
    about, names = _link.alias(), _link.alias()
    due = days_after(later_of(live, func.coalesce(last, live)), p.days)
    of_plan = _results(
        rows(
            "service_report",
            and_(about.c.target == plan.sid, about.c.type == "about"),
            _published(),
            fields=frozenset({"type", "about", "metrics"}),
            table=about,
            declared=s.declared_by.is_not(None),
        ).joining(report, s.sid == about.c.sid),
        live,
    )
    there = _link.alias()
    of_service = _results(
        rows(
            "service_report",
            and_(names.c.sid == plan.sid, names.c.type == "service_ids"),
            _published(),
            fields=frozenset({"type", "about", "metrics"}),
            table=names,
            record=s.sid,
            reach="far",
            declared=s.declared_by.is_not(None),
        )
        .joining(there, and_(there.c.target == names.c.target, there.c.type == "about"))
        .joining(report, s.sid == there.c.sid),
        live,
    )
    units = plans().where(live.is_not(None), plan.effective_from.is_not(None)).opening(live)
    return [
        deadline(
            rid,
            "reported",
            Words(
                f"A report gives target and result of each expected outcome within {p.days} days of the last of them.",
                f"No report of all results was issued within {p.days} days.",
                "Measure what was reached, and report it beside what was planned.",
            ),
            unit=units.reading(change="near", service="near"),
            due=due,
            evidence=any_of(of_plan, of_service),
            fields=("plan_type", "outcomes", "service_ids", "effective_from"),
        )
    ]


def _published() -> ColumnElement[Any]:
    return func.coalesce(entered_at(s, "issued_at"), entered_at(s, "submitted_at"))


def _results(reports: Rows, live: ColumnElement[Any]) -> Rows:
    """Keep reports on results, published since, that give target and result of each outcome of the plan."""
    expected, metric = line("outcomes"), child("metrics")
    given = some(
        metric,
        metric.c.metric_id == expected.c.metric,
        metric.c.current_target.is_not(None),
        metric.c.current_actual.is_not(None),
    )
    return reports.where(
        s.type.in_(_TYPES), func.coalesce(s.state, "") != "cancelled", _published() >= live, ~lines(expected, ~given)
    )


def _implementation() -> Unit:
    """Every report on results that was issued."""
    return issued().where(s.type.in_(_TYPES))


def _8_3_j(rid: str, p: Parameters) -> list[Part]:
    agreement: Any = kind_tables["sla"].alias()
    g = agreement.c
    own: Any = report.alias()
    about, names, covers = _link.alias(), _link.alias(), _link.alias()
    out = func.coalesce(own.c.issued_at, own.c.submitted_at, own.c.created_at)
    direct = (
        select(own.c.sid.label("sid"), g.customer_id.label("customer"))
        .select_from(
            own.join(about, and_(about.c.sid == own.c.sid, about.c.type.in_(("about", "service_ids"))))
            .join(covers, and_(covers.c.target == about.c.target, covers.c.type == "service_ids"))
            .join(agreement, g.sid == covers.c.sid)
        )
        .where(touched(own.c.sid), own.c.type.in_(_TYPES), g.customer_id.is_not(None), in_use(g, out))
    )
    by_plan = (
        select(own.c.sid.label("sid"), g.customer_id.label("customer"))
        .select_from(
            own.join(about, and_(about.c.sid == own.c.sid, about.c.type == "about"))
            .join(names, and_(names.c.sid == about.c.target, names.c.type == "service_ids"))
            .join(kind_tables["plan"], plan.sid == names.c.sid)
            .join(covers, and_(covers.c.target == names.c.target, covers.c.type == "service_ids"))
            .join(agreement, g.sid == covers.c.sid)
        )
        .where(touched(own.c.sid), own.c.type.in_(_TYPES), g.customer_id.is_not(None), in_use(g, out))
    )
    affected = direct.union(by_plan).subquery("affected")
    reports = _implementation()
    units = replace(
        reports,
        rows=affected.join(report, s.sid == affected.c.sid),
        anchor=affected.c.customer,
        reads={**reports.reads, "sla": "all", "plan": "all", "calendar": "all"},
    )
    sent = child("delivery")
    delivered = rows(
        "service_report", sent.c.sid == s.sid, sent.c.sent_at, table=sent, record=sent.c.sid, stated_by_unit=True
    )
    delivered = delivered.where(
        func.coalesce(sent.c.result, "") != "bounced", _belongs(sent.c.recipient, affected.c.customer)
    )
    mailed, m = mails("service_report")
    to = _link.alias()
    received = exists().where(to.c.sid == m.sid, to.c.type == "to_persons", _belongs(to.c.target, affected.c.customer))
    mailed = mailed.where(or_(m.customer_id == affected.c.customer, received.correlate_except(to)))
    people: Any = {"person": "all", "identity": "all", "customer": "all"}
    return [
        deadline(
            rid,
            "sent",
            Words(
                f"Each customer of the service is sent the report within {p.days} days of its issue.",
                f"The customer was not sent the report within {p.days} days.",
                "Send the report to the customer.",
            ),
            unit=units.reading(**people),
            due=days_after(reports.opened, p.days),
            evidence=any_of(delivered, mailed),
            fields=("type", "issued_at", "about", "delivery"),
            needs=[Need("sla", frozenset({"service_ids", "customer_id"}), evidence=True)],
        )
    ]


def _belongs(recipient: ColumnElement[Any], customer: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say whether a recipient is the customer, or one of its people."""
    login, person = _record.alias(), kind_tables["person"].alias()
    of_customer = (
        exists()
        .where(
            login.c.sid == recipient,
            person.c.sid == func.coalesce(login.c.canonical, login.c.sid),
            person.c.party == customer,
        )
        .correlate_except(login, person)
    )
    return or_(recipient == customer, of_customer)


def _8_3_k(rid: str, _: Parameters) -> list[Part]:
    metric, unclear = child("metrics"), child("metrics")
    action: Any = kind_tables["improvement_action"].alias()
    answered = exists().where(action.c.sid == metric.c.action_id, stands(action.c)).correlate_except(action)
    missed = some(metric, metric.c.verdict == "missed", ~answered)
    undecided = some(
        unclear, unclear.c.current_target.is_not(None), unclear.c.verdict.is_(None), unclear.c.action_id.is_(None)
    )
    reports = _implementation()
    return [
        threshold(
            rid,
            "followed_up",
            Words(
                "For each expected result that was missed there is an action, or a decision with its reason.",
                "A result was missed, and neither an action nor a decision answers it.",
                "Open an action for what was missed, or have it decided that none is needed.",
            ),
            unit=reports.reading(improvement_action="near"),
            holds=~missed,
            at=reports.opened,
            fields=("type", "metrics", "issued_at"),
            needs=[Need("improvement_action", frozenset({"no_action"}), evidence=True)],
            doubts=[(and_(~missed, undecided), "whether a result was missed is not recorded")],
        )
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-8.3-i": _8_3_i,
    "BS15000-8.3-j": _8_3_j,
    "BS15000-8.3-k": _8_3_k,
}
"""Requirement -> what makes its parts."""
