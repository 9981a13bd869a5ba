"""What is told of a period beside its verdicts. Plain data; instants are UTC milliseconds."""

from __future__ import annotations

from typing import Literal

import msgspec

from hub.conformance.named import Subject

__all__ = ["ActionLine", "Breach", "Control", "FollowUp", "Kept", "Kpi", "Level", "Opinion", "Score", "Situation"]

Kept = Literal["met", "missed", "no_cases", "not_provable"]
NoFigure = Literal["no cases", "not known"]


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """One promised level over a period, beside the period before and the next goal."""

    agreement: str
    """Id of the agreement, or of the service whose availability it is."""
    title: str
    """What people call the agreement or the service."""
    promise: str
    """Such as `resolution P1 <= 4 h on 7x24`."""
    previous: str
    """Percent with a point, as it was when the period before ended; empty = no cases, or `unknown_before`."""
    current: str
    """Percent with a point; empty = no cases, or not known where `kept` is not provable."""
    goal: str
    """Goal of the next period, such as `>= 95 %`; empty = not agreed."""
    kept: Kept
    missed: int
    """Cases that missed it."""
    lacking: int
    """Cases that could not be measured."""
    critical: bool
    """For tickets of priority P1, or a service that is recorded as critical."""
    metric: str = ""
    """What is measured, such as `resolution`; empty in reports older than it."""
    target: str = ""
    """Share to be reached in this period, in percent; empty = none agreed, or one to stay under."""
    restated: str = ""
    """The figure before as it is now, where tickets reopened since changed it."""
    stood: str = ""
    """The figure when the period ended, where tickets reopened since changed it."""
    met: int = 0
    """Cases that kept it."""
    decided: int = 0
    """Cases it was decided of; 0 for availability."""
    excluded: int = 0
    open: int = 0
    at_risk: int = 0
    unknown_before: bool = False
    """The period before has no figure because none was measured, not because there were no cases."""

    @property
    def no_figure_now(self) -> NoFigure:
        """Why `current` is empty, where it is."""
        return "no cases" if self.kept == "no_cases" else "not known"

    @property
    def no_figure_before(self) -> NoFigure:
        """Why `previous` is empty, where it is."""
        return "not known" if self.unknown_before else "no cases"


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """One ticket that missed a promised time."""

    subject: Subject
    metric: str
    due_at: int
    stopped_at: int | None
    """None = still not done."""


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """What surveys of one scale gave."""

    lowest: float | None
    highest: float | None
    """None = the scale is not recorded."""
    replies: int
    total: float
    """Sum of the scores."""
    low: int
    """In the lower two fifths of the scale."""


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """Complaints and surveys of a period."""

    received: int
    closed: int
    open: int
    """At the end of the period, or at as-of if earlier."""
    late: int
    """Of the open ones, past the day their answer was due."""
    sent: int
    """Surveys sent in the period."""
    replied: int
    """Of these, answered up to as-of."""
    scores: list[Score]
    """Given in the period, whenever they were asked for."""


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """Changes, releases and deployments of a period."""

    ended: int
    successful: int
    emergency: int
    unknown: int
    """Ended without a recorded outcome."""
    failed: list[Subject]
    """Failed or backed out, the latest first; at most `MOST`."""
    failed_count: int
    released: int
    deployments: int
    deployments_failed: int


class ActionLine(msgspec.Struct, frozen=True, kw_only=True):
    """An improvement action that needs a look."""

    subject: Subject
    owner: Subject | None
    due_at: int | None


class FollowUp(msgspec.Struct, frozen=True, kw_only=True):
    """Improvement actions as they stood."""

    closed: int
    """In the period."""
    open: int
    late: int
    ownerless: int
    lines: list[ActionLine]
    """Late ones and those without owner, the longest overdue first; at most `MOST`."""


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of the report process."""

    name: str
    """`on_time`, `first_pass`, `accuracy` …"""
    numerator: int
    denominator: int
    target: int
    """In basis points."""
    missing: str = ""
    """Why there is no figure."""


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything beside the verdicts."""

    levels: list[Level] = []
    breaches: list[Breach] = []
    """At most `MOST`, those due first."""
    breach_count: int = 0
    opinion: Opinion | None = None
    opinion_before: Opinion | None = None
    control: Control | None = None
    control_before: Control | None = None
    follow_up: FollowUp | None = None
    kpis: list[Kpi] = []
    """Figures of the report process; empty = nobody computed them."""
