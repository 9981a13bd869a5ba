"""Hand-kept rows that define and permit: metrics, report types, controls, access, loans."""

# ruff: noqa: RUF012 - msgspec copies an empty default for each record

from typing import Annotated, Literal

import msgspec

from hub.records.base import AnyRef, Date, Instant, Part, PersonRef, Record, ServiceRef, ref

__all__ = [
    "AuthorisationForm",
    "CompetenceProfile",
    "Control",
    "Disposal",
    "InformationClass",
    "Licence",
    "Loan",
    "LogGap",
    "LogReview",
    "LogStore",
    "MandatoryCourse",
    "MetricDefinition",
    "ReaderOpinion",
    "ReportParty",
    "ReportSpec",
]


class MetricDefinition(Record, tag="metric_definition", kw_only=True):
    """How a metric is computed."""

    metric_id: str | None = None
    """Which metric."""
    process: str | None = None
    """Process it measures."""
    service_id: ServiceRef | None = None
    """Service it measures."""
    unit: str | None = None
    """Unit."""
    formula: str | None = None
    """Formula."""
    formula_version: str | None = None
    """Its version."""
    inputs: list[str] = []
    """What it reads, as `kind.field`."""
    target: float | None = None
    """Target, in `unit`."""
    direction: Literal["up", "down"] | None = None
    """Which way is better."""
    valid_from: Date | None = None
    """First day."""
    valid_to: Date | None = None
    """First day no longer valid."""


class ReaderOpinion(Part, kw_only=True):
    """A reader said whether a report can be decided from."""

    by: PersonRef | None = None
    """Who."""
    at: Instant | None = None
    """When."""
    clear: bool | None = None
    """It can."""


class ReportParty(Part, kw_only=True):
    """Somebody who approves or gets a report: a person, or whoever holds a role, belongs to a team, answers for a service."""

    person: PersonRef | None = None
    """Who, by name."""
    role: str | None = None
    """Everybody who holds this role; with `service_id`, for that service."""
    service_id: ServiceRef | None = None
    """Service; without a role its owner."""
    team_id: Annotated[str, ref("team")] | None = None
    """Every member of this team."""


class ReportSpec(Record, tag="report_spec", kw_only=True):
    """A report type of the catalogue; with `due_days`, a row of the plan of reports."""

    type: str | None = None
    """Report type."""
    class_: Literal["routine", "event", "special"] | None = msgspec.field(default=None, name="class")
    """Why it is made; None = routine."""
    direction: Literal["external", "internal", "inbound"] | None = None
    """To whom it goes."""
    process: str | None = None
    """Process, for an internal process report."""
    purpose: str | None = None
    """What it is for."""
    audience: list[str] = []
    """Roles it is for."""
    frequency: str | None = None
    """How often: `month`, `quarter`, `half_year`, `year`; an event or special report needs none."""
    due_days: int | None = None
    """Days after its period, or its event, by which it is due; None = it is not planned by the hub."""
    due_counts: Literal["business_days", "days"] = "business_days"
    """What `due_days` counts."""
    due_time: str = "17:00"
    """Local time of day at which it is due."""
    zone: str | None = None
    """IANA zone of period and due time; None = the organisation's."""
    calendar_id: Annotated[str, ref("calendar")] | None = None
    """Calendar that says which days are business days; None = the organisation's."""
    author: PersonRef | None = None
    """Who answers for the text."""
    approvers: list[ReportParty] = []
    """Who approves, in this order; none = it goes out without an approval."""
    recipients: list[ReportParty] = []
    """Who gets it."""
    method: str | None = None
    """Channel of `hub.toml` it leaves by."""
    template: str | None = None
    """Report type whose chapters it has, with its language: `monthly_service.zh`; None = its own type, in English."""
    metrics: list[str] = []
    """Figures it must hold."""
    retention_days: int | None = None
    """Days the archive keeps it; None = three years."""
    valid_from: Date | None = None
    """First day planned; of a special report, of what it covers."""
    valid_to: Date | None = None
    """First day no longer planned; of a special report, no longer covered."""
    data_sources: list[str] = []
    """Where its data comes from."""
    required_by: str | None = None
    """Who or what asks for it."""
    agreed_by: PersonRef | None = None
    """Who agreed to it."""
    agreed_at: Instant | None = None
    """When."""
    content: list[str] = []
    """What it must hold."""
    active: bool = True
    """Still made."""
    opinions: list[ReaderOpinion] = []
    """What readers said of its reports."""


