"""`hub coverage`: shows what could be read, and which requirements are judged at all."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli.judging import catalogue, judged, shown_instant
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
from hub.conformance.gap import list_coverage, list_gaps

__all__ = ["register"]

_READ = ("source", "scope", "kind", "through", "census", "records", "reason")
_GAPS = ("requirement", "obligations", "reason", "remedy")
_JUDGED = ("requirement", "clause", "severity", "judged", "parts", "title")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("hub coverage", "hub coverage --requirements", "hub coverage --gaps --format json"))(
        coverage
    )


def coverage(
    *,
    requirements: Annotated[
        bool, typer.Option("--requirements", help="List every requirement of the catalogue: judged, or not yet.")
    ] = False,
    gaps: Annotated[
        bool, typer.Option("--gaps", help="List what is not provable, why, and what would prove it.")
    ] = False,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
    log_format: LogFormatOption = LogFormat.TEXT,
) -> None:
    """Show what could be read, and which requirements are judged at all.

    Default: how far each kind of record of each scope was read, and when it was last found out what vanished.
    """
    with Session(config, log_format=log_format) as session:
        if requirements:
            parts = {one.id: len(one.parts) for one in session.requirements()}
            rows = [
                {
                    "requirement": entry.id,
                    "clause": entry.clause,
                    "severity": entry.severity,
                    "judged": "judged" if entry.id in parts else "not judged yet",
                    "parts": parts.get(entry.id, 0),
                    "title": entry.title,
                }
                for entry in catalogue(session)
            ]
            emit(rows, _JUDGED, output)
            return
        from hub.store.reading import last_censuses  # noqa: PLC0415 - `hub coverage --help` needs no database library

        with judged(session, as_of, known_at) as judgement:
            if gaps:
                emit([{name: getattr(gap, name) for name in _GAPS} for gap in list_gaps(judgement)], _GAPS, output)
                return
            censuses = last_censuses(judgement.conn, known_at=judgement.known_at)
            read = [
                {
                    **{name: getattr(row, name, None) for name in _READ},
                    "through": shown_instant(row.through),
                    "census": shown_instant(censuses.get(row.source)),
                }
                for row in list_coverage(judgement)
            ]
    emit(read, _READ, output)
