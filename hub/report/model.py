"""What a conformance report says, before it looks like anything.

Plain data: the mail, its text part and the attachments are made from this and nothing else, and the
next report is compared with it. Instants are UTC milliseconds; shares are basis points, rounded
down (9375 = 93.75 %).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from hub.conformance.answer import CoverageRow, ProfileLine, RequirementRow, Severity, Verdict, WordRow
from hub.conformance.situation.fact import Level, Situation
from hub.report.section.line import (
    Action,
    AttestationLine,
    Change,
    Coming,
    GapLine,
    Moved,
    News,
    Nonconformity,
    Person,
    Proof,
    RuleChange,
    WaiverLine,
)

__all__ = [
    "SEVERITIES",
    "Action",
    "Attachment",
    "AttestationLine",
    "Change",
    "ClauseRow",
    "Coming",
    "Counts",
    "CoverageRow",
    "GapLine",
    "Identity",
    "Moved",
    "News",
    "Nonconformity",
    "Period",
    "Person",
    "ProfileLine",
    "Proof",
    "Rate",
    "ReportModel",
    "RequirementRow",
    "RuleChange",
    "Said",
    "SeverityCount",
    "Status",
    "TrendPoint",
    "WaiverLine",
    "Word",
    "decode_model",
    "encode_model",
]

SEVERITIES: tuple[Severity, ...] = ("critical", "major", "minor")
"""Worst first."""
Word = Literal["RED", "AMBER", "GREEN", "INCOMPLETE", "INCOMPLETE/RED"]


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """The time a report is about: [start, end) in a zone."""

    label: str
    """`2026-10`."""
    start: int
    end: int
    zone: str
    """IANA name; days are printed in it."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Which report this is and what it rests on."""

    report_id: str
    """`SR-<organisation>-conformance-<period>`."""
    revision: int
    """From 1; a correction is the next."""
    scope: str
    """The organisation's name."""
    period: Period
    as_of: int
    """The instant judged."""
    known_at: int
    """The instant whose knowledge was used."""
    issued_at: int
    """When it was compiled; the mail's date."""
    catalogue_version: str
    profile_version: str
    tz_version: str
    """Version of the time-zone database days were counted with."""
    holidays_version: str = ""
    """Version of the library that knows public holidays; empty in reports older than it."""
    approved_by: str = ""
    """Role and initials; empty = not approved by a person."""
    note: str = ""
    """Why this revision was made; empty for the first."""
    language: Literal["en", "zh"] = "en"
    """Language the report is told in."""
    covers: str = ""
    """Services and teams it is narrowed to, as people call them; empty = the whole organisation."""
    readers_zone: str = ""
    """IANA zone all its readers live in; empty = they share none, or it is not recorded."""

    @property
    def zone(self) -> str:
        """Zone in which instants are told: the readers', else the period's."""
        return self.readers_zone or self.period.zone


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence that can be said in every language of the reports."""

    phrase: str
    values: dict[str, int | str] = {}
    shares: dict[str, tuple[int, int]] = {}
    """Values that are shares: (part, whole)."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on the whole, with the rules that decided it."""

    word: Word
    reasons: list[str]
    """Every rule that holds at that level, as a sentence in English; empty for GREEN."""
    said: list[Said] = []
    """The same in a form that can be said in any language; empty in reports older than it."""


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A share with its parts."""

    numerator: int
    denominator: int

    @property
    def basis_points(self) -> int | None:
        """The share in hundredths of a percent, rounded down; None where there are no cases."""
        return self.numerator * 10_000 // self.denominator if self.denominator else None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Requirements by result."""

    verdicts: dict[str, int]
    """Verdict -> how many requirements; zero where it does not stand here."""

    def of(self, verdict: Verdict) -> int:
        """Return how many requirements have this verdict."""
        return self.verdicts.get(verdict, 0)

    @property
    def decided(self) -> int:
        """Applicable requirements with a final verdict."""
        return sum(self.of(v) for v in ("met", "attested", "waived", "not_met", "not_provable"))

    @property
    def judged(self) -> int:
        """Requirements some enabled pack judges."""
        return sum(self.verdicts.values()) - self.of("not_judged")

    @property
    def rate(self) -> Rate:
        """Met of met, not met, not provable and waived; attested is shown beside it."""
        return Rate(
            numerator=self.of("met"),
            denominator=sum(self.of(v) for v in ("met", "not_met", "not_provable", "waived")),
        )


