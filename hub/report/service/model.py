"""A compiled report as data: kept with the draft, and all that its files are drawn from."""

from __future__ import annotations

import msgspec

from hub.records import ReportMetric
from hub.records.report_content import (
    AttainmentLine,
    DecisionAsked,
    FollowUp,
    ItemChange,
    ItemCount,
    LowScore,
    PerformanceLine,
    ReportChapter,
    ReportExclusion,
    ReportSummary,
    SatisfactionLine,
    ServiceVerdict,
    TrendLine,
    TrendValue,
    WorkloadLine,
)
from hub.records.service_report import ReportFinding
from hub.report.file.topic import Topic
from hub.report.language.words import Language
from hub.report.model import Said
from hub.report.service.chapter import Chapter, Dated, Part

__all__ = ["Compiled", "Content", "KeptChapter", "KeptPart", "decode_compiled", "encode_compiled", "keep"]


class KeptPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """A sentence, one with instants, or a table."""

    said: Said | None = None
    dated: Dated | None = None
    table: Topic | None = None


class KeptChapter(msgspec.Struct, frozen=True, omit_defaults=True):
    """A chapter as compiled."""

    number: int
    title: str
    parts: list[KeptPart] = []
    absent: Said | None = None
    """Why it has no data."""


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the record of a report says of its content, field by field of `ServiceReport`."""

    chapters: list[ReportChapter] = []
    summary: ReportSummary | None = None
    verdicts: list[ServiceVerdict] = []
    decisions_asked: list[DecisionAsked] = []
    performance: list[PerformanceLine] = []
    attainment: list[AttainmentLine] = []
    exclusions: list[ReportExclusion] = []
    trends: list[TrendLine] = []
    trend_values: list[TrendValue] = []
    findings: list[ReportFinding] = []
    coverage_notes: list[str] = []
    workload: list[WorkloadLine] = []
    satisfaction: list[SatisfactionLine] = []
    low_scores: list[LowScore] = []
    follow_ups: list[FollowUp] = []
    ci_counts: list[ItemCount] = []
    ci_changes: list[ItemChange] = []


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """A whole report of the plan. Instants are UTC milliseconds."""

    report_id: str
    revision: int
    title: str
    organisation: str
    customer: str
    """What people call it; empty = no one customer's."""
    label: str
    """Of its period."""
    zone: str
    as_of: int
    issued_at: int
    language: Language
    chapters: list[KeptChapter]
    required: list[int]
    """Numbers of the chapters its type has to have."""
    metrics: list[ReportMetric]
    content: Content

    @property
    def present(self) -> int:
        """How many of the required chapters it has: each says something, or why there is nothing to say."""
        own = {one.number for one in self.chapters if one.parts or one.absent is not None}
        return sum(number in own for number in self.required)


def keep(chapter: Chapter) -> KeptChapter:
    """Turn a chapter into what can be read back."""
    return KeptChapter(chapter.number, chapter.title, [_kept(one) for one in chapter.parts], chapter.absent)


def _kept(part: Part) -> KeptPart:
    if isinstance(part, Dated):
        return KeptPart(dated=part)
    return KeptPart(said=part) if isinstance(part, Said) else KeptPart(table=part)


_decoder = msgspec.json.Decoder(Compiled)


def encode_compiled(report: Compiled) -> bytes:
    """Write a report as JSON; the same report gives the same bytes."""
    body = msgspec.json.encode(report, order="deterministic")
    return msgspec.json.format(body, indent=1) + b"\n"


def decode_compiled(body: bytes) -> Compiled:
    """Read what `encode_compiled` wrote."""
    return _decoder.decode(body)
