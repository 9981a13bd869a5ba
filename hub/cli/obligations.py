"""`hub obligations`: lists what was owed, by when, and whether it was met."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli.judging import judged, shown_obligation
from hub.cli.option import (
    CONFIG,
    AsOfOption,
    ConfigOption,
    Format,
    FormatOption,
    KnownAtOption,
    LogFormat,
    LogFormatOption,
    examples,
)
from hub.cli.output import emit
from hub.cli.session import Session
from hub.conformance.answer import VERDICTS
from hub.conformance.listing import list_obligations
from hub.conformance.subject import find_sid
from hub.errors import ConfigurationError, Fault

__all__ = ["register"]

_SHOWN = ("requirement", "part", "unit", "due_at", "met_at", "verdict", "reason")
_TOLD = ("requirement", "part", "unit", "anchor", "opened_at", "due_at", "met_at", "verdict", "reason", "evidence")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "hub obligations BS15000-8.2-c --verdict not_met", "hub obligations --unit CHG-12 --format json"
        )
    )(obligations)


def obligations(
    requirement: Annotated[str | None, typer.Argument(help="Requirement id. Default: all.")] = None,
    *,
    verdict: Annotated[list[str] | None, typer.Option("--verdict", help=f"One of: {', '.join(VERDICTS)}.")] = None,
    unit: Annotated[str | None, typer.Option("--unit", help="Key or id of a record.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many rows.")] = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
    log_format: LogFormatOption = LogFormat.TEXT,
) -> None:
    """List what was owed, by when, and whether it was met.

    Obligations decided before the organisation began to be judged are listed too.
    """
    unknown = [one for one in verdict or () if one not in VERDICTS]
    if unknown:
        raise ConfigurationError([Fault(f"no such verdict; there are {', '.join(VERDICTS)}", key=", ".join(unknown))])
    with Session(config, log_format=log_format) as session, judged(session, as_of, known_at) as judgement:
        units = find_sid(judgement.conn, unit) if unit else []
        if unit and not units:
            raise ConfigurationError([Fault("no record of this key or id was read", key=unit)])
        found = list_obligations(judgement, requirement=requirement, verdicts=verdict or (), units=units, limit=limit)
    rows = [shown_obligation(row, by_key=output is Format.TABLE) for row in found]
    emit(rows, _SHOWN if output is Format.TABLE else _TOLD, output)
