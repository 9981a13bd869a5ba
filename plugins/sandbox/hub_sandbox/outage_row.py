"""When a service could not be used: a row of the register for every grave incident, which operations write down after it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hub.clock import format_instant
from hub_sandbox.office_hours import HOUR_MS, MINUTE_MS
from hub_sandbox.review_plan import Declared

if TYPE_CHECKING:
    from hub_sandbox.timeline import Issue

__all__ = ["is_grave", "outage_end", "plan_outages"]


def is_grave(issue: Issue) -> bool:
    """Tell whether a service was down: a major incident, or one of the highest priority."""
    fields = issue.fields
    return fields["project"] == "OPS" and (fields["priority"] == "P1" or fields.get("major") == "Yes")


def outage_end(reported_at: int) -> int:
    """Return when the service could be used again: a way round was found soon, the repair took longer."""
    return reported_at + 9 * MINUTE_MS


def plan_outages(issues: Iterable[Issue]) -> list[Declared]:
    """Return the outage behind each grave incident."""
    rows = []
    for issue in filter(is_grave, issues):
        ended = outage_end(issue.created_at)
        service = issue.fields["components"][0]
        row: dict[str, Any] = {
            "title": f"Outage: {issue.fields['summary']}",
            "service_id": f"services/{service}",
            "started_at": format_instant(issue.created_at - 3 * MINUTE_MS),
            "ended_at": format_instant(ended),
            "planned": False,
            "incident_id": issue,
            "detected_by": "operations",
        }
        rows.append(Declared(f"outage-{issue.id}", ended + HOUR_MS, row))
    return rows
