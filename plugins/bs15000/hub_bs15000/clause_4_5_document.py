"""Clause 4.5, documents: they can be found, are put in force by somebody who may, can be read, and make room (a to e)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, true

from hub.conformance.evidence import any_of, at, fields_filled, rows
from hub.conformance.expression import business_days_after, days_after, earlier_of, filled, later_of, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, precondition, threshold
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.authorisation import authorised, begun, in_effect, start_unknown
from hub_bs15000.entry import entered_at

__all__ = ["DECLARATIONS"]

_document = kind_tables["document"]
d: Any = _document.c
_record = metadata.tables["record"]
_event = metadata.tables["event"]
_FIRST_DAY = days_after(begun(), 0)


# -- found, dated, read (a to c) --------------------------------------------------------------


def _4_5_a(rid: str, _: Parameters) -> list[Part]:
    return [
        deadline(
            rid,
            "identified",
            Words(
                "Every document in force has a title, a type and a place where it is kept.",
                "The document is in force without title, type or place.",
                "Enter its title, its type and where it is kept.",
            ),
            unit=in_effect(),
            due=_FIRST_DAY,
            evidence=fields_filled("title", "doc_type", "uri"),
            shape="completeness",
        ),
        deadline(
            rid,
            "located",
            Words(
                "Every document in force is where it is said to be: its file was read, or somebody opened it there.",
                "Nothing shows that the document can be found where it is said to be.",
                "Open the document where it is kept, and record its hash or when it was opened.",
            ),
            unit=in_effect().where(filled(d.uri)),
            due=_FIRST_DAY,
            evidence=any_of(fields_filled("hash"), fields_filled("reachable_at")),
            fields=("uri",),
            needs=[
                Need(
                    "document",
                    alternatives=(
                        Need("document", frozenset({"hash"})),
                        Need("document", frozenset({"reachable_at"})),
                    ),
                )
            ],
            shape="completeness",
        ),
    ]


def _4_5_b(rid: str, p: Parameters) -> list[Part]:
    return [
        precondition(
            rid,
            "authorised",
            Words(
                "Every document names who put it in force and when, somebody who may, no later than it takes effect.",
                "The document took effect without a date and the name of somebody who may put it in force.",
                "Have somebody in an authorising role put it in force, and record who and when.",
            ),
            unit=in_effect(),
            before=begun(),
            evidence=authorised("document", *p.roles),
            fields=("authorised_by", "authorised_at", "effective_from"),
            doubts=[start_unknown()],
        )
    ]


def _4_5_c(rid: str, _: Parameters) -> list[Part]:
    own: Any = _document.alias()
    event: Any = _event.alias()
    o = own.c
    recorded = func.coalesce(since_when(o.sid, "legibility.by", "legibility.at"), o.created_at, o.legibility_at)
    changed = exists().where(
        event.c.sid == o.sid, event.c.field.in_(("version", "hash", "uri")), event.c.at > o.legibility_at
    )
    seen = rows(
        "document",
        o.sid == d.sid,
        later_of(o.legibility_at, recorded),
        table=own,
        stated_by_unit=True,
        declared=true(),
    ).where(o.legibility_by.is_not(None), ~changed.correlate_except(event))
    return [
        deadline(
            rid,
            "legible",
            Words(
                "Somebody vouches that the present version of every document in force can be read.",
                "Nobody vouches that the present version of the document can be read.",
                "Open the document, read it, and record who saw that it can be read and when.",
            ),
            unit=in_effect(),
            due=_FIRST_DAY,
            evidence=seen,
            fields=("legibility.by", "legibility.at"),
            shape="attestation",
        )
    ]


# -- versions and places (d, e) ---------------------------------------------------------------


def _other_version(*conditions: Any) -> ColumnElement[bool]:
    """Say whether the same document has another version for which all conditions hold; each gets its columns."""
    other: Any = _document.alias()
    there, here = _record.alias(), _record.alias()
    found = exists().where(
        other.c.sid != d.sid,
        other.c.title == d.title,
        func.coalesce(other.c.doc_type, "") == func.coalesce(d.doc_type, ""),
        there.c.sid == other.c.sid,
        here.c.sid == d.sid,
        there.c.source == here.c.source,
        func.coalesce(other.c.doc_status, "") != "draft",
        *(one(other.c) for one in conditions),
    )
    return found.correlate_except(other, there, here)


def _in_force_at(instant: ColumnElement[Any]) -> Any:
    """Make a condition: that version is in force at the instant."""

    def holds(o: Any) -> ColumnElement[bool]:
        ends = earlier_of(earlier_of(o.superseded_at, o.withdrawn_at), o.vanished_at)
        return and_(o.effective_from <= instant, or_(ends.is_(None), ends > instant))

    return holds


def _4_5_d(rid: str, _: Parameters) -> list[Part]:
    units = in_effect().reading(document="all")
    versioned = ("version", "effective_from", "superseded_at")
    return [
        threshold(
            rid,
            "version",
            Words(
                "Every document in force bears a version that no other edition of it bears.",
                "The document has no version, or another edition bears the same one.",
                "Give every edition a version of its own.",
            ),
            unit=units,
            holds=and_(
                filled(d.version), ~_other_version(lambda o: o.version == d.version, lambda o: o.vanished_at.is_(None))
            ),
            at=begun(),
            fields=("version",),
        ),
        threshold(
            rid,
            "only",
            Words(
                "When a version takes effect, no other version of the document is in force any more.",
                "Another version of the document was still in force when this one took effect.",
                "Record when the version before was replaced, and withdraw it.",
            ),
            unit=units,
            holds=~_other_version(_in_force_at(d.effective_from)),
            at=begun(),
            fields=versioned,
            doubts=[start_unknown()],
        ),
        threshold(
            rid,
            "followed",
            Words(
                "When a version is replaced, the version that replaces it is in force.",
                "The version was replaced, and no other was in force at that time.",
                "Put the next version in force, or record that the document was withdrawn.",
            ),
            unit=units.where(d.superseded_at.is_not(None)).opening(later_of(d.superseded_at, begun())),
            holds=_other_version(_in_force_at(d.superseded_at)),
            at=d.superseded_at,
            fields=versioned,
        ),
        _at_hand(rid),
    ]


def _at_hand(rid: str) -> Part:
    point: Any = child_tables["document", "points_of_use"].alias()
    here = point.c.sid == d.sid
    last = (
        select(case((func.count() == func.count(point.c.available_at), func.max(point.c.available_at))))
        .where(here)
        .correlate_except(point)
        .scalar_subquery()
    )
    recorded = func.coalesce(since_when(d.sid, "points_of_use"), d.created_at, last)
    return deadline(
        rid,
        "at_hand",
        Words(
            "Every document in force is at hand at each site where it applies.",
            "Some site where the document applies does not have it, or nobody recorded where it applies.",
            "Name every site where the document applies, and see that it is at hand there.",
        ),
        unit=in_effect(),
        due=_FIRST_DAY,
        evidence=at(later_of(last, recorded)),
        fields=("points_of_use",),
        shape="completeness",
    )


def _4_5_e(rid: str, p: Parameters) -> list[Part]:
    kept = and_(d.doc_status == "obsolete_retained", filled(d.retained_reason))
    marked = func.coalesce(since_when(d.sid, "doc_status", "retained_reason"), d.created_at)
    return [
        deadline(
            rid,
            "withdrawn",
            Words(
                f"A document that was replaced is withdrawn within {p.business_days} working days, or kept and marked with the reason.",
                "The document was replaced, and it was neither withdrawn in time nor marked as kept.",
                "Withdraw the old version, or mark it as obsolete and record why it is kept.",
            ),
            unit=in_effect().where(d.superseded_at.is_not(None)).opening(later_of(d.superseded_at, begun())),
            due=business_days_after(d.superseded_at, p.business_days),
            evidence=any_of(at(entered_at(d, "withdrawn_at")), at(case((kept, marked)))),
            fields=("superseded_at", "withdrawn_at", "doc_status", "retained_reason"),
        )
    ]


DECLARATIONS: dict[str, Declare] = {
    "BS15000-4.5-a": _4_5_a,
    "BS15000-4.5-b": _4_5_b,
    "BS15000-4.5-c": _4_5_c,
    "BS15000-4.5-d": _4_5_d,
    "BS15000-4.5-e": _4_5_e,
}
"""Requirement -> what makes its parts."""
