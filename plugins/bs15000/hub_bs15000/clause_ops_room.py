"""Operations: rounds through the rooms, visitors, backups elsewhere, logs (OPS-01, 02, 04, 05)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import BigInteger, and_, case, exists, func, literal, or_, select, true, union_all

from hub.conformance.continuous import holding, in_force, periodic
from hub.conformance.evidence import Rows, at, rows
from hub.conformance.expression import business_days_after, filled, hours_after, later_of
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.relation import linked
from hub.conformance.shape import deadline, precondition, threshold
from hub.conformance.unit import Unit, organisation, unit
from hub.store.schema import child_tables, kind_tables
from hub_bs15000.entry import entered_at
from hub_bs15000.people import EMPLOYMENT_UNKNOWN, PEOPLE, employment

__all__ = ["DECLARATIONS"]

_inspection = kind_tables["inspection"]
i: Any = _inspection.c
a: Any = kind_tables["room_access"].c
b: Any = kind_tables["backup_run"].c
store: Any = kind_tables["log_store"].c
_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000


# -- rooms ------------------------------------------------------------------------------------


def _rounds() -> Any:
    """Every inspection and every review of the premises, from when it was recorded."""
    one, two = _inspection.alias().c, kind_tables["review"].alias().c

    def of(c: Any, field: str, *conditions: Any) -> Any:
        seen = (c.sid, c.site, c[field].label("day"), entered_at(c, field).label("at"), c.declared_by, c.expires_at)
        return select(*seen, c.vanished_at).where(c[field].is_not(None), *conditions)

    return union_all(of(one, "inspected_at"), of(two, "held_at", two.type == "facility")).subquery("rounds")


def _sites() -> tuple[Unit, Any]:
    """Every site that was ever inspected, owed by its first inspection; also returns its name as `site`."""
    own = _inspection.alias()
    kept = (
        select(
            func.min(own.c.sid).label("sid"),
            own.c.site,
            func.min(func.coalesce(own.c.inspected_at, own.c.created_at, 0)).label("since"),
        )
        .where(filled(own.c.site), own.c.vanished_at.is_(None))
        .group_by(own.c.site)
        .subquery("place")
    )
    units = Unit(
        kind="inspection",
        rows=kept,
        sid=kept.c.sid,
        anchor=literal(0, BigInteger),
        opened=kept.c.since,
        conditions=(),
        reads={"inspection": "all"},
        has_envelope=False,
    )
    return units, kept.c


def _ops_01(rid: str, p: Parameters) -> list[Part]:
    anywhere, there = _rounds().c, _rounds().c
    sites, kept = _sites()
    days = p.max_interval_days

    def inspected(one: Any, on: Any) -> Rows:
        fields = frozenset({"inspected_at", "site"})
        found = rows("inspection", on, one.at, fields=fields, table=one.sid.table, lost=one.vanished_at, reach="all")
        held = Need("review", frozenset({"type", "held_at"}), evidence=True)
        return replace(found, reads={**found.reads, "review": "all"}, needs=(*found.needs, held))

    return [
        periodic(
            rid,
            "inspected",
            Words(
                f"Technical rooms are inspected at least every {days} days.",
                f"For more than {days} days no inspection was recorded.",
                "Inspect the rooms now, and keep the log.",
            ),
            unit=organisation(),
            evidence=inspected(anywhere, anywhere.sid.is_not(None)),
            at=anywhere.day,
            days=days,
        ),
        in_force(
            rid,
            "each_site",
            Words(
                f"Every site that is inspected is inspected again at least every {days} days.",
                f"For more than {days} days the site was not inspected.",
                "Inspect the site now, and keep the log.",
            ),
            unit=sites.reading(review="all"),
            evidence=inspected(there, there.site == kept.site),
            until=holding(there.day, days),
            first=holding(kept.since, days),
            shape="periodic",
        ),
        deadline(
            rid,
            "defects",
            Words(
                "For defects an inspection finds an incident is raised by the next working day.",
                "The inspection found defects, and no incident was raised for them in time.",
                "Raise an incident for every defect, and link it to the inspection.",
            ),
            unit=unit("inspection")
            .where(i.defects.is_not(None))
            .opening(func.coalesce(i.inspected_at, i.created_at, 0)),
            due=business_days_after(later_of(i.inspected_at, func.coalesce(i.created_at, i.inspected_at)), 1),
            evidence=linked(i.sid, ("incident",)),
            fields=("defects", "incident_ids", "inspected_at"),
            needs=[Need("incident", evidence=True)],
        ),
    ]


def _ops_02(rid: str, p: Parameters) -> list[Part]:
    bound = employment(a.person)
    outsiders = unit("room_access").where(func.coalesce(bound, "external") != "employee").reading(**PEOPLE)
    unknown = (and_(bound.is_(None), a.party.is_(None)), EMPLOYMENT_UNKNOWN)
    return [
        precondition(
            rid,
            "approved",
            Words(
                "Outsiders enter an equipment room only after somebody approved it.",
                "An outsider entered the room before anybody had approved it.",
                "Find out who let the person in, and have entry approved beforehand.",
            ),
            unit=outsiders,
            before=a.in_at,
            evidence=at(case((a.approved_by.is_not(None), entered_at(a, "approved_at")))),
            fields=("person", "approved_by", "approved_at", "in_at"),
            doubts=[unknown],
        ),
        deadline(
            rid,
            "left",
            Words(
                f"It is logged within {p.hours} hours that the visitor has left.",
                "It was not logged in time that the visitor has left.",
                "Find out whether the person is still there, and complete the log.",
            ),
            unit=outsiders.where(a.in_at.is_not(None)).opening(a.in_at),
            due=hours_after(a.in_at, p.hours),
            evidence=at(entered_at(a, "out_at")),
            fields=("person", "in_at", "out_at"),
            doubts=[unknown],
        ),
    ]


# -- backups and logs -------------------------------------------------------------------------


def _ops_04(rid: str, p: Parameters) -> list[Part]:
    fields = frozenset({"started_at", "result", "copies", "offsite", "keeper"})
    made = rows("backup_run", b.sid.is_not(None), entered_at(b, "started_at"), fields=fields, reach="all")
    whole = (b.result == "success", b.copies >= p.copies, b.offsite == true(), b.keeper.is_not(None))
    return [
        periodic(
            rid,
            "copied",
            Words(
                f"At least every {p.max_interval_days} days data are copied {p.copies} times, one copy off site with a keeper.",
                f"For more than {p.max_interval_days} days no such backup was made.",
                "Make the copies now, bring one elsewhere, and name who keeps it.",
            ),
            unit=organisation(),
            evidence=made.where(*whole),
            at=b.started_at,
            days=p.max_interval_days,
            warn_days=1,
        )
    ]


def _looks() -> Any:
    """Every look at a log, as a row of its list or as the last one."""
    look, own = child_tables["log_store", "reviews"].alias(), kind_tables["log_store"].alias()
    listed = select(look.c.sid, look.c.at.label("day"), own.c.created_at, own.c.declared_by, own.c.expires_at)
    listed = listed.select_from(look.join(own, own.c.sid == look.c.sid))
    last = kind_tables["log_store"].alias().c
    latest = select(last.sid, last.reviewed_at.label("day"), last.created_at, last.declared_by, last.expires_at)
    return union_all(listed, latest.where(last.reviewed_at.is_not(None))).subquery("look")


def _ops_05(rid: str, p: Parameters) -> list[Part]:
    told = func.coalesce(store.updated_at, store.created_at, store.newest)
    since = store.newest - literal(p.retention_days * _DAY_MS, BigInteger)
    whole = or_(store.oldest <= since, func.coalesce(store.oldest <= store.kept_from, literal(value=False)))
    gap = child_tables["log_store", "gap_spans"].alias()
    long = func.coalesce(gap.c.end, store.newest, told) - gap.c.start > p.max_gap_hours * _HOUR_MS
    gaps = exists().where(gap.c.sid == store.sid, long).correlate_except(gap)
    measured = exists().where(gap.c.sid == store.sid).correlate_except(gap)
    look = _looks().c
    logs = unit("log_store")
    return [
        threshold(
            rid,
            "retained",
            Words(
                f"A log goes back {p.retention_days} days, or to its beginning.",
                "Older entries of the log are gone before their time.",
                "Find out where the older entries are, and keep the log long enough.",
            ),
            unit=logs,
            holds=whole,
            at=told,
            fields=("oldest", "newest"),
            doubts=[
                (or_(store.oldest.is_(None), store.newest.is_(None)), "how far the log goes back is not recorded"),
                (and_(store.oldest > since, store.kept_from.is_(None)), "when the log began is not recorded"),
            ],
        ),
        threshold(
            rid,
            "without_gaps",
            Words(
                f"No log has a gap of more than {p.max_gap_hours} hours.",
                "Entries are missing in the log for too long a time.",
                "Find out why nothing was logged, and repair it.",
            ),
            unit=logs,
            holds=~gaps,
            at=told,
            fields=("gaps", "gap_spans"),
            doubts=[(and_(store.gaps.is_not(None), ~measured), "how long its gaps are is not recorded")],
        ),
        periodic(
            rid,
            "reviewed",
            Words(
                f"Somebody looks through an access log at least every {p.review_days} days.",
                f"For more than {p.review_days} days nobody looked through the access log.",
                "Look through it now, and record the day.",
            ),
            unit=logs.where(func.coalesce(store.type, "access") == "access"),
            evidence=rows(
                "log_store",
                look.sid == store.sid,
                later_of(look.day, func.coalesce(look.created_at, look.day)),
                table=look.sid.table,
                stated_by_unit=True,
            ),
            at=look.day,
            days=p.review_days,
            fields=("reviews", "reviewed_at", "type"),
            doubts=[(store.type.is_(None), "whether it is an access log is not recorded")],
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"OPS-01": _ops_01, "OPS-02": _ops_02, "OPS-04": _ops_04, "OPS-05": _ops_05}
"""Requirement -> what makes its parts."""
