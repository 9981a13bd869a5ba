"""Changes and the approvals they rest on."""

# ruff: noqa: RUF012 - msgspec copies an empty default for each record

from typing import Annotated, Literal

import msgspec

from hub.records.base import INDEXED, AnyRef, Instant, Money, Part, PersonRef, Record, ref

__all__ = ["Approval", "Change", "ChangeImpact", "SecurityAssessment", "SkippedStep", "Test"]


class ChangeImpact(Part, kw_only=True):
    """The five aspects of a change's impact, and who assessed them."""

    service: str | None = None
    """On the services."""
    business: str | None = None
    """On the business."""
    customer: str | None = None
    """On the customers."""
    infrastructure: str | None = None
    """On the infrastructure."""
    release_plan: str | None = None
    """On the release plan."""
    by: PersonRef | None = None
    """Who assessed."""
    at: Instant | None = None
    """When."""


class SecurityAssessment(Part, kw_only=True):
    """The look at a change's effect on information security."""

    result: str | None = None
    """What was found."""
    by: PersonRef | None = None
    """Who assessed."""
    at: Instant | None = None
    """When."""


class Test(Part, kw_only=True):
    """A test of exactly one revision."""

    name: str | None = None
    """What was tested."""
    status: Literal["passed", "failed", "skipped", "running", "cancelled"] | None = None
    """How it ended."""
    commit: str | None = None
    """Commit tested."""
    digest: str | None = None
    """Digest of the artefact tested."""
    finished_at: Instant | None = None
    """When it ended."""
    ref: str | None = None
    """Where the result is."""


class SkippedStep(Part, kw_only=True):
    """A step an emergency left out."""

    step: str
    """Which."""
    reason: str | None = None
    """Why."""
    supplied_at: Instant | None = None
    """When it was made good."""


class Change(Record, tag="change", kw_only=True):
    """Something added, altered or removed that could affect a service."""

    type: Literal["standard", "normal", "emergency"] | None = None
    """`standard` = pre-authorised model."""
    model_id: AnyRef | None = None
    """The pre-authorised model of a standard change."""
    class_: (
        Annotated[
            Literal["infrastructure", "software", "service_change", "new_service", "sla", "contract", "document"],
            INDEXED,
        ]
        | None
    ) = msgspec.field(default=None, name="class")
    """What is changed."""
    major: bool | None = None
    """A major change."""
    affects_continuity: bool | None = None
    """Touches a continuity plan."""
    irreversible: bool | None = None
    """Cannot be backed out."""
    reason: str | None = None
    """Why: fix, improvement, new_feature, compliance, or the source's own word."""
    risk: Literal["low", "medium", "high"] | None = None
    """Assessed risk."""
    impact: ChangeImpact | None = None
    """Assessed impact."""
    security_assessment: SecurityAssessment | None = None
    """Effect on information security."""
    cost_estimate: Money | None = None
    """Expected cost."""
    cost_approval_id: Annotated[str, ref("approval")] | None = None
    """Approval of that cost."""
    backout_plan: str | None = None
    """How to go back."""
    backout_tested_at: Instant | None = None
    """When the way back was tried."""
    tests: list[Test] = []
    """Tests before it went live."""
    approval_ids: list[Annotated[str, ref("approval")]] = []
    """Approvals, whatever they decided."""
    implementer: PersonRef | None = None
    """Who carries it out."""
    contributors: list[PersonRef] = []
    """Whoever else had a hand in it, such as the authors of its commits: their own approval is not independent."""
    planned_start: Instant | None = None
    """Planned start."""
    planned_end: Instant | None = None
    """Planned end."""
    schedule_published_at: Instant | None = None
    """When it stood in the published forward schedule."""
    development_started_at: Instant | None = None
    """When building began."""
    actual_start: Instant | None = None
    """When it began."""
    actual_end: Instant | None = None
    """When it ended."""
    outcome: Literal["successful", "with_issues", "backed_out", "failed", "cancelled"] | None = None
    """How it ended."""
    skipped_steps: list[SkippedStep] = []
    """Steps an emergency left out."""
    revision: str | None = None
    """Commit or document hash that was approved."""


class Approval(Record, tag="approval", kw_only=True):
    """One person's decision on one subject."""

    subject_id: Annotated[str, ref("any", index=True)]
    """What is decided on."""
    subject_revision: str | None = None
    """Revision it binds to: commit or hash."""
    role: str | None = None
    """Role in which the approver decides."""
    approver: PersonRef | None = None
    """Who decides."""
    decision: Literal["approved", "rejected", "withdrawn", "abstained"] | None = None
    """None = not decided yet."""
    decided_at: Instant | None = None
    """When the tool recorded the decision or the mail server received it."""
    claimed_at: Instant | None = None
    """When it is said to have been decided; proves nothing."""
    withdrawn_at: Instant | None = None
    """From when the decision holds no longer."""
    via: Literal["tool", "email", "signature", "register"] | None = None
    """How it was given."""
    evidence_ref: str | None = None
    """Where it can be seen."""
    authenticity: Literal["tool_login", "dkim_pass", "smime", "typed", "none"] | None = None
    """What shows that it was the approver."""
    on_behalf_of: PersonRef | None = None
    """Whom the approver stood in for."""
    comment: str | None = None
    """Free text."""
