"""What is wrong in the simulated organisation, how often and when: the ground truth for tests and the demo."""

from __future__ import annotations

from dataclasses import dataclass

from hub_sandbox.register_fault import ROW_FAULTS, months_of

__all__ = [
    "CHANGE_FAULTS",
    "COMPLAINT_FAULTS",
    "DESK_FAULTS",
    "FAULTS",
    "FOLLOWING_FAULTS",
    "PROBLEM_FAULTS",
    "REVIEW_FAULTS",
    "SHIPPING_FAULTS",
    "Fault",
    "FaultKind",
]


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A way in which a requirement is broken."""

    name: str
    requirement: str
    plan: str
    """One digit a month, October 2025 to October 2026: how many are planted. The month is that of a
    change's start, a problem's creation, a cluster's third incident, or the period a review covers."""
    by_day: bool = False
    """It was to be done by a day: broken from that day's end."""

    @property
    def total(self) -> int:
        """Return how many are planted in the whole history."""
        return sum(map(int, self.plan))


@dataclass(frozen=True, slots=True)
class Fault:
    """One planted fault."""

    name: str
    requirement: str
    key: str
    """The issue's first key, or `kind/id` of a register row."""
    native_id: str
    """The issue's id; empty for a register row."""
    at: int
    """From here on the requirement is broken, UTC ms."""
    cured_at: int | None = None
    """Late evidence came in; None = never."""


