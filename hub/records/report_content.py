"""What stands in a service report, section by section, as far as a requirement asks for it."""

from typing import Annotated, Literal

from hub.records.base import Instant, Part, ServiceRef, ref

__all__ = [
    "AttainmentLine",
    "Correction",
    "DecisionAsked",
    "FollowUp",
    "ItemChange",
    "ItemCount",
    "LowScore",
    "PerformanceLine",
    "ReportArchive",
    "ReportChapter",
    "ReportEntry",
    "ReportExclusion",
    "ReportSummary",
    "SatisfactionLine",
    "ServiceVerdict",
    "TrendLine",
    "TrendValue",
    "WorkloadLine",
]


class ReportChapter(Part, kw_only=True):
    """A section of the report."""

    name: str
    """Which: `service_level`, `incident`, `finance`, the process of a joint report …"""
    text: str | None = None
    """What it says."""
    none_reason: str | None = None
    """Why there is nothing to say; `no cases` is a reason."""


class ItemCount(Part, kw_only=True):
    """Configuration items in one state."""

    ci_status: str
    """Place in their life."""
    number: int
    """How many."""


class ItemChange(Part, kw_only=True):
    """A configuration item that got another version."""

    ci_id: Annotated[str, ref("configuration_item")]
    """Which item."""
    version: str
    """Its new version."""
    at: Instant | None = None
    """When."""


class ReportSummary(Part, kw_only=True):
    """The half page in front."""

    text: str | None = None
    """What it says."""
    words: int | None = None
    """Its length in words; None = count the text."""
    no_decisions: bool | None = None
    """Nothing is asked of the reader, by statement."""


class ServiceVerdict(Part, kw_only=True):
    """How one service did, in the summary."""

    service_id: ServiceRef
    """Which."""
    verdict: str | None = None
    """How it did."""


class DecisionAsked(Part, kw_only=True):
    """Something the reader must decide."""

    text: str
    """What."""


class WorkloadLine(Part, kw_only=True):
    """Work that came and went in the period; opening, opened and reopened less what went is closing."""

    priority: str | None = None
    """Priority it counts; None = every one."""
    service_id: ServiceRef | None = None
    """Service it counts; None = every one."""
    opening: int | None = None
    """Open at the start."""
    opened: int | None = None
    """Came in."""
    reopened: int | None = None
    """Came back."""
    resolved: int | None = None
    """Resolved."""
    cancelled: int | None = None
    """Called off."""
    closing: int | None = None
    """Open at the end."""
    effort_h: float | None = None
    """Hours spent."""


class PerformanceLine(Part, kw_only=True):
    """How one service performed by one metric."""

    service_id: ServiceRef
    """Which service."""
    metric_id: str | None = None
    """By which metric."""
    limit: float | None = None
    """Level it shall hold."""
    actual: float | None = None
    """Level it held."""
    coverage: float | None = None
    """Share of the data that was there, 0 to 1."""
    missing_reason: str | None = None
    """Why there is no figure."""


class AttainmentLine(Part, kw_only=True):
    """How often a target of an agreement was met."""

    sla_id: Annotated[str, ref("sla")]
    """Which agreement."""
    target_id: str
    """Id of the target within it."""
    met: int | None = None
    """Cases that met it."""
    missed: int | None = None
    """Cases that missed it."""
    excluded: int | None = None
    """Cases left out by rule; each stands in `exclusions`."""
    total: int | None = None
    """All cases."""


class ReportExclusion(Part, kw_only=True):
    """A case left out of an attainment."""

    sla_id: Annotated[str, ref("sla")] | None = None
    """Which agreement."""
    target_id: str | None = None
    """Target it would have counted for."""
    case_id: Annotated[str, ref("any")] | None = None
    """Which case."""
    rule_id: str | None = None
    """Rule of the agreement that takes it out."""


class SatisfactionLine(Part, kw_only=True):
    """What the surveys of the period gave."""

    channel: Literal["email", "phone", "visit", "portal"] | None = None
    """Way they were asked; None = all."""
    sent: int | None = None
    """Asked."""
    replied: int | None = None
    """Answered."""
    mean: float | None = None
    """Mean score of the answers."""


class LowScore(Part, kw_only=True):
    """A customer who was not content."""

    survey_id: Annotated[str, ref("satisfaction_survey")] | None = None
    """Which answer."""
    follow_up: str | None = None
    """What was done about it."""


class TrendLine(Part, kw_only=True):
    """Where a metric is heading."""

    metric_id: str
    """Which metric."""
    direction: str | None = None
    """Up, down, steady."""
    forecast: float | None = None
    """Figure expected next period."""
    not_forecast_reason: str | None = None
    """Why none is given."""


class TrendValue(Part, kw_only=True):
    """A figure of a period in a trend."""

    metric_id: str
    """Which metric."""
    period: str
    """Period, as the metric line of its report names it."""
    value: float | None = None
    """Figure."""


class FollowUp(Part, kw_only=True):
    """Where an action stands."""

    action_id: Annotated[str, ref("improvement_action")]
    """Which."""
    status: str | None = None
    """Where it stands."""


class Correction(Part, kw_only=True):
    """A value that was put right."""

    name: str
    """Which value."""
    old: str | None = None
    """As issued before."""
    new: str | None = None
    """As it is."""


class ReportEntry(Part, kw_only=True):
    """The report's row in the register of reports."""

    at: Instant | None = None
    """When it was entered."""
    period_start: Instant | None = None
    """Start of the period, as entered."""
    period_end: Instant | None = None
    """End of the period, as entered."""
    due_at: Instant | None = None
    """When it was due, as entered."""
    submitted_at: Instant | None = None
    """When it was handed over, as entered."""
    result: str | None = None
    """On time, late …"""


class ReportArchive(Part, kw_only=True):
    """Where the report is kept."""

    location: str | None = None
    """Where the provider keeps it."""
    sha256: str | None = None
    """Hash of what is kept there."""
    keep_until: Instant | None = None
    """First instant at which it may go."""
    customer_location: str | None = None
    """Where the customer keeps it."""
    customer_received_at: Instant | None = None
    """When the customer confirmed its copy."""
