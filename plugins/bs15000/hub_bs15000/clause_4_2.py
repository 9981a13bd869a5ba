"""Clause 4.2, planning: roles, the forum, contacts, and procedures that serve the plan (c, h to j)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, exists, func, literal, or_, select

from hub.conformance.continuous import in_force, periodic
from hub.conformance.evidence import rows
from hub.conformance.expression import days_after, filled, since_when
from hub.conformance.listed import lists
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need, Reads
from hub.conformance.shape import threshold
from hub.conformance.unit import Unit, each, organisation, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import in_use
from hub_bs15000.clause_4_2_plan import PLAN_TYPE
from hub_bs15000.document_control import documents, reviewed_until
from hub_bs15000.effective import IN_EFFECT_UNKNOWN, in_effect, stopped
from hub_bs15000.people import ROLE_FIELDS, employed, holders
from hub_bs15000.process import procedures, spoken
from hub_bs15000.review import held, r, review
from hub_bs15000.service import in_scope, retired, s

__all__ = ["DECLARATIONS"]

_period = metadata.tables["period"].c
_plan: Any = kind_tables["plan"].c
_d: Any = kind_tables["document"].c
_record = metadata.tables["record"]
_LAST = _period.ends_at - 1
_PEOPLE: Reads = {"role_assignment": "all", "person": "all", "identity": "all"}
_ROLES = (Need("role_assignment", ROLE_FIELDS, evidence=True), Need("person", evidence=True))


# -- roles ------------------------------------------------------------------------------------


def _4_2_c(rid: str, p: Parameters) -> list[Part]:
    general = [role for role in p.required_roles if role != "service_owner"]
    parts = [_role(rid, role) for role in general]
    if "service_owner" in p.required_roles:
        parts.append(_service_owner(rid))
    return [*parts, _planned_roles(rid, p.required_roles)]


def _month_of(units: Unit) -> Unit:
    """Let every unit owe from the beginning of each month, judged at its last instant."""
    return units.opening(_period.starts_at).reading(**_PEOPLE)


def _role(rid: str, role: str) -> Part:
    name = spoken(role)
    return threshold(
        rid,
        role,
        Words(
            f"Exactly one active person is {name} at the end of every month.",
            f"Nobody is {name}, or more than one person is.",
            f"Assign the role of {name} to one person.",
        ),
        unit=_month_of(each(organisation(), "month")),
        holds=holders(_LAST, lambda d: d.role == role) == 1,
        at=_LAST,
        needs=_ROLES,
    )


def _service_owner(rid: str) -> Part:
    return threshold(
        rid,
        "service_owner",
        Words(
            "Every service has exactly one active service owner at the end of every month.",
            "The service has no service owner, or more than one.",
            "Assign the role of service owner of this service to one person.",
        ),
        unit=_month_of(each(in_scope(), "month", end=retired())),
        holds=holders(_LAST, lambda d: d.role == "service_owner", service=s.sid) == 1,
        at=_LAST,
        fields=("in_scope", "in_scope_from", "lifecycle"),
        needs=_ROLES,
    )


def _planned_roles(rid: str, required: list[str]) -> Part:
    """Roles the plan names beside the required ones."""
    line: Any = child_tables["plan", "roles"].alias()
    amiss = (
        exists()
        .where(
            line.c.sid == _plan.sid,
            line.c.role.not_in(required),
            holders(_LAST, lambda d: d.role == line.c.role) != 1,
        )
        .correlate_except(line)
    )
    plans = each(in_effect("plan", PLAN_TYPE), "month", start=literal(0, BigInteger), end=stopped("plan"))
    plans = plans.where(_period.ends_at > in_effect("plan", PLAN_TYPE).opened)
    return threshold(
        rid,
        "planned_roles",
        Words(
            "Every role that the plan names is held by exactly one active person at the end of every month.",
            "A role that the plan names is held by nobody, or by more than one person.",
            "Assign every role of the plan to one person, or correct the plan.",
        ),
        unit=_month_of(plans),
        holds=~amiss,
        at=_LAST,
        fields=("roles", "doc_status", "effective_from"),
        needs=_ROLES,
        doubts=[(_plan.doc_status.is_(None), IN_EFFECT_UNKNOWN)],
    )


# -- the forum --------------------------------------------------------------------------------


def _4_2_h(rid: str, p: Parameters) -> list[Part]:
    attendee: Any = child_tables["review", "attendees"].alias()
    function = func.lower(func.trim(attendee.c.function))
    functions = (
        select(func.count(func.distinct(function)))
        .where(attendee.c.sid == r.sid, filled(attendee.c.function))
        .correlate_except(attendee)
        .scalar_subquery()
    )
    meeting = rows("review", r.type == "management_forum", held(), fields=frozenset({"type", "held_at"}), reach="all")
    return [
        periodic(
            rid,
            "held",
            Words(
                f"The management forum meets at least every {p.max_interval_days} days.",
                f"The management forum did not meet for more than {p.max_interval_days} days.",
                "Hold the forum and record when.",
            ),
            unit=organisation(),
            evidence=meeting,
            at=r.held_at,
            days=p.max_interval_days,
        ),
        threshold(
            rid,
            "minuted",
            Words(
                f"Minutes of every meeting of the forum are there within {p.minutes_days} days.",
                "There are no minutes of the meeting.",
                "Write the minutes and record where they are.",
            ),
            unit=review("management_forum").reading(calendar="all"),
            holds=filled(r.minutes_ref),
            at=days_after(r.held_at, p.minutes_days),
            fields=("type", "held_at", "minutes_ref"),
        ),
        threshold(
            rid,
            "across_functions",
            Words(
                f"People of at least {p.min_functions} functions attend every meeting of the forum.",
                f"The list of those who attended shows fewer functions than {p.min_functions}.",
                "Record in which function people attended, and invite all functions next time.",
            ),
            unit=review("management_forum").reading(calendar="all"),
            holds=functions >= p.min_functions,
            at=days_after(r.held_at, p.minutes_days),
            fields=("type", "held_at", "attendees"),
        ),
    ]


# -- contacts ---------------------------------------------------------------------------------


def _4_2_i(rid: str, _: Parameters) -> list[Part]:
    return [
        _contact(rid, "customer", "sla", "customer_id"),
        _contact(rid, "supplier", "underpinning_contract", "supplier_id"),
    ]


def _contact(rid: str, party: str, agreement: str, named: str) -> Part:
    c: Any = kind_tables[party].c
    signed, login, human = kind_tables[agreement].alias(), _record.alias(), kind_tables["person"].alias()
    bound = exists().where(signed.c[named] == c.sid, in_use(signed.c, _LAST)).correlate_except(signed)
    named_by = func.coalesce(since_when(c.sid, "contact_id"), c.created_at, 0)
    reached = (
        exists()
        .select_from(login.join(human, human.c.sid == func.coalesce(login.c.canonical, login.c.sid)))
        .where(
            login.c.sid == c.contact_id,
            or_(human.c.email.is_not(None), filled(human.c.phone)),
            *employed(human.c, _LAST),
        )
        .correlate_except(login, human)
    )
    months = each(unit(party), "month", start=literal(0, BigInteger)).where(bound).opening(_period.starts_at)
    return threshold(
        rid,
        party,
        Words(
            f"Every {party} with an agreement in force names somebody who can be written to or called.",
            f"The {party} names nobody who is active and has an address or a telephone number.",
            f"Ask the {party} for a contact and record how to reach it.",
        ),
        unit=months.reading(**{party: "all", agreement: "all", "person": "all", "identity": "all", "calendar": "all"}),
        holds=and_(reached, named_by <= _LAST),
        at=_LAST,
        fields=("contact_id",),
        needs=[
            Need(agreement, frozenset({named, "signed_at", "valid_from"}), evidence=True),
            Need("person", frozenset({"email"}), evidence=True),
        ],
    )


# -- procedures -------------------------------------------------------------------------------


def _4_2_j(rid: str, p: Parameters) -> list[Part]:
    return [_procedure(rid, process, p.review_days) for process in p.processes]


def _procedure(rid: str, process: str, review_days: int) -> Part:
    aim, plan = child_tables["plan", "aims"].alias(), kind_tables["plan"].alias()
    served: ColumnElement[bool] = (
        exists()
        .where(plan.c.plan_type == PLAN_TYPE, aim.c.sid == plan.c.sid, lists(_d.supports_objectives, aim.c.name))
        .correlate_except(aim, plan)
    )
    own = or_(_d.process == process, and_(_d.process.is_(None), _d.doc_type != "procedure"))
    return in_force(
        rid,
        process,
        Words(
            f"A reviewed procedure of the {spoken(process)} process names an objective of the plan that it serves.",
            f"No reviewed procedure of the {spoken(process)} process that names an objective of the plan was in force.",
            "Review the procedure, say which objectives of the plan it serves, and have it authorised.",
        ),
        unit=organisation().reading(plan="all"),
        evidence=documents(procedures(process)).where(own, served),
        until=reviewed_until(review_days),
        needs=[
            Need("document", frozenset({"process", "supports_objectives"}), evidence=True),
            Need("plan", frozenset({"aims"}), evidence=True),
        ],
    )


DECLARATIONS: dict[str, Declare] = {
    "BS15000-4.2-c": _4_2_c,
    "BS15000-4.2-h": _4_2_h,
    "BS15000-4.2-i": _4_2_i,
    "BS15000-4.2-j": _4_2_j,
}
"""Requirement -> what makes its parts."""
