"""Service desk: what reaches the desk is registered, and with what a record must say (01, 02)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, func, literal, or_, select, union

from hub.conformance.evidence import any_of, fields_filled
from hub.conformance.expression import days_after, filled, touched
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.shape import deadline, threshold
from hub.conformance.unit import Unit, unit
from hub.records import KINDS
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.ticket import KINDS_OF_TICKET, columns, recorded, tickets, tied

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
_TICKETS = ("incident", "request", "security_incident", "problem", "change", "complaint")


def _with_tickets(owing: Unit) -> tuple[Unit, Any]:
    """Count for each unit the tickets tied to it by either end, and what was tied to it and never read."""
    table, ends = kind_tables[owing.kind], []
    for here, there in (("sid", "target"), ("target", "sid")):
        link = _link.alias()
        stated = select(link.c[here].label("sid"), link.c[there].label("other"))
        tied = stated.select_from(table.join(link, link.c[here] == table.c.sid))
        ends.append(tied.where(touched(table.c.sid), link.c.type != "same_as"))
    end, other = union(*ends).subquery("end"), _record.alias()
    found = (
        select(
            end.c.sid,
            func.sum(case((other.c.kind.in_(_TICKETS), 1), else_=0)).label("tickets"),
            func.sum(case((other.c.kind.is_(None), 1), else_=0)).label("unread"),
        )
        .select_from(end.join(other, other.c.sid == end.c.other))
        .group_by(end.c.sid)
        .subquery("tied")
    )
    owing = replace(owing, rows=owing.rows.outerjoin(found, found.c.sid == table.c.sid))
    return owing.reading(**{**dict.fromkeys(KINDS, "near"), "calendar": "all"}), found.c


def _registered(
    rid: str,
    name: str,
    thing: str,
    owing: Unit,
    *,
    came: ColumnElement[Any],
    classed: ColumnElement[bool] | None = None,
    fields: tuple[str, ...],
    doubts: tuple[Any, ...] = (),
) -> Part:
    units, tied = _with_tickets(owing.opening(func.coalesce(came, 0)))
    count = func.coalesce(tied.tickets, 0)
    known = false() if classed is None else classed
    return threshold(
        rid,
        name,
        Words(
            f"By the end of its day every {thing} belongs to exactly one ticket, or it is marked as needing none.",
            f"The {thing} belongs to no ticket, or to several.",
            f"Tie the {thing} to its one ticket, or mark it as spam or as a duplicate.",
        ),
        unit=units,
        holds=or_(count == 1, known),
        at=days_after(came, 0),
        fields=fields,
        doubts=[(and_(count == 0, func.coalesce(tied.unread, 0) > 0, ~known), "a linked record was not read"), *doubts],
    )


def _sd_01(rid: str, _q: Parameters) -> list[Part]:
    c, m, a = (kind_tables[kind].c for kind in ("contact", "communication", "alert"))
    link, service = _link.alias(), kind_tables["service"].alias()
    named = exists().where(link.c.sid == a.sid, link.c.type == "service_ids").correlate_except(link)
    in_scope = (
        exists()
        .where(link.c.sid == a.sid, link.c.type == "service_ids", service.c.sid == link.c.target)
        .where(func.coalesce(service.c.in_scope, literal(value=True)) == literal(value=True))
        .correlate_except(link, service)
    )
    automatic = or_(func.coalesce(m.auto_submitted, false()), func.coalesce(m.bounce, false()))
    sorted_out = and_(func.coalesce(m.class_, "fault_report") != "fault_report", m.class_basis.is_not(None))
    return [
        _registered(
            rid,
            "contacts",
            "call or message to the desk",
            unit("contact").where(func.coalesce(c.direction, "in") == "in"),
            came=func.coalesce(c.at, c.created_at),
            classed=func.coalesce(c.class_, "").in_(("spam", "duplicate")),
            fields=("direction", "ticket_id", "class"),
            doubts=((c.direction.is_(None), "who called whom is not recorded"),),
        ),
        _registered(
            rid,
            "mails",
            "mail to the desk",
            unit("communication").where(m.direction == "in", ~automatic),
            came=func.coalesce(m.received_at, m.created_at),
            classed=sorted_out,
            fields=("direction", "record_id", "class"),
        ),
        _registered(
            rid,
            "alerts",
            "alert of a service",
            unit("alert").where(or_(in_scope, ~named)),
            came=func.coalesce(a.started_at, a.created_at),
            fields=("ticket_id", "service_ids"),
            doubts=((~named, "which service it is about is not recorded"),),
        ),
    ]


def _sd_02(rid: str, _q: Parameters) -> list[Part]:
    parts = []
    for kind in KINDS_OF_TICKET:
        t = columns(kind)
        called = tickets(kind).where(func.coalesce(t.channel, "") != "alert")
        call, contact = tied("contact", kind, lambda contact: func.coalesce(contact.at, contact.created_at))
        parts += [
            deadline(
                rid,
                f"{kind}_details",
                Words(
                    f"Who called, what about, when, and who took the call stand in the {kind} as soon as it is registered.",
                    f"The {kind} was registered without its caller, its description, its time or its agent.",
                    "Add what is missing.",
                ),
                unit=called,
                due=recorded(kind),
                evidence=fields_filled("reporter", "description", "reported_at", "creator"),
                fields=("channel",),
                shape="completeness",
            ),
            deadline(
                rid,
                f"{kind}_reachable",
                Words(
                    f"It stands in the {kind} how the caller can be reached, as soon as it is registered.",
                    f"The {kind} was registered without saying how the caller can be reached.",
                    "Add a number or an address.",
                ),
                unit=called,
                due=recorded(kind),
                evidence=any_of(fields_filled("contact_ref"), call.where(filled(contact.channel))),
                fields=("channel", "contact_ref"),
                shape="completeness",
            ),
        ]
    c = kind_tables["contact"].c
    came = func.coalesce(c.at, c.created_at)
    parts.append(
        threshold(
            rid,
            "calls",
            Words(
                "The record of an answered call says when it came, from whom, and who took it.",
                "The record of the call does not say when it came, from whom, or who took it.",
                "Add what is missing.",
            ),
            unit=unit("contact")
            .where(c.direction == "in", func.coalesce(c.class_, "") != "spam")
            .where(func.coalesce(c.answered, literal(value=True)) == literal(value=True))
            .opening(func.coalesce(came, 0)),
            holds=and_(c.at.is_not(None), c.party.is_not(None), c.agent.is_not(None)),
            at=came,
            fields=("at", "party", "agent"),
            doubts=[(and_(c.answered.is_(None), c.agent.is_(None)), "whether the call was answered is not recorded")],
        )
    )
    return parts


DECLARATIONS: dict[str, Declare] = {"SD-01": _sd_01, "SD-02": _sd_02}
"""Requirement -> what makes its parts."""
