"""Tells service levels as lines of text that fit a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from hub.conformance.answer import Subject
from hub.sla.attainment import Attainment, TicketClock
from hub.sla.availability import LEAST_COVERAGE, Availability, floored
from hub.sla.chain import Rung
from hub.sla.reported import ReportedLevel
from hub.sla.statement import Line
from hub.sla.tool import Comparison, ToolClock

__all__ = [
    "attainment_lines",
    "availability_lines",
    "chain_lines",
    "duration",
    "level_lines",
    "ticket_lines",
    "tool_lines",
    "when",
]

_WIDTH = 80


def when(instant: int | None) -> str:
    """Write an instant to the minute, in UTC: `10-31 07:05`; `-` where there is none."""
    return "-" if instant is None else f"{datetime.fromtimestamp(instant // 1000, tz=UTC):%m-%d %H:%M}"


def duration(seconds: int | None) -> str:
    """Write a length of time in hours and minutes, whole minutes that have passed: `16:00`; `-` where there is none."""
    if seconds is None:
        return "-"
    hours, rest = divmod(abs(seconds), 3600)
    return f"{'-' if seconds < 0 else ''}{hours}:{rest // 60:02d}"


def attainment_lines(lines: Sequence[Line], months: Sequence[str]) -> Iterator[str]:
    """Tell how targets were kept, agreement by agreement; `months` are the period before, this one and the next."""
    before, now, after = months
    for number, agreement in enumerate(dict.fromkeys(one.agreement for one in lines)):
        own = [one for one in lines if one.agreement == agreement]
        if number:
            yield ""
        yield _cut(f"{agreement or 'without an agreement'}  {own[0].title}".rstrip(), _WIDTH)
        yield f"  {'':<34}{before:>10}{now:>10}{after:>10}{'met':>7}{'missed':>7}"
        for one in own:
            promise = _cut(f"{one.metric.replace('_', ' ')} {one.promise}".rstrip(), 34)
            rates = f"{one.previous:>10}{one.now.rate():>10}{one.goal or '-':>10}"
            yield f"  {promise:<34}{rates}{one.now.met:>7}{one.now.missed:>7}"
            if said := ", ".join(_beside(one, before, now)):
                yield f"      {said}"
    yield ""
    yield f"{before}, {now}: percent kept, rounded down; {after}: the share agreed"


def _beside(one: Line, before: str, month: str) -> Iterator[str]:
    if one.restated:
        yield f"{before} restated: {one.restated} now, tickets were reopened since"
    if one.stood:
        yield f"{one.stood} when {month} ended, tickets were reopened since"
    if one.kept == "not met":
        yield "below what was agreed"
    elif one.kept == "not applicable":
        yield "the agreed share is not applicable"
    now: Attainment = one.now
    if now.open:
        yield f"{now.open} open" + (f" ({now.at_risk} at risk)" if now.at_risk else "")
    if now.paused:
        yield f"{now.paused} paused"
    if now.excluded:
        yield f"{now.excluded} excluded"
    if now.lacking:
        yield f"{now.lacking} not provable ({now.rate(conservative=True)} if all of them were missed)"


def availability_lines(
    rows: Sequence[tuple[Subject, float | None, Availability, Availability]], months: Sequence[str]
) -> Iterator[str]:
    """Tell how far services were up: (service, target, the month before, this month)."""
    yield ""
    yield f"{'availability':<26}{months[0]:>10}{months[1]:>10}{'target':>8}{'outages':>9}{'MTTR':>8}{'MTBF':>9}"
    for service, target, before, now in rows:
        name, rates = _cut(service.title or service.key, 22), f"{_up(before):>10}{_up(now):>10}"
        restore, between = now.mean_time_to_restore, now.mean_time_between_failures
        means = "".join(
            f"{duration(None if one is None else one // 1000):>{width}}" for one, width in ((restore, 8), (between, 9))
        )
        yield f"  {name:<24}{rates}{'-' if target is None else f'{target:g}':>8}{now.outages:>9}{means}"
        if (now.coverage or 0) < LEAST_COVERAGE:
            watched = floored(now.known, now.agreed, 2) if now.agreed else "none"
            yield f"      not provable: {watched} % of the agreed time is known"


def _up(one: Availability) -> str:
    return floored(one.up, one.known) if one.known else "unknown"


def ticket_lines(
    clocks: Iterable[TicketClock], named: Mapping[int, Subject], paused: Mapping[tuple[int, str], int]
) -> Iterator[str]:
    """List clocks, a line each, with the open seconds that did not count; a reason stands on a line of its own."""
    yield f"{'ticket':<11}{'clock':<12}{'state':<13}{'due':<13}{'stopped':<13}{'counted':>7}{'of':>6}{'off':>5}"
    for one in clocks:
        key = _cut(named[one.sid].key, 10)
        state = _cut(str(one.state).replace("_", " "), 12)
        off = duration(paused.get((one.sid, one.metric), 0))
        times = f"{when(one.due_at):<13}{when(one.stopped_at):<13}"
        figures = f"{duration(one.counted_s):>7}{duration(one.target_s):>6}{'-' if off == '0:00' else off:>5}"
        clock = _cut(one.metric.replace("_", " ").replace("problem", "prb.").replace("complaint", "cmp."), 11)
        yield f"{key:<11}{clock:<12}{state:<13}{times}{figures}"
        if one.lacks:
            yield f"    {one.lacks}"
    yield "UTC; counted, of, off: open hours:minutes; off = paused, or before a reopening"


def tool_lines(compared: Sequence[Comparison], named: Mapping[int, Subject], alone: int) -> Iterator[str]:
    """Show both computations of every clock on which hub and tool differ, the hub's first."""
    differing = [one for one in compared if one.differences]
    for one in differing:
        subject = named[one.ours.sid]
        yield _cut(f"{subject.key}  {one.ours.metric}  {one.theirs.name!r}: {subject.title}", _WIDTH)
        yield f"  {'':<9}{'start':<14}{'due':<14}{'stop':<14}{'counted':>9}{'target':>9}  result"
        yield f"  {'hub':<9}{_side(one.ours, str(one.ours.state))}"
        yield f"  {'tool':<9}{_side(one.theirs, {True: 'missed', False: 'kept', None: '-'}[one.theirs.missed])}"
        cells = [_gap(one.differences, name) for name in ("start", "due", "stop", "counted", "target", "result")]
        yield f"  {'differs':<9}{cells[0]:<14}{cells[1]:<14}{cells[2]:<14}{cells[3]:>9}{cells[4]:>9}  {cells[5]}".rstrip()
    yield f"{len(differing)} of {len(compared)} compared clocks differ by more than a minute"
    if alone:
        yield f"for {alone} clocks the tool tells none"


