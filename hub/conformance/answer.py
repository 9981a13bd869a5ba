"""What judging answers: verdicts of requirements, obligations with their reason, findings, gaps.

Plain data, sorted for printing; every list is complete for its as-of and known-at. Instants are UTC
milliseconds.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from hub.conformance.named import Subject
from hub.conformance.situation.fact import Situation

__all__ = [
    "VERDICTS",
    "Answers",
    "AttestationRow",
    "CoverageRow",
    "Evidence",
    "FindingRow",
    "Gap",
    "ObligationRow",
    "ProfileLine",
    "RequirementRow",
    "Severity",
    "Subject",
    "Verdict",
    "WaiverRow",
    "WordRow",
]

Severity = Literal["critical", "major", "minor"]
Verdict = Literal[
    "not_met",
    "not_provable",
    "waived",
    "attested",
    "met",
    "at_risk",
    "pending",
    "not_applicable",
    "not_judged",
]
VERDICTS: tuple[Verdict, ...] = (
    "not_met",
    "not_provable",
    "waived",
    "attested",
    "met",
    "at_risk",
    "pending",
    "not_applicable",
    "not_judged",
)
"""Worst first: the first that any obligation has is the requirement's. `not_judged`: no enabled pack judges it."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A record that decided an obligation, with the document it came from."""

    subject: Subject
    document_hash: str = ""
    """SHA-256 of the raw document, hexadecimal."""


class ObligationRow(msgspec.Struct, frozen=True, kw_only=True):
    """One obligation judged at an instant."""

    requirement: str
    part: str
    unit: Subject
    anchor: int
    opened_by: str = ""
    """Id of the record that opened it, where one did: what the anchor is called outside this store."""
    opened_at: int
    due_at: int | None
    warn_at: int | None
    met_at: int | None
    lost_at: int | None
    verdict: Verdict
    reason: str
    """Why, in words, for not_met and not_provable; empty for met."""
    evidence: list[Evidence] = []
    baseline: bool = False
    """Decided before the organisation began to be judged: shown, never a finding."""


class RequirementRow(msgspec.Struct, frozen=True, kw_only=True):
    """One requirement rolled up over a period."""

    requirement: str
    clause: str
    title: str
    statement: str
    severity: Severity
    verdict: Verdict
    counts: dict[str, int]
    """Obligations by verdict."""
    reasons: list[str] = []
    """Why something is not provable, most frequent first."""

    @property
    def decided(self) -> int:
        """How many obligations have a final verdict."""
        return sum(self.counts.get(v, 0) for v in ("met", "attested", "waived", "not_met", "not_provable"))


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """The life of one nonconformity."""

    id: int
    requirement: str
    part: str
    clause: str
    severity: Severity
    unit: Subject
    anchor: int
    opened_by: str = ""
    """Id of the record that opened it, where one did: what the anchor is called outside this store."""
    state: Literal["open", "cured", "waived", "withdrawn"]
    expected: str
    """What the requirement asks, one plain sentence."""
    found: str
    """What was found instead, one plain sentence."""
    action: str
    """What to do about it, one plain sentence."""
    breached_at: int
    first_seen_at: int
    state_at: int
    cured_at: int | None
    reopened: int
    owner: Subject | None
    due_at: int | None
    evidence: list[Evidence] = []
    unwaived: bool = False
    """Open again because the waiver that covered it ended."""
    by_rules: bool = False
    """Open or withdrawn because the requirement's definition changed, not the records."""


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Something that keeps requirements from being provable."""

    requirement: str
    reason: str
    """What was not read or is not provided by any source."""
    remedy: str
    """The configuration line or register file that would change it."""
    obligations: int
    """How many obligations it leaves undecided."""


class CoverageRow(msgspec.Struct, frozen=True, kw_only=True):
    """How far a kind of record of one scope of one source was read."""

    source: str
    scope: str
    kind: str
    through: int | None
    """Everything up to here was read; None = never."""
    reason: str
    """Why not further; empty = complete."""
    records: int
    """Records of the kind in the store."""


class WaiverRow(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted exception."""

    requirement: str
    unit_filter: str
    reason: str
    approver: Subject | None
    valid_from: int
    valid_to: int
    obligations: int
    """How many obligations it covers now."""
    id: str = ""
    """Id of the record."""
    state: Literal["in_force", "ends_soon", "to_come", "ended", "refused"] = "in_force"
    units: int | None = None
    """How many records it covers; None = every unit of the requirement."""
    notes: list[str] = []
    """What is odd about it, such as that it covers nothing; a person has to look."""


class AttestationRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that counts because somebody vouches for it."""

    requirement: str
    record: Subject
    """The record that was declared."""
    declared_by: Subject
    expires_at: int | None
    """First instant at which it no longer counts; None = it does not end."""
    obligations: int


class WordRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something of a tool that became nothing the hub can judge."""

    source: str
    what: Literal["unmapped", "skipped"]
    """A word without a mapping, or a piece that gave no record."""
    word: str
    """`status:Parked`, or why it was skipped."""
    documents: int


class ProfileLine(msgspec.Struct, frozen=True, kw_only=True):
    """Something the organisation has set otherwise than the pack ships it."""

    requirement: str
    what: str
    """Name of a parameter, or `judged`, or `severity`."""
    shipped: Any
    ours: Any
    scope: str
    """`organisation`, or for whom: `service register:services/shop`."""
    reason: str
    """Empty where none was given."""
    set_by: str
    set_at: str
    """Date."""
    key: str
    """Where it stands in the configuration."""
    left_out: int | None = None
    """How many obligations are not asked because of the profile; None where it leaves out nothing."""


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a report of one period says, as of one instant and known at one instant."""

    requirements: list[RequirementRow]
    """Every requirement of the catalogue, those no pack judges included."""
    findings: list[FindingRow]
    """All of them in every state: the report chooses, and compares with the last one."""
    coming: list[ObligationRow]
    """Obligations pending or at risk that fall due within some weeks of as-of."""
    coverage: list[CoverageRow]
    waivers: list[WaiverRow]
    gaps: list[Gap]
    roles: dict[str, str] = {}
    """Person id -> the role to name them by, such as `change manager`."""
    optional_sources: list[str] = []
    """Sources a report is complete without."""
    derived_anew: list[str] = []
    """Requirements derived whole since the last report because code, parameters, calendars or
    time-zone data changed: their verdicts may differ because we changed."""
    profile: list[ProfileLine] = []
    """What the organisation has set otherwise than shipped."""
    lost: int = 0
    """Messages of the hub itself that did not arrive."""
    setters: dict[str, Subject] = {}
    """`set_by` of the profile -> the person, where it is the id of one that was read."""
    topics: dict[str, list[str]] = {}
    """What a report tells apart -> requirements; see `Pack.topics`."""
    situation: Situation | None = None
    """What the period was like beside the verdicts; None = nobody asked."""
    attestations: list[AttestationRow] = []
    """What rests on declarations in the period."""
    words: list[WordRow] | None = None
    """What of the tools could not be mapped since the period began; None = nothing was read since, or nobody asked."""
