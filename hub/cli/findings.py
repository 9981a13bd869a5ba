"""`hub findings`: lists what was found not to be met."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from hub.cli.judging import judged, refreshed, require_pack, shown_evidence, shown_instant, shown_subject
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
from hub.cli.output import emit, plain
from hub.cli.session import Session
from hub.conformance.answer import FindingRow
from hub.conformance.finding import list_findings
from hub.conformance.waiver_list import warnings

__all__ = ["Severity", "fails", "register"]

_SHOWN = ("id", "severity", "requirement", "part", "unit", "state", "breached_at", "first_seen_at", "owner", "due_at")
_TOLD = (
    *_SHOWN,
    "unit_id",
    "unit_url",
    "clause",
    "expected",
    "found",
    "action",
    "cured_at",
    "reopened",
    "by_rules",
    "evidence",
)


class Severity(StrEnum):
    """How grave a finding is."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"


FailOnOption = Annotated[
    Severity | None,
    typer.Option("--fail-on", help="Exit with 1 where a finding of this severity or worse is open (for pipelines)."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("hub findings", "hub findings --all --format csv", "hub findings --fail-on major"))(
        findings
    )


def findings(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also those cured, waived and withdrawn.")] = False,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    fail_on: FailOnOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
    log_format: LogFormatOption = LogFormat.TEXT,
) -> None:
    """List what was found not to be met, and open or close what changed.

    Default: open findings, critical first. `--as-of` judges the evidence shown at that instant. Findings are
    judged once and kept: `--known-at` lists those seen by then in the state they then had, with today's owner.
    With either nothing is opened or closed. Waivers that end soon, and odd ones, are named on stderr.
    """
    with Session(config, log_format=log_format) as session:
        require_pack(session)
        if as_of is None and known_at is None:
            refreshed(session)
        with judged(session, as_of, known_at) as judgement:
            rows = list_findings(judgement, states=() if everything else ("open",))
            said = warnings(judgement, warn_days=session.configuration.waivers.warn_days)
    for line in said:
        typer.echo(plain(line), err=True)
    emit([_told(row) for row in rows], _SHOWN if output is Format.TABLE else _TOLD, output)
    if fails(rows, fail_on):
        raise typer.Exit(1)


def fails(rows: list[FindingRow], limit: Severity | None) -> bool:
    """Say whether an open finding is at least as grave as `limit`."""
    order = list(Severity)
    return limit is not None and any(
        row.state == "open" and order.index(Severity(row.severity)) <= order.index(limit) for row in rows
    )


def _told(row: FindingRow) -> dict[str, object]:
    return {
        "id": row.id,
        "severity": row.severity,
        "requirement": row.requirement,
        "part": row.part,
        "unit": shown_subject(row.unit),
        "state": row.state,
        "breached_at": shown_instant(row.breached_at),
        "first_seen_at": shown_instant(row.first_seen_at),
        "owner": shown_subject(row.owner),
        "due_at": shown_instant(row.due_at),
        "unit_id": row.unit.id,
        "unit_url": row.unit.url,
        "clause": row.clause,
        "expected": row.expected,
        "found": row.found,
        "action": row.action,
        "cured_at": shown_instant(row.cured_at),
        "reopened": row.reopened,
        "by_rules": row.by_rules,
        "evidence": shown_evidence(row.evidence),
    }
