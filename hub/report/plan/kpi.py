"""How well the report process does: its key figures for a time, each with its cases, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from hub.records import ImprovementAction
from hub.report.plan.cycle import Cycle, Revision
from hub.report.plan.plan import Terms

__all__ = ["Compiled", "Kpi", "kpis"]


class Kpi(NamedTuple):
    """One figure."""

    name: str
    formula: str
    target: float
    """Share, in per cent."""
    good: int | None
    """None = it cannot be told."""
    of: int | None
    reason: str = ""

    @property
    def basis_points(self) -> int | None:
        """The share in hundredths of a per cent, rounded down."""
        return None if self.good is None or not self.of else self.good * 10_000 // self.of

    @property
    def verdict(self) -> str:
        """`met`, `missed`, `no_cases` or `not_provable`."""
        if self.good is None or self.of is None:
            return "not_provable"
        if not self.of:
            return "no_cases"
        return "met" if self.good * 100 >= self.target * self.of else "missed"


class Compiled(NamedTuple):
    """What is known of the reports handed over in the time that the hub had compiled."""

    reports: int
    equal: int
    """Figures that come out the same again."""
    figures: int
    present: int
    """Sections that say something, or why there is nothing to say."""
    required: int


def kpis(
    cycles: Mapping[str, tuple[Terms, Cycle]],
    actions: Iterable[ImprovementAction] | None,
    *,
    start: int,
    end: int,
    at: int,
    archive_by: Callable[[int], int],
    compiled: Compiled | None = None,
) -> list[Kpi]:
    """Work out the figures for [start, end) as they stand at `at`.

    `actions` None = improvement actions were not read. `archive_by` gives the last instant at which a report handed
    over at an instant is archived in time. `compiled` tells of the reports the hub compiled; None = it compiled none.
    """
    until = min(end, at + 1)
    live = [(terms, cycle) for terms, cycle in cycles.values() if cycle.state != "cancelled" and terms.direction != "inbound"]  # fmt: skip
    due = [(terms, cycle) for terms, cycle in live if start <= terms.due_at < until]
    on_time = sum(not cycle.is_late(terms, at) and _by(cycle.submitted_at, at) for terms, cycle in due)
    out = [(t, c) for t, c in live if c.submitted_at is not None and start <= c.submitted_at < until]
    first = sum(all(one.rejected_at is None for one in _up_to_first(c)) for _, c in out)
    wrong = sum(any(one.state == "corrected" for one in c.revisions) for _, c in out)
    kept = [(terms, one) for terms, c in out for one in c.revisions if one.submitted_at is not None]
    closed = [
        (terms, one) for terms, one in kept if archive_by(one.submitted_at or 0) <= at or one.archived is not None
    ]
    archived = sum(_kept_in_time(terms, one, archive_by) for terms, one in closed)
    owed = None if actions is None else [a for a in actions if a.due_at is not None and start <= a.due_at < until]
    return [
        Kpi("on_time", "submitted by due / due in the period", 95, on_time, len(due)),
        Kpi("first_pass", "approved without rejection / submitted", 90, first, len(out)),
        Kpi("accuracy", "1 - reports needing correction / submitted", 98, len(out) - wrong, len(out)),
        Kpi(
            "reproducibility",
            "figures recomputed equal / figures",
            100,
            compiled and compiled.equal,
            compiled and compiled.figures,
            _given(out, compiled, "files as given are not recomputed"),
        ),
        Kpi(
            "completeness",
            "mandatory sections / required",
            100,
            compiled and compiled.present,
            compiled and compiled.required,
            _given(out, compiled, "the sections of given files are not known"),
        ),
        Kpi(
            "follow_up",
            "actions closed by due / actions due",
            90,
            None if owed is None else sum(a.closed_at is not None and a.closed_at <= (a.due_at or 0) for a in owed),
            None if owed is None else len(owed),
            "" if owed is not None else "no source gives improvement actions",
        ),
        Kpi("reader_satisfaction", "mean score on reports, of 5", 80, None, None, "no survey asks about a report"),
        Kpi("archive", "archived in 5 business days, with both copies / submitted", 100, archived, len(closed)),
        Kpi("feedback", "answered in 3 business days / received", 95, None, None, "no record says what is feedback on a report"),
    ]  # fmt: skip


def _given(out: list[tuple[Terms, Cycle]], compiled: Compiled | None, why: str) -> str:
    """Say why there is no figure, or of how many reports it tells nothing."""
    if compiled is None:
        return why
    rest = len(out) - compiled.reports
    return f"of {rest} reports {why}" if rest > 0 else ""


def _by(instant: int | None, at: int) -> bool:
    return instant is not None and instant <= at


def _up_to_first(cycle: Cycle) -> Iterable[Revision]:
    """Yield the revisions up to the first that was handed over; what came later is a correction."""
    for one in cycle.revisions:
        yield one
        if one.submitted_at is not None:
            return


def _kept_in_time(terms: Terms, one: Revision, archive_by: Callable[[int], int]) -> bool:
    limit = archive_by(one.submitted_at or 0)
    ours = one.archived is not None and one.archived.at <= limit
    theirs = terms.direction != "external" or (one.received is not None and int(one.received.data["at"]) <= limit)
    return ours and theirs
