"""Promises: to customers, between units, by suppliers."""

# ruff: noqa: RUF012 - msgspec copies an empty default for each record

from typing import Annotated, Any, Literal

from hub.records.base import AnyRef, Date, Instant, Money, Part, PersonRef, Record, ServiceRef, ref

__all__ = [
    "Agreement",
    "CriticalSystem",
    "Dispute",
    "FinanceReporting",
    "Ola",
    "ReportDuty",
    "SecurityRequirement",
    "Signatory",
    "Sla",
    "SupportingAgreement",
    "Target",
    "UnderpinningContract",
]


class Target(Part, kw_only=True):
    """A promised level and how it is measured."""

    id: str
    """Id within the agreement."""
    metric: str
    """What is measured: response, resolution, availability …"""
    service_ids: list[str] = []
    """Ids of the services it covers; empty = all of the agreement."""
    priority: Literal["P1", "P2", "P3", "P4"] | None = None
    """Priority it holds for."""
    grade: str | None = None
    """Grade it holds for, where the agreement grades tickets."""
    operator: Literal["<=", ">="]
    """Direction."""
    value: float
    """Level, in `unit`."""
    unit: str
    """`min`, `h`, `%`, `d` …"""
    calendar: str | None = None
    """Calendar it counts on; None = the agreement's."""
    period: str | None = None
    """Period it is decided over; None = per case."""
    min_sample: int | None = None
    """Cases below which nothing is decided."""
    exclusions: list[str] = []
    """Rule ids that take a case out."""
    warn_share: float = 0.8
    """Share of the target after which a case is at risk."""
    internal_dependency: str | None = None
    """Operational level agreement it rests on."""
    supplier_dependency: str | None = None
    """Underpinning contract it rests on."""


class Signatory(Part, kw_only=True):
    """One signature."""

    party: AnyRef | None = None
    """For whom."""
    person: PersonRef | None = None
    """Who signed."""
    at: Instant | None = None
    """When."""


class ReportDuty(Part, kw_only=True):
    """A report the agreement owes."""

    type: str | None = None
    """Report type."""
    frequency: str | None = None
    """How often."""
    due_business_days: int | None = None
    """Business days after the period."""
    submitter: AnyRef | None = None
    """Who delivers it."""
    method: str | None = None
    """How it is delivered."""
    measures: list[str] = []
    """Measures it must hold."""


class FinanceReporting(Part, kw_only=True):
    """What was agreed on reporting money."""

    frequency: str | None = None
    """How often."""
    format: str | None = None
    """In what form."""
    none_agreed: bool | None = None
    """Nothing is owed, by agreement."""


class SecurityRequirement(Part, kw_only=True):
    """A security demand of the agreement."""

    id: str
    """Id within the agreement."""
    text: str | None = None
    """What is asked."""
    control_id: str | None = None
    """Control that answers it."""


class CriticalSystem(Part, kw_only=True):
    """A system with a promised recovery time."""

    service_id: ServiceRef
    """Which."""
    recovery_minutes: int | None = None
    """Promised minutes."""


class Dispute(Part, kw_only=True):
    """The two sides differ over what was agreed."""

    text: str | None = None
    """Over what."""
    opened_at: Instant | None = None
    """Since when."""
    owner: PersonRef | None = None
    """Who sees it settled."""
    settled_at: Instant | None = None
    """When it was settled; None = it is open."""


class Agreement(Record, kw_only=True):
    """One version of a promise; it holds from `valid_from` until before `valid_to`."""

    version: str | None = None
    """Version."""
    valid_from: Date | None = None
    """First day."""
    valid_to: Date | None = None
    """First day it no longer holds; None = open end."""
    zone: str | None = None
    """IANA zone of these days; None = the organisation's."""
    signed_at: Instant | None = None
    """Last signature."""
    signatories: list[Signatory] = []
    """Who signed."""
    calendar_ids: list[Annotated[str, ref("calendar")]] = []
    """Support hours."""
    targets: list[Target] = []
    """Promised levels."""
    priority_matrix: dict[str, Any] = {}
    """Impact and urgency to priority, where it differs from the default."""
    clock_rules: dict[str, Any] = {}
    """Clock rules that differ from the default."""
    exclusions: list[str] = []
    """What is not covered."""
    success_rule: str | None = None
    """How success is decided."""
    reporting: list[ReportDuty] = []
    """Reports owed."""
    finance_reporting: FinanceReporting | None = None
    """Reporting of money."""
    security_requirements: list[SecurityRequirement] = []
    """Security demands."""
    security_boundary: str | None = None
    """Which side answers for which part of security."""
    escalation_contacts: list[PersonRef] = []
    """Whom to turn to, lowest rank first."""
    review_interval_days: int | None = None
    """Days between reviews."""
    meeting_interval_days: int | None = None
    """Days between meetings."""
    change_terms: str | None = None
    """How it may be changed."""
    termination: str | None = None
    """How it ends."""
    baseline_doc: Annotated[str, ref("document")] | None = None
    """Document it was signed in."""
    critical_systems: list[CriticalSystem] = []
    """Promised recovery times."""
    continuity_test_term: str | None = None
    """What was agreed on testing continuity."""


class Sla(Agreement, tag="sla", kw_only=True):
    """What the provider promises a customer."""


class SupportingAgreement(Agreement, kw_only=True):
    """A promise that makes other promises possible."""

    provider_unit: AnyRef | None = None
    """Who promises."""
    receiver_unit: AnyRef | None = None
    """To whom."""
    supports_sla: list[Annotated[str, ref("sla")]] = []
    """Agreements that rest on it."""


class Ola(SupportingAgreement, tag="ola", kw_only=True):
    """What one unit of the provider promises another."""


class UnderpinningContract(SupportingAgreement, tag="underpinning_contract", kw_only=True):
    """What a supplier promises the provider."""

    supplier_id: Annotated[str, ref("supplier")] | None = None
    """Supplier."""
    contract_scope: str | None = None
    """What is bought."""
    interfaces: str | None = None
    """How both sides work together."""
    dispute_clause: str | None = None
    """How disputes are settled."""
    disputes: list[Dispute] = []
    """Disputes over it, settled ones too."""
    security_clause: bool | None = None
    """Binds the supplier to the security rules."""
    subcontracting: str | None = None
    """What the supplier may pass on."""
    value: Money | None = None
    """Price."""
