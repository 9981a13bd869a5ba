"""`hub sla`: how far service levels were kept, target by target, or ticket by ticket."""

from __future__ import annotations

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
from hub.cli.output import emit
from hub.cli.session import Session
from hub.errors import ConfigurationError, Fault, StoreError

if TYPE_CHECKING:
    from hub.sla.attainment import TicketClock
    from hub.sla.statement import Line

__all__ = ["register"]

_LINES = (
    "agreement",
    "metric",
    "promise",
    "previous",
    "current",
    "goal",
    "met",
    "missed",
    "excluded",
    "open",
    "at_risk",
    "paused",
    "not_provable",
)
_LINES_TOLD = ("agreement", "target", *_LINES[1:5], "conservative", *_LINES[5:])
_TICKETS = ("ticket", "metric", "state", "started_at", "due_at", "stopped_at", "counted_s", "target_s", "reason")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples("hub sla", "hub sla register:services/shop --period 2026-10", "hub sla --tickets --format csv")
    )(sla)


def sla(
    service: Annotated[str | None, typer.Argument(help="Key or id of a service. Default: all.")] = None,
    *,
    period: Annotated[
        str | None, typer.Option("--period", help="Month, such as 2026-10. Default: the last that ended.")
    ] = None,
    tickets: Annotated[bool, typer.Option("--tickets", help="List every ticket's clock instead.")] = False,
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
    from hub.conformance.judge import natural_as_of  # noqa: PLC0415 - `--help` needs no database library
    from hub.conformance.subject import find_sid  # noqa: PLC0415
    from hub.report.period import last_month, month_period  # noqa: PLC0415
    from hub.sla.attainment import ticket_clocks  # noqa: PLC0415
    from hub.sla.statement import statement  # noqa: PLC0415

    with Session(config, log_format=log_format) as session, session.store.connect() as conn:
        newest = natural_as_of(conn)
        if newest is None:
            raise StoreError("nothing was read yet; run: hub run")
        zone = session.configuration.organisation.zone
        month = month_period(period, zone) if period else last_month(newest, zone)
        before = last_month(month.start, zone)
        instant = min(newest, month.end) if as_of is None else session.instant(as_of)
        sids = find_sid(conn, service) if service else [None]
        if not sids:
            raise ConfigurationError([Fault("no service of this key or id was read", key=str(service))])
        if tickets:
            clocks = ticket_clocks(conn, (month.start, month.end), instant, sids[0])
            emit([_ticket(one) for one in clocks], _TICKETS, output)
            return
        lines = statement(conn, (month.start, month.end), (before.start, before.end), instant, sids[0])
    emit([_line(one) for one in lines], _LINES if output is Format.TABLE else _LINES_TOLD, output)


def _line(one: Line) -> dict[str, Any]:
    now = one.now
    return {
        "agreement": one.agreement,
        "target": one.target,
        "metric": one.metric,
        "promise": one.promise,
        "previous": one.previous,
        "current": now.rate(),
        "conservative": now.rate(conservative=True),
        "goal": one.goal,
        "met": now.met,
        "missed": now.missed,
        "excluded": now.excluded,
        "open": now.open,
        "at_risk": now.at_risk,
        "paused": now.paused,
        "not_provable": now.lacking,
    }


def _ticket(one: TicketClock) -> dict[str, Any]:
    return {
        "ticket": one.id,
        "metric": one.metric,
        "state": one.state,
        "started_at": shown_instant(one.started_at),
        "due_at": shown_instant(one.due_at),
        "stopped_at": shown_instant(one.stopped_at),
        "counted_s": one.counted_s,
        "target_s": one.target_s,
        "reason": one.lacks,
    }