CHANGE_FAULTS = (
    FaultKind("change_without_approval", "BS15000-8.2-c", "0100000010011"),
    FaultKind("approved_too_late", "BS15000-8.2-c", "0010001000010"),
    FaultKind("approved_by_implementer", "BS15000-8.2-c", "0001000000011"),
    FaultKind("approved_on_other_revision", "BS15000-8.2-c", "0000100000010"),
    FaultKind("approval_withdrawn", "BS15000-8.2-c", "0000000001001"),
    FaultKind("approver_without_role", "BS15000-8.2-c", "0000010000000"),
    FaultKind("approver_unknown", "BS15000-8.2-c", "0001000100010"),
    FaultKind("tested_after_start", "BS15000-8.2-b", "0100000000011"),
    FaultKind("test_failed", "BS15000-8.2-b", "0000100000010"),
    FaultKind("test_missing", "BS15000-8.2-b", "0000000000001"),
    FaultKind("impact_missing", "BS15000-8.2-a", "0010010000001"),
    FaultKind("impact_incomplete", "BS15000-8.2-a", "0000000000010"),
    FaultKind("backout_missing", "BS15000-8.2-e", "0000000010011"),
    FaultKind("outside_window", "BS15000-8.2-f", "0000100100100"),
    FaultKind("schedule_published_late", "BS15000-8.2-f", "0000010000010"),
    FaultKind("customers_not_told", "BS15000-8.2-f", "0000010000110"),
    FaultKind("fix_without_link", "BS15000-8.2-d", "0010000000010"),
    FaultKind("emergency_not_in_management_review", "BS15000-8.2-j", "0000000100110", by_day=True),
    FaultKind("emergency_without_retro", "BS15000-8.2-k", "0000001000011", by_day=True),
    FaultKind("emergency_step_without_reason", "BS15000-8.2-k", "0000010000000", by_day=True),
    FaultKind("pir_missing", "BS15000-8.2-l", "0000100000100", by_day=True),
    FaultKind("pir_late", "BS15000-8.2-l", "0000001000100", by_day=True),
    FaultKind("pir_incomplete", "BS15000-8.2-m", "0000000001000", by_day=True),
    FaultKind("pir_weaknesses_missing", "BS15000-8.2-n", "0000000010000", by_day=True),
)
PROBLEM_FAULTS = (
    FaultKind("problem_incomplete", "BS15000-7.2-e", "0010000000010", by_day=True),
    FaultKind("problem_idle", "BS15000-7.2-f", "0100000100110", by_day=True),
    FaultKind("problem_not_escalated", "BS15000-7.2-f", "0001000010000"),
    FaultKind("problem_overdue", "BS15000-7.2-g", "0100000110000"),
    FaultKind("problem_closed_without_cause", "BS15000-7.2-g", "0000010000000"),
    FaultKind("effectiveness_not_reviewed", "BS15000-7.2-h", "1010100000000", by_day=True),
    FaultKind("effectiveness_reviewed_late", "BS15000-7.2-h", "0101000000000", by_day=True),
    FaultKind("recurrence_count_wrong", "BS15000-7.2-h", "0010100000000", by_day=True),
    FaultKind("problem_owner_left", "BS15000-7.2-i", "0000000010000", by_day=True),
    FaultKind("workaround_missing", "BS15000-7.2-i", "0000000001010", by_day=True),
    FaultKind("known_error_missing", "BS15000-7.2-j", "0000001000100", by_day=True),
    FaultKind("known_error_late", "BS15000-7.2-j", "0010000000010", by_day=True),
    FaultKind("cluster_without_problem", "BS15000-7.2-c", "0010010010111", by_day=True),
    FaultKind("cluster_with_late_problem", "BS15000-7.2-c", "0001000000010", by_day=True),
    FaultKind("major_incident_without_problem", "BS15000-7.2-e", "0000100000010", by_day=True),
)
REVIEW_FAULTS = (
    FaultKind("incident_analysis_missing", "BS15000-7.2-a", "0000100000010"),
    FaultKind("incident_analysis_late", "BS15000-7.2-a", "0001000000100"),
    FaultKind("incident_analysis_without_conclusions", "BS15000-7.2-b", "0000000010000"),
    FaultKind("change_analysis_missing", "BS15000-8.2-g", "0000010000000"),
    FaultKind("change_analysis_late", "BS15000-8.2-g", "0000000000100"),
    FaultKind("change_analysis_without_conclusions", "BS15000-8.2-h", "0000000001000"),
    FaultKind("change_recommendation_without_action", "BS15000-8.2-h", "0010000000010"),
    FaultKind("procedure_review_overdue", "BS15000-8.2-l", "0000000000001"),
    FaultKind("contract_review_overdue", "BS15000-6.2-c", "0000000010000"),
    FaultKind("risk_review_overdue", "BS15000-4.2-e", "0000000001000"),
)
SHIPPING_FAULTS = (
    FaultKind("approved_before_last_push", "BS15000-8.2-c", "0000000010010"),
    FaultKind("approved_by_author", "BS15000-8.2-c", "0000000000101"),
    FaultKind("approved_by_committer", "BS15000-8.2-c", "0000000001010"),
    FaultKind("approved_after_merge", "BS15000-8.2-c", "0000000000101"),
    FaultKind("approved_by_maker", "BS15000-8.2-c", "0000000001111"),
    FaultKind("deployed_after_push", "BS15000-9-c", "0000000010010"),
    FaultKind("deployed_before_approval", "BS15000-9-c", "0000000000101"),
    FaultKind("deployed_without_change", "BS15000-9-c", "0000000001010"),
)
"""What goes wrong in GitLab, or shows only where accounts of both tools are known as one person's."""
FOLLOWING_FAULTS = {
    "approved_before_last_push": "deployed_after_push",
    "approved_by_author": "approved_by_maker",
    "approved_by_committer": "approved_by_maker",
    "approved_after_merge": "deployed_before_approval",
}
"""Fault of a merge request -> what follows for its deployment, or for the change in Jira that it carries out."""
COMPLAINT_FAULTS = (
    FaultKind("complaint_answered_late", "BS15000-6.1-f", "0001000000100"),
    FaultKind("complaint_without_investigator", "BS15000-6.1-e", "0000010000000"),
    FaultKind("complaint_without_outcome", "BS15000-6.1-g", "0000000010000"),
    FaultKind("complaint_without_channel", "CMP-01", "0000000000010"),
    FaultKind("complaint_without_cause", "CMP-02", "0000000100000"),
)
DESK_FAULTS = (
    FaultKind("incident_without_channel", "BS15000-7.1-b", "0000001000010"),
    FaultKind("caller_not_reachable", "SD-02", "0001000000100"),
    FaultKind("remedy_not_written_down", "BS15000-5.2-e", "0000010000000", by_day=True),
)
"""What the desk leaves out when it registers an incident."""
OTHER_FAULTS = (
    FaultKind("evidence_deleted", "BS15000-4.5-r5", "0000000000001"),
    FaultKind("deleted_without_leave", "BS15000-4.5-r6", "0000000000001"),
    FaultKind("emergency_never_authorised", "BS15000-8.2-j", "0000001000011", by_day=True),
    FaultKind("problem_without_owner", "BS15000-7.2-i", "0010000000010", by_day=True),
    FaultKind("major_incident_not_reported", "SRM-17", "0000000000010", by_day=True),
)
"""What nobody plans: it happens to a single issue, or follows from another fault."""
_KEPT_BY_HAND = tuple(
    FaultKind(name, requirement, months_of(name))
    for name, requirement in {fault.name: fault.requirement for fault in ROW_FAULTS}.items()
)
FAULTS = {
    kind.name: kind
    for kind in (
        *CHANGE_FAULTS,
        *PROBLEM_FAULTS,
        *REVIEW_FAULTS,
        *SHIPPING_FAULTS,
        *COMPLAINT_FAULTS,
        *DESK_FAULTS,
        *OTHER_FAULTS,
        *_KEPT_BY_HAND,
    )
}
