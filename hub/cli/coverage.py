"""`hub coverage`: shows what could be read, what requirements need, and what would make them provable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.judging import catalogue, judged, profile_of, shown_instant
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
from hub.errors import ConfigurationError, Fault, PluginError
from hub.registry import Registry

if TYPE_CHECKING:
    from hub.conformance.judge import Judgement
    from hub.conformance.step import Candidate, Unlocking
    from hub.sync.source_type import SourceSettings, SourceType

__all__ = ["register"]

_READ = ("source", "scope", "kind", "through", "census", "records", "reason")
_GAPS = ("requirement", "obligations", "reason", "remedy")
_JUDGED = (
    *("requirement", "clause", "severity", "judged", "parts", "title"),
    *("provable", "undecided", "missing", "write"),
)
_STEPS = ("unlocks", "obligations", "helps", "write", "where", "gives", "requirements", "others")
_STEPS_SHOWN = _STEPS[:5]
_NEEDS = ("requirement", "part", "kind", "fields", "given_by", "missing", "reason", "write", "where")


def register(app: typer.Typer) -> None:
    """Add the command."""
    lines = (
        "hub coverage",
        "hub coverage --steps",
        "hub coverage BS15000-8.2-c",
        "hub coverage --requirements --as-of 2026-10-01",
        "hub coverage --gaps --format json",
    )
    app.command(epilog=examples(*lines))(coverage)


def coverage(
    requirement: Annotated[
        str | None,
        typer.Argument(metavar="[REQUIREMENT]", help="Show what this one needs, who gives it and what is missing."),
    ] = None,
    *,
    requirements: Annotated[
        bool, typer.Option("--requirements", help="List every requirement of the catalogue: judged, provable, or not.")
    ] = False,
    steps: Annotated[
        bool,
        typer.Option(
            "--steps", help="List each line or file that would make requirements provable, what unlocks most first."
        ),
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
    """Show what could be read, what requirements need, and what would make them provable.

    Default: how far each kind of record of each scope was read, and when it was last found out what vanished.
    A requirement is provable where some source gives every kind and field it needs, and every scope of them was
    read. A step unlocks the requirements that it makes provable alone, and helps those that need more than it.
    """
    if sum((requirement is not None, requirements, steps, gaps)) > 1:
        raise ConfigurationError([Fault("ask for one of REQUIREMENT, --requirements, --steps and --gaps at a time")])
    with Session(config, log_format=log_format) as session, judged(session, as_of, known_at) as judgement:
        if gaps:
            emit([{name: getattr(gap, name) for name in _GAPS} for gap in list_gaps(judgement)], _GAPS, output)
        elif steps:
            rows = [_step_row(one) for one in _unlocking(session, judgement).steps()]
            emit(rows, _STEPS_SHOWN if output is Format.TABLE else _STEPS, output)
        elif requirements:
            emit(_requirement_rows(session, judgement), _JUDGED, output)
        elif requirement is not None:
            emit(_need_rows(session, judgement, requirement), _NEEDS, output)
        else:
            emit(_read_rows(judgement), _READ, output)


def _read_rows(judgement: Judgement) -> list[dict[str, Any]]:
    from hub.store.reading import last_censuses

    censuses = last_censuses(judgement.conn, known_at=judgement.known_at)
    return [
        {
            **{name: getattr(row, name, None) for name in _READ},
            "through": shown_instant(row.through),
            "census": shown_instant(censuses.get(row.source)),
        }
        for row in list_coverage(judgement)
    ]


def _step_row(step: Any) -> dict[str, Any]:
    return {
        "unlocks": len(step.requirements),
        "helps": len(step.others),
        **{name: getattr(step, name) for name in ("obligations", "write", "where", "gives", "requirements", "others")},
    }


def _requirement_rows(session: Session, judgement: Judgement) -> list[dict[str, Any]]:
    found = _unlocking(session, judgement)
    parts = {one.id: sum(part.applies for part in one.parts) for one in judgement.requirements}
    off = {line.requirement for line in profile_of(session) if line.what == "judged" and not line.ours} - parts.keys()
    undecided = found.undecided()
    return [
        {
            "requirement": entry.id,
            "clause": entry.clause,
            "severity": entry.severity,
            "judged": "judged" if entry.id in parts else "disabled" if entry.id in off else "not judged yet",
            "parts": parts.get(entry.id, 0),
            "title": entry.title,
            "provable": found.provable(entry.id) if entry.id in parts else None,
            "undecided": undecided.get(entry.id, 0),
            "missing": found.missing(entry.id) if entry.id in parts else [],
            "write": found.writes(entry.id) if entry.id in parts else [],
        }
        for entry in catalogue(session)
    ]


def _need_rows(session: Session, judgement: Judgement, requirement: str) -> list[dict[str, Any]]:
    if requirement not in {entry.id for entry in catalogue(session)}:
        raise ConfigurationError([Fault("no enabled pack has this requirement", key=requirement)])
    if requirement not in {one.id for one in judgement.requirements}:
        raise ConfigurationError([Fault("is not judged yet: no pack says what it needs", key=requirement)])
    return [{name: getattr(row, name) for name in _NEEDS} for row in _unlocking(session, judgement).needs(requirement)]


def _unlocking(session: Session, judgement: Judgement) -> Unlocking:
    from hub.conformance.step import Unlocking

    return Unlocking(judgement, _candidates(session))


def _candidates(session: Session) -> Sequence[Candidate]:
    """List what could be written: for each configured source, then for installed plugins nobody has configured."""
    from hub.conformance.step import Candidate

    configured = session.configuration.sources
    kinds = session.registry.sources()
    asked: list[tuple[str, SourceSettings | None, SourceType]] = [
        (name, settings, kinds[settings.plugin]) for name, settings in configured.items()
    ]
    look = Registry()  # of its own: what is loaded only to be asked must not observe runs
    for plugin in look.installed:
        try:
            look.enable(plugin)
        except PluginError as error:
            session.progress.say(f"not asked what it would give: {error}", level="warning")
    used = {settings.plugin for settings in configured.values()}
    asked += [(name, None, kind) for name, kind in sorted(look.sources().items()) if name not in used]
    return [
        Candidate(name, one.write, one.where, one.gives, one.opens)
        for name, settings, kind in asked
        for one in kind.offers(name, settings)
    ]
