"""The words of the organisation's Jira: projects, issue types, statuses, priorities, links, fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "FIELDS",
    "ISSUE_TYPES",
    "LINK_TYPES",
    "PRIORITIES",
    "PROJECTS",
    "STATUSES",
    "FieldSpec",
    "IssueType",
    "LinkType",
    "Project",
    "Status",
]

FieldType = Literal["text", "rich", "option", "user", "datetime", "number", "url", "approvals", "sla"]


@dataclass(frozen=True, slots=True)
class Project:
    """A project of the tool."""

    id: int
    key: str
    name: str
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IssueType:
    """An issue type, and the kind of record it is."""

    id: int
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Status:
    """A status: Jira's own category (`new`, `indeterminate`, `done`) and the neutral one."""

    id: int
    name: str
    category: Literal["new", "indeterminate", "done"]
    neutral: str


@dataclass(frozen=True, slots=True)
class LinkType:
    """A type of issue link, its two readings, and the neutral relation of each."""

    id: int
    name: str
    outward: str
    inward: str
    relations: tuple[str, str]


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A custom field: its word in the simulation, and how Jira knows it."""

    word: str
    number: int
    name: str
    type: FieldType
    neutral: tuple[str, ...]
    """Neutral fields it is mapped to."""
    options: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Return Jira's id of the field."""
        return f"customfield_{self.number}"

    def option_id(self, value: str) -> str:
        """Return the id of one of its options."""
        return str(self.number * 10 + self.options.index(value)) if value in self.options else str(self.number * 10 + 9)


