"""Reports on services, the hub's own and others'."""

# ruff: noqa: RUF012 - msgspec copies an empty default for each record

from typing import Annotated, Any, Literal

import msgspec

from hub.records.base import AnyRef, Instant, Part, Period, PersonRef, Record, ref
from hub.records.report_content import (
    AttainmentLine,
    Correction,
    DecisionAsked,
    FollowUp,
    ItemChange,
    ItemCount,
    LowScore,
    PerformanceLine,
    ReportArchive,
    ReportChapter,
    ReportEntry,
    ReportExclusion,
    ReportSummary,
    SatisfactionLine,
    ServiceVerdict,
    TrendLine,
    TrendValue,
    WorkloadLine,
)

__all__ = ["DataSource", "ReportDelivery", "ReportFile", "ReportFinding", "ReportMetric", "ServiceReport"]


class DataSource(Part, kw_only=True):
    """Where a report's figures came from."""

    system: str
    """System."""
    query: str | None = None
    """Question asked."""
    retrieved_at: Instant | None = None
    """When."""
    complete: bool | None = None
    """Read to the end."""
    record_count: int | None = None
    """Records read."""
    hash: str | None = None
    """Hash of the answer."""
    due_at: Instant | None = None
    """When it was to be there, where that was agreed."""
    failure_note: str | None = None
    """What the report says where it came late, in part or not at all."""


class ReportMetric(Part, kw_only=True):
    """One metric line: before, now, next."""

    metric_id: str
    """Which metric."""
    name: str | None = None
    """Name for readers."""
    unit: str | None = None
    """Unit."""
    formula_version: str | None = None
    """Version of the formula."""
    previous_period: str | None = None
    """Period before."""
    previous_target: float | None = None
    """Its target."""
    previous_actual: float | None = None
    """Its figure as issued."""
    current_period: str | None = None
    """Period reported."""
    current_target: float | None = None
    """Its target."""
    current_actual: float | None = None
    """Its figure."""
    current_numerator: float | None = None
    """Counted."""
    current_denominator: float | None = None
    """Out of."""
    current_excluded: int | None = None
    """Cases left out by rule."""
    current_coverage: float | None = None
    """Share of the data that was there, 0 to 1."""
    next_period: str | None = None
    """Period after."""
    next_target: float | None = None
    """Its target."""
    verdict: Literal["met", "missed", "no_cases", "not_provable"] | None = None
    """Verdict."""
    change_vs_previous: float | None = None
    """Difference."""
    comment: str | None = None
    """Author's words."""
    missing_reason: str | None = None
    """Why there is no figure."""
    evidence_ids: list[str] = []
    """Ids of records it rests on."""
    new_metric: bool | None = None
    """Measured for the first time: there is nothing before."""
    retired: bool | None = None
    """Measured for the last time: there is no target for the period after."""
    previous_formula_version: str | None = None
    """Version of the formula of the figure before; None = the same."""
    previous_restated: float | None = None
    """The figure before by the present formula, where the formula changed; `comment` says why."""
    action_id: Annotated[str, ref("improvement_action")] | None = None
    """What is done, or decided not to be done, where it was missed."""


class ReportFinding(Part, kw_only=True):
    """A finding a report holds."""

    id: str
    """Id within the report."""
    requirement_id: str | None = None
    """Requirement not met."""
    severity: str | None = None
    """Weight."""
    subject_ids: list[str] = []
    """Ids of the records concerned."""
    text: str | None = None
    """What."""
    action_id: Annotated[str, ref("improvement_action")] | None = None
    """Action against it."""


class ReportFile(Part, kw_only=True):
    """A file of the report."""

    name: str
    """Name."""
    sha256: str
    """Its hash."""


class ReportDelivery(Part, kw_only=True):
    """The report on its way to one recipient."""

    recipient: AnyRef | None = None
    """Who."""
    message_id: str | None = None
    """Message it went with."""
    sent_at: Instant | None = None
    """When."""
    result: str | None = None
    """What became of it."""


