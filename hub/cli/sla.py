"""`hub sla`: how far service levels were kept, target by target, or ticket by ticket."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.judging import shown_instant
from hub.cli.option import (
    CONFIG,
    AsOfOption,
    ConfigOption,
    Format,
    FormatOption,
    LogFormat,
    LogFormatOption,
    examples,
)
from hub.cli.output import emit, plain
from hub.cli.session import Session
from hub.errors import ConfigurationError, Fault, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.conformance.answer import Subject
    from hub.sla.attainment import TicketClock
    from hub.sla.chain import Rung
    from hub.sla.reported import ReportedLevel
    from hub.sla.statement import Line
    from hub.sla.story import Story
    from hub.sla.tool import Comparison
    from hub.store.store import Connection

__all__ = ["register"]

_LINES = (
    "agreement",
    "target",
    "metric",
    "promise",
    "previous",
    "previous_restated",
    "current",
    "current_when_ended",
    "conservative",
    "goal",
    "kept",
    "met",
    "missed",
    "excluded",
    "open",
    "at_risk",
    "paused",
    "not_provable",
)
_TICKETS = ("ticket", "id", "metric", "state", "started_at", "due_at", "stopped_at", "counted_s", "target_s")
_TICKETS_TOLD = (*_TICKETS, "pauses", "reason")
_SIDES = ("start", "due", "stop", "counted_s", "target_s", "result")
_TOOL = ("ticket", "id", "metric", "tool_clock", *(f"{who}_{what}" for what in _SIDES for who in ("hub", "tool")))
_TOOL_TOLD = (*_TOOL, "differences")
_CHAIN = ("agreement", "promise", "support", "behind", "weakness")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "hub sla",
            "hub sla register:services/shop --period 2026-10",
            "hub sla --tickets --format csv",
            "hub sla --tool",
            "hub sla --chain",
        )
    )(sla)


def sla(
    service: Annotated[str | None, typer.Argument(help="Key or id of a service. Default: all.")] = None,
    *,
    period: Annotated[
        str | None, typer.Option("--period", help="Month, such as 2026-10. Default: the last that ended.")
    ] = None,
    tickets: Annotated[bool, typer.Option("--tickets", help="List every ticket's clocks instead.")] = False,
    tool: Annotated[
        bool, typer.Option("--tool", help="List instead where the tool's own clocks differ by more than a minute.")
    ] = False,
    chain: Annotated[
        bool, typer.Option("--chain", help="List instead what promises rest on, and which pair does not fit.")
    ] = False,
    as_of: AsOfOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
    log_format: LogFormatOption = LogFormat.TEXT,
) -> None:
    """Show how far service levels were kept, target by target, or ticket by ticket.

    A month stands beside the one before and the next goal. A ticket counts in the period that holds the earlier
    of its stop and its due instant. Rates are rounded down; what cannot be measured counts for nobody, and as
    missed in the conservative rate.
    """
    from hub.conformance.judge import natural_as_of
    from hub.conformance.subject import find_sid
    from hub.report.period import last_month, month_period
    from hub.sla.attainment import ticket_clocks

    if tickets + tool + chain > 1:
        raise ConfigurationError([Fault("ask for one list at a time", key="--tickets, --tool, --chain")])
    with Session(config, log_format=log_format) as session, session.store.connect() as conn:
        newest = natural_as_of(conn)
        if newest is None:
            raise StoreError("nothing was read yet; run: hub run")
        zone = session.configuration.organisation.zone
        month = month_period(period, zone) if period else last_month(newest, zone)
        instant = min(newest, month.end) if as_of is None else session.instant(as_of)
        sids = find_sid(conn, service) if service else [None]
        if not sids:
            raise ConfigurationError([Fault("no service of this key or id was read", key=str(service))])
        if chain:
            _emit_chain(conn, instant, output)
        elif tickets or tool:
            # a tool tells how its clocks stand now, never how they stood
            span = (month.start, month.end)
            clocks = ticket_clocks(conn, span, newest if tool else instant, sids[0])
            show = partial(_emit_tool, span=span, service=sids[0]) if tool else partial(_emit_tickets, zone=zone)
            show(conn, clocks, output=output)
        else:
            months = last_month(month.start, zone), month, month_period(_next(month.label), zone)
            _emit_attainment(conn, months, instant, sids[0], output)


def _next(label: str) -> str:
    year, month = int(label[:4]), int(label[5:])
    return f"{year + month // 12:04d}-{month % 12 + 1:02d}"


def _emit_attainment(
    conn: Connection, months: tuple[Any, ...], instant: int, service: int | None, output: Format
) -> None:
    from hub.cli.sla_text import attainment_lines, availability_lines
    from hub.conformance.subject import subjects
    from hub.sla.materialise import open_times
    from hub.sla.service_availability import availability_over
    from hub.sla.statement import statement

    before, month, _ = months
    span, last = (month.start, month.end), (before.start, before.end)
    lines = statement(conn, span, last, instant, service, zone=month.zone)
    if output is not Format.TABLE:
        emit([_line(one) for one in lines], _LINES, output)
        return
    labels = [one.label for one in months]
    _echo(attainment_lines(lines, labels) if lines else [f"no cases in {month.label}"])
    if instant >= month.end:
        times = open_times(conn)
        earlier = {sid: one for sid, _, one in availability_over(conn, last, times, service)}
        now = availability_over(conn, span, times, service)
        named = subjects(conn, earlier)
        if now:
            _echo(availability_lines([(named[sid], goal, earlier[sid], one) for sid, goal, one in now], labels))


def _emit_tickets(conn: Connection, clocks: list[TicketClock], *, output: Format, zone: str) -> None:
    from hub.cli.sla_text import ticket_lines
    from hub.conformance.subject import subjects
    from hub.sla.story import load_stories

    named = subjects(conn, [one.sid for one in clocks])
    told = load_stories(conn, [one.sid for one in clocks], zone)
    if output is Format.TABLE:
        _echo(ticket_lines(clocks, named, {key: story.off_s for key, story in told.items()}))
        return
    rows = [_ticket(one, named[one.sid].key, told.get((one.sid, one.metric))) for one in clocks]
    emit(rows, _TICKETS_TOLD, output)


def _emit_tool(
    conn: Connection, clocks: list[TicketClock], *, span: tuple[int, int], service: int | None, output: Format
) -> None:
    from hub.cli.sla_text import level_lines, tool_lines
    from hub.conformance.subject import subjects
    from hub.sla.materialise import open_times
    from hub.sla.reported import reported_levels
    from hub.sla.tool import compare

    compared, alone = compare(conn, clocks)
    levels = list(reported_levels(conn, span, open_times(conn), service))
    named = subjects(conn, [*(one.ours.sid for one in compared), *(one.service for one in levels)])
    if output is Format.TABLE:
        _echo([*tool_lines(compared, named, alone), *level_lines(levels, named)])
        return
    rows = [_compared(one, named[one.ours.sid].key) for one in compared if one.differences]
    rows += [_reported(one, named[one.service]) for one in levels if one.differs]
    emit(rows, _TOOL_TOLD, output)


def _emit_chain(conn: Connection, instant: int, output: Format) -> None:
    from hub.cli.sla_text import chain_lines
    from hub.sla.agreement import read_agreements
    from hub.sla.chain import rungs
    from hub.sla.materialise import open_times

    found = list(rungs(read_agreements(conn), open_times(conn), instant))
    if output is Format.TABLE:
        _echo(chain_lines(found))
    else:
        emit([_rung(one) for one in found], _CHAIN, output)


def _echo(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(plain(line))


def _line(one: Line) -> dict[str, Any]:
    now = one.now
    return {
        "agreement": one.agreement,
        "target": one.target,
        "metric": one.metric,
        "promise": one.promise,
        "previous": one.previous,
        "previous_restated": one.restated,
        "current": now.rate(),
        "current_when_ended": one.stood,
        "conservative": now.rate(conservative=True),
        "goal": one.goal,
        "kept": one.kept,
        "met": now.met,
        "missed": now.missed,
        "excluded": now.excluded,
        "open": now.open,
        "at_risk": now.at_risk,
        "paused": now.paused,
        "not_provable": now.lacking,
    }


def _ticket(one: TicketClock, key: str, story: Story | None) -> dict[str, Any]:
    return {
        "ticket": key,
        "id": one.id,
        "metric": one.metric,
        "state": one.state,
        "started_at": shown_instant(one.started_at),
        "due_at": shown_instant(one.due_at),
        "stopped_at": shown_instant(one.stopped_at),
        "counted_s": one.counted_s,
        "target_s": one.target_s,
        "pauses": [
            f"{shown_instant(begins)}/{shown_instant(ends) or '..'}" for begins, ends in (story.off if story else ())
        ],
        "reason": one.lacks,
    }


def _compared(one: Comparison, key: str) -> dict[str, Any]:
    row: dict[str, Any] = {"ticket": key, "id": one.ours.id, "metric": one.ours.metric, "tool_clock": one.theirs.name}
    for who, side in (("hub", one.ours), ("tool", one.theirs)):
        row |= {f"{who}_start": shown_instant(side.started_at), f"{who}_due": shown_instant(side.due_at)}
        row |= {f"{who}_stop": shown_instant(side.stopped_at)}
        row |= {f"{who}_counted_s": side.counted_s, f"{who}_target_s": side.target_s}
    missed = one.theirs.missed
    row |= {"hub_result": one.ours.state, "tool_result": None if missed is None else "missed" if missed else "kept"}
    return row | {"differences": dict(one.differences)}


def _reported(one: ReportedLevel, service: Subject) -> dict[str, Any]:
    """Write an availability into the columns of clocks: counted is downtime, the result a percentage."""
    row: dict[str, Any] = {"ticket": service.key, "id": service.id, "metric": "availability", "tool_clock": one.title}
    begins, ends = map(shown_instant, one.period)
    for who in ("hub", "tool"):
        row |= {f"{who}_start": begins, f"{who}_stop": ends}
    ours = None if one.ours is None else one.ours.down // 1000
    row |= {"hub_counted_s": ours, "tool_counted_s": one.their_down_s}
    row |= {"hub_result": one.share, "tool_result": one.theirs}
    gap = None if one.share is None or one.theirs is None else round(one.theirs - one.share, 4)
    return row | {"differences": {"result": gap}}


def _rung(one: Rung) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _CHAIN}
