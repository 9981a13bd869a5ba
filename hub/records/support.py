"""What customers bring to the service desk and what interrupts a service: incidents, requests, security incidents."""

# ruff: noqa: RUF012 - msgspec copies an empty default for each record

from typing import Annotated, Any, Literal

import msgspec

from hub.records.base import AnyRef, Instant, Money, Part, PersonRef, Record, ref

__all__ = [
    "Breach",
    "CustomerUpdate",
    "Escalation",
    "Incident",
    "MajorStep",
    "Pause",
    "Reopen",
    "Request",
    "SecurityIncident",
    "SlaClock",
    "Ticket",
]


class Pause(Part, kw_only=True):
    """An interval in which the resolution clock stands still, if its rule holds (R5)."""

    from_: Instant = msgspec.field(name="from")
    """Start."""
    to: Instant | None = None
    """End; None = still open."""
    reason: str | None = None
    """Status category or word that explains it."""
    customer_asked_at: Instant | None = None
    """When the customer was visibly asked."""
    customer_replied_at: Instant | None = None
    """When the customer answered."""


class Reopen(Part, kw_only=True):
    """A resolution that did not hold."""

    resolved_at: Instant | None = None
    """The earlier resolution."""
    reopened_at: Instant
    """When work began again."""


class CustomerUpdate(Part, kw_only=True):
    """A message the customer could see."""

    at: Instant
    """When it became visible."""
    ref: str | None = None
    """Native id of the message."""


class Escalation(Part, kw_only=True):
    """A ticket was handed up or across."""

    at: Instant
    """When the tool recorded it."""
    kind: Literal["functional", "hierarchical"] | None = None
    """To other skills, or to higher rank."""
    to: str | None = None
    """Group, role or person as the source names it."""
    reached: bool | None = None
    """The addressee was reached."""


class SlaClock(Part, kw_only=True):
    """A clock the hub has computed for the ticket."""

    target_id: str
    """Target in the agreement."""
    start: Instant
    """Clock start."""
    due: Instant | None = None
    """Earliest instant the target is used up; None = cannot be told while paused."""
    stop: Instant | None = None
    """Clock stop; None = running."""
    counted_s: int
    """Seconds counted."""
    result: str | None = None
    """State of the clock (R9)."""


class Breach(Part, kw_only=True):
    """Why an agreed level was missed, and who was told."""

    cause_code: str | None = None
    """Cause by list."""
    cause_text: str | None = None
    """Cause in words."""
    recorded_at: Instant | None = None
    """When the cause was recorded."""
    notified_at: Instant | None = None
    """When the customer was told."""


class Ticket(Record, kw_only=True):
    """What incidents and requests have alike."""

    reported_at: Instant | None = None
    """When the customer's report reached the provider."""
    recorded_at: Instant | None = None
    """When the ticket was made."""
    channel: Literal["phone", "email", "portal", "chat", "alert", "letter", "visit"] | None = None
    """Way in."""
    reporter: PersonRef | None = None
    """Who reported; None is right only for the channel `alert`."""
    impact: int | None = None
    """1 high to 3 low."""
    urgency: int | None = None
    """1 high to 3 low."""
    priority: Literal["P1", "P2", "P3", "P4"] | None = None
    """Priority in force."""
    description: str | None = None
    """What the caller told, or its first words; requirements read only whether it says something."""
    contact_ref: str | None = None
    """How the caller can be reached: a number, an address, or the native id of the call."""
    priority_override_reason: str | None = None
    """Why it differs from the matrix."""
    category: str | None = None
    """Classification."""
    subcategory: str | None = None
    """Finer classification."""
    security_relevant: bool | None = None
    """Touches information security."""
    support_line: int | None = None
    """1st, 2nd or 3rd line; not the class."""
    support_class: str | None = None
    """Service class of the contract."""
    first_response_at: Instant | None = None
    """First message or call by a person, visible to the customer."""
    first_response_ref: str | None = None
    """Native id of that message."""
    promised_reply_at: Instant | None = None
    """When the desk promised to be back."""
    onsite_confirmed_at: Instant | None = None
    """Diagnosis confirmed that a visit is needed."""
    onsite_at: Instant | None = None
    """Arrival on site."""
    pauses: list[Pause] = []
    """Intervals that may stop the resolution clock."""
    resolved_at: Instant | None = None
    """Last resolution."""
    resolution_code: str | None = None
    """How it was resolved, by list."""
    resolution_note: str | None = None
    """How it was resolved, in words."""
    reopens: list[Reopen] = []
    """Resolutions that did not hold."""
    closed_at: Instant | None = None
    """Closure."""
    closure_confirmed_by: PersonRef | None = None
    """Who agreed to the closure."""
    closure_confirmed_at: Instant | None = None
    """When that person agreed."""
    auto_closed: bool | None = None
    """Closed by a rule of the tool."""
    customer_updates: list[CustomerUpdate] = []
    """Messages the customer could see."""
    escalations: list[Escalation] = []
    """Times it was handed up or across."""
    sla_clocks: list[SlaClock] = []
    """Clocks computed by the hub."""
    tool_sla: dict[str, Any] = {}
    """What the tool computed, kept for comparison."""
    breach: Breach | None = None
    """Cause and notice of a missed level."""
    ci_ids: list[Annotated[str, ref("configuration_item")]] = []
    """Configuration items concerned."""
    caused_by_change_id: Annotated[str, ref("change")] | None = None
    """Change that caused it."""
    problem_ids: list[Annotated[str, ref("problem")]] = []
    """Problems it belongs to."""


class MajorStep(Part, kw_only=True):
    """Something done against a major incident."""

    text: str
    """What."""
    at: Instant | None = None
    """When."""


class Incident(Ticket, tag="incident", kw_only=True):
    """An interruption of a service, or a loss of its quality."""

    major: bool | None = None
    """Handled as a major incident."""
    emergency_plan_id: AnyRef | None = None
    """Emergency plan followed, in a major incident."""
    major_cause: str | None = None
    """How a major incident came about."""
    major_effect: str | None = None
    """What a major incident brought about."""
    major_steps: list[MajorStep] = []
    """What was done against a major incident, and when."""


class Request(Ticket, tag="request", kw_only=True):
    """A user's wish for something the catalogue offers."""

    catalogue_item: str | None = None
    """What was asked for, as the catalogue names it."""
    approval_required: bool | None = None
    """Must be approved before it is fulfilled."""
    fulfilled_at: Instant | None = None
    """When the user had it."""


class SecurityIncident(Incident, tag="security_incident", kw_only=True):
    """A breach of information security, or an attempt."""

    type: str | None = None
    """Kind of breach."""
    severity: Literal["critical", "major", "minor"] | None = None
    """Weight."""
    detected_at: Instant | None = None
    """When it was noticed."""
    reported_to_management_at: Instant | None = None
    """When management was told."""
    reported_to: PersonRef | None = None
    """Who in management was told."""
    containment_at: Instant | None = None
    """When it could spread no further."""
    investigation: str | None = None
    """What was found."""
    cause: str | None = None
    """How it could happen."""
    investigator: PersonRef | None = None
    """Who found out."""
    management_action: str | None = None
    """What management decided."""
    cost: Money | None = None
    """Cost of the damage and its repair."""
    personal_data: bool | None = None
    """Personal data was touched."""