class ServiceReport(Record, tag="service_report", kw_only=True):
    """One revision of one report."""

    report_id: str | None = None
    """`SR-<customer>-<type>-<period>`; unique with `revision`."""
    revision: int | None = None
    """From 1."""
    type: str | None = None
    """Report type of the catalogue."""
    class_: Literal["routine", "event", "special"] | None = msgspec.field(default=None, name="class")
    """Why it is made."""
    direction: Literal["external", "internal", "inbound"] | None = None
    """To whom it goes."""
    process: str | None = None
    """Process, for an internal process report."""
    purpose: str | None = None
    """What it is for."""
    audience: list[str] = []
    """Roles it is for."""
    period: Period | None = None
    """Time reported, half-open."""
    zone: str | None = None
    """IANA zone of the period."""
    as_of: Instant | None = None
    """When its data was frozen."""
    issued_at: Instant | None = None
    """When it was issued."""
    due_at: Instant | None = None
    """When it is due."""
    submitted_at: Instant | None = None
    """When it was handed over."""
    archived_at: Instant | None = None
    """When it was archived."""
    state: str | None = None
    """State of the report process."""
    author: PersonRef | None = None
    """Who is responsible for the text."""
    approvals: list[Annotated[str, ref("approval")]] = []
    """Approvals; each binds to `content_hash`."""
    data_sources: list[DataSource] = []
    """Where the figures came from."""
    coverage_notes: list[str] = []
    """What was not read, and why."""
    sections: dict[str, Any] = {}
    """What it says."""
    metrics: list[ReportMetric] = []
    """Figures."""
    findings: list[ReportFinding] = []
    """Findings."""
    supersedes: Annotated[str, ref("service_report")] | None = None
    """Revision it corrects."""
    change_note: str | None = None
    """What was corrected."""
    content_hash: str | None = None
    """SHA-256 of its content."""
    files: list[ReportFile] = []
    """Its files."""
    delivery: list[ReportDelivery] = []
    """What became of it."""
    distribution: str | None = None
    """Line on copying."""
    provisional: bool | None = None
    """Made before all its data was there, and marked so."""
    late_reason: str | None = None
    """Why it was handed over late."""
    recipients: list[AnyRef] = []
    """Who is to get it."""
    about: list[AnyRef] = []
    """What an event or special report is about."""
    requested_by: AnyRef | None = None
    """Who asked for a special report."""
    contract_id: Annotated[str, ref("underpinning_contract")] | None = None
    """Contract under which a supplier owes it."""
    measurements: list[Annotated[str, ref("measurement")]] = []
    """Measurements its figures are taken from."""
    chapters: list[ReportChapter] = []
    """Its sections by name, those without cases too."""
    summary: ReportSummary | None = None
    """The half page in front."""
    verdicts: list[ServiceVerdict] = []
    """Verdict per service in the summary."""
    decisions_asked: list[DecisionAsked] = []
    """What the reader must decide; see `summary.no_decisions`."""
    workload: list[WorkloadLine] = []
    """Work of the period."""
    performance: list[PerformanceLine] = []
    """How services performed."""
    attainment: list[AttainmentLine] = []
    """How targets were met."""
    exclusions: list[ReportExclusion] = []
    """Cases left out of attainment."""
    satisfaction: list[SatisfactionLine] = []
    """Surveys of the period."""
    low_scores: list[LowScore] = []
    """Customers who were not content."""
    trends: list[TrendLine] = []
    """Where metrics are heading."""
    trend_values: list[TrendValue] = []
    """Figures of the last periods, this one included."""
    follow_ups: list[FollowUp] = []
    """Actions of earlier reports."""
    corrections: list[Correction] = []
    """Values a revision put right."""
    registered: ReportEntry | None = None
    """Its row in the register of reports."""
    archive: ReportArchive | None = None
    """Where it is kept."""
    ci_counts: list[ItemCount] = []
    """Configuration items by state."""
    ci_changes: list[ItemChange] = []
    """Versions that configuration items got in the period."""
