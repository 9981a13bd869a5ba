"""Complaint and feedback handling: messages are answered, and the same fault does not come back (06, 07)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    null,
    select,
    true,
    union_all,
)

from hub.conformance.evidence import Rows, any_of, at
from hub.conformance.expression import changed, days_after, hours_after, touched
from hub.conformance.lineup import ASKED, in_line
from hub.conformance.member import Member
from hub.conformance.owed import NEVER
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.ratio import ratio
from hub.conformance.reading import Need
from hub.conformance.shape import deadline
from hub.conformance.unit import Unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.message import told
from hub_bs15000.service import each_month_of_services
from hub_bs15000.ticket import columns, entered, recorded, tickets

__all__ = ["DECLARATIONS"]

_request: Any = columns("request")
_incident = kind_tables["incident"]
_link = metadata.tables["link"]
_period = metadata.tables["period"]
_DAY_MS = 86_400_000
_SPOKEN = ("phone", "visit")
_UNKNOWN = "-"
"""Begins the groups of incidents without a category, of which it is not known what they are like."""


def _cmp_06(rid: str, q: Parameters) -> list[Part]:
    came = func.coalesce(_request.reported_at, recorded("request"))
    written = tickets("request").where(func.coalesce(_request.channel, "").not_in(_SPOKEN))
    return [
        deadline(
            rid,
            "answered",
            Words(
                f"A person answers every message about the service within {q.hours} hours.",
                f"Nobody answered the message within {q.hours} hours.",
                "Answer the customer, and find out why nobody did in time.",
            ),
            unit=written.opening(func.coalesce(came, 0)),
            due=hours_after(came, q.hours),
            evidence=any_of(at(entered("request", "first_response_at")), told("request", came)),
            fields=("channel", "reported_at", "first_response_at"),
        )
    ]


def _cmp_07(rid: str, q: Parameters) -> list[Part]:
    services = each_month_of_services()
    resolved, repeated = _resolved(services, q.window_days)
    share = f"{q.max_share * 100:g}"
    return [
        ratio(
            rid,
            "lasting",
            Words(
                f"Of the incidents resolved in a month at most {share} per cent come back within {q.window_days} days.",
                f"More than {share} per cent of the incidents resolved in the month came back.",
                "Find out which repairs do not last, and open a problem for them.",
            ),
            unit=services,
            of=resolved,
            good=repeated,
            share=q.max_share,
            at_most=True,
            judged_at=days_after(_period.c.ends_at - 1, q.window_days),
        )
    ]


def _resolved(services: Unit, window_days: int) -> tuple[Rows, ColumnElement[Any]]:
    """Incidents of the service by the month of their last resolution; also returns whether each came back.

    It came back if it was taken up again, or if another of its category on the same item, or on none, was
    reported for the service within the window. Without a category that is not known.
    """
    month = _period.alias()
    followed = _followed(window_days)
    began = (
        select(month.c.starts_at)
        .where(month.c.unit == "month", month.c.starts_at <= followed.c.at)
        .order_by(month.c.starts_at.desc())
        .limit(1)
        .correlate_except(month)
        .scalar_subquery()
    )
    member = (
        select(
            followed.c.service,
            followed.c.sid,
            followed.c.at,
            began.label("month"),
            followed.c.back,
        )
        .limit(NEVER)
        .subquery("member")
    )
    m: Any = member.c
    in_month = member.join(_period, and_(_period.c.unit == "month", _period.c.starts_at == m.month))
    found = Rows(
        kind="incident",
        table=member,
        on=and_(m.service == services.sid, m.month == _period.c.starts_at),
        at=m.at,
        record=m.sid,
        declared=false(),
        reads={"incident": "near"},
        needs=(Need("incident", frozenset({"service_ids", "resolved_at", "category", "ci_ids"}), evidence=True),),
        member=Member(unit=m.service, sid=m.sid, joined=in_month),
    )
    return found, case((m.back == 1, true()), (m.back == 0, false()), else_=null())


def _followed(window_days: int) -> FromClause:
    """Select (service, sid, at, back) of resolved incidents: 1 = it came back, NULL = not known."""
    link, item, i = _link.alias(), _link.alias(), _incident.alias()
    again = child_tables["incident", "reopens"].alias()
    window = window_days * _DAY_MS
    step = union_all(select(literal(0).label("step")), select(literal(ASKED))).subquery("both").c.step
    at = case((step == ASKED, i.c.resolved_at), else_=func.coalesce(i.c.reported_at, i.c.recorded_at, i.c.created_at))
    thing = cast(func.coalesce(item.c.target, 0), Text)
    without = func.coalesce(i.c.category, "") == ""
    named = link.join(i, i.c.sid == link.c.sid).outerjoin(item, and_(item.c.sid == i.c.sid, item.c.type == "ci_ids"))
    rows = (
        select(
            link.c.target.label("unit"),
            case(
                (without, literal(_UNKNOWN).concat(thing)), else_=thing.concat(" ").concat(func.lower(i.c.category))
            ).label("grp"),
            at.label("at"),
            step.label("step"),
            i.c.sid.label("sid"),
            case((and_(step == ASKED, exists().where(again.c.sid == i.c.sid).correlate_except(again)), 1)).label(
                "value"
            ),
        )
        .select_from(named.join(step.table, true()))
        .where(
            touched(link.c.target),
            changed(i.c.sid),
            link.c.type == "service_ids",
            func.coalesce(i.c.status_category, "").not_in(("cancelled", "rejected")),
            at.is_not(None),
        )
    )
    d = in_line(rows, before=0, after=window).subquery("laid").c
    following = func.min(
        case((d.step != ASKED, d.at))
    ).over(  # backwards, so that only the least so far is kept in mind
        partition_by=(d.unit, d.grp), order_by=(d.at.desc(), d.step.desc()), rows=(None, 0)
    )
    a = select(d.unit, d.grp, d.at, d.step, d.sid, d.value, following.label("following")).subquery("ahead").c
    soon = func.coalesce(a.following, NEVER) <= a.at + window
    back = case((a.value == 1, 1), (func.substr(a.grp, 1, 1) == _UNKNOWN, None), (soon, 1), else_=0)
    return (
        select(a.unit.label("service"), a.sid, func.max(a.at).label("at"), func.max(back).label("back"))
        .where(a.step == ASKED, touched(a.unit), changed(a.sid))
        .group_by(a.unit, a.sid)
        .subquery("followed")
    )


DECLARATIONS: dict[str, Declare] = {"CMP-06": _cmp_06, "CMP-07": _cmp_07}
"""Requirement -> what makes its parts."""
