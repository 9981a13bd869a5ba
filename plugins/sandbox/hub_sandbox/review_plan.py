"""Reviews people hold and declare by hand: monthly analyses and management reviews, with their faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from hub.clock import format_instant
from hub_sandbox.faults import FAULTS, REVIEW_FAULTS, Fault
from hub_sandbox.office_hours import DAY_MS, HISTORY_END, HISTORY_START, HOUR_MS, OfficeHours
from hub_sandbox.register_fault import ROW_FAULTS
from hub_sandbox.simulation import MONTHS

if TYPE_CHECKING:
    from hub_sandbox.organisation import Organisation
    from hub_sandbox.timeline import Issue

__all__ = ["PROCEDURE_REVIEWED_AT", "Declared", "ReviewPlan", "plan_reviews"]

PROCEDURE_REVIEWED_AT = date(2025, 10, 10)
"""When the one procedure whose review falls overdue was last reviewed."""
_OVERDUE = (
    ("procedure_review_overdue", "documents/pir-procedure", PROCEDURE_REVIEWED_AT, 365),
    ("contract_review_overdue", "contracts/printing", date(2025, 6, 11), 365),
    ("risk_review_overdue", "risks/key-people", date(2026, 1, 12), 180),
)
"""Fault, row of the register, day of its last review there, days after which the next was due."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A row of the register, and when it was written down."""

    id: str
    declared_at: int
    row: dict[str, Any]
    """Fields of the record; a value of type Issue stands for the issue's record id."""


@dataclass(slots=True)
class ReviewPlan:
    """All reviews of the history, oldest first, and what is wrong with them."""

    rows: list[Declared] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def plan_reviews(organisation: Organisation, hours: OfficeHours) -> ReviewPlan:
    """Lay down which reviews are held, when, and which are not."""
    plan = ReviewPlan()
    actions = [issue for issue in organisation.issues if issue.fields["issuetype"] == "Improvement"]
    for month in range(-1, MONTHS):  # the analyses of September 2025 are due in October
        first = date(2025 + (9 + month) // 12, (9 + month) % 12 + 1, 1)
        end = hours.local((first + timedelta(days=32)).replace(day=1), 0)
        planted = {kind.name for kind in REVIEW_FAULTS if month >= 0 and int(kind.plan[month])}
        for topic in ("incident", "change"):
            _analysis(
                plan,
                hours,
                topic,
                first=first,
                end=end,
                planted=planted,
                actions=[one for one in actions if one.created_at < end],
            )
    _management_reviews(plan, organisation, hours)
    for name, key, reviewed, days in _OVERDUE:
        plan.faults.append(_fault(name, key, hours.local(reviewed + timedelta(days=days), 0)))
    for row in ROW_FAULTS:
        cured = None if row.cured is None else hours.local(row.cured, 0)
        plan.faults.append(_fault(row.name, row.key, hours.local(row.at, 0), cured))
    plan.rows.sort(key=lambda row: (row.declared_at, row.id))
    return plan


def _fault(name: str, key: str, at: int, cured_at: int | None = None) -> Fault:
    return Fault(name, FAULTS[name].requirement, key, "", at, cured_at)


def _analysis(
    plan: ReviewPlan, hours: OfficeHours, topic: str, *, first: date, end: int, planted: set[str], actions: list[Issue]
) -> None:
    identity = f"{topic}-analysis-{first:%Y-%m}"
    key = f"reviews/{identity}"
    due = end + 10 * DAY_MS
    held = hours.later(end, 20 + first.month % 4)
    if f"{topic}_analysis_missing" in planted:
        plan.faults.append(_fault(f"{topic}_analysis_missing", key, due))
        return
    if f"{topic}_analysis_late" in planted:
        held = hours.later(due, 24)
        plan.faults.append(_fault(f"{topic}_analysis_late", key, due, held + HOUR_MS))
    row: dict[str, Any] = {
        "title": f"{topic.capitalize()} analysis {first:%B %Y}",
        "type": f"{topic}_analysis",
        "held_at": format_instant(held),
        "period": f"{first:%Y-%m}",
        "chaired_by": "people/alice",
        "findings": "Counts by category, priority and service were compared with the month before.",
        "conclusions": "No rising trend except the checkout of the shop.",
        "inputs": [f'project = {"OPS" if topic == "incident" else "CHG"} AND created >= "{first}"']
        + (["type", "outcome", "failed", "emergency"] if topic == "change" else []),
    }
    if f"{topic}_analysis_without_conclusions" in planted:
        del row["conclusions"], row["findings"]
        plan.faults.append(_fault(f"{topic}_analysis_without_conclusions", key, held + HOUR_MS))
    if topic == "change":
        recommendations: list[dict[str, Any]] = [
            {"text": "Keep the freeze before the pay run.", "decision": "Agreed, no action needed."}
        ]
        if actions and first.month % 2:
            recommendations.append({"text": "Shorten the approval path.", "action_id": actions[-1]})
        if "change_recommendation_without_action" in planted:
            recommendations.append({"text": "Test with real volumes."})
            plan.faults.append(_fault("change_recommendation_without_action", key, held + HOUR_MS))
        row["recommendations"] = recommendations
    plan.rows.append(Declared(identity, held + HOUR_MS, row))


def _management_reviews(plan: ReviewPlan, organisation: Organisation, hours: OfficeHours) -> None:
    waiting = []
    for issue in organisation.issues:
        if issue.fields.get("type") == "Emergency" and issue not in organisation.unlisted_emergencies:
            ended = issue.value_at("actual_end", organisation.end + 30 * DAY_MS)
            if ended is not None:
                waiting.append((ended, issue))
    waiting.sort(key=lambda item: item[0])
    day = HISTORY_START + timedelta(days=14)
    while day <= HISTORY_END + timedelta(days=20):
        held = hours.local(day, 10)
        items = [issue for ended, issue in waiting if ended < held]
        waiting = waiting[len(items) :]
        row: dict[str, Any] = {
            "title": f"Management review {day}",
            "type": "management_review",
            "process": "change",
            "held_at": format_instant(held),
            "chaired_by": "people/alice",
            "conclusions": "Taken note of.",
        }
        if items:
            row["items"] = items
        plan.rows.append(Declared(f"management-review-{day}", held + HOUR_MS, row))
        day += timedelta(days=14)
