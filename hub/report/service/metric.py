"""The figures of a report: previous as issued, current with its parts, next target; each a value or why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from hub.conformance.situation.fact import Kept
from hub.conformance.situation.level import kept_of
from hub.conformance.situation.performance import Reading, ServiceTime, readings, service_times
from hub.conformance.situation.promise import promised_lines
from hub.records import MetricDefinition, ReportMetric, Sla
from hub.report.service.cell import doubt_of
from hub.report.service.chapter import Asked
from hub.report.service.coverage import TICKETS, unread
from hub.report.service.issued import Issued
from hub.report.service.neighbour import period_after, period_before
from hub.sla.availability import floored
from hub.sla.statement import Line, statement
from hub.store.revision import current_records

__all__ = ["CLOCKS", "Beside", "Figures", "Level", "levels_and_readings", "same_figures"]

CLOCKS = "1"
"""Version of the rules clocks are counted by; raised when those in `hub.sla` change."""


@dataclass(frozen=True, slots=True)
class Level:
    """One promised level: its metric line, and what stands beside it in the table of attainment."""

    metric: ReportMetric
    title: str
    """Of the agreement or service."""
    promise: str
    agreement: str = ""
    """Id of the agreement; empty for the availability of a service."""
    target: str = ""
    services: tuple[str, ...] = ()
    """Ids of the services it is about."""
    critical: bool = False
    goal: str = ""
    """Of the next period, such as `>= 95 %`; empty = not agreed."""
    met: int = 0
    missed: int = 0
    excluded: int = 0
    open: int = 0
    at_risk: int = 0
    lacking: int = 0

    @property
    def kept(self) -> Kept:
        """The verdict."""
        return self.metric.verdict or "not_provable"


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything a report tells in figures."""

    levels: list[Level] = field(default_factory=list)
    times: list[ServiceTime] = field(default_factory=list)
    times_before: list[ServiceTime] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    named: list[ReportMetric] = field(default_factory=list)
    """What the plan's row names, or the register defines for such a report."""
    definitions: list[MetricDefinition] = field(default_factory=list)

    @property
    def metrics(self) -> list[ReportMetric]:
        """Every line, each metric once."""
        lines = {line.metric_id: line for line in self.named}
        return [*lines.values(), *(one.metric for one in self.levels if one.metric.metric_id not in lines)]


def levels_and_readings(asked: Asked, beside: Beside) -> Figures:
    """Work out every promised level, and what sources measured; what is named by the plan comes with `figures`."""
    audience, known_at, instant = asked.audience, asked.known_at, asked.instant
    key = (asked.period, asked.before, instant, asked.zone)
    if key not in asked.statements:
        asked.statements[key] = statement(asked.conn, asked.period, asked.before, instant, zone=asked.zone)
    lines = promised_lines(asked.conn, asked.statements[key], audience)
    times = service_times(asked.conn, asked.period, instant, known_at, audience)
    before = service_times(asked.conn, asked.before, asked.before[1], known_at, audience)
    measured = readings(asked.conn, asked.period, known_at, audience)
    services = _services_of(asked, lines)
    gaps = bool(unread(asked, TICKETS))
    levels = [_promised(beside, line, services.get(line.agreement, ()), gaps=gaps) for line in lines]
    levels += [
        _available(beside, one, next((b for b in before if b.service.id == one.service.id), None)) for one in times
    ]
    return Figures(levels, times, before, measured)


def same_figures(told: Sequence[ReportMetric], now: Sequence[ReportMetric]) -> int:
    """Count the figures of a report that come out the same when they are worked out again."""
    again = {line.metric_id: line for line in now}
    return sum(_figure(line) == _figure(again.get(line.metric_id)) for line in told)


def _figure(line: ReportMetric | None) -> object:
    return line and (line.current_actual, line.current_numerator, line.current_denominator, line.current_excluded)


