"""Complaint handling: types, findings, written results, corrections, serious complaints (01 to 04, 09)."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_

from hub.conformance.evidence import at, fields_filled
from hub.conformance.expression import business_days_after, filled, hours_after, later_of, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, precondition, threshold
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.complaint import (
    CLOSED_UNKNOWN,
    RECEIVED_UNKNOWN,
    closed,
    closed_when,
    complaints,
    f,
    in_time,
    received,
    upheld,
    written_by_people,
)
from hub_bs15000.entry import entered_at
from hub_bs15000.improvement import acted, each_action, is_action
from hub_bs15000.report import holds_role

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
_DAY_MS = 86_400_000


# -- types and findings (01, 02) --------------------------------------------------------------


def _cmp_01(rid: str, q: Parameters) -> list[Part]:
    listed = func.lower(f.category).in_([one.lower() for one in q.categories]) if q.categories else filled(f.category)
    channels = ", ".join(q.channels)
    return [
        threshold(
            rid,
            "typed",
            Words(
                f"Every complaint says what kind it is and how it came in: {channels}.",
                "The complaint says nothing of its kind or of how it came in, or something that is not on the list.",
                "Choose both from the list.",
            ),
            unit=complaints(),
            holds=and_(func.coalesce(f.channel, "").in_(q.channels), func.coalesce(listed, literal(value=False))),
            at=func.coalesce(f.created_at, f.recorded_at, f.received_at, 0),
            fields=("channel", "category"),
        )
    ]


def _cmp_02(rid: str, _: Parameters) -> list[Part]:
    return [
        precondition(
            rid,
            "found",
            Words(
                "When a complaint is closed it says whether it was right, and what caused it.",
                "The complaint was closed, and it does not say whether it was right or what caused it.",
                "Add the finding and the cause.",
            ),
            unit=closed(),
            before=closed_when,
            evidence=fields_filled("investigation.finding", "investigation.cause"),
            fields=("closed_at",),
            doubts=[CLOSED_UNKNOWN],
        )
    ]


# -- the result in writing, and what is done (03, 04) -----------------------------------------


def _cmp_03(rid: str, q: Parameters) -> list[Part]:
    written, m = written_by_people()
    to, login, own, human = _link.alias(), _record.alias(), _record.alias(), kind_tables["person"].alias()

    def sent_to(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        named = (to.c.sid == m.sid, to.c.type == "to_persons", login.c.sid == to.c.target)
        return exists().where(*named, *conditions).correlate_except(to, login, own, human)

    same = and_(own.c.sid == f.complainant, own.c.canonical == login.c.canonical)
    theirs = and_(human.c.sid == func.coalesce(login.c.canonical, login.c.sid), human.c.party == f.complainant)
    told = or_(sent_to(login.c.sid == f.complainant), sent_to(same), sent_to(theirs))
    unnamed = ~sent_to()
    found = written.where(written.at >= func.coalesce(f.investigation_at, received), or_(told, unnamed))
    found = found.doubtful(unnamed, "to whom the message went is not known")
    found = found.doubtful(f.complainant.is_(None), "who complains is not recorded")
    return [
        deadline(
            rid,
            "written",
            Words(
                f"Whoever complains has the result in writing within {q.business_days} working days after the closing.",
                "The complaint was closed, and whoever complains does not have the result in writing.",
                "Send the result in writing.",
            ),
            unit=closed(),
            due=business_days_after(closed_when, q.business_days),
            evidence=replace(found, reads={**found.reads, "identity": "all", "person": "all"}),
            fields=("closed_at", "complainant"),
            doubts=[CLOSED_UNKNOWN],
            shape="completeness",
        )
    ]


def _cmp_04(rid: str, q: Parameters) -> list[Part]:
    found_at = later_of(
        f.investigation_at, func.coalesce(since_when(f.sid, "investigation.at"), f.created_at, f.investigation_at)
    )
    units = complaints().where(upheld()).opening(func.coalesce(found_at, f.updated_at, f.created_at, 0))
    doubts = [(f.investigation_at.is_(None), "when it was looked into is not recorded")]
    actions, a = each_action(units)
    return [
        deadline(
            rid,
            "acted",
            Words(
                f"A complaint that was right leads to an action within {q.business_days} working days, or to a decision.",
                "The complaint was right, and nothing came of it in time.",
                "Open an action for the unit that answers for it, or record who decided that none is needed and why.",
            ),
            unit=units,
            due=business_days_after(found_at, q.business_days),
            evidence=acted(f.sid),
            fields=("investigation.finding", "investigation.at", "actions"),
            doubts=doubts,
        ),
        deadline(
            rid,
            "done",
            Words(
                "The action is done by its date.",
                "The action that came of the complaint was not done by its date.",
                "Finish the action, or have another date agreed.",
            ),
            unit=actions.where(or_(a.sid.is_(None), is_action(a))),
            due=a.due_at,
            evidence=at(entered_at(a, "closed_at")),
            fields=("investigation.finding", "actions"),
            doubts=[(a.sid.is_(None), "the action it names was not read")],
            needs=[Need("improvement_action", frozenset({"due_at", "closed_at"}), evidence=True)],
        ),
    ]


# -- serious ones (09) ------------------------------------------------------------------------


def _cmp_09(rid: str, q: Parameters) -> list[Part]:
    serious = func.coalesce(func.lower(f.severity), q.serious[0]).in_(q.serious)
    ungraded = (f.severity.is_(None), "how serious it is is not recorded")
    escalated = entered_at(f, "escalated_at")
    to_the_top = holds_role(f.escalated_to, f.escalated_at, "top_management")
    return [
        deadline(
            rid,
            "escalated",
            Words(
                f"Top management hears of a serious complaint within {q.hours} hours.",
                "Top management did not hear of the serious complaint in time.",
                "Tell top management now, and record whom and when.",
            ),
            unit=complaints().where(serious).reading(role_assignment="all", identity="all"),
            due=hours_after(received, q.hours),
            evidence=in_time(case((to_the_top, escalated))),
            fields=("severity", "received_at", "escalated_at", "escalated_to"),
            doubts=[RECEIVED_UNKNOWN, ungraded],
            needs=[Need("role_assignment", frozenset({"role"}), evidence=True)],
        ),
        threshold(
            rid,
            "compared",
            Words(
                "A serious complaint is compared with earlier ones like it, or it is said that there are none.",
                "The complaint was closed, and it was not compared with every earlier one like it.",
                "Look at the earlier complaints about the same service and of the same kind, and name them.",
            ),
            unit=closed().where(serious).reading(complaint="all"),
            holds=_compared(q.lookback_days),
            at=closed_when,
            fields=("severity", "closed_at", "compared", "category", "service_ids"),
            doubts=[CLOSED_UNKNOWN, ungraded, (~filled(f.category), "its kind is not recorded")],
        ),
    ]


def _compared(lookback_days: int) -> ColumnElement[bool]:
    """Say whether it names every complaint like it of the days before, or states rightly that there is none."""
    earlier, mine, its, named = kind_tables["complaint"].alias(), _link.alias(), _link.alias(), _link.alias()
    e = earlier.c
    then = func.coalesce(e.received_at, e.recorded_at, e.created_at)
    service = exists().where(
        mine.c.sid == f.sid,
        mine.c.type == "service_ids",
        its.c.sid == e.sid,
        its.c.type == "service_ids",
        its.c.target == mine.c.target,
    )
    alike = (
        e.sid != f.sid,
        func.lower(e.category) == func.lower(f.category),
        then <= received,
        then >= received - lookback_days * _DAY_MS,
        service.correlate_except(mine, its),
    )
    listed = exists().where(named.c.sid == f.sid, named.c.type == "compared")
    left_out = ~listed.where(named.c.target == e.sid).correlate_except(named)
    missing = exists().where(*alike, left_out).correlate_except(earlier)
    said = or_(listed.correlate_except(named), func.coalesce(f.none_alike, literal(value=False)) == literal(value=True))
    return and_(said, ~missing)


DECLARATIONS: dict[str, Declare] = {
    "CMP-01": _cmp_01,
    "CMP-02": _cmp_02,
    "CMP-03": _cmp_03,
    "CMP-04": _cmp_04,
    "CMP-09": _cmp_09,
}
"""Requirement -> what makes its parts."""
