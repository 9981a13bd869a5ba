"""What is written down and decided: documents, plans, training, risks, waivers."""

# ruff: noqa: RUF012 - msgspec copies an empty default for each record

from typing import Annotated, Literal

from hub.records.base import AnyRef, Confirmation, CustomerRef, Instant, Money, Part, PersonRef, Record, ServiceRef, ref

__all__ = [
    "CapacityForecast",
    "CapacityLimit",
    "CapacityNeed",
    "CapacityPlan",
    "CapacityResponseTime",
    "CapacityWatch",
    "ContinuityTest",
    "ControlledDocument",
    "Document",
    "Invitation",
    "ItemType",
    "Milestone",
    "Objective",
    "Plan",
    "PlanDocument",
    "PlanEntry",
    "PlanRole",
    "PlanTarget",
    "PlannedOutcome",
    "PlannedTraining",
    "PointOfUse",
    "PolicyStatement",
    "Risk",
    "Section",
    "StaffNeed",
    "TrainingRecord",
    "Waiver",
]


class Section(Part, kw_only=True):
    """A named piece of a document."""

    name: str
    """Heading."""
    text: str | None = None
    """What it says."""
    written_at: Instant | None = None
    """When it was written or last looked at; None = with the document."""


class PointOfUse(Part, kw_only=True):
    """A place where a document is needed."""

    site: str
    """Where."""
    available_at: Instant | None = None
    """Since when it is at hand there."""


class ControlledDocument(Record, kw_only=True):
    """What documents and plans have alike."""

    version: str | None = None
    """Version."""
    doc_status: Literal["draft", "effective", "obsolete", "obsolete_retained", "withdrawn"] | None = None
    """Place in its life."""
    authorised_by: PersonRef | None = None
    """Who put it in force."""
    authorised_at: Instant | None = None
    """When."""
    effective_from: Instant | None = None
    """First day in force."""
    superseded_at: Instant | None = None
    """When a newer version replaced it."""
    withdrawn_at: Instant | None = None
    """When it left circulation."""
    retained_reason: str | None = None
    """Why an obsolete version is kept."""
    last_review_at: Instant | None = None
    """Last review."""
    review_days: int | None = None
    """Days after which the next review is due."""
    uri: str | None = None
    """Where it is."""
    reachable_at: Instant | None = None
    """When somebody last opened it there."""
    hash: str | None = None
    """SHA-256 of the file."""
    points_of_use: list[PointOfUse] = []
    """Every site where it applies."""
    distribution: list[str] = []
    """Who gets it."""
    sections: list[Section] = []
    """What it holds."""
    legibility: Confirmation | None = None
    """Who saw that it can be read."""


class PolicyStatement(Part, kw_only=True):
    """One thing a policy demands."""

    id: str
    """Id by which controls name it."""
    text: str | None = None
    """What."""


class Document(ControlledDocument, tag="document", kw_only=True):
    """A document under control."""

    doc_type: str | None = None
    """Policy, procedure, manual …"""
    statements: list[PolicyStatement] = []
    """What it demands, in a policy."""
    process: str | None = None
    """Process it is for."""
    supports_objectives: list[str] = []
    """Objectives of the plan it serves, by their names there."""
    received_at: Instant | None = None
    """When it came in, where somebody else wrote it."""


class PlanRole(Part, kw_only=True):
    """A role the plan names."""

    role: str
    """Role."""
    person: PersonRef | None = None
    """Who holds it."""
    decision_maker: bool = False
    """May decide."""
    party: Literal["provider", "customer", "supplier"] | None = None
    """Side on which the role is held."""


class Milestone(Part, kw_only=True):
    """A step of a plan with a date."""

    name: str
    """What."""
    due_at: Instant | None = None
    """When it shall be done."""
    done_at: Instant | None = None
    """When it was done."""


class Objective(Part, kw_only=True):
    """What a plan shall reach, and how that will be seen."""

    name: str
    """What."""
    measure: str | None = None
    """How it is measured."""
    target: str | None = None
    """Level to reach."""
    due_at: Instant | None = None
    """By when."""


class PlanEntry(Part, kw_only=True):
    """A row of a plan's schedule."""

    name: str
    """What."""
    start: Instant | None = None
    """Planned start."""
    end: Instant | None = None
    """Planned end."""
    report_type: str | None = None
    """Report type, in a plan of reports."""
    customer_id: CustomerRef | None = None
    """Customer it is for; None = all."""
    moved_to: Instant | None = None
    """New start, where it was moved."""
    moved_reason: str | None = None
    """Why it was moved."""


