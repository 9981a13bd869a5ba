"""What counts of the figures several sources gave of a service's availability, over any period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from hub.sla.availability import LEAST_COVERAGE, floored
from hub.sla.open_time import Span
from hub.sla.service_availability import METRIC
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["UNMEASURED", "Measured", "availability_of", "choose_figures"]

_OWN = "hub"
"""Source of what the hub measured itself."""
_PART = "only a part of the period was measured"
_DECLARED = "a part of the period is declared without counted minutes"


@dataclass(frozen=True, slots=True)
class Measured:
    """Availability over a period, from one figure of it or from figures of its parts, none of which overlap."""

    actual: float | None
    """Per cent, of several parts rounded down; None = not known."""
    whole: bool
    """The parts leave no time of the period out."""
    declared: bool
    """The percentage is what somebody states: no time was counted, and it is never added to time that was."""
    up_s: float
    known_s: float
    """Seconds of agreed time that were counted."""
    target: float | None
    """In force when the last part was measured, per cent; None = none, or it is not told (`own`)."""
    own: bool
    """The last part is the hub's, which knows what was agreed."""
    coverage: float | None
    """The least of the parts; None = one of them does not tell."""
    missing: str
    """Why there is no figure, or no whole one."""
    formula: str

    @property
    def proven(self) -> bool:
        """Enough of the whole period was watched."""
        return self.actual is not None and not self.missing and (self.coverage or 0) >= LEAST_COVERAGE

    def promised(self, goal: float | None) -> float | None:
        """Return the target it is compared with: where who states a figure names none, the service's `goal`."""
        return goal if self.target is None and not self.own else self.target


UNMEASURED = Measured(
    actual=None,
    whole=False,
    declared=False,
    up_s=0,
    known_s=0,
    target=None,
    own=False,
    coverage=None,
    missing="no figure of the period was measured",
    formula="",
)
"""Of a service nobody measured in the period."""


def availability_of(conn: Connection, period: Span, instant: int) -> dict[int, Measured]:
    """Return number of a service -> its availability over a period, as far as it had passed by an instant.

    Without any figure that lies within the period a service is left out.
    """
    m: Any = kind_tables["measurement"].c
    record = metadata.tables["record"]
    columns = (m.subject, m.period_start.label("start"), m.period_end.label("end"), m.actual, m.target, m.coverage, m.numerator, m.denominator,
               m.missing_reason, m.formula_version, record.c.source, record.c.id)  # fmt: skip
    within = (m.period_start >= period[0], m.period_end <= period[1], m.period_end > m.period_start)
    asked = select(*columns).join(record, record.c.sid == m.sid)
    asked = asked.where(m.metric_id == METRIC, m.subject.is_not(None), m.vanished_at.is_(None), *within)
    found = defaultdict[int, list[Any]](list)
    for row in conn.execute(asked):
        found[row.subject].append(row)
    return {subject: _measured(rows, period, instant) for subject, rows in found.items()}


def choose_figures(figures: Iterable[Any], rank: Callable[[Any], Any]) -> list[Any]:
    """Choose those of one subject's figures that count beside each other, in order of time.

    Each has a `start` and an `end`; none that is chosen overlaps another, and the lesser rank is chosen first.
    """
    chosen: list[Any] = []
    for one in sorted(figures, key=rank):
        if all(one.end <= other.start or one.start >= other.end for other in chosen):
            chosen.append(one)
    return sorted(chosen, key=lambda one: one.start)


def _rank(row: Any) -> tuple[bool, bool, int, int, str]:
    """Put known and watched for long enough first; then the hub's own; then the longer time; then the lesser id."""
    known = row.actual is not None and (row.coverage or 0) >= LEAST_COVERAGE
    return (not known, row.source != _OWN, row.start - row.end, row.start, row.id)


def _measured(rows: Sequence[Any], period: Span, instant: int) -> Measured:
    """Take the parts where they prove something of the whole, else a figure of the whole that does, else what there is."""
    whole = [row for row in sorted(rows, key=_rank) if (row.start, row.end) == period]
    ways = [_told(some, period, instant) for some in (choose_figures(rows, _rank), *([row] for row in whole))]
    return next((one for one in ways if one.proven), ways[0])


def _told(parts: Sequence[Any], period: Span, instant: int) -> Measured:
    """Add up the time that was counted; a percentage without it is told where it is that of the whole period, alone."""
    timed = [row for row in parts if row.numerator is not None and row.denominator]
    stated = [row for row in parts if row.actual is not None and row not in timed]
    up, known = sum(row.numerator for row in timed), sum(row.denominator for row in timed)
    whole = sum(row.end - row.start for row in parts) >= min(period[1], instant) - period[0]
    alone = whole and len(parts) == 1
    missing = next((row.missing_reason for row in parts if row.missing_reason), "")
    if not missing and not alone:
        missing = _PART if not whole else _DECLARED if stated else ""
    shares = [row.coverage for row in parts if row.coverage is not None]
    added = float(floored(round(up * 1000), round(known * 1000))) if known else None
    return Measured(
        actual=parts[0].actual if alone else added,
        whole=whole,
        declared=alone and bool(stated),
        up_s=up,
        known_s=known,
        target=parts[-1].target,
        own=parts[-1].source == _OWN,
        coverage=min(shares) if len(shares) == len(parts) else None,
        missing=missing,
        formula=parts[-1].formula_version or "",
    )
