"""Reviews that follow from the history: of tickets solved later than promised, and of agreements after major changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from hub.clock import format_instant
from hub_sandbox.office_hours import HOUR_MS, OfficeHours
from hub_sandbox.register_rows import merge_rows, standing_rows
from hub_sandbox.review_plan import Declared
from hub_sandbox.simulation import MONTHS

if TYPE_CHECKING:
    from hub_sandbox.timeline import Issue

__all__ = ["plan_agreement_reviews", "plan_service_reviews"]

_PROMISED_H = {"P1": 4, "P2": 8, "P3": 24, "P4": 48}
"""Priority -> hours within which the agreements promise a solution: round the clock for the first two, else of the office."""
_SIDES = {"shop": ("retail", "rita", "dora"), "payroll": ("personnel", "hugo", "jonas")}
"""Service -> customer, who speaks for it, and who owns the service."""
_SECOND_AGREEMENT = date(2026, 7, 1)
"""From then on the second version of the agreement on payroll is in force."""
_EVER = 10**15
_LATER = date(2100, 1, 1)
_ROUND_THE_CLOCK = ("P1", "P2")


def plan_service_reviews(issues: Iterable[Issue], hours: OfficeHours) -> list[Declared]:
    """Return the review of every month, held in the middle of the next."""
    late = [(due, issue) for issue in issues if (due := _missed(issue, hours)) is not None]
    rows = []
    for month in range(MONTHS):
        first = date(2025 + (9 + month) // 12, (9 + month) % 12 + 1, 1)
        after = (first + timedelta(days=32)).replace(day=1)
        start, end = hours.local(first, 0), hours.local(after, 0)
        held = hours.local(after + timedelta(days=14), 14)
        row: dict[str, Any] = {
            "title": f"Service review {first:%Y-%m}",
            "type": "service_review",
            "period": f"{first:%Y-%m}",
            "held_at": format_instant(held),
            "chaired_by": "people/gustav",
            "items": [issue for due, issue in late if start <= due < end],
            "findings": "Each ticket that was late was looked at with those who worked on it.",
            "conclusions": "Most waited for the second line; it now looks at its queue twice a day.",
        }
        rows.append(Declared(f"service-review-{first:%Y-%m}", held + HOUR_MS, row))
    return rows


def plan_agreement_reviews(issues: Iterable[Issue], hours: OfficeHours) -> list[Declared]:
    """Return a review of the agreement for every major change, a week after it was carried out."""
    figures = {row["id"]: row for row in merge_rows([], standing_rows(_LATER)["measurements"])}
    rows = []
    for issue in issues:
        ended = issue.value_at("actual_end", _EVER)
        if ended is None or issue.fields.get("major_change") != "Yes":
            continue
        service = issue.fields["components"][0]
        customer, person, owner = _SIDES[service]
        held = hours.later(ended, 40)
        month = _month_before(held)
        figure = f"availability-{service}-{month}"
        row: dict[str, Any] = {
            "title": f"Review of the agreement {service} after a major change",
            "type": "sla_review",
            "sla_id": f"slas/{service}"
            if held < hours.local(_SECOND_AGREEMENT, 0) or service == "shop"
            else f"slas/{service}-2",
            "customer_id": f"customers/{customer}",
            "held_at": format_instant(held),
            "chaired_by": "people/gustav",
            "items": [issue],
            "inputs": ["sla", "service_report", "change", "improvement_action"],
            "period": month,
            "topics": [
                {"topic": "attainment", "value": figures[figure]["actual"], "measurement_id": f"measurements/{figure}"},
                {"topic": "satisfaction", "text": "As before the change."},
                {"topic": "cost", "text": "As planned."},
            ],
            "agenda": ["past_performance", "current_issues", "needs"],
            "attendees": [
                {"person": "people/gustav", "function": "provider"},
                {"person": f"people/{owner}", "function": "provider"},
                {"person": f"people/{person}", "party": f"customers/{customer}", "function": "customer"},
            ],
            "conclusions": "The agreement stays as it is.",
            "minutes_ref": f"minutes/sla-{service}-{issue.id}.pdf",
            "distributed_at": format_instant(held + HOUR_MS),
        }
        rows.append(Declared(f"sla-review-{issue.id}", held + HOUR_MS, row))
    return rows


def _month_before(instant: int) -> str:
    """Name the last whole month before an instant."""
    first = date.fromisoformat(format_instant(instant)[:8] + "01")
    return f"{first - timedelta(days=1):%Y-%m}"


def _missed(issue: Issue, hours: OfficeHours) -> int | None:
    """Return when a ticket should have been solved, where it was not by then; waiting for customers is not taken off."""
    if issue.fields["project"] != "OPS":
        return None
    priority = issue.fields["priority"]
    promised = _PROMISED_H[priority] * HOUR_MS
    if priority in _ROUND_THE_CLOCK:
        due = issue.created_at + promised
    else:  # what ends as the office closes is due then, not as it opens again
        due = hours.instant(hours.position(issue.created_at) + promised - 1) + 1
    solved = [step.at for step in issue.steps if step.changes.get("status") == "Resolved"]
    return due if not solved or solved[-1] > due else None