class ItemType(Part, kw_only=True):
    """A class of configuration items, as a plan lays it down."""

    name: str
    """What the items call it."""
    attributes: list[str] = []
    """What must be recorded of each item."""


class PlannedTraining(Part, kw_only=True):
    """Something that must be learned before a plan is carried out."""

    course: str
    """What."""
    person: PersonRef | None = None
    """Who; None = anybody."""


class PlannedOutcome(Part, kw_only=True):
    """A result that is expected, in figures."""

    metric: str
    """What is measured."""
    unit: str | None = None
    """Unit."""
    target: float | None = None
    """What shall be reached, in `unit`."""
    due_at: Instant | None = None
    """When it shall be reached."""


class PlanDocument(ControlledDocument, kw_only=True):
    """What plans have alike."""

    roles: list[PlanRole] = []
    """Who does what."""
    objectives: list[str] = []
    """What it shall reach."""
    aims: list[Objective] = []
    """The same with measure, target and date."""
    milestones: list[Milestone] = []
    """Steps with dates."""
    schedule: list[PlanEntry] = []
    """What happens when."""


class PlanTarget(Part, kw_only=True):
    """A level a plan is made for."""

    service_id: ServiceRef | None = None
    """Service; None = all."""
    metric: str
    """What is measured, as agreements name it."""
    value: float
    """Level, in `unit`."""
    unit: str
    """`%`, `min`, `h` …"""


class Plan(PlanDocument, tag="plan", kw_only=True):
    """How something shall be reached."""

    plan_type: (
        Literal[
            "service_management",
            "service_improvement",
            "availability",
            "continuity",
            "capacity",
            "configuration",
            "release",
            "service_report",
            "new_or_changed_service",
            "audit",
            "maintenance",
        ]
        | None
    ) = None
    """What it plans."""
    ci_types: list[ItemType] = []
    """Classes of configuration items, in a plan of configuration management."""
    training: list[PlannedTraining] = []
    """What must be learned first."""
    outcomes: list[PlannedOutcome] = []
    """Expected results in figures."""
    budget: Money | None = None
    """What it may cost."""
    budget_approval_id: Annotated[str, ref("approval")] | None = None
    """Approval of that cost."""
    targets: list[PlanTarget] = []
    """Levels it is made for."""
    contract_ids: list[Annotated[str, ref("underpinning_contract")]] = []
    """Contracts it relies on."""


class CapacityNeed(Part, kw_only=True):
    """Capacity somebody will need."""

    service_id: ServiceRef | None = None
    """For which service."""
    source: str | None = None
    """Where the need comes from."""
    urgency: str | None = None
    """How soon."""
    recorded_at: Instant | None = None
    """When it was recorded."""
    customer_id: CustomerRef | None = None
    """Customer who will need it; None = everybody."""


class StaffNeed(Part, kw_only=True):
    """People a plan needs."""

    role: str | None = None
    """Role."""
    skill: str | None = None
    """Skill."""
    needed: float | None = None
    """Full-time people needed."""
    available: float | None = None
    """Full-time people there."""
    period: str | None = None
    """When."""
    starts_at: Instant | None = None
    """First instant of that time; None = as long as the plan is in force."""
    ends_at: Instant | None = None
    """First instant after it."""
    action_id: Annotated[str, ref("improvement_action")] | None = None
    """What is done where too few are there."""


class CapacityForecast(Part, kw_only=True):
    """What load is expected of a resource."""

    resource: str
    """Which: storage, processors, lines, licences …"""
    service_id: ServiceRef | None = None
    """Service it carries."""
    until: Instant | None = None
    """How far ahead the forecast reaches."""
    text: str | None = None
    """What is expected."""
    subject_id: AnyRef | None = None
    """What measurements of it are about; None = the service."""
    metric_id: str | None = None
    """Metric by which its use is measured; None = named like the resource."""


class CapacityResponseTime(Part, kw_only=True):
    """A response time agreed for a service."""

    service_id: ServiceRef | None = None
    """Which."""
    value: float | None = None
    """How long, in `unit`."""
    unit: str | None = None
    """`ms`, `s` …"""
    agreed_at: Instant | None = None
    """When it was agreed."""


