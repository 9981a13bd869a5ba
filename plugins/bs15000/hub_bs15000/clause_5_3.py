"""Clause 5.3, service continuity: what is needed, planned, kept current and tested (a to d)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, not_, or_, select

from hub.conformance.continuous import periodic
from hub.conformance.evidence import AnyOf, any_of, at, rows
from hub.conformance.expression import days_after, filled, later_of, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, threshold
from hub.conformance.unit import Unit, each, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import began, begins, covers, in_use
from hub_bs15000.change import END_UNKNOWN, c, done, ended, every_change
from hub_bs15000.document_control import doc
from hub_bs15000.effective import in_effect, stopped
from hub_bs15000.improvement import acted
from hub_bs15000.review import held, r
from hub_bs15000.service import in_scope, retired, s

__all__ = ["DECLARATIONS"]

_period = metadata.tables["period"].c
_link = metadata.tables["link"]
_plan = kind_tables["plan"]
pl: Any = _plan.c
t: Any = kind_tables["continuity_test"].c
_TYPE = "continuity"


def _5_3_a(rid: str, _: Parameters) -> list[Part]:
    units = in_scope()
    figures = and_(s.rto_min.is_not(None), s.rpo_min.is_not(None), s.business_priority.is_not(None))
    return [
        threshold(
            rid,
            "needs",
            Words(
                "For every service it is laid down how soon it must run again after a disaster, how much data may be "
                "lost and in which order it is restored, or why it need not be.",
                "The time, the loss of data or the order of recovery is not recorded, nor why none is needed.",
                "Ask the business what it can bear, and record the figures or the reason for none.",
            ),
            unit=units,
            holds=or_(figures, filled(s.continuity_not_required)),
            at=units.opened,
            fields=("rto_min", "rpo_min", "business_priority", "continuity_not_required"),
        ),
        threshold(
            rid,
            "agreed",
            Words(
                "Somebody of the business agreed to that, with a date.",
                "Nobody of the business agreed to it, or it is not recorded who and when.",
                "Have the business agree, and record who did and when.",
            ),
            unit=units,
            holds=and_(s.continuity_agreed_by.is_not(None), s.continuity_agreed_at.is_not(None)),
            at=units.opened,
            fields=("continuity_agreed.by", "continuity_agreed.at"),
        ),
    ]


def _5_3_b(rid: str, p: Parameters) -> list[Part]:
    link, contract = _link.alias(), kind_tables["underpinning_contract"].alias()
    relied = and_(link.c.sid == pl.sid, link.c.type == "contract_ids")
    stands = exists().where(contract.c.sid == link.c.target, in_use(contract.c, _period.ends_at - 1))
    lapsed = exists().where(relied, not_(stands.correlate_except(contract))).correlate_except(link)
    some = _link.alias()
    relies = exists().where(some.c.sid == pl.sid, some.c.type == "contract_ids").correlate_except(some)
    return [
        doc(
            rid,
            "planned",
            Words(
                "At any time a continuity plan is in force.",
                "For a time there was no continuity plan in force.",
                "Authorise the plan, and review it in time.",
            ),
            _TYPE,
            p.review_days,
            kind="plan",
        ),
        doc(
            rid,
            "covered",
            Words(
                "Every service that must run again within a set time stands in a continuity plan in force.",
                "For a time no continuity plan in force covered the service.",
                "Put the service into the plan, and have the plan authorised.",
            ),
            _TYPE,
            p.review_days,
            kind="plan",
            unit=in_scope().where(s.rto_min.is_not(None)),
            on=covers(pl.sid, s.sid),
            end=retired(),
            fields=("rto_min",),
        ),
        threshold(
            rid,
            "contracts",
            Words(
                "Every contract a continuity plan relies on is signed and in force.",
                "At the end of the month a contract the plan relies on was not in force.",
                "Renew the contract, or plan without it.",
            ),
            unit=each(in_effect("plan", _TYPE), "month", end=stopped("plan"))
            .where(relies)
            .reading(underpinning_contract="all", calendar="all"),
            holds=not_(lapsed),
            at=_period.ends_at,
            fields=("contract_ids",),
            needs=[Need("underpinning_contract", frozenset({"signed_at", "valid_from", "valid_to"}), evidence=True)],
        ),
    ]


def _shares(sid: ColumnElement[int], plan: ColumnElement[int]) -> ColumnElement[bool]:
    """Say whether a record and a plan name a service alike."""
    here, there = _link.alias(), _link.alias()
    same = and_(here.c.type == "service_ids", there.c.type == "service_ids", here.c.target == there.c.target)
    return exists().where(here.c.sid == sid, there.c.sid == plan, same).correlate_except(here, there)


def _with_plan(owner: Unit, trigger: ColumnElement[Any]) -> Unit:
    """Every such unit x every continuity plan of one of its services in effect then; anchor = the plan."""
    table = kind_tables[owner.kind]
    then = and_(pl.effective_from <= trigger, or_(stopped("plan").is_(None), stopped("plan") > trigger))
    plans = and_(pl.plan_type == _TYPE, _shares(table.c.sid, pl.sid), then)
    units = replace(owner, rows=owner.rows.join(_plan, plans), anchor=pl.sid)
    return units.reading(plan="all", service="all")


def _kept_current(owner: Unit, trigger: ColumnElement[Any]) -> AnyOf:
    """The plan was looked at again, got a new version, or another took its place, after the trigger."""
    reviewed = later_of(pl.last_review_at, func.coalesce(since_when(pl.sid, "last_review_at"), pl.last_review_at))
    renewed = since_when(pl.sid, "version")
    other: Any = _plan.alias()
    n = other.c
    following = rows(
        "plan",
        and_(n.plan_type == _TYPE, n.sid != pl.sid, _shares(owner.sid, n.sid), n.effective_from >= trigger),
        later_of(n.effective_from, func.coalesce(n.created_at, n.effective_from)),
        fields=frozenset({"plan_type", "version", "effective_from", "last_review_at", "service_ids"}),
        table=other,
        reach="all",
    )
    meeting = rows(
        "review",
        and_(r.subject_id == pl.sid, r.held_at >= trigger),
        held(),
        fields=frozenset({"subject_id", "held_at"}),
        reach="all",
    )
    return any_of(
        following,
        at(case((pl.last_review_at >= trigger, reviewed))),
        at(case((renewed >= trigger, renewed))),
        meeting,
    )


def _5_3_c(rid: str, p: Parameters) -> list[Part]:
    a: Any = kind_tables["sla"].c
    begun = begins(a)
    touching = done(every_change()).where(c.affects_continuity)
    versions = unit("sla").where(a.valid_from.is_not(None), a.signed_at.is_not(None)).opening(began(a))
    missing = "Nobody looked at the continuity plan in time afterwards."
    remedy = "Review the plan against what has changed, and record the review or the new version."
    return [
        deadline(
            rid,
            "change",
            Words(
                f"Within {p.days} days after a change that touches continuity the plans of its services are reviewed "
                "or renewed.",
                missing,
                remedy,
            ),
            unit=_with_plan(touching, func.coalesce(ended, touching.opened)),
            due=days_after(ended, p.days),
            evidence=_kept_current(touching, ended),
            fields=("affects_continuity", "service_ids", "actual_end"),
            doubts=[END_UNKNOWN],
        ),
        deadline(
            rid,
            "agreement",
            Words(
                f"Within {p.days} days after a new version of an agreement begins the plans of its services are "
                "reviewed or renewed.",
                missing,
                remedy,
            ),
            unit=_with_plan(versions, begun).reading(calendar="all"),
            due=days_after(begun, p.days),
            evidence=_kept_current(versions, begun),
            fields=("service_ids", "valid_from", "signed_at"),
        ),
    ]


def _last_refusal() -> ColumnElement[Any]:
    """When the last customer that was asked refused in writing; NULL = none, or one affected was not asked or agreed."""
    invitation = child_tables["continuity_test", "invitations"]
    last, asked = invitation.alias(), invitation.alias()
    agreement: Any = kind_tables["sla"].alias()
    latest = select(func.max(last.c.refused_at)).where(last.c.sid == t.sid).correlate_except(last).scalar_subquery()
    refused = exists().where(
        asked.c.sid == t.sid,
        asked.c.customer_id == agreement.c.customer_id,
        asked.c.invited_at.is_not(None),
        asked.c.refused_at.is_not(None),
        filled(asked.c.refusal_ref),
    )
    left = exists().where(
        in_use(agreement.c, latest),
        agreement.c.customer_id.is_not(None),
        _shares(agreement.c.sid, pl.sid),
        not_(refused.correlate_except(asked)),
    )
    return case((not_(left.correlate_except(agreement)), latest))


def _5_3_d(rid: str, p: Parameters) -> list[Part]:
    tested = and_(t.performed_at.is_not(None), t.customer_invited, filled(t.report_ref))
    instant = case((tested, t.performed_at), (t.performed_at.is_(None), _last_refusal()))
    plans = in_effect("plan", _TYPE)
    failed = unit("continuity_test").where(t.result == "failed", t.performed_at.is_not(None)).opening(t.performed_at)
    again: Any = kind_tables["continuity_test"].alias()
    found = rows(
        "continuity_test",
        t.plan_id == pl.sid,
        later_of(instant, func.coalesce(t.created_at, instant)),
        fields=frozenset({"plan_id", "performed_at", "customer_invited", "report_ref"}),
        reach="all",
    ).where(instant.is_not(None))
    return [
        periodic(
            rid,
            "tested",
            Words(
                f"Every continuity plan is tested at least every {p.max_interval_days} days with the customers invited, "
                "unless every customer refused in writing.",
                f"More than {p.max_interval_days} days passed without a test, an invitation or a report of it.",
                "Test the plan, invite the customers, and keep the report.",
            ),
            unit=plans,
            evidence=replace(found, reads={**found.reads, "sla": "all", "service": "all", "calendar": "all"}),
            at=instant,
            days=p.max_interval_days,
            end=stopped("plan"),
            fields=("effective_from",),
        ),
        deadline(
            rid,
            "improved",
            Words(
                f"Every failed test leads to an action, or to a decision that none is needed, within {p.action_days} days.",
                "The test failed, and nothing followed from it in time.",
                "Open an improvement action for it.",
            ),
            unit=failed,
            due=days_after(t.performed_at, p.action_days),
            evidence=acted(t.sid),
            fields=("result", "performed_at"),
            shape="completeness",
        ),
        deadline(
            rid,
            "repeated",
            Words(
                f"Every failed test is repeated within {p.max_interval_days} days.",
                "The test failed and was not repeated in time.",
                "Repeat the test, and name the failed one in its record.",
            ),
            unit=failed,
            due=days_after(t.performed_at, p.max_interval_days),
            evidence=rows(
                "continuity_test",
                and_(again.c.retest_of == t.sid, again.c.performed_at > t.performed_at),
                later_of(again.c.performed_at, func.coalesce(again.c.created_at, again.c.performed_at)),
                fields=frozenset({"retest_of", "performed_at"}),
                table=again,
            ),
            fields=("result", "performed_at"),
        ),
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-5.3-a": _5_3_a,
    "BS15000-5.3-b": _5_3_b,
    "BS15000-5.3-c": _5_3_c,
    "BS15000-5.3-d": _5_3_d,
}
"""Requirement -> what makes its parts."""
