"""How tickets end: resolved before they are closed, by whom, and kept by somebody until then."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, case, func, literal, or_

from hub.conformance.evidence import AnyOf, any_of, at
from hub.conformance.expression import filled, no_instant
from hub.conformance.part import Part, Words
from hub.conformance.shape import precondition
from hub.conformance.unit import Unit
from hub_bs15000.ticket import columns, first_event, happened, tickets

__all__ = ["closed", "closed_by_somebody", "resolved_first"]

_UNSIGNED = "who closed it is not recorded"


def closed(kind: str) -> Unit:
    """Every ticket that was closed, owing from then on."""
    t = columns(kind)
    return tickets(kind).where(t.closed_at.is_not(None)).opening(t.closed_at)


def resolved_first(rid: str, name: str, kind: str) -> Part:
    """A closed ticket was resolved before."""
    event, e = happened(kind, "resolved", "updated")
    solved = event.where(or_(e.type == "resolved", e.field.in_(("resolution_code", "resolved_at"))))
    return precondition(
        rid,
        name,
        Words(
            f"No {kind} is closed that was not resolved before.",
            f"The {kind} was closed, and nobody had resolved it before.",
            f"Resolve the {kind} first, and close it when the customer agrees.",
        ),
        unit=closed(kind),
        before=columns(kind).closed_at,
        evidence=solved,
        fields=("events", "closed_at"),
    )


def closed_by_somebody(kind: str) -> AnyOf:
    """Evidence is the event that closed the ticket, and who did it."""
    t = columns(kind)
    event, e = happened(kind, "closed")
    signed = event.where(t.closed_at.is_not(None), e.at >= func.coalesce(t.resolved_at, 0)).doubtful(
        ~filled(e.actor), _UNSIGNED
    )
    unseen = and_(t.closed_at.is_not(None), first_event(t.sid, "closed").is_(None))
    untold: Any = case((unseen, literal(_UNSIGNED)))
    return any_of(signed, at(no_instant(), lacks=untold))
