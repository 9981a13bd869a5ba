"""What a conformance report says, before it looks like anything.

Plain data: the mail, its text part and the attachments are made from this and nothing else, and the
next report is compared with it. Instants are UTC milliseconds; shares are basis points, rounded
down (9375 = 93.75 %).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from hub.conformance.answer import CoverageRow, ProfileLine, Severity, Subject, Verdict

__all__ = [
    "SEVERITIES",
    "Action",
    "Attachment",
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
    "RuleChange",
    "SeverityCount",
    "Status",
    "WaiverLine",
    "Word",
    "decode_model",
    "encode_model",
]

SEVERITIES: tuple[Severity, ...] = ("critical", "major", "minor")
"""Worst first."""
Word = Literal["RED", "AMBER", "GREEN", "INCOMPLETE", "INCOMPLETE/RED"]
News = Literal["new", "continuing", "resolved", "waived", "unwaived", "redefined", ""]
"""`waived`: a waiver covers it now, `unwaived`: the waiver that covered it ended. `redefined`: there, or gone, since the last report because the rules changed, not the records."""
"""A finding against the last report; empty: there was none, or it was told there already."""


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


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on the whole, with the rules that decided it."""

    word: Word
    reasons: list[str]
    """Every rule that holds at that level, as a sentence; empty for GREEN."""


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


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody as the report may name them."""

    id: str
    label: str
    """Role and initials, or the name where the organisation allows names."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A record a statement rests on."""

    id: str
    label: str
    url: str = ""
    document_hash: str = ""
    """SHA-256 of the raw document, hexadecimal."""


class Nonconformity(msgspec.Struct, frozen=True, kw_only=True):
    """One finding as the report tells it."""

    key: str
    """`<requirement>/<part>/<unit>/<anchor>`: the same finding has the same key in every report."""
    requirement: str
    clause: str
    severity: Severity
    subject: Subject
    state: Literal["open", "cured", "waived", "withdrawn"]
    news: News
    """Against the last report; empty in the first."""
    expected: str
    found: str
    action: str
    breached_at: int
    first_seen_at: int
    age_days: int
    """Whole days from first seen to as-of, or to the cure."""
    owner: Person | None
    due_at: int | None
    cured_at: int | None
    reopened: int
    evidence: list[Proof]


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One thing somebody has to do: open findings of one requirement and one owner."""

    requirement: str
    severity: Severity
    sentence: str
    subject: Subject
    """The one that is due first."""
    more: int
    """Further subjects of the same kind."""
    owner: Person | None
    due_at: int | None
    late: bool


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A requirement whose verdict is another than in the last report."""

    requirement: str
    title: str
    before: str
    now: str
    worse: bool
    by_rules: bool = False
    """The requirement was derived anew because catalogue, parameters, calendars or time-zone data changed."""


class RuleChange(msgspec.Struct, frozen=True, kw_only=True):
    """Something the profile says otherwise than at the last report."""

    line: ProfileLine
    """As it stands now; where it stands no longer, with the shipped value as ours."""
    before: Any
    """The value at the last report."""
    appeared: int
    """Findings of the requirement that are there because the rules changed."""
    gone: int


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What is different from the last report."""

    since: str
    """Id and revision of the last report."""
    since_as_of: int
    new: int
    continuing: int
    resolved: list[Nonconformity]
    worse: list[Nonconformity]
    """Continuing, and since the last report past their due date or reopened."""
    moved: list[Moved]
    waived: list[Nonconformity] = []
    """Open at the last report, and covered by a waiver since; not counted as resolved."""
    unwaived: list[Nonconformity] = []
    """Open again because the waiver that covered them ended; not counted as new."""
    redefined: list[Nonconformity] = []
    """Opened or withdrawn because we changed the rules; counted neither as new nor as resolved."""
    rules: list[RuleChange] = []
    """What we set otherwise than before, with what came of it."""
    notes: list[str]
    """Other differences, such as a new catalogue version, as sentences."""


class Coming(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is owed soon."""

    requirement: str
    subject: Subject
    due_at: int
    at_risk: bool


class WaiverLine(msgspec.Struct, frozen=True, kw_only=True):
    """A waiver in force at as-of."""

    requirement: str
    unit_filter: str
    reason: str
    approver: Person | None
    valid_to: int
    obligations: int
    expires_soon: bool
    notes: list[str] = []
    """What is odd about it, such as that it covers nothing."""


class GapLine(msgspec.Struct, frozen=True, kw_only=True):
    """Why something is not provable, and what would prove it."""

    requirements: list[str]
    reason: str
    remedy: str
    obligations: int


class ClauseRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table by clause."""

    clause: str
    counts: Counts


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file beside the mail."""

    name: str
    sha256: str


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