ISSUE_TYPES = {
    item.name: item
    for item in (
        IssueType(10301, "Incident", "incident"),
        IssueType(10302, "Service request", "request"),
        IssueType(10303, "Problem", "problem"),
        IssueType(10304, "Known error", "known_error"),
        IssueType(10305, "Change", "change"),
        IssueType(10306, "Improvement", "improvement_action"),
        IssueType(10307, "Complaint", "complaint"),
    )
}
PROJECTS = {
    item.key: item
    for item in (
        Project(10401, "OPS", "Operations", ("Incident", "Service request")),
        Project(10402, "PRB", "Problem management", ("Problem", "Known error")),
        Project(10403, "CHG", "Change management", ("Change",)),
        Project(10404, "IMP", "Improvement", ("Improvement", "Complaint")),
        Project(10405, "SEC", "Security", ("Incident",)),
    )
}
STATUSES = {
    item.name: item
    for item in (
        Status(10101, "Open", "new", "new"),
        Status(10102, "In Progress", "indeterminate", "in_progress"),
        Status(10103, "Waiting for customer", "indeterminate", "pending_customer"),
        Status(10104, "Waiting for supplier", "indeterminate", "pending_supplier"),
        Status(10105, "Escalated", "indeterminate", "in_progress"),
        Status(10106, "Resolved", "done", "resolved"),
        Status(10107, "Closed", "done", "closed"),
        Status(10108, "Cancelled", "done", "cancelled"),
        Status(10109, "Under investigation", "indeterminate", "in_progress"),
        Status(10110, "Known error", "indeterminate", "in_progress"),
        Status(10111, "Draft", "new", "new"),
        Status(10112, "Assessment", "indeterminate", "in_progress"),
        Status(10113, "Awaiting approval", "indeterminate", "pending_internal"),
        Status(10114, "Scheduled", "indeterminate", "in_progress"),
        Status(10115, "Implementing", "indeterminate", "in_progress"),
        Status(10116, "In review", "done", "resolved"),
        Status(10117, "Published", "indeterminate", "in_progress"),
    )
}
PRIORITIES = {"P1": 1, "P2": 2, "P3": 3, "P4": 4}
LINK_TYPES = {
    item.name: item
    for item in (
        LinkType(10501, "Problem/Incident", "causes", "is caused by", ("causes", "caused_by")),
        LinkType(10502, "Resolution", "resolves", "is resolved by", ("resolves", "resolved_by")),
        LinkType(10503, "Documentation", "documents", "is documented as", ("documents", "documented_as")),
        LinkType(10504, "Improvement", "is raised from", "leads to", ("raised_from", "leads_to")),
    )
}
_YES_NO = ("Yes", "No")
_EFFECT = ("Effective", "Partly", "Ineffective")
_FIELDS = (
    FieldSpec("type", 10010, "Change type", "option", ("change.type",), ("Standard", "Normal", "Emergency")),
    FieldSpec(
        "reason",
        10011,
        "Change reason",
        "option",
        ("change.reason",),
        ("Fix", "Improvement", "New feature", "Compliance"),
    ),
    FieldSpec("risk", 10012, "Risk", "option", ("change.risk",), ("Low", "Medium", "High")),
    FieldSpec("impact_service", 10020, "Impact on service", "text", ("change.impact.service",)),
    FieldSpec("impact_business", 10021, "Impact on business", "text", ("change.impact.business",)),
    FieldSpec("impact_customer", 10022, "Impact on customer", "text", ("change.impact.customer",)),
    FieldSpec("impact_infrastructure", 10023, "Impact on infrastructure", "text", ("change.impact.infrastructure",)),
    FieldSpec("impact_release_plan", 10024, "Impact on release plan", "text", ("change.impact.release_plan",)),
    FieldSpec("impact_by", 10025, "Impact assessed by", "user", ("change.impact.by",)),
    FieldSpec("impact_at", 10026, "Impact assessed at", "datetime", ("change.impact.at",)),
    FieldSpec("backout_plan", 10030, "Back-out plan", "rich", ("change.backout_plan",)),
    FieldSpec("irreversible", 10031, "Irreversible", "option", ("change.irreversible",), _YES_NO),
    FieldSpec("test_result", 10032, "Test result", "option", ("change.tests.status",), ("Passed", "Failed")),
    FieldSpec("tested_revision", 10033, "Tested revision", "text", ("change.tests.commit",)),
    FieldSpec("tested_at", 10034, "Tested at", "datetime", ("change.tests.finished_at",)),
    FieldSpec("revision", 10035, "Revision", "text", ("change.revision",)),
    FieldSpec("planned_start", 10036, "Planned start", "datetime", ("change.planned_start",)),
    FieldSpec("planned_end", 10037, "Planned end", "datetime", ("change.planned_end",)),
    FieldSpec("schedule_published_at", 10038, "Schedule published at", "datetime", ("change.schedule_published_at",)),
    FieldSpec("actual_start", 10039, "Actual start", "datetime", ("change.actual_start",)),
    FieldSpec("actual_end", 10040, "Actual end", "datetime", ("change.actual_end",)),
    FieldSpec("implementer", 10041, "Implementer", "user", ("change.implementer",)),
    FieldSpec(
        "outcome",
        10042,
        "Outcome",
        "option",
        ("change.outcome",),
        ("Successful", "With issues", "Backed out", "Failed", "Cancelled"),
    ),
    FieldSpec("major_change", 10043, "Major change", "option", ("change.major",), _YES_NO),
    FieldSpec(
        "change_class",
        10048,
        "What is changed",
        "option",
        ("change.class",),
        ("Infrastructure", "Software", "Service change"),
    ),
    FieldSpec("cost", 10049, "Cost estimate", "number", ("change.cost_estimate.amount",)),
    FieldSpec("currency", 10077, "Currency", "text", ("change.cost_estimate.currency",)),
    FieldSpec("cost_approval", 10078, "Approval of the cost", "text", ("change.cost_approval_id",)),
    FieldSpec("building_began", 10079, "Building began at", "datetime", ("change.development_started_at",)),
    FieldSpec("skipped_steps", 10044, "Skipped steps", "text", ("change.skipped_steps",)),
    FieldSpec("approvals", 10045, "Approvals", "approvals", ("change.approval_ids",)),
    FieldSpec("sla", 10046, "Time to resolution", "sla", ("incident.tool_sla", "request.tool_sla")),
    FieldSpec("root_cause", 10050, "Root cause", "rich", ("problem.root_cause", "known_error.cause")),
    FieldSpec("workaround", 10051, "Workaround", "rich", ("problem.workaround", "known_error.workaround")),
    FieldSpec("target_resolution_at", 10052, "Target resolution", "datetime", ("problem.target_resolution_at",)),
    FieldSpec("detection", 10053, "Detection", "option", ("problem.detection",), ("Reactive", "Proactive")),
    FieldSpec("root_cause_known_at", 10054, "Root cause known at", "datetime", ("problem.root_cause_known_at",)),
    FieldSpec(
        "effectiveness_reviewed_at",
        10055,
        "Effectiveness reviewed at",
        "datetime",
        ("problem.effectiveness.reviewed_at",),
    ),
    FieldSpec(
        "effectiveness_result", 10056, "Effectiveness result", "option", ("problem.effectiveness.result",), _EFFECT
    ),
    FieldSpec("recurrence_count", 10057, "Recurrence count", "number", ("problem.effectiveness.recurrence_count",)),
    FieldSpec("effectiveness_report", 10058, "Effectiveness report", "text", ("problem.effectiveness.report_id",)),
    FieldSpec("solution", 10059, "Solution", "rich", ("problem.solution_ref", "known_error.solution")),
    FieldSpec("impact", 10060, "Impact", "number", ("incident.impact", "request.impact", "problem.impact")),
    FieldSpec("urgency", 10061, "Urgency", "number", ("incident.urgency", "request.urgency", "problem.urgency")),
    FieldSpec("category", 10062, "Category", "option", ("incident.category", "problem.category", "complaint.category")),
    FieldSpec("major", 10063, "Major incident", "option", ("incident.major",), _YES_NO),
    FieldSpec(
        "channel",
        10064,
        "Came in by",
        "option",
        ("incident.channel", "request.channel", "complaint.channel"),
        ("phone", "email", "portal"),
    ),
    FieldSpec("contact", 10047, "How to reach the caller", "text", ("incident.contact_ref", "request.contact_ref")),
    FieldSpec("remedy", 10085, "What was done", "rich", ("incident.resolution_note",)),
    FieldSpec("first_reply_at", 10065, "First answered at", "datetime", ("complaint.first_reply_at",)),
    FieldSpec("investigated_by", 10066, "Looked into by", "user", ("complaint.investigation.by",)),
    FieldSpec("investigated_at", 10067, "Looked into at", "datetime", ("complaint.investigation.at",)),
    FieldSpec(
        "finding",
        10068,
        "Finding",
        "option",
        ("complaint.investigation.finding",),
        ("Substantiated", "Partly", "Unsubstantiated"),
    ),
    FieldSpec("complaint_cause", 10069, "Cause of the complaint", "text", ("complaint.investigation.cause",)),
    FieldSpec("complaint_outcome", 10074, "How it ended", "text", ("complaint.outcome",)),
    FieldSpec("told_at", 10075, "Result told at", "datetime", ("complaint.customer_informed_at",)),
    FieldSpec("closed_by", 10076, "Closed by", "user", ("complaint.closed_by",)),
    FieldSpec("published_at", 10070, "Published at", "datetime", ("known_error.published_at",)),
    FieldSpec("article", 10071, "Article", "url", ("known_error.kb_url",)),
    FieldSpec("symptoms", 10072, "Symptoms", "text", ("known_error.symptoms",)),
    FieldSpec("pir_held_at", 10080, "PIR held at", "datetime", ("review.held_at",)),
    FieldSpec("pir_planned_vs_actual", 10081, "PIR planned versus actual", "text", ("review.planned_vs_actual",)),
    FieldSpec("pir_weaknesses", 10082, "PIR process weaknesses", "text", ("review.process_weaknesses",)),
    FieldSpec("pir_conclusions", 10083, "PIR conclusions", "text", ("review.conclusions",)),
)
FIELDS = {spec.word: spec for spec in _FIELDS}
