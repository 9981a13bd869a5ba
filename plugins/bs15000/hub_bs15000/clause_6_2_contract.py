"""Clause 6.2, supplier management: what a contract holds, how it is measured (d, g, i, j)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select

from hub.conformance.continuous import holding, in_force
from hub.conformance.evidence import any_of, at, fields_filled
from hub.conformance.expression import filled, later_of, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline
from hub.conformance.unit import each, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import began, ends, has_target, on_side, side_unknown, some_child
from hub_bs15000.contract import contracts, k
from hub_bs15000.document_control import doc
from hub_bs15000.elapsed import following_end
from hub_bs15000.report import FREQUENCIES

__all__ = ["DECLARATIONS"]

u: Any = kind_tables["supplier"].c
_link = metadata.tables["link"]
_period = metadata.tables["period"].c
_TOPICS = (
    ("monitoring", "performance monitoring"),
    ("service reviews", "reviews"),
    ("review content",),
    ("disputes", "contract disputes"),
    ("amendments", "changes"),
)
"""What the procedure for suppliers must speak about, each by its possible names."""
_REVIEW_DAYS = 365
_HELD = ("contract_scope", "targets", "interfaces")
_UNDATED = "since when the contract says so is not known"


def _since(*fields: str) -> ColumnElement[Any]:
    """Since when the fields hold their values, and the contract is judged."""
    return func.coalesce(later_of(since_when(k.sid, *fields), began(k)), began(k))


# -- the supplier's work is measured (d) ------------------------------------------------------


def _6_2_d(rid: str, q: Parameters) -> list[Part]:
    return [
        doc(
            rid,
            "procedure",
            Words(
                "At any time a procedure says how suppliers are watched, reviewed and disputed with, and contracts amended.",
                "For a time no such procedure was in force, or it left something out.",
                "Complete the procedure: monitoring, service reviews, review content, disputes, amendments.",
            ),
            "supplier_procedure",
            _REVIEW_DAYS,
            sections=_TOPICS,
        ),
        *(_measured(rid, every, default=q.period) for every in FREQUENCIES),
    ]


def _measured(rid: str, every: Any, *, default: str) -> Part:
    """Every target decided over such a period was measured for each that the contract covers."""
    target: Any = child_tables["underpinning_contract", "targets"].alias()
    link, measured = _link.alias(), kind_tables["measurement"].alias()
    t, m = target.c, measured.c
    first = (
        select(func.min(func.coalesce(m.created_at, m.as_of)))
        .select_from(link.join(measured, m.sid == link.c.sid))
        .where(
            link.c.target == k.sid,
            link.c.type == "subject",
            or_(m.metric_id == t.id, m.metric_id == t.metric),
            m.period_start <= _period.starts_at,
            m.period_end >= _period.ends_at,
            or_(m.actual.is_not(None), filled(m.missing_reason)),
        )
        .correlate_except(link, measured)
        .scalar_subquery()
    )
    decided = [t.sid == k.sid, func.lower(func.coalesce(t.period, default)).in_(FREQUENCIES[every])]
    some = exists().where(*decided).correlate_except(target)
    last = (
        select(case((func.count() == func.count(first), func.max(first))))
        .select_from(target)
        .where(*decided)
        .correlate_except(target)
        .scalar_subquery()
    )
    signed = contracts().where(k.signed_at.is_not(None), some)
    return deadline(
        rid,
        f"measured_each_{every}",
        Words(
            f"Every target of a contract is measured for each {every}, or it is said why not, before the next is over.",
            f"A target of the contract was not measured for the {every}, and nobody said why.",
            "Have the supplier's figures measured, or record why there is none.",
        ),
        unit=each(signed, every, end=ends(k)),
        due=following_end(),
        evidence=at(last, measurement="near"),
        fields=("targets", "valid_from", "valid_to", "signed_at"),
        needs=[Need("measurement", frozenset({"subject", "metric_id", "period"}), evidence=True)],
        shape="periodic",
    )


# -- disputes (g) -----------------------------------------------------------------------------


def _6_2_g(rid: str, _: Parameters) -> list[Part]:
    link, document = _link.alias(), kind_tables["document"].alias()
    either = or_(
        and_(link.c.sid == k.sid, link.c.target == document.c.sid),
        and_(link.c.target == k.sid, link.c.sid == document.c.sid),
    )
    refers = exists().where(document.c.doc_type == "dispute_procedure", either).correlate_except(link, document)
    nobody = some_child(
        "underpinning_contract", "disputes", k.sid, lambda d: d.settled_at.is_(None), lambda d: d.owner.is_(None)
    )
    referred = at(case((refers, began(k))), document="near")
    return [
        in_force(
            rid,
            "laid_down",
            Words(
                "Every contract says how disputes are settled, or refers to the procedure for them.",
                "For a time the contract did not say how disputes are settled.",
                "Agree with the supplier how disputes are settled, or refer to the procedure.",
            ),
            unit=contracts(),
            evidence=any_of(fields_filled("dispute_clause"), referred),
            until=ends(k),
            end=ends(k),
            fields=("dispute_clause", "valid_to", "links"),
            needs=[Need("document", frozenset({"doc_type"}), evidence=True)],
            shape="completeness",
        ),
        in_force(
            rid,
            "owned",
            Words(
                "Every dispute that is not settled has somebody who sees to it.",
                "A dispute over the contract is open, and nobody sees to it.",
                "Name somebody who sees the dispute settled.",
            ),
            unit=contracts().opening(_since("disputes")),
            evidence=at(case((~nobody, _since("disputes")))),
            until=ends(k),
            end=ends(k),
            fields=("disputes", "valid_to"),
            shape="completeness",
        ),
    ]


# -- scope, levels and interfaces (i) ---------------------------------------------------------


def _6_2_i(rid: str, _: Parameters) -> list[Part]:
    signature: Any = child_tables["underpinning_contract", "signatories"].alias()
    g = signature.c

    def signed(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(g.sid == k.sid, *conditions).correlate_except(signature)

    sides = [signed(on_side("underpinning_contract", k, g.party, g.person, side)) for side in ("provider", "other")]
    unknown = and_(signed(side_unknown(g.party, g.person)), ~and_(*sides))
    whole = and_(filled(k.contract_scope), filled(k.interfaces), has_target("underpinning_contract", k.sid))
    since = since_when(k.sid, *_HELD)
    return [
        in_force(
            rid,
            "written",
            Words(
                "Every contract says what is bought, at which level, and how both sides work together.",
                "For a time the contract left out what is bought, its levels, or how both sides work together.",
                "Complete the contract: scope, targets, interfaces.",
            ),
            unit=contracts(),
            evidence=at(case((whole, since)), lacks=case((and_(whole, since.is_(None)), literal(_UNDATED)))),
            until=ends(k),
            end=ends(k),
            fields=(*_HELD, "valid_to"),
            shape="completeness",
        ),
        in_force(
            rid,
            "signed",
            Words(
                "Every contract in force is signed by both sides.",
                "For a time the contract was in force without the signatures of both sides.",
                "Have the contract signed, and record who signed for which side.",
            ),
            unit=contracts().reading(person="all", identity="all", customer="all", supplier="all"),
            evidence=at(case((and_(k.signed_at.is_not(None), *sides), began(k)))),
            until=ends(k),
            end=ends(k),
            fields=("signed_at", "signatories", "valid_to"),
            doubts=[(unknown, "for whom somebody signed is not known")],
            shape="completeness",
        ),
    ]


# -- subcontractors (j) -----------------------------------------------------------------------


def _6_2_j(rid: str, q: Parameters) -> list[Part]:
    line: Any = child_tables["supplier", "subcontractors"].alias()
    s = line.c
    since = func.coalesce(since_when(u.sid, "subcontractors"), u.created_at, 0)
    has_some = exists().where(s.sid == u.sid).correlate_except(line)
    bare = exists().where(s.sid == u.sid, or_(~filled(s.evidence_ref), s.at.is_(None))).correlate_except(line)
    oldest = select(func.min(s.at)).where(s.sid == u.sid).correlate_except(line).scalar_subquery()
    return [
        in_force(
            rid,
            "bound",
            Words(
                f"For every subcontractor there is proof, at most {q.max_age_days} days old, that it keeps to the contract.",
                f"For a subcontractor there is no proof, or none of the last {q.max_age_days} days.",
                "Ask the supplier to show how it binds the subcontractor, and note the proof and its day.",
            ),
            unit=unit("supplier").where(has_some).opening(since),
            evidence=at(case((~bare, since))),
            until=holding(oldest, q.max_age_days),
            end=u.vanished_at,
            fields=("subcontractors",),
        )
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-6.2-d": _6_2_d,
    "BS15000-6.2-g": _6_2_g,
    "BS15000-6.2-i": _6_2_i,
    "BS15000-6.2-j": _6_2_j,
}
"""Requirement -> what makes its parts."""
