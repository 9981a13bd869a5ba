"""What the generators share while the history is written: chance, working hours, issues, faults."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

from hub_sandbox.faults import FAULTS, FaultKind
from hub_sandbox.office_hours import DAY_MS, HISTORY_END, HISTORY_START, HOUR_MS, OfficeHours, month_of
from hub_sandbox.people import LEFT_MS, STAFF, Service
from hub_sandbox.timeline import Comment, Issue, Link, Mention, Step

__all__ = ["MONTHS", "PlantedFault", "Simulation"]

MONTHS = 13
WEIGHTS = (0.86, 0.90, 0.82, 0.95, 0.97, 1.0, 1.0, 1.02, 1.05, 0.98, 1.04, 1.18, 1.23)
"""Work grows over the year, with a dip at Christmas and in July."""


@dataclass(frozen=True, slots=True)
class PlantedFault:
    """A fault of an issue, before issues have keys."""

    name: str
    issue: Issue
    at: int
    cured_at: int | None


class Simulation:
    """One history in the making; all chance comes from one seeded generator."""

    def __init__(self, seed: int, scale: float) -> None:
        self.rng = random.Random(seed)
        self.scale = scale
        self.hours = OfficeHours()
        self.start = self.hours.local(HISTORY_START, 0)
        self.end = self.hours.local(HISTORY_END + timedelta(days=1), 0)
        self.issues: list[Issue] = []
        self.faults: list[PlantedFault] = []
        self.unlisted_emergencies: set[Issue] = set()
        """Emergency changes that no management review lists."""
        self.reviewed_problems: dict[int, list[Issue]] = {}
        """Month -> problems whose effectiveness was reviewed in it."""
        self._approvals = 0
        self._months = self._month_bounds()

    def _month_bounds(self) -> list[tuple[int, int]]:
        firsts = [
            self.hours.local(HISTORY_START.replace(year=2025 + (9 + index) // 12, month=(9 + index) % 12 + 1), 0)
            for index in range(MONTHS + 1)
        ]
        return list(pairwise(firsts))

    def month(self, index: int) -> tuple[int, int]:
        """Return the half-open interval of a month of the history, UTC ms."""
        return self._months[index]

    def counts(self, total: int) -> list[int]:
        """Spread a yearly number over the months by their weight."""
        return [max(1, round(total * self.scale * weight / sum(WEIGHTS))) for weight in WEIGHTS]

    def planted(self, kinds: Iterable[FaultKind], month: int) -> deque[str]:
        """Return the faults planned for a month, in order."""
        return deque(kind.name for kind in kinds for _ in range(int(kind.plan[month])))

    def moment(self, start: int, end: int, *, office: float = 0.9) -> int:
        """Return a random instant in an interval; `office` of them lie in working hours."""
        if self.rng.random() < office:
            low, high = self.hours.position(start), self.hours.position(end)
            if high > low:
                return self.hours.instant(low + int(self.rng.random() * (high - low)))
        return start + int(self.rng.random() * (end - start))

    def after(self, instant_ms: int, low: float, high: float) -> int:
        """Return an instant some working hours (from low to high) later."""
        return self.hours.later(instant_ms, low + (high - low) * self.rng.random())

    def between(self, instant_ms: int, low_h: float, high_h: float) -> int:
        """Return an instant some real hours later."""
        return instant_ms + int((low_h + (high_h - low_h) * self.rng.random()) * HOUR_MS)

    def member(self, team: str, at: int) -> str:
        """Return somebody of a team who works there at an instant and will for the next quarter."""
        ids = [p.id for p in STAFF if p.team == team and (p.left is None or at < LEFT_MS - 90 * DAY_MS)]
        return ids[int(self.rng.random() * len(ids))]

    def other_member(self, service: Service, at: int, *not_these: str) -> str:
        """Return somebody of the service's team who is none of these."""
        while True:
            person = self.member(service.team, at)
            if person not in not_these:
                return person

    def open(self, project: str, issue_type: str, at: int, creator: str, **fields: Any) -> Issue:
        """Create an issue."""
        state = {
            "project": project,
            "issuetype": issue_type,
            "status": "Open",
            "reporter": creator,
            "labels": (),
            **fields,
        }
        issue = Issue(at, creator, state)
        self.issues.append(issue)
        return issue

    def step(self, issue: Issue, at: int, actor: str, **changes: Any) -> None:
        """Let something happen to an issue; steps may be told in any order."""
        if "status" in changes:
            changes["resolution"] = "Done" if changes["status"] in {"Resolved", "Closed", "In review"} else None
        issue.steps.append(Step(max(at, issue.created_at + 1000), actor, changes))

    def say(self, issue: Issue, at: int, actor: str, text: str | Mention, *, public: bool = True) -> None:
        """Add a comment."""
        issue.steps.append(Step(max(at, issue.created_at + 1000), actor, {}, comment=Comment(text, public)))

    def link(self, link_type: str, source: Issue, target: Issue, at: int, actor: str) -> None:
        """Link two issues; both remember it."""
        link = Link(link_type, source, target)
        at = max(at, source.created_at + 1000, target.created_at + 1000)
        source.steps.append(Step(at, actor, {}, link=link))
        target.steps.append(Step(at, actor, {}, link=link))

    def next_approval_id(self) -> int:
        """Return a number no other approval has."""
        self._approvals += 1
        return self._approvals

    def fault(self, name: str, issue: Issue, at: int, cured_at: int | None = None) -> None:
        """Write down what was done wrong on purpose; `at` = when, or on which day, it was due."""
        if FAULTS[name].by_day:
            at = self.hours.end_of_day(at)
        self.faults.append(PlantedFault(name, issue, at, cured_at))

    def month_of(self, instant_ms: int) -> int:
        """Return the month of the history an instant lies in."""
        return month_of(instant_ms)
