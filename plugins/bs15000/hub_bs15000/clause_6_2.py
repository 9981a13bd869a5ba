"""Clause 6.2, supplier management: contracts and suppliers are looked at together, often enough (a to c, e, f)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Select, and_, case, false, func, select, true, union

from hub.conformance.continuous import periodic
from hub.conformance.evidence import at
from hub.conformance.expression import business_days_after, days_after, later_of, since_when, touched
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, threshold
from hub.conformance.unit import Unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import ends
from hub_bs15000.change import c, every_change, first_approved
from hub_bs15000.contract import contracts, k
from hub_bs15000.improvement import acted, each_action
from hub_bs15000.meeting import RECORDED, held_meetings, meetings, spoken_about
from hub_bs15000.review import r
from hub_bs15000.ticket import with_facts

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_OF_CONTRACT = (("contract_id", k.sid), ("subject_id", k.sid))
_DAY_MS = 86_400_000


# -- what a review of a contract found (a) ----------------------------------------------------


def _6_2_a(rid: str, q: Parameters) -> list[Part]:
    reviews = held_meetings(["contract"])
    return [
        threshold(
            rid,
            "concluded",
            Words(
                "Every review of a contract says whether the supply still meets what the business needs.",
                "The review does not say whether the business gets what it needs.",
                "Decide whether the contract meets the needs, and record the answer with the review.",
            ),
            unit=reviews,
            holds=r.needs_met.is_not(None),
            at=RECORDED,
            fields=("type", "held_at", "needs_met"),
        ),
        deadline(
            rid,
            "acted",
            Words(
                f"Where the needs are not met, an action or a reasoned decision follows within {q.business_days} working days.",
                "The review found that needs are not met, and nothing came of it.",
                "Open an action for it, or record who decided that none is needed and why.",
            ),
            unit=reviews.where(r.needs_met == false()),
            due=business_days_after(RECORDED, q.business_days),
            evidence=acted(r.sid),
            fields=("type", "held_at", "action_ids"),
            shape="completeness",
        ),
    ]


# -- reviews when much changes, and every year (b, c, e) --------------------------------------


def _changes_of_contracts() -> Unit:
    """Every approved major change x every contract it is linked to, itself or by an agreement that rests on it."""
    contract, support = kind_tables["underpinning_contract"].alias(), _link.alias()
    supporting = contract.join(support, and_(support.c.sid == contract.c.sid, support.c.type == "supports_sla"))

    def tied(rows: Any, subject: Any, *, by_change: bool) -> Select[Any]:
        link = _link.alias()
        here, there = (link.c.sid, link.c.target) if by_change else (link.c.target, link.c.sid)
        return (
            select(here.label("change"), contract.c.sid.label("contract"))
            .select_from(rows.join(link, there == subject))
            .where(touched(here))
        )

    pair = union(
        *(tied(contract, contract.c.sid, by_change=end) for end in (True, False)),
        *(tied(supporting, support.c.target, by_change=end) for end in (True, False)),
    ).subquery("pair")
    major = every_change().where(func.coalesce(c.major, true()), first_approved().is_not(None))
    units, fact = with_facts(major.reading(approval="near"), approved=first_approved())
    rows = units.rows.join(pair, pair.c.change == c.sid)
    units = replace(units, rows=rows, anchor=pair.c.contract, opened=fact.approved)
    return units.reading(underpinning_contract="all", sla="all")


def _6_2_b(rid: str, q: Parameters) -> list[Part]:
    units = _changes_of_contracts()
    found, m = meetings("contract", of=[("contract_id", units.anchor), ("subject_id", units.anchor)], reach="all")
    approved = units.opened
    since = func.coalesce(days_after(approved, -q.days - 1), approved - (q.days + 1) * _DAY_MS)
    return [
        deadline(
            rid,
            "reviewed",
            Words(
                f"A contract is reviewed within {q.days} days before or after a major change that touches it is approved.",
                f"A major change was approved, and the contract it touches was not reviewed within {q.days} days.",
                "Review the contract with the change in mind, and record the result.",
            ),
            unit=units,
            due=days_after(approved, q.days),
            evidence=found.where(m.held_at > since),
            fields=("major", "links"),
            doubts=[(c.major.is_(None), "whether it is a major change is not recorded")],
            needs=[
                Need("approval", frozenset({"decision", "decided_at"}), evidence=True),
                Need("underpinning_contract", frozenset({"supports_sla"}), evidence=True),
            ],
        )
    ]


def _6_2_c(rid: str, q: Parameters) -> list[Part]:
    found, m = meetings("contract", of=_OF_CONTRACT)
    signed = contracts().where(k.signed_at.is_not(None))
    return [
        periodic(
            rid,
            "reviewed",
            Words(
                f"Every contract is reviewed within {q.max_interval_days} days of its signature, and then again and again.",
                f"More than {q.max_interval_days} days passed without a review of the contract.",
                "Review the contract with the supplier, and record when.",
            ),
            unit=signed.opening(k.signed_at),
            evidence=found,
            at=m.held_at,
            days=q.max_interval_days,
            end=ends(k),
            fields=("signed_at", "valid_to"),
        )
    ]


def _6_2_e(rid: str, q: Parameters) -> list[Part]:
    of = [*_OF_CONTRACT, ("subject_id", k.supplier_id)]
    found, m = meetings("supplier_service", of=of, reach="all")  # one of the supplier speaks of all its contracts
    agreed = case((k.review_interval_days < q.max_interval_days, k.review_interval_days), else_=q.max_interval_days)
    return [
        periodic(
            rid,
            "reviewed",
            Words(
                f"Provider and supplier review the service as often as agreed, at least every {q.max_interval_days} days.",
                "The service was not reviewed with the supplier as often as it had to be.",
                "Hold the review with the supplier, and record when.",
            ),
            unit=contracts(),
            evidence=found.where(func.coalesce(m.contract_id, k.sid) == k.sid),
            at=m.held_at,
            days=agreed,
            end=ends(k),
            fields=("review_interval_days", "supplier_id", "valid_to"),
        )
    ]


# -- what a review with a supplier speaks about (f) -------------------------------------------


def _6_2_f(rid: str, q: Parameters) -> list[Part]:
    units, a = each_action(held_meetings(["supplier_service"]))
    given = later_of(a.created_at, since_when(a.sid, "owner", "due_at"))
    planned = and_(a.owner.is_not(None), a.due_at.is_not(None))
    return [
        spoken_about(rid, q.topics, ["supplier_service"]),
        deadline(
            rid,
            "actions",
            Words(
                f"Every action of a review with a supplier has an owner and a date within {q.business_days} working days.",
                "An action of the review has nobody who does it, or no date.",
                "Give the action an owner and a date.",
            ),
            unit=units,
            due=business_days_after(RECORDED, q.business_days),
            evidence=at(case((planned, given))),
            fields=("type", "held_at", "action_ids"),
            doubts=[
                (a.sid.is_(None), "the action it names was not read"),
                (and_(planned, given.is_(None)), "since when the action has an owner and a date is not known"),
            ],
            needs=[Need("improvement_action", frozenset({"owner", "due_at"}), evidence=True)],
            shape="completeness",
        ),
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-6.2-a": _6_2_a,
    "BS15000-6.2-b": _6_2_b,
    "BS15000-6.2-c": _6_2_c,
    "BS15000-6.2-e": _6_2_e,
    "BS15000-6.2-f": _6_2_f,
}
"""Requirement -> what makes its parts."""
