"""Clause 4.3, competence: what people have learned and can do, what they need, and those from outside (c to e)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select

from hub.conformance.continuous import holding, in_force, periodic
from hub.conformance.evidence import AnyOf, Rows, any_of, rows
from hub.conformance.expression import earlier_of, filled, later_of, no_instant, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import precondition, threshold
from hub.conformance.unit import Unit, unit
from hub.records import KINDS
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.people import (
    EMPLOYMENT_UNKNOWN,
    FAILED,
    PEOPLE,
    ROLE_FIELDS,
    assigned_from,
    assignments,
    by_human,
    employment,
    ended,
    human,
)
from hub_bs15000.review import r, review

__all__ = ["DECLARATIONS"]

_duty: Any = kind_tables["role_assignment"].c
_human: Any = kind_tables["person"].c
_t: Any = kind_tables["training_record"].c
_record = metadata.tables["record"]
_link = metadata.tables["link"]
_ANY = dict.fromkeys(KINDS, "near")
_NOTHING = ("none", "none.", "no needs", "no need", "no needs.")


# -- what people can do -----------------------------------------------------------------------


def _people() -> tuple[Unit, ColumnElement[Any]]:
    """Everybody who holds a role, from when the first one counts, and when that ends (NULL = it has not)."""
    duty, login = kind_tables["role_assignment"].alias(), _record.alias()
    d: Any = duty.c
    still = func.max(case((ended(d).is_(None), 1), else_=0))
    tenure = (
        select(
            login.c.canonical.label("person"),
            func.min(assigned_from(d)).label("began"),
            case((still == 0, func.max(ended(d)))).label("left"),
        )
        .select_from(duty.join(login, login.c.sid == d.person))
        .where(login.c.canonical.is_not(None))
        .group_by(login.c.canonical)
        .subquery("tenure")
    )
    end = earlier_of(earlier_of(tenure.c.left, _human.active_to), _human.vanished_at)
    humans = unit("person").where(~func.coalesce(_human.account, False))
    humans = replace(humans, rows=humans.rows.join(tenure, tenure.c.person == _human.sid))
    return humans.opening(func.coalesce(tenure.c.began, 0)).reading(**PEOPLE), end


_HELD = (Need("role_assignment", ROLE_FIELDS, evidence=True),)


def _4_3_c(rid: str, p: Parameters) -> list[Part]:
    units, end = _people()
    looked: Any = child_tables["person", "assessments"].alias()
    noted = func.coalesce(since_when(looked.c.sid, "assessments"), looked.c.assessed_at)
    assessed = rows(
        "person",
        looked.c.sid == _human.sid,
        later_of(looked.c.assessed_at, noted),
        table=looked,
        stated_by_unit=True,
        declared=_human.declared_by.is_not(None),
    )
    first = holding(units.opened, p.grace_days)
    return [
        in_force(
            rid,
            "trained",
            Words(
                "Of everybody who holds a role it is recorded what was learned.",
                "No training of this person is recorded.",
                "Record the training of the person.",
            ),
            unit=units,
            evidence=_trained(_human.sid),
            until=no_instant(),
            first=first,
            end=end,
            shape="completeness",
            needs=_HELD,
        ),
        in_force(
            rid,
            "assessed",
            Words(
                f"What everybody who holds a role can do is looked at at least every {p.assessment_days} days.",
                f"Nobody looked at what the person can do for more than {p.assessment_days} days.",
                "Assess what the person can do and record when.",
            ),
            unit=units,
            evidence=assessed,
            until=holding(looked.c.assessed_at, p.assessment_days),
            first=first,
            end=end,
            shape="completeness",
            fields=("assessments",),
            needs=_HELD,
        ),
    ]


def _4_3_d(rid: str, p: Parameters) -> list[Part]:
    units, end = _people()
    reviews = by_human("review")
    d: Any = reviews.c
    talked = rows(
        "review",
        and_(d.type == "development", d.human == _human.sid),
        later_of(d.held_at, func.coalesce(since_when(d.sid, "held_at"), d.created_at)),
        fields=frozenset({"type", "person", "held_at"}),
        table=reviews,
        reach="all",
    )
    return [
        periodic(
            rid,
            "held",
            Words(
                f"Everybody who holds a role has a review of development at least every {p.max_interval_days} days.",
                f"The person had no review of development for more than {p.max_interval_days} days.",
                "Hold the review and record when.",
            ),
            unit=units,
            evidence=talked,
            at=d.held_at,
            days=p.max_interval_days,
            end=end,
            needs=_HELD,
        ),
        threshold(
            rid,
            "needs_answered",
            Words(
                "Every need that a review of development finds leads to training or to an action, or it finds none.",
                "The review names a need without training or action, or does not say what it found.",
                "Link what was decided for every need, or state that there is none.",
            ),
            unit=review("development").reading(**_ANY),
            holds=_answered(),
            at=r.held_at,
            fields=("type", "held_at", "findings", "recommendations"),
        ),
    ]


def _answered() -> ColumnElement[bool]:
    """Say whether the findings of the review say none, or all it asks for has training or an action."""
    need: Any = child_tables["review", "recommendations"].alias()
    asked = exists().where(need.c.sid == r.sid).correlate_except(need)
    without = and_(need.c.action_id.is_(None), need.c.training_id.is_(None))
    open_need = exists().where(need.c.sid == r.sid, without).correlate_except(need)
    followed = []
    for here, there in (("sid", "target"), ("target", "sid")):
        link, other = _link.alias(), _record.alias()
        kinds = other.c.kind.in_(("training_record", "improvement_action"))
        tied = (link.c[here] == r.sid, other.c.sid == link.c[there], kinds)
        followed.append(exists().where(*tied).correlate_except(link, other))
    none = func.lower(func.trim(func.coalesce(r.findings, ""))).in_(_NOTHING)
    return or_(and_(none, ~asked), and_(filled(r.findings), ~open_need, or_(asked, *followed), ~none))


def _trained(person: ColumnElement[Any]) -> Rows:
    """Evidence: a course that this person completed."""
    taken = by_human("training_record")
    t: Any = taken.c
    recorded = func.coalesce(since_when(t.sid, "completed_at"), t.created_at, t.completed_at)
    found = rows(
        "training_record",
        t.human == person,
        later_of(t.completed_at, recorded),
        fields=frozenset({"person", "course", "completed_at"}),
        table=taken,
        lost=t.vanished_at,
        reach="all",
    )
    kept = found.where(func.lower(func.trim(func.coalesce(t.result, ""))).not_in(FAILED))
    return replace(kept, reads={**kept.reads, "identity": "all"})


# -- people from outside ----------------------------------------------------------------------


def _shown(refresh_days: int) -> AnyOf:
    """Evidence: written proof of what the person of the assignment can do, as long as it is fresh."""
    who, papers, proofs = human(_duty.person), _papers(), by_human("training_record")
    d: Any = papers.c
    t: Any = proofs.c
    shown_at = later_of(func.coalesce(t.completed_at, t.created_at), func.coalesce(t.created_at, t.completed_at))
    came_at = later_of(func.coalesce(d.received_at, d.created_at), func.coalesce(d.created_at, d.received_at))
    proof = rows(
        "training_record",
        and_(t.type == "evidence", t.human == who),
        shown_at,
        fields=frozenset({"person", "type", "completed_at"}),
        table=proofs,
        lost=earlier_of(earlier_of(t.valid_to, t.vanished_at), holding(shown_at, refresh_days)),
        reach="all",
    )
    paper = rows(
        "document",
        d.human == who,
        came_at,
        fields=frozenset({"doc_type", "received_at"}),
        table=papers,
        lost=earlier_of(earlier_of(d.withdrawn_at, d.vanished_at), holding(came_at, refresh_days)),
        reach="all",
    )
    return any_of(*(replace(one, reads={**one.reads, "identity": "all", "calendar": "all"}) for one in (proof, paper)))


def _papers() -> Any:
    """Return the documents that show what somebody can do, with the `human` they name."""
    document, named, login = kind_tables["document"], _link.alias(), _record.alias()
    behind = func.coalesce(login.c.canonical, login.c.sid).label("human")
    joined = document.join(named, named.c.sid == document.c.sid).join(login, login.c.sid == named.c.target)
    proof = document.c.doc_type == "competence_evidence"
    return select(*document.c, behind).select_from(joined).where(proof, login.c.kind == "person").subquery("paper")


def _4_3_e(rid: str, p: Parameters) -> list[Part]:
    units = assignments("external").opening(func.coalesce(_duty.from_, _duty.created_at, 0))
    doubts = [(employment(_duty.person).is_(None), EMPLOYMENT_UNKNOWN)]
    return [
        precondition(
            rid,
            "before_the_role",
            Words(
                "People from outside show in writing what they can do before they take a role.",
                "The person took the role before anything in writing showed what he or she can do.",
                "Ask for proof of qualification and experience, and let nobody start without.",
            ),
            unit=units.opening(func.coalesce(earlier_of(_duty.from_, _duty.created_at), 0)),
            before=func.coalesce(_duty.from_, _duty.created_at, 0),
            evidence=_shown(p.refresh_days),
            fields=("person", "from"),
            doubts=doubts,
        ),
        in_force(
            rid,
            "refreshed",
            Words(
                f"What people from outside show is renewed at least every {p.refresh_days} days while they hold a role.",
                "What the person has shown is no longer fresh.",
                "Ask for fresh proof.",
            ),
            unit=units,
            evidence=_shown(p.refresh_days),
            until=no_instant(),
            first=holding(units.opened, p.refresh_days),
            end=ended(_duty),
            shape="periodic",
            fields=("person", "from", "to"),
            doubts=doubts,
        ),
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-4.3-c": _4_3_c,
    "BS15000-4.3-d": _4_3_d,
    "BS15000-4.3-e": _4_3_e,
}
"""Requirement -> what makes its parts."""