class CapacityLimit(Part, kw_only=True):
    """A level at which a resource is extended."""

    resource: str
    """Which, as the forecasts name it."""
    limit: float | None = None
    """Highest level, as its metric counts."""
    action: str | None = None
    """What is done beyond it."""
    subject_id: AnyRef | None = None
    """What measurements of it are about; None = whatever the metric is measured of."""
    metric_id: str | None = None
    """Metric by which its use is measured; None = named like the resource."""


class CapacityWatch(Part, kw_only=True):
    """How the use of a resource is watched."""

    resource: str
    """Which, as the forecasts name it."""
    metric: str | None = None
    """What is measured."""
    tool: str | None = None
    """With what."""
    frequency: str | None = None
    """How often."""


class CapacityPlan(PlanDocument, tag="capacity_plan", kw_only=True):
    """How capacity shall meet demand."""

    forecasts: str | None = None
    """Expected demand."""
    response_times: str | None = None
    """Response times to hold."""
    thresholds: str | None = None
    """Levels at which to act."""
    monitoring: str | None = None
    """How load is watched."""
    needs: list[CapacityNeed] = []
    """Needs by service."""
    staff: list[StaffNeed] = []
    """People needed."""
    demand: list[CapacityForecast] = []
    """Expected load, resource by resource."""
    agreed_times: list[CapacityResponseTime] = []
    """Response times agreed, service by service."""
    limits: list[CapacityLimit] = []
    """Levels at which to act, resource by resource."""
    watching: list[CapacityWatch] = []
    """How load is watched, resource by resource."""


class Invitation(Part, kw_only=True):
    """A customer was asked to take part."""

    customer_id: CustomerRef | None = None
    """Who."""
    invited_at: Instant | None = None
    """When."""
    refused_at: Instant | None = None
    """When the customer refused in writing; None = did not."""
    refusal_ref: str | None = None
    """Where the refusal is."""


class ContinuityTest(Record, tag="continuity_test", kw_only=True):
    """A continuity plan was tried."""

    plan_id: Annotated[str, ref("plan")] | None = None
    """Plan tried."""
    performed_at: Instant | None = None
    """When."""
    scenario: str | None = None
    """What was supposed to have happened."""
    result: Literal["passed", "partly", "failed"] | None = None
    """How it ended."""
    rto_achieved_min: int | None = None
    """Minutes until the service ran again."""
    rpo_achieved_min: int | None = None
    """Minutes of data lost."""
    customer_invited: bool | None = None
    """The customer was asked to take part."""
    report_ref: str | None = None
    """Where the report is."""
    retest_of: Annotated[str, ref("continuity_test")] | None = None
    """Failed test it repeats."""
    invitations: list[Invitation] = []
    """Customers asked, and what they answered."""


class TrainingRecord(Record, tag="training_record", kw_only=True):
    """A person learned something, or shows that it was learned."""

    person: PersonRef | None = None
    """Who."""
    course: str | None = None
    """What."""
    role: str | None = None
    """Role it is needed for."""
    completed_at: Instant | None = None
    """When it was finished."""
    valid_to: Instant | None = None
    """First day it no longer counts."""
    result: str | None = None
    """How it ended."""
    proof_ref: str | None = None
    """Certificate or other proof."""
    type: Literal["training", "evidence"] | None = None
    """Taught, or shown."""


class Risk(Record, tag="risk", kw_only=True):
    """Something that may go wrong."""

    description: str | None = None
    """What."""
    rating: str | None = None
    """How bad and how likely."""
    treatment: str | None = None
    """What is done about it."""
    reviewed_at: Instant | None = None
    """Last look at it."""
    risk_status: str | None = None
    """Where its treatment stands, in the register's word."""


class Waiver(Record, tag="waiver", kw_only=True):
    """A requirement is set aside for a time."""

    requirement_id: str | None = None
    """Which requirement."""
    subject: AnyRef | None = None
    """Which record; None = see `subject_filter`."""
    subject_filter: str | None = None
    """Which records, where it is not one."""
    reason: str | None = None
    """Why."""
    approver: PersonRef | None = None
    """Who allowed it."""
    valid_from: Instant | None = None
    """First day."""
    valid_to: Instant | None = None
    """First day it no longer holds."""