class SeverityCount(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the counts table."""

    severity: Severity
    now: Counts
    before: Counts | None
    """As the last report gave it; None = there was none."""


class ClauseRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table by clause."""

    clause: str
    counts: Counts


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file beside the mail."""

    name: str
    sha256: str


class TrendPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The conformance rate of one period, as its report gave it."""

    label: str
    rate: Rate | None
    """None = no report was issued: nobody knew."""


class ReportModel(msgspec.Struct, frozen=True, kw_only=True):
    """A whole conformance report."""

    identity: Identity
    status: Status
    counts: Counts
    by_severity: list[SeverityCount]
    rate_before: Rate | None
    verdicts: dict[str, str]
    """Requirement -> verdict, of every requirement; what the next report is compared with."""
    titles: dict[str, str]
    """Requirement -> short title, of every judged requirement."""
    actions: list[Action]
    """Everything to do, critical first; a mail shows ten."""
    change: Change | None
    """None in the first report."""
    nonconformities: list[Nonconformity]
    """Open ones, and those of the period that were cured; by clause, then critical first."""
    coming: list[Coming]
    """Due within 30 days of as-of, soonest first."""
    waivers: list[WaiverLine]
    attested: list[str]
    """Requirements that rest on declarations only."""
    coverage: list[CoverageRow]
    gaps: list[GapLine]
    clauses: list[ClauseRow]
    """Clauses an enabled pack judges."""
    profile: list[ProfileLine] = []
    """What the organisation has set otherwise than the packs ship it."""
    lost: int = 0
    """Messages of the hub itself that did not arrive when this was made."""
    situation: Situation | None = None
    """Service levels, opinions, changes, actions; None in reports older than it."""
    absent: dict[str, Said] = {}
    """Section -> why it has no data: `levels`, `opinion`, `control`, `follow_up`, `process`."""
    topics: dict[str, list[str]] = {}
    """What is told apart -> requirements; see `hub.conformance.pack.Pack.topics`."""
    twins: dict[str, str] = {}
    """Key of a finding -> key of the one it is told under: one miss that two requirements see."""
    requirements: list[RequirementRow] = []
    """Every requirement of the catalogue, in its order, those not judged included; empty in reports older than it."""
    attestations: list[AttestationLine] = []
    """Declarations the report rests on: who vouches for what, until when."""
    words: list[WordRow] | None = None
    """What of the tools could not be mapped since the period began; None = nothing was read since, or it is not known."""
    urgent: list[str] = []
    """Keys of the new critical findings for which this is sent between two mails; empty = it is one of the regular ones."""
    trend: list[TrendPoint] = []
    """The last twelve periods from the first that was reported, this one last."""

    @property
    def levels(self) -> list[Level]:
        """Promised levels of the period, agreement by agreement, then availability by service."""
        return self.situation.levels if self.situation else []

    @property
    def levels_kept(self) -> tuple[int, int]:
        """How many promised levels were kept, of those that had cases; what cannot be proven is not kept."""
        levels = [level.kept for level in self.levels]
        return levels.count("met"), len(levels) - levels.count("no_cases")

    def about(self, topic: str) -> list[Nonconformity]:
        """List the nonconformities of a topic."""
        wanted = set(self.topics.get(topic, ()))
        return [line for line in self.nonconformities if line.requirement in wanted]

    @property
    def left_out(self) -> int:
        """How many requirements the profile leaves out for everybody; they count as not applicable."""
        return len(
            {line.requirement for line in self.profile if line.what == "judged" and line.ours is False}
            & {name for name, verdict in self.verdicts.items() if verdict == "not_applicable"}
        )

    @property
    def not_met_critical(self) -> int:
        """How many critical requirements are not met."""
        return next((row.now.of("not_met") for row in self.by_severity if row.severity == "critical"), 0)

    @property
    def provisional(self) -> bool:
        """The period had not ended when this was judged."""
        return self.identity.as_of < self.identity.period.end


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(ReportModel)


def encode_model(model: ReportModel) -> bytes:
    """Write a report as JSON; the same report gives the same bytes."""
    return _encoder.encode(model)


def decode_model(body: bytes) -> ReportModel:
    """Read what `encode_model` wrote."""
    return _decoder.decode(body)
