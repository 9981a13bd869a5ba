"""Looking back and getting better: reviews, audits, improvement actions."""

# ruff: noqa: RUF012 - msgspec copies an empty default for each record

from typing import Annotated, Literal

from hub.records.base import AnyRef, Instant, Part, Period, PersonRef, Record, ref

__all__ = [
    "Attendee",
    "Audit",
    "AuditFinding",
    "ImprovementAction",
    "NoAction",
    "PlannedActual",
    "Recommendation",
    "Review",
    "TopicFinding",
    "Weakness",
]


class Attendee(Part, kw_only=True):
    """One who was there."""

    person: PersonRef | None = None
    """Who."""
    party: AnyRef | None = None
    """For whom."""
    function: str | None = None
    """In which function."""


class Recommendation(Part, kw_only=True):
    """What a review asks for."""

    text: str
    """What."""
    action_id: Annotated[str, ref("improvement_action")] | None = None
    """Action that came of it."""
    training_id: Annotated[str, ref("training_record")] | None = None
    """Training that came of it."""
    decision: str | None = None
    """Decision, where no action came of it."""


class PlannedActual(Part, kw_only=True):
    """One aspect of a change, as planned and as it was."""

    aspect: str
    """Which aspect."""
    planned: str | None = None
    """As planned."""
    actual: str | None = None
    """As it was."""
    not_applicable_reason: str | None = None
    """Why the aspect does not apply."""


class Weakness(Part, kw_only=True):
    """A weakness of the process that came to light."""

    text: str
    """What."""
    action_id: Annotated[str, ref("improvement_action")] | None = None
    """Action against it."""


class TopicFinding(Part, kw_only=True):
    """What a review found on one topic."""

    topic: str
    """`attainment`, `satisfaction`, `cost` …"""
    text: str | None = None
    """What was found."""
    value: float | None = None
    """The figure judged, where there is one."""
    measurement_id: Annotated[str, ref("measurement")] | None = None
    """Where the figure comes from."""
    not_applicable_reason: str | None = None
    """Why the topic does not apply."""


class Review(Record, tag="review", kw_only=True):
    """People looked back at something and drew conclusions."""

    type: (
        Literal[
            "management_forum",
            "management_review",
            "service_review",
            "interim",
            "sla_review",
            "contract",
            "supplier_service",
            "security_forum",
            "pir",
            "release",
            "incident_analysis",
            "change_analysis",
            "feedback_analysis",
            "report_process",
            "development",
            "call_quality",
            "facility",
            "customer_visit",
            "capacity_analysis",
        ]
        | None
    ) = None
    """What kind of review."""
    subject_id: Annotated[str, ref("any", index=True)] | None = None
    """What is reviewed."""
    process: str | None = None
    """Process reviewed."""
    person: PersonRef | None = None
    """Person reviewed."""
    contract_id: Annotated[str, ref("underpinning_contract")] | None = None
    """Contract reviewed."""
    sla_id: Annotated[str, ref("sla")] | None = None
    """Agreement reviewed."""
    held_at: Instant | None = None
    """When it was held."""
    period: Period | None = None
    """Time it looks back at."""
    attendees: list[Attendee] = []
    """Who was there."""
    chaired_by: PersonRef | None = None
    """Who led it."""
    agenda: list[str] = []
    """Points to discuss."""
    inputs: list[str] = []
    """What was looked at."""
    items: list[AnyRef] = []
    """Records discussed."""
    findings: str | None = None
    """What was found."""
    topics: list[TopicFinding] = []
    """What was found, topic by topic."""
    conclusions: str | None = None
    """What follows."""
    needs_met: bool | None = None
    """The contract reviewed still gives the business what it needs."""
    recommendations: list[Recommendation] = []
    """What it asks for."""
    decisions: list[str] = []
    """What was decided."""
    planned_vs_actual: list[PlannedActual] = []
    """Plan against outcome, aspect by aspect."""
    process_weaknesses: list[Weakness] = []
    """Weaknesses of the process; see `no_weaknesses`."""
    no_weaknesses: bool | None = None
    """True = none were found, by statement."""
    action_ids: list[Annotated[str, ref("improvement_action")]] = []
    """Actions that came of it."""
    minutes_ref: str | None = None
    """Where the minutes are."""
    minutes_hash: str | None = None
    """SHA-256 of the minutes."""
    distributed_at: Instant | None = None
    """When the minutes were sent."""


class AuditFinding(Part, kw_only=True):
    """What an audit found."""

    id: str
    """Id within the audit."""
    clause: str | None = None
    """Clause of the standard."""
    grade: str | None = None
    """Weight as the auditors grade it."""
    risk: str | None = None
    """What could come of it."""
    text: str | None = None
    """What."""
    action_id: Annotated[str, ref("improvement_action")] | None = None
    """Action against it."""


class Audit(Record, tag="audit", kw_only=True):
    """A planned look by people who are independent of the work."""

    type: Literal["internal", "external", "configuration", "report_accuracy", "backup"] | None = None
    """What kind of audit."""
    performed_at: Instant | None = None
    """When."""
    auditors: list[PersonRef] = []
    """Who."""
    scope_clauses: list[str] = []
    """Clauses covered."""
    sampled: int | None = None
    """Things looked at."""
    discrepancies: int | None = None
    """Things found wrong."""
    findings: list[AuditFinding] = []
    """What was found."""
    report_ref: str | None = None
    """Where the report is."""
    issued_at: Instant | None = None
    """When the report was issued."""


class NoAction(Part, kw_only=True):
    """The decision to leave it."""

    reason: str | None = None
    """Why."""
    approver: PersonRef | None = None
    """Who decided."""
    at: Instant | None = None
    """When."""


class ImprovementAction(Record, tag="improvement_action", kw_only=True):
    """Something to be done better, with an owner and a date."""

    source_ids: list[AnyRef] = []
    """What it came from."""
    source_type: (
        Literal[
            "breach",
            "availability",
            "security",
            "review",
            "survey",
            "complaint",
            "audit",
            "configuration_audit",
            "release",
            "change_analysis",
            "implementation_report",
            "report",
            "self_check",
            "management_review",
        ]
        | None
    ) = None
    """Kind of source."""
    process: str | None = None
    """Process it improves."""
    due_at: Instant | None = None
    """When it shall be done."""
    verified_at: Instant | None = None
    """When its effect was checked."""
    result: str | None = None
    """What came of it."""
    closed_at: Instant | None = None
    """Closure."""
    no_action: NoAction | None = None
    """The decision to do nothing."""
    knowledge_document_ids: list[Annotated[str, ref("document")]] = []
    """Documents that pass on what was learned."""
    knowledge_training_ids: list[Annotated[str, ref("training_record")]] = []
    """Training that passes it on."""
    knowledge_none_reason: str | None = None
    """Why nothing needs passing on."""
