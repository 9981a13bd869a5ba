"""Clause 4.4, service quality: when the yearly quality report comes, and to whom (i, j)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select

from hub.conformance.continuous import periodic
from hub.conformance.evidence import AnyOf, any_of, rows
from hub.conformance.expression import days_after, later_of, touched
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline
from hub.conformance.unit import Unit, organisation
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.clause_4_4_report import YEARLY
from hub_bs15000.message import mails
from hub_bs15000.report import child, issued, report, s
from hub_bs15000.report_section import NO_PERIOD, valid_in

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
_published = func.coalesce(s.issued_at, s.submitted_at)


def _4_4_i(rid: str, p: Parameters) -> list[Part]:
    published = rows(
        "service_report",
        s.type == YEARLY,
        later_of(_published, func.coalesce(s.created_at, _published)),
        fields=frozenset({"type", "issued_at"}),
        reach="all",
    ).where(func.coalesce(s.direction, "") != "inbound", func.coalesce(s.state, "") != "cancelled")
    return [
        periodic(
            rid,
            "published",
            Words(
                f"A report on service quality is published at least every {p.max_interval_days} days.",
                f"No report on service quality was published for more than {p.max_interval_days} days.",
                "Publish the yearly quality report.",
            ),
            unit=organisation(),
            evidence=published,
            at=_published,
            days=p.max_interval_days,
        )
    ]


def _4_4_j(rid: str, p: Parameters) -> list[Part]:
    units, customer = _customers()
    return [
        deadline(
            rid,
            "received",
            Words(
                f"Every customer with an agreement receives the yearly report within {p.days} days of its publication.",
                "The report was not sent to a customer who had an agreement in its year.",
                "Send the report, or a link to it, to the customer.",
            ),
            unit=units,
            due=days_after(_published, p.days),
            evidence=_sent_to(customer),
            fields=("type", "issued_at", "period", "delivery"),
            doubts=[NO_PERIOD],
            needs=[Need("sla", frozenset({"customer_id", "signed_at", "valid_from"}), evidence=True)],
        )
    ]


def _customers() -> tuple[Unit, ColumnElement[int]]:
    """Every yearly report x each customer with a signed agreement in its year; anchor = the customer."""
    one, sla, place = report.alias(), kind_tables["sla"].alias(), _record.alias()
    signed = and_(sla.c.signed_at.is_not(None), sla.c.customer_id.is_not(None))
    there = or_(sla.c.vanished_at.is_(None), sla.c.vanished_at > one.c.period_start)
    owed = (
        select(one.c.sid.label("report"), sla.c.customer_id.label("customer"))
        .select_from(one.join(place, place.c.kind == "sla").join(sla, sla.c.sid == place.c.sid))
        .where(touched(one.c.sid), one.c.type == YEARLY, signed, there)
        .where(valid_in(sla, one.c.period_start, one.c.period_end))
        .distinct()
        .subquery("owed")
    )
    units = issued().where(s.type == YEARLY)
    joined = units.rows.join(owed, owed.c.report == s.sid)
    units = replace(units, rows=joined, anchor=owed.c.customer)
    return units.reading(sla="all", person="all", identity="all", calendar="all"), owed.c.customer


def _sent_to(customer: ColumnElement[int]) -> AnyOf:
    """Evidence: the report went to the customer or to somebody there, as the report or the message itself says."""
    delivery, addressed = child("delivery"), _link.alias()

    def is_theirs(recipient: ColumnElement[Any]) -> ColumnElement[bool]:
        login, human = _record.alias(), kind_tables["person"].alias()
        works_there = (
            exists()
            .select_from(login.join(human, human.c.sid == func.coalesce(login.c.canonical, login.c.sid)))
            .where(login.c.sid == recipient, human.c.party == customer)
            .correlate_except(login, human)
        )
        return or_(recipient == customer, works_there)

    handed = rows(
        "service_report", delivery.c.sid == s.sid, delivery.c.sent_at, table=delivery, stated_by_unit=True
    ).where(is_theirs(delivery.c.recipient), func.coalesce(delivery.c.result, "") != "bounced")
    mailed, m = mails("service_report", "report_delivery")
    named = and_(addressed.c.sid == m.sid, addressed.c.type == "to_persons", is_theirs(addressed.c.target))
    to_them = or_(func.coalesce(m.customer_id == customer, false()), exists().where(named).correlate_except(addressed))
    return any_of(handed, mailed.where(to_them))


DECLARATIONS: dict[str, Declare] = {"BS15000-4.4-i": _4_4_i, "BS15000-4.4-j": _4_4_j}
"""Requirement -> what makes its parts."""
