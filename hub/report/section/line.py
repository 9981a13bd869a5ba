"""What stands in the lists of a report, line by line. Plain data; instants are UTC milliseconds."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from hub.conformance.answer import ProfileLine, Severity, Subject

__all__ = [
    "Action",
    "AttestationLine",
    "Change",
    "Coming",
    "GapLine",
    "Moved",
    "News",
    "Nonconformity",
    "Person",
    "Proof",
    "RuleChange",
    "WaiverLine",
]

News = Literal["new", "continuing", "resolved", "waived", "unwaived", "redefined", ""]
"""`waived`: a waiver covers it now, `unwaived`: the waiver that covered it ended. `redefined`: there, or gone, since the last report because the rules changed, not the records."""
"""A finding against the last report; empty: there was none, or it was told there already."""


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
    also: list[str] = []
    """Further requirements the same misses stand against."""
    since: int | None = None
    """When the first of them was first seen."""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A requirement whose verdict is another than in the last report."""

    requirement: str
    title: str
    before: str
    now: str
    worse: bool
    by_rules: bool = False
    """The requirement was derived anew because catalogue, parameters, calendars or time-zone data changed."""

    @property
    def better(self) -> bool:
        """It is fulfilled now; to know less of it than before is no improvement."""
        return not self.worse and self.now in ("met", "attested")


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


class AttestationLine(msgspec.Struct, frozen=True, kw_only=True):
    """Something that counts because somebody vouches for it."""

    requirement: str
    subject: Subject
    """The record that was declared."""
    who: Person | None
    until: int | None
    """First instant at which it no longer counts; None = it does not end."""
    obligations: int


class GapLine(msgspec.Struct, frozen=True, kw_only=True):
    """Why something is not provable, and what would prove it."""

    requirements: list[str]
    reason: str
    remedy: str
    obligations: int
