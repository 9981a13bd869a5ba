"""What ties the register to tickets that only the history knows: visits, what customers said of them, an amended contract."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from hub.clock import format_instant
from hub_sandbox.office_hours import DAY_MS, HOUR_MS, OfficeHours
from hub_sandbox.review_plan import Declared

if TYPE_CHECKING:
    from hub_sandbox.organisation import Organisation
    from hub_sandbox.timeline import Issue

__all__ = ["plan_visits"]

_VISITS = (
    ("retail-2026-02-11", "retail", "shop", date(2026, 2, 11), 4),
    ("personnel-2026-05-13", "personnel", "payroll", date(2026, 5, 13), 5),
    ("retail-2026-09-16", "retail", "shop", date(2026, 9, 16), None),
)
"""Row, customer, service, day, and what the customer gave it; None = no answer came, and nobody wrote that down."""
_AMENDED = "printing-2"
_SIGNED = date(2026, 8, 20)


def plan_visits(organisation: Organisation, hours: OfficeHours, faulty: set[Issue]) -> dict[str, list[Declared]]:
    """Return rows of visits, forms and contracts; `faulty` are issues something is wrong with."""
    visits, forms = [], []
    for identity, customer, service, day, score in _VISITS:
        start = hours.local(day, 9)
        ticket = _ticket(organisation, service, start)
        visits.append(Declared(identity, hours.local(day, 0), {"ticket_id": ticket}))
        row: dict[str, Any] = {
            "title": f"After the visit of {day}", "type": "ticket", "channel": "visit", "ticket_id": ticket,
            "customer_id": f"customers/{customer}", "sent_at": format_instant(start + 3 * HOUR_MS),
        }  # fmt: skip
        if score is not None:
            row |= {"replied_at": format_instant(start + 4 * HOUR_MS), "score": score, "scale_min": 1, "scale_max": 5}
        forms.append(Declared(f"visit-{identity}", start + 5 * HOUR_MS, row))
    change = _change(organisation, hours.local(_SIGNED, 0), faulty)
    link = {"links": [{"type": "changed_by", "target": change}]}
    return {
        "onsite_visits": visits,
        "surveys": forms,
        "contracts": [Declared(_AMENDED, hours.local(_SIGNED, 10), link)],
    }


def _ticket(organisation: Organisation, service: str, before: int) -> Issue:
    """Return the last ticket of a service made a day before."""
    return [
        issue
        for issue in organisation.issues
        if issue.fields["project"] == "OPS" and issue.fields["components"] == (service,) and issue.created_at < before - DAY_MS
    ][-1]  # fmt: skip


def _change(organisation: Organisation, before: int, faulty: set[Issue]) -> Issue:
    """Return the last normal change carried out by then without fault."""
    return [
        issue
        for issue in organisation.issues
        if issue.fields.get("type") == "Normal" and issue not in faulty and (issue.value_at("actual_end", before) or before) < before
    ][-1]  # fmt: skip