class MandatoryCourse(Part, kw_only=True):
    """A course that everybody in a role takes."""

    course: str
    """Which, as training records name it."""


class CompetenceProfile(Record, tag="competence_profile", kw_only=True):
    """What a role must be able to do."""

    role: str | None = None
    """Role."""
    required: list[str] = []
    """Competences."""
    courses: list[MandatoryCourse] = []
    """Courses its holders must take."""


class Control(Record, tag="control", kw_only=True):
    """A security control in operation."""

    control_id: str | None = None
    """Id people use."""
    policy_statement_ids: list[str] = []
    """Policy statements it carries out."""
    risk_id: Annotated[str, ref("risk")] | None = None
    """Risk it treats."""
    operation: str | None = None
    """How it works."""
    maintenance: str | None = None
    """How it is kept working."""
    control_status: str | None = None
    """Where it stands, in the register's word."""
    last_checked_at: Instant | None = None
    """Last check."""


class Licence(Record, tag="licence", kw_only=True):
    """A right to use, and its use."""

    product: str | None = None
    """For what."""
    entitlement: int | None = None
    """Copies allowed."""
    installed: int | None = None
    """Copies in use."""
    valid_to: Date | None = None
    """First day no longer valid."""
    informed: list[PersonRef] = []
    """People who were told its terms."""
    ci_ids: list[Annotated[str, ref("configuration_item")]] = []
    """Items it covers."""


class LogGap(Part, kw_only=True):
    """A time without entries."""

    start: Instant
    """Last entry before it."""
    end: Instant | None = None
    """First entry after it; None = it lasts."""


class LogReview(Part, kw_only=True):
    """Somebody looked through a log."""

    at: Instant
    """When."""
    by: PersonRef | None = None
    """Who."""


class LogStore(Record, tag="log_store", kw_only=True):
    """Where logs are kept."""

    store: str | None = None
    """Which."""
    oldest: Instant | None = None
    """Oldest entry."""
    newest: Instant | None = None
    """Newest entry."""
    gaps: list[str] = []
    """Times without entries."""
    reviewed_at: Instant | None = None
    """Last look at it."""
    type: Literal["query", "access", "service"] | None = None
    """What its entries tell of."""
    kept_from: Instant | None = None
    """When the log began to be kept."""
    gap_spans: list[LogGap] = []
    """Times without entries, with their length."""
    reviews: list[LogReview] = []
    """Looks at it."""


class Disposal(Record, tag="disposal", kw_only=True):
    """A record or document was destroyed or archived for good."""

    subject_id: Annotated[str, ref("any", index=True)] | None = None
    """What."""
    method: str | None = None
    """How."""
    approved_by: PersonRef | None = None
    """Who allowed it."""
    approved_at: Instant | None = None
    """When that was."""
    at: Instant | None = None
    """When it was done."""


class Loan(Record, tag="loan", kw_only=True):
    """A thing or a set of data lent out."""

    what: str | None = None
    """What."""
    purpose: str | None = None
    """For what."""
    from_: str | None = msgspec.field(default=None, name="from")
    """Who lends it."""
    to: str | None = None
    """Who borrows it."""
    approved_by: PersonRef | None = None
    """Who allowed it."""
    approved_at: Instant | None = None
    """When that was."""
    given_at: Instant | None = None
    """When it was given."""
    due_at: Instant | None = None
    """When it is due back."""
    returned_at: Instant | None = None
    """When it came back."""
    outside: bool | None = None
    """It leaves the organisation."""


class InformationClass(Record, tag="information_class", kw_only=True):
    """How closely a record about a customer is kept."""

    subject_id: AnyRef | None = None
    """Which record."""
    level: str | None = None
    """Class."""
    permitted_roles: list[str] = []
    """Roles that may see it."""


class AuthorisationForm(Record, tag="authorisation_form", kw_only=True):
    """A customer allows work on site."""

    customer_contact: PersonRef | None = None
    """Who allows it."""
    work: str | None = None
    """What."""
    valid_from: Date | None = None
    """First day."""
    valid_to: Date | None = None
    """First day no longer valid."""
