"""Clause 7.1, incident management: incidents are resolved in the agreed time and closed (g, h)."""

from __future__ import annotations

from hub.conformance.clock import clock, kept
from hub.conformance.expression import business_days_after
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.shape import completeness, deadline
from hub_bs15000.closure import closed_by_somebody, resolved_first
from hub_bs15000.ticket import columns, tickets

__all__ = ["DECLARATIONS"]

i = columns("incident")


def _7_1_g(rid: str, _q: Parameters) -> list[Part]:
    return [
        kept(
            rid,
            "in_time",
            Words(
                "Every incident is resolved within the agreed time.",
                "The incident was not resolved within the agreed time.",
                "Resolve the incident, and record why it took longer.",
            ),
            of=clock(tickets("incident"), "resolution"),
            fields=("resolved_at",),
        ),
        completeness(
            rid,
            "recorded",
            Words(
                "A resolved incident says by what means it was resolved, by list and in words.",
                "The incident was resolved without saying how.",
                "Record how the incident was resolved.",
            ),
            unit=tickets("incident"),
            fields=("resolution_code", "resolution_note"),
            by=i.resolved_at,
        ),
    ]


def _7_1_h(rid: str, q: Parameters) -> list[Part]:
    return [
        deadline(
            rid,
            "closed",
            Words(
                f"A resolved incident is closed by somebody within {q.business_days} working days.",
                f"The resolved incident was not closed within {q.business_days} working days.",
                "Ask the customer whether it works, and close the incident.",
            ),
            unit=tickets("incident").where(i.resolved_at.is_not(None)).opening(i.resolved_at),
            due=business_days_after(i.resolved_at, q.business_days),
            evidence=closed_by_somebody("incident"),
            fields=("resolved_at", "closed_at", "events"),
            shape="completeness",
        ),
        resolved_first(rid, "resolved_first", "incident"),
    ]


DECLARATIONS: dict[str, Declare] = {"BS15000-7.1-g": _7_1_g, "BS15000-7.1-h": _7_1_h}
"""Requirement -> what makes its parts."""
