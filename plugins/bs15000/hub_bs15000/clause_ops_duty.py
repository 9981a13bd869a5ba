"""Operations: duties are handed over, every process has its procedure (OPS-08, 10)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import and_, exists, func, or_, true

from hub.conformance.evidence import Rows, rows
from hub.conformance.expression import days_after, later_of, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.shape import precondition
from hub.conformance.unit import unit
from hub.store.schema import kind_tables
from hub_bs15000.document_control import doc, says
from hub_bs15000.entry import entered_at
from hub_bs15000.people import same_human
from hub_bs15000.process import procedures, spoken

__all__ = ["DECLARATIONS"]

_duty = kind_tables["role_assignment"]
d: Any = _duty.c
h: Any = kind_tables["handover"].c
_document: Any = kind_tables["document"].c


def _handovers(at: Any, *fields: str) -> Rows:
    """Evidence: this duty, or whatever its holder has, is handed over as a duty; those of a shift are none."""
    own = and_(h.duty_id.is_(None), same_human(h.from_, d.person))
    found = rows(
        "handover",
        and_(or_(h.duty_id == d.sid, own), h.requested_at.is_not(None), h.requested_at >= func.coalesce(d.from_, 0)),
        at,
        fields=frozenset({"from", "requested_at", *fields}),
        lost=h.vanished_at,
        reach="all",
    )
    return replace(found, reads={**found.reads, "identity": "all"})


def _ops_08(rid: str, p: Parameters) -> list[Part]:
    again = _duty.alias()
    goes_on = (
        exists()
        .where(
            again.c.sid != d.sid,
            again.c.person == d.person,
            again.c.role == d.role,
            again.c.service == d.service,
            func.coalesce(again.c.from_, 0) <= d.to,
            or_(again.c.to.is_(None), again.c.to > d.to),
        )
        .correlate_except(again)
    )
    leaving = unit("role_assignment").where(d.service.is_not(None), d.to.is_not(None), ~goes_on)
    leaving = leaving.reading(role_assignment="all", calendar="all")
    entered = since_when(h.sid, "confirmed_from", "confirmed_to", "manager")
    signed = _handovers(
        later_of(h.at, func.coalesce(entered, h.created_at, h.at)), "at", "confirmed_from", "confirmed_to", "manager"
    )
    return [
        precondition(
            rid,
            "requested",
            Words(
                f"Whoever gives up a duty for a service says so {p.days} days before.",
                f"The duty ended, and nobody had asked for that {p.days} days before.",
                "Ask for it in time, so that a successor can be found.",
            ),
            unit=leaving,
            before=days_after(d.to, -p.days),
            evidence=_handovers(entered_at(h, "requested_at")),
            fields=("person", "to", "service"),
        ),
        precondition(
            rid,
            "signed",
            Words(
                "The duty is handed over, signed by who leaves, who follows and the manager, before it ends.",
                "The duty ended without a hand-over that all three had signed.",
                "Make up for the hand-over, and have all three sign it.",
            ),
            unit=leaving,
            before=d.to,
            evidence=signed.where(h.confirmed_from == true(), h.confirmed_to == true(), h.manager.is_not(None)),
            fields=("person", "to", "service"),
        ),
    ]


def _ops_10(rid: str, p: Parameters) -> list[Part]:
    return [_procedure(rid, topic, p.review_days) for topic in p.topics]


def _procedure(rid: str, topic: str, days: int) -> Part:
    named = func.lower(func.trim(_document.process)).in_((topic, spoken(topic)))
    return doc(
        rid,
        topic,
        Words(
            f"A reviewed procedure on {spoken(topic)} is in force without a gap.",
            f"No reviewed procedure on {spoken(topic)} was in force throughout the month.",
            "Write or review the procedure, and have it authorised.",
        ),
        procedures(topic),
        days,
        or_(_document.doc_type != "procedure", named, says("document", topic, spoken(topic))),
    )


DECLARATIONS: dict[str, Declare] = {"OPS-08": _ops_08, "OPS-10": _ops_10}
"""Requirement -> what makes its parts."""
