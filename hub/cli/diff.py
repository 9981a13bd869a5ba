"""`hub diff`: lists which verdicts of a period differ between two states of knowledge, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli.judging import catalogue, require_judged, shown_subject
from hub.cli.option import (
    CONFIG,
    ConfigOption,
    Format,
    FormatOption,
    LogFormat,
    LogFormatOption,
    examples,
)
from hub.cli.output import emit
from hub.cli.session import Session
from hub.conformance.difference import Difference, differences
from hub.conformance.judge import judge, natural_as_of
from hub.errors import ConfigurationError, Fault, StoreError
from hub.report.period import last_month, month_period

__all__ = ["register"]

_SHOWN = ("requirement", "part", "unit", "before", "after", "obligations", "causes", "details")
_TOLD = ("requirement", "part", "unit", "anchor", "before", "after", "obligations", "causes", "details")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "hub diff --known-at 2026-10-01 2026-10-15",
            "hub diff --known-at 2026-10-01 2026-10-15 --period 2026-09 --requirement BS15000-8.2-c --format json",
        )
    )(diff)


def diff(
    *,
    known_at: Annotated[
        tuple[str, str],
        typer.Option("--known-at", metavar="WHEN WHEN", help="Compare what was known then and then; see --as-of."),
    ],
    period: Annotated[
        str | None,
        typer.Option("--period", help="Month, such as 2026-09. Default: the last that ended, or with --as-of all."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="WHEN",
            help="Judge both at this instant: 2026-10-01T06:00:00Z, or a date (its first instant in the organisation's "
            "zone). Default: the end of the period, or the last instant that was read.",
        ),
    ] = None,
    requirement: Annotated[str | None, typer.Option("--requirement", help="Requirement id. Default: all.")] = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
    log_format: LogFormatOption = LogFormat.TEXT,
) -> None:
    """List which verdicts of a month differ between what was known at two instants, and why.

    A line without a unit is the requirement's over the period. Causes: late_data (first read in between),
    corrected, deleted, not_visible, identity (a login tied to a person), coverage, waiver, definition (pack,
    parameter or calendar), unexplained.
    """
    with Session(config, log_format=log_format) as session:
        found = _differences(session, known_at, period, as_of, requirement)
    emit([_told(one, output) for one in found], _SHOWN if output is Format.TABLE else _TOLD, output)


def _differences(
    session: Session, known_at: tuple[str, str], period: str | None, as_of: str | None, requirement: str | None
) -> list[Difference]:
    first, second = (session.instant(one) for one in known_at)
    if first >= second:
        raise ConfigurationError([Fault("the first instant is to lie before the second", key="--known-at")])
    entries = catalogue(session)
    if requirement is not None and requirement not in {one.id for one in entries}:
        raise ConfigurationError(
            [Fault("no enabled pack has this requirement; see: hub coverage --requirements", key=requirement)]
        )
    with session.store.connect() as conn:
        require_judged(session, conn)
        newest = natural_as_of(conn, second)
        if newest is None:
            raise StoreError("nothing had been read by the second instant")
        zone = session.configuration.organisation.zone
        instant = None if as_of is None else session.instant(as_of)
        if period is None and instant is not None:
            start, end = 0, instant
        else:
            month = month_period(period, zone) if period else last_month(newest, zone)
            start, end = month.start, month.end
        before, after = (
            judge(
                conn,
                session.requirements(),
                as_of=min(end, newest) if instant is None else instant,
                known_at=known,
                judge_from=session.configuration.organisation.judge_from or 0,
                slot=slot,
                longest_days=session.configuration.waivers.longest_days,
            )
            for known, slot in ((first, "_before"), (second, "_after"))
        )
        return differences(before, after, entries, start=start, end=end, requirement=requirement)


def _told(one: Difference, output: Format) -> dict[str, object]:
    unit = one.unit
    return {
        "requirement": one.requirement,
        "part": one.part or None,
        "unit": shown_subject(unit) if output is Format.TABLE or unit is None else unit.id,
        "anchor": one.anchor,
        "before": one.before,
        "after": one.after,
        "obligations": one.obligations,
        "causes": [cause.name for cause in one.causes],
        "details": [cause.detail for cause in one.causes],
    }