class Beside:
    """What every line needs to know of the periods beside it."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.before, self.after = period_before(asked.terms), period_after(asked.terms)
        last = asked.issued[0] if asked.issued else None
        self.issued: Issued | None = last if last is not None and last.end == asked.terms.start else None

    def line(self, line: ReportMetric, *, before: float | None, restated: float | None, why: str) -> ReportMetric:
        """Set the period before beside a line: as issued, and restated with the reason where that differs now.

        `before` is its value where no report was issued, `restated` as it is now.
        """
        old = self.issued.metrics.get(line.metric_id) if self.issued else None
        previous = old.current_actual if old else None if self.issued else before
        changed = None
        note = line.comment
        if old is not None and previous is not None and restated is not None and restated != previous:
            changed = restated
            if old.formula_version != line.formula_version:
                why = "restated because the formula changed"
            note = "; ".join(filter(None, (note, why)))
        elif self.issued is None and previous is not None:
            note = "; ".join(filter(None, (note, "no report was issued on the period before")))
        new = old is None and previous is None
        actual = line.current_actual
        return msgspec.structs.replace(
            line,
            previous_period=self.before.label or None,
            previous_target=old.current_target if old else None if new else line.current_target,
            previous_actual=previous,
            previous_restated=changed,
            previous_formula_version=old.formula_version
            if old is not None and old.formula_version != line.formula_version
            else None,
            current_period=self.asked.terms.label,
            next_period=self.after.label or None,
            new_metric=True if new else None,
            change_vs_previous=None if actual is None or previous is None else round(actual - previous, 4),
            comment=note or None,
        )


def _promised(beside: Beside, line: Line, services: tuple[str, ...], *, gaps: bool) -> Level:
    now, kept = line.now, kept_of(line)
    if gaps and kept in ("met", "no_cases"):
        kept = "not_provable"
    promise = f"{line.metric.replace('_', ' ')} {line.promise}".strip()
    actual = float(floored(now.met, now.decided, 2)) if now.decided else None
    metric = ReportMetric(
        metric_id=f"{line.metric}/{line.agreement}/{line.target}",
        name=f"{line.title or line.agreement}: {promise}",
        unit="%",
        formula_version=CLOCKS,
        current_target=_percentage(line.agreed.value, line.agreed.unit) if line.agreed else None,
        current_actual=actual,
        current_numerator=now.met if now.decided else None,
        current_denominator=now.decided or None,
        current_excluded=now.excluded,
        next_target=_percentage(line.following.value, line.following.unit) if line.following else None,
        verdict=kept,
        missing_reason=None if actual is not None else next(iter(_doubts(line, gaps=gaps)), "no cases"),
        comment="; ".join(_doubts(line, gaps=gaps)) or None,
    )
    issued_now = line.restated or line.previous
    return Level(
        beside.line(
            metric,
            before=_number(line.previous),
            restated=_number(issued_now),
            why="restated because tickets were reopened" if line.restated else "restated because records came later",
        ),
        line.title or line.agreement,
        promise,
        line.agreement,
        line.target,
        services,
        line.promise.startswith("P1 "),
        line.goal,
        now.met,
        now.missed,
        now.excluded,
        now.open + now.paused,
        now.at_risk,
        now.lacking,
    )


def _doubts(line: Line, *, gaps: bool) -> Iterator[str]:
    if gaps:
        yield "not every ticket was read"
    if line.now.lacking:
        yield "some cases cannot be measured"


def _available(beside: Beside, time: ServiceTime, before: ServiceTime | None) -> Level:
    now, title = time.measured, time.service.title or time.service.key
    kept: Kept = "not_provable"
    if now.proven and now.actual is not None:
        kept = "no_cases" if time.target is None else "met" if now.actual >= time.target else "missed"
    was = before.measured.actual if before else None
    metric = ReportMetric(
        metric_id=f"availability/{time.service.id}",
        name=f"{title}: availability",
        unit="%",
        formula_version=now.formula or None,
        current_target=time.target,
        current_actual=now.actual,
        current_numerator=now.up_s if now.known_s else None,
        current_denominator=now.known_s or None,
        current_coverage=now.coverage,
        next_target=time.goal,
        verdict=kept,
        missing_reason=None if now.actual is not None else now.missing or "nothing was measured",
        comment=None if now.actual is None else doubt_of(now) or None,
    )
    return Level(
        beside.line(metric, before=was, restated=was, why="restated because records came later"),
        title,
        "availability" + ("" if time.target is None else f" >= {time.target:g} %"),
        services=(time.service.id,),
        critical=time.critical,
        goal="" if time.goal is None else f">= {time.goal:g} %",
    )


def _services_of(asked: Asked, lines: Sequence[Line]) -> dict[str, tuple[str, ...]]:
    agreements = current_records(asked.conn, sorted({line.agreement for line in lines}))
    return {one.id: tuple(one.service_ids) for one in agreements if isinstance(one, Sla)}


def _percentage(value: float, unit: str) -> float | None:
    return value if unit == "%" else None


def _number(rate: str) -> float | None:
    return float(Decimal(rate)) if rate[:1].isdigit() else None