def level_lines(levels: Sequence[ReportedLevel], named: Mapping[int, Subject]) -> Iterator[str]:
    """Show both figures of every service and period on which hub and monitoring tool differ."""
    if not levels:
        return
    differing = [one for one in levels if one.differs]
    if differing:
        yield f"{'availability by the tool':<34}{'from':<14}{'to':<14}{'hub':>9}{'tool':>9}"
    for one in differing:
        service = named[one.service]
        name = _cut(f"{service.title or service.key}: {one.title}", 32)
        ours = "unknown" if one.ours is None else _up(one.ours)
        theirs = "unknown" if one.theirs is None else f"{one.theirs:.4f}"
        yield f"  {name:<32}{when(one.period[0]):<14}{when(one.period[1]):<14}{ours:>9}{theirs:>9}"
    yield f"{len(differing)} of {len(levels)} figures of availability differ by more than 0.01 points"


def _side(one: TicketClock | ToolClock, result: str) -> str:
    times = f"{when(one.started_at):<14}{when(one.due_at):<14}{when(one.stopped_at):<14}"
    return f"{times}{duration(one.counted_s):>9}{duration(one.target_s):>9}  {result}"


def _gap(differences: Mapping[str, int | None], name: str) -> str:
    if name not in differences:
        return ""
    seconds = differences[name]
    return "yes" if seconds is None else f"{'+' if seconds > 0 else ''}{duration(seconds)}"


def chain_lines(rungs: Sequence[Rung]) -> Iterator[str]:
    """Tell what every promise rests on, and which pair does not fit."""
    for one in rungs:
        yield f"{one.agreement}: {one.promise}"
        yield f"  rests on {one.support}" + (f": {one.behind}" if one.behind else "")
        yield f"  {one.weakness or 'fits'}"
    wrong = sum(bool(one.weakness) for one in rungs)
    yield f"{wrong} of {len(rungs)} pairs do not fit" if rungs else "no promise rests on another agreement"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
