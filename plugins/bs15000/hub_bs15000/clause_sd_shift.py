"""Service desk: enough people on duty, shifts handed over, people trained before they sit there alone (14 to 16)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select, union

from hub.conformance.continuous import periodic
from hub.conformance.evidence import Rows, at, rows
from hub.conformance.expression import CALENDAR, counted, earlier_of, minutes_after, touched
from hub.conformance.owed import NEVER
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.shape import deadline, precondition, threshold
from hub.conformance.unit import Unit, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.entry import entered_at
from hub_bs15000.ticket import KINDS_OF_TICKET, columns, over, recorded, tickets

__all__ = ["DECLARATIONS"]

_shift = kind_tables["shift"]
s: Any = _shift.c
_log_on = child_tables["shift", "log_ons"]
_day = metadata.tables["local_day"]
_link = metadata.tables["link"]
_record = metadata.tables["record"]
_DESK = ("service_desk", "service_desk_manager")
_FAILED = ("failed", "not passed")
_LONGEST_DAY_MS = 25 * 3_600_000


def _shifts() -> Unit:
    """Every shift whose times are known, owing from its start."""
    return unit("shift").where(s.start.is_not(None), s.end > s.start).opening(s.start)


def _staffed(needed: ColumnElement[Any]) -> Any:
    """Select (sid, staffed): for how many milliseconds of each shift enough different people were logged on."""
    points = []
    for instant in (None, "on", "off"):
        entry: Any = _log_on.alias()
        if instant is None:
            points.append(select(s.sid, s.start.label("at")).where(touched(s.sid)))
            continue
        moved = select(entry.c.sid, entry.c[instant]).select_from(_shift.join(entry, entry.c.sid == s.sid))
        points.append(moved.where(touched(s.sid), entry.c[instant] > s.start, entry.c[instant] < s.end))
    point = union(*points).subquery("point")
    following = func.lead(point.c.at).over(partition_by=point.c.sid, order_by=point.c.at)
    span = select(point.c.sid, point.c.at, following.label("next")).subquery("span")
    there: Any = _log_on.alias()
    on = and_(there.c.on <= span.c.at, or_(there.c.off.is_(None), there.c.off > span.c.at))
    enough = counted(there, there.c.sid == span.c.sid, on, of=there.c.person) >= needed
    length = func.coalesce(span.c.next, s.end) - span.c.at
    return (
        select(span.c.sid, func.sum(case((enough, length), else_=0)).label("staffed"))
        .select_from(span.join(_shift, s.sid == span.c.sid))
        .group_by(span.c.sid)
        .subquery("staffing")
    )


def _sd_14(rid: str, q: Parameters) -> list[Part]:
    least = case((s.type == "night", literal(q.night_seats)), else_=literal(q.day_seats))
    needed = case((s.planned_seats > least, s.planned_seats), else_=least)
    staffing = _staffed(needed)
    share = round(q.min_share * 1000)
    units = _shifts()
    unknown = (s.type.is_(None), "whether it is a day or a night shift is not recorded")
    return [
        threshold(
            rid,
            "planned",
            Words(
                f"Every shift is planned with {q.day_seats} seats by day and {q.night_seats} by night, at least.",
                "The shift was planned with too few seats.",
                "Plan enough people for the shift.",
            ),
            unit=units,
            holds=s.planned_seats >= least,
            at=s.start,
            fields=("planned_seats", "type", "start", "end"),
            doubts=[unknown, (s.planned_seats.is_(None), "how many seats were planned is not recorded")],
        ),
        threshold(
            rid,
            "staffed",
            Words(
                f"The planned seats are taken for {share / 10:g} per cent of the shift.",
                "Too few people were logged on for a part of the shift.",
                "Find out who was missing, and who steps in next time.",
            ),
            unit=replace(units, rows=_shift.join(staffing, staffing.c.sid == s.sid)),
            holds=staffing.c.staffed * 1000 >= (s.end - s.start) * share,
            at=s.end,
            fields=("log_ons", "type", "start", "end"),
            doubts=[unknown],
        ),
    ]


def _sd_15(rid: str, q: Parameters) -> list[Part]:
    h: Any = kind_tables["handover"].c
    near = and_(h.at >= minutes_after(s.end, -q.minutes), h.at <= minutes_after(s.end, q.minutes))
    signed = and_(h.confirmed_from == literal(value=True), h.confirmed_to == literal(value=True))
    here = or_(h.site.is_(None), s.site.is_(None), h.site == s.site)
    record = rows(
        "handover",
        and_(near, here),
        entered_at(h, "at"),
        fields=frozenset({"at", "confirmed_from", "confirmed_to"}),
        reach="all",
    )
    return [
        deadline(
            rid,
            "handed_over",
            Words(
                f"Within {q.minutes} minutes of its end every shift is handed over in writing, confirmed by both sides.",
                "The shift was not handed over in writing, or one side did not confirm it.",
                "Write the hand-over down and have both sides confirm it.",
            ),
            unit=_shifts().opening(s.end),
            due=minutes_after(s.end, q.minutes),
            evidence=record.where(signed),
            fields=("end",),
            shape="completeness",
        ),
        *(_listed(rid, kind) for kind in KINDS_OF_TICKET),
    ]


def _handed() -> Any:
    """Select (sid, at, day_no) of the hand-overs of shifts; the day lets a ticket find those of its own days."""
    handover: Any = kind_tables["handover"].alias()
    day = _day.alias()
    number = (
        select(day.c.day_no)
        .where(day.c.calendar == CALENDAR, day.c.starts_at <= handover.c.at)
        .order_by(day.c.starts_at.desc())
        .limit(1)
        .correlate_except(day)
        .scalar_subquery()
    )
    columns_of = (handover.c.sid, handover.c.at, number.label("day_no"))
    shifts_only = (handover.c.requested_at.is_(None), handover.c.vanished_at.is_(None))
    return select(*columns_of).where(*shifts_only).limit(NEVER).subquery("handed")


def _listed(rid: str, kind: str) -> Part:
    """Owed by the ticket, which knows when it was open; a hand-over cannot know what it forgot."""
    t, handed, link, table = columns(kind), _handed(), _link.alias(), kind_tables[kind]
    ended = func.coalesce(over(kind), NEVER)
    base = tickets(kind).where(or_(t.priority.in_(("P1", "P2")), t.priority.is_(None)))
    # a day has 25 hours at most: with both ends of its start given, the days of a ticket are looked up
    lasting = (_day.c.ends_at > recorded(kind), _day.c.starts_at > recorded(kind) - _LONGEST_DAY_MS)
    days = replace(base, rows=table.join(_day, and_(_day.c.calendar == CALENDAR, *lasting, _day.c.starts_at <= ended)))
    lived = (t.sid.label("sid"), _day.c.day_no, recorded(kind).label("since"), ended.label("until"))
    alive = days.select(*lived).limit(NEVER).subquery("alive")
    met = and_(handed.c.day_no == alive.c.day_no, handed.c.at >= alive.c.since, handed.c.at < alive.c.until)
    owing = replace(
        base,
        rows=alive.join(handed, met).join(table, t.sid == alive.c.sid),
        conditions=(),
        anchor=handed.c.sid,
        opened=handed.c.at,
        reads={**base.reads, "handover": "all", "calendar": "all"},
    )
    named = exists().where(link.c.sid == handed.c.sid, link.c.type == "open_ticket_ids", link.c.target == t.sid)
    return deadline(
        rid,
        f"open_{kind}s",
        Words(
            f"The hand-over of a shift lists every open {kind} of the two highest priorities.",
            f"The hand-over of the shift forgot the open {kind}.",
            f"Tell those on duty of the {kind}, and complete the record.",
        ),
        unit=owing,
        due=handed.c.at,
        evidence=at(case((named.correlate_except(link), handed.c.at))),
        fields=("priority", "resolved_at"),
        doubts=[(t.priority.is_(None), "its priority is not recorded")],
        shape="completeness",
    )


def _desk_staff() -> tuple[Unit, ColumnElement[Any]]:
    """Every human who ever logged on at the desk, with when that was first."""
    person, login = kind_tables["person"], _record.alias()
    human = func.coalesce(login.c.canonical, login.c.sid)
    first = (
        select(human.label("sid"), func.min(_log_on.c.on).label("at"))
        .select_from(_log_on.join(login, login.c.sid == _log_on.c.person))
        .group_by(human)
        .subquery("first")
    )
    base = unit("person").opening(first.c.at).reading(person="all", shift="all", identity="all")
    return replace(base, rows=first.join(person, person.c.sid == first.c.sid)), first.c.at


def _training() -> Rows:
    """Training for the desk of the same human, that was not failed."""
    t: Any = kind_tables["training_record"].c
    trained = _record.alias()
    person = kind_tables["person"].c
    same = exists().where(trained.c.sid == t.person, func.coalesce(trained.c.canonical, trained.c.sid) == person.sid)
    found = rows(
        "training_record",
        same.correlate_except(trained),
        entered_at(t, "completed_at"),
        fields=frozenset({"person", "role", "completed_at"}),
        reach="all",
    )
    found = found.where(t.role.in_(_DESK), func.lower(func.coalesce(t.result, "")).not_in(_FAILED))
    return replace(found, reads={**found.reads, "identity": "all"})


def _sd_16(rid: str, q: Parameters) -> list[Part]:
    units, first = _desk_staff()
    t: Any = kind_tables["training_record"].c
    person = kind_tables["person"].c
    completed = earlier_of(t.completed_at, t.valid_to)
    return [
        precondition(
            rid,
            "before_first_shift",
            Words(
                "Everybody is trained for the service desk before the first shift.",
                "Somebody sat at the service desk without having been trained for it.",
                "Train the person, and do not leave the desk to her or him alone until then.",
            ),
            unit=units,
            before=first,
            evidence=_training(),
        ),
        periodic(
            rid,
            "refreshed",
            Words(
                f"Everybody at the service desk is trained again at least every {q.refresh_days} days.",
                "Somebody at the service desk was not trained again in time.",
                "Train the person again.",
            ),
            unit=units,
            evidence=_training(),
            at=completed,
            days=q.refresh_days,
            end=person.active_to,
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"SD-14": _sd_14, "SD-15": _sd_15, "SD-16": _sd_16}
"""Requirement -> what makes its parts."""
