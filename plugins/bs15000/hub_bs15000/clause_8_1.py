"""Clause 8.1, configuration management: the plan, the procedure and the audits of the inventory (a to e, h)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import BigInteger, and_, case, func, literal, or_, select

from hub.conformance.continuous import in_force, periodic
from hub.conformance.evidence import Rows, rows
from hub.conformance.expression import earlier_of, filled, later_of, touched
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import threshold
from hub.conformance.unit import Unit, each, organisation, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import some_child
from hub_bs15000.configuration import gone_at, in_use, item
from hub_bs15000.document_control import doc, documents, reviewed_until, says
from hub_bs15000.entry import entered_at

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
_period = metadata.tables["period"].c
_plan: Any = kind_tables["plan"].c
_audit: Any = kind_tables["audit"].c
_PLAN = "configuration"
_PARTNERS = (("change_procedure", "change_policy"), ("release_procedure", "release_policy"))
"""What the plan has to fit: a procedure of each, or the policy where that holds the procedure."""
_SECTIONS = (
    ("identification",),
    ("change", "change_control"),
    ("version_control",),
    ("status_accounting",),
    ("verification",),
    ("audit",),
)


def _types_in_use() -> tuple[Unit, Any]:
    """Every class of items, owed by its first item, while there are any; also returns `name` and `gone` of it."""
    own: Any = item.alias()
    still = func.sum(case((in_use(own.c), 1), else_=0))
    kept = (
        select(
            func.min(own.c.sid).label("sid"),
            own.c.ci_type.label("name"),
            func.min(func.coalesce(own.c.created_at, 0)).label("since"),
            case((still == 0, func.max(gone_at(own.c)))).label("gone"),
        )
        .where(filled(own.c.ci_type), touched(own.c.sid))
        .group_by(own.c.ci_type)
        .subquery("class")
    )
    units = Unit(
        kind="configuration_item",
        rows=kept,
        sid=kept.c.sid,
        anchor=kept.c.since,
        opened=kept.c.since,
        conditions=(),
        reads={"configuration_item": "all"},
        has_envelope=False,
    )
    return units, kept.c


def _8_1_a(rid: str, p: Parameters) -> list[Part]:
    units, kept = _types_in_use()
    defined = some_child(
        "plan", "ci_types", _plan.sid, lambda one: one.name == kept.name, lambda one: filled(one.attributes)
    )
    return [
        doc(
            rid,
            "in_force",
            Words(
                "A reviewed plan of configuration management is in force without a gap.",
                "No reviewed plan of configuration management was in force throughout the month.",
                "Review the plan and have it authorised.",
            ),
            _PLAN,
            p.review_days,
            kind="plan",
        ),
        in_force(
            rid,
            "defined",
            Words(
                "The plan in force defines every class of items in use, with what must be recorded of each item.",
                "The plan in force does not define the class of this item and of others like it.",
                "Add the class to the plan, with what must be recorded of its items.",
            ),
            unit=units,
            evidence=documents(_PLAN, kind="plan").where(defined),
            until=reviewed_until(p.review_days, kind="plan"),
            end=kept.gone,
            needs=[Need("configuration_item", frozenset({"ci_type"}), evidence=True), _of_plan("ci_types")],
        ),
    ]


def _of_plan(*fields: str) -> Need:
    return Need("plan", frozenset(fields), evidence=True)


def _8_1_b(rid: str, p: Parameters) -> list[Part]:
    return [
        doc(
            rid,
            "scope_and_objectives",
            Words(
                "The plan in force says what change and configuration management cover, and what they are to reach.",
                "The plan in force names no scope or no objectives, or there is none.",
                "Write both into the plan and have it authorised.",
            ),
            _PLAN,
            p.review_days,
            or_(filled(_plan.objectives), says("plan", "objectives")),
            kind="plan",
            sections=["scope"],
            needs=[_of_plan("sections", "objectives")],
        )
    ]


def _8_1_c(rid: str, p: Parameters) -> list[Part]:
    return [
        in_force(
            rid,
            "integration",
            Words(
                "The plan says how change, configuration and release work together, and points to procedures in force.",
                "The plan has no such section, or is not linked to procedures for change and for release in force.",
                "Describe it in the plan, and link the plan to both procedures.",
            ),
            unit=organisation(),
            evidence=_with_partners(documents(_PLAN, kind="plan").where(says("plan", "integration"))),
            until=reviewed_until(p.review_days, kind="plan"),
            needs=[_of_plan("sections", "links"), Need("document", frozenset({"doc_type"}), evidence=True)],
        )
    ]


def _with_partners(plans: Rows) -> Rows:
    """Let a plan count while documents it is linked to are in force, one on change and one on release."""
    begins, ends = plans.at, plans.lost
    for types in _PARTNERS:
        link, document = _link.alias(), kind_tables["document"].alias()
        d: Any = document.c
        plans = (
            plans.joining(link, link.c.sid == _plan.sid)
            .joining(document, d.sid == link.c.target)
            .where(d.doc_type.in_(types), d.authorised_by.is_not(None), d.authorised_at <= d.effective_from)
            .where(or_(d.doc_status.is_(None), d.doc_status != "draft"))
            .doubtful(d.doc_status.is_(None), "whether a procedure it points to is in force is not recorded")
        )
        begins = later_of(begins, later_of(d.effective_from, func.coalesce(d.created_at, d.effective_from)))
        stopped = earlier_of(earlier_of(d.superseded_at, d.withdrawn_at), d.vanished_at)
        ends = stopped if ends is None else earlier_of(ends, stopped)
    return replace(plans, at=begins, lost=ends, reads={**plans.reads, "document": "all"})


def _8_1_d(rid: str, p: Parameters) -> list[Part]:
    duty: Any = kind_tables["role_assignment"].alias()
    holder, named = _record.alias(), _record.alias()
    last = _period.ends_at - 1
    role: Any = child_tables["plan", "roles"].alias()
    same = (
        select(1)
        .where(holder.c.sid == duty.c.person, named.c.sid == role.c.person, holder.c.canonical == named.c.canonical)
        .correlate_except(holder, named)
        .exists()
    )
    held = (
        select(1)
        .where(
            func.lower(func.trim(duty.c.role)) == func.lower(func.trim(role.c.role)),
            or_(role.c.person.is_(None), same),
            or_(duty.c.from_.is_(None), duty.c.from_ <= last),
            or_(duty.c.to.is_(None), duty.c.to > last),
            or_(duty.c.vanished_at.is_(None), duty.c.vanished_at > last),
        )
        .correlate_except(duty)
        .exists()
    )
    vacant = select(1).where(role.c.sid == _plan.sid, ~held).correlate_except(role).exists()
    return [
        doc(
            rid,
            "named",
            Words(
                "The plan in force names the roles that control configuration, change and release.",
                "The plan in force names no roles, or there is none.",
                "Name the roles in the plan and have it authorised.",
            ),
            _PLAN,
            p.review_days,
            some_child("plan", "roles", _plan.sid, lambda one: filled(one.role)),
            kind="plan",
            needs=[_of_plan("roles")],
        ),
        threshold(
            rid,
            "assigned",
            Words(
                "At the end of every month somebody holds each role that the plan in force names.",
                "Nobody held one of the roles that the plan names at the end of the month.",
                "Assign the role, and record from when it is held.",
            ),
            unit=_each_month_in_force().reading(role_assignment="all", identity="all"),
            holds=~vacant,
            at=last,
            fields=("plan_type", "roles"),
            needs=[Need("role_assignment", frozenset({"role"}), evidence=True)],
        ),
    ]


def _each_month_in_force() -> Unit:
    """Every plan of configuration management in force at the end of a month owes once for it."""
    last = _period.ends_at - 1
    stopped = earlier_of(earlier_of(_plan.superseded_at, _plan.withdrawn_at), _plan.vanished_at)
    begun = and_(_plan.plan_type == _PLAN, _plan.authorised_by.is_not(None), _plan.effective_from <= last)
    recent = func.coalesce(_plan.created_at, 0) <= last
    plans = unit("plan").where(begun, recent, or_(stopped.is_(None), stopped > last))
    return each(plans.where(func.coalesce(_plan.doc_status, "") != "draft"), "month", start=literal(0, BigInteger))


def _8_1_e(rid: str, p: Parameters) -> list[Part]:
    return [
        doc(
            rid,
            "in_force",
            Words(
                "A procedure in force covers how items are named, changed, versioned, counted, checked and audited.",
                "No such procedure was in force throughout the month, or it leaves out one of the six.",
                "Complete the procedure and have it authorised.",
            ),
            "configuration_procedure",
            p.review_days,
            sections=_SECTIONS,
            needs=[Need("document", frozenset({"sections"}), evidence=True)],
        )
    ]


def _8_1_h(rid: str, p: Parameters) -> list[Part]:
    own: Any = item.alias()
    few = select(own.c.sid).where(in_use(own.c)).limit(p.min_sample).subquery("few")
    wanted = select(func.count()).select_from(few).scalar_subquery()
    looked = rows(
        "audit",
        _audit.type == "configuration",
        entered_at(_audit, "performed_at"),
        fields=frozenset({"type", "performed_at", "sampled", "discrepancies"}),
        reach="all",
    )
    enough = or_(_audit.sampled >= p.min_sample, _audit.sampled >= wanted)
    return [
        periodic(
            rid,
            "audited",
            Words(
                f"Every {p.max_interval_days} days {p.min_sample} items, or all there are, are compared with reality.",
                f"More than {p.max_interval_days} days passed without such an audit and a count of what was wrong.",
                "Hold an audit, and record how many items were looked at and how many were wrong.",
            ),
            unit=organisation().reading(configuration_item="all"),
            evidence=looked.where(enough, _audit.discrepancies.is_not(None)),
            at=_audit.performed_at,
            days=p.max_interval_days,
            needs=[Need("configuration_item", evidence=True)],
        )
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-8.1-a": _8_1_a,
    "BS15000-8.1-b": _8_1_b,
    "BS15000-8.1-c": _8_1_c,
    "BS15000-8.1-d": _8_1_d,
    "BS15000-8.1-e": _8_1_e,
    "BS15000-8.1-h": _8_1_h,
}
"""Requirement -> what makes its parts."""
