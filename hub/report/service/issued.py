"""What earlier reports of the same row of the plan said when they were handed over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from hub.records import ReportMetric

if TYPE_CHECKING:
    from hub.report.plan.cycle import Cycle
    from hub.report.plan.desk import Desk
    from hub.report.plan.plan import Terms

__all__ = ["Issued", "issued_before", "metrics_of", "sections_of"]


@dataclass(frozen=True, slots=True)
class Issued:
    """One report as its readers have it."""

    report_id: str
    revision: int
    label: str
    """Of its period."""
    start: int
    end: int
    metrics: dict[str, ReportMetric] = field(default_factory=dict)
    """Metric id -> its line."""


def issued_before(desk: Desk, terms: Terms) -> list[Issued]:
    """List what was handed over on earlier periods by the same row of the plan, the latest period first.

    Of a report that was corrected it is the last revision its readers got.
    """
    found = []
    for cycle in desk.cycles().values():
        told = [one for one in cycle.revisions if one.submitted_at is not None and one.terms is not None]
        own = told[-1].terms if told else None
        if own is None or own.cls != "routine" or own.end > terms.start or not _same_row(own, terms):
            continue
        lines = {line.metric_id: line for line in metrics_of(cycle, told[-1].number)}
        found.append(Issued(cycle.report_id, told[-1].number, own.label, own.start, own.end, lines))
    return sorted(found, key=lambda one: one.start, reverse=True)


def metrics_of(cycle: Cycle, revision: int) -> list[ReportMetric]:
    """Return the figures a revision was drafted with."""
    drafted = [step for step in cycle.steps if step.revision == revision and step.type == "drafted"]
    return msgspec.convert(drafted[-1].data.get("metrics", []), list[ReportMetric]) if drafted else []


def sections_of(cycle: Cycle, revision: int) -> tuple[int, int] | None:
    """Return how many sections a revision has of those its type must have; None where the hub did not compile it."""
    drafted = [step for step in cycle.steps if step.revision == revision and step.type == "drafted"]
    told = drafted[-1].data.get("sections") if drafted else None
    return None if told is None else (int(told["present"]), int(told["required"]))


def _same_row(one: Terms, other: Terms) -> bool:
    return (one.spec, one.type, one.customer) == (other.spec, other.type, other.customer)
