"""`hub sync`: reads what changed in the tools."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.option import CONFIG, ConfigOption, Format, FormatOption, LogFormat, LogFormatOption, examples
from hub.cli.output import emit
from hub.cli.session import Session

if TYPE_CHECKING:
    from hub.sync.run import SourceSummary

__all__ = ["read_sources", "register"]

_SHOWN = ("source", "documents", "records", "changed", "unchanged", "skipped", "requests", "seconds", "complete")
_TOLD = (*_SHOWN, "vanished", "unmapped", "held_by", "faults", "warnings")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("hub sync", "hub sync service-desk --format json", "hub sync --replay register"))(sync)


def sync(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE]...", help="Sources to read. Default: all.")
    ] = None,
    *,
    replay: Annotated[
        bool, typer.Option("--replay", help="Map the documents kept already anew, without asking the tools.")
    ] = False,
    census: Annotated[
        bool | None,
        typer.Option(
            "--census/--no-census", help="Find out now what vanished from the tools, or not. Default: when due."
        ),
    ] = None,
    accept_absence: Annotated[
        bool,
        typer.Option("--accept-absence", help="Believe that what is no longer listed is gone, however much it is."),
    ] = False,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
    log_format: LogFormatOption = LogFormat.TEXT,
) -> None:
    """Read what changed in the tools.

    A source that fails does not stop the others; exit code 2 says that one did. A source that another
    run is reading is left to it, which is no failure. Where there is no store a new one is made, and a
    line on stderr says where: the path may be mistyped.
    """
    with Session(config, log_format=log_format, create_store=True) as session:
        summaries = read_sources(session, names or (), replay=replay, census=census, accept=accept_absence)
    rows = [{column: getattr(summary, column) for column in _TOLD} for summary in summaries]
    emit(rows, _SHOWN if output is Format.TABLE else _TOLD, output)
    if any(summary.faults for summary in summaries):
        raise typer.Exit(2)


def read_sources(
    session: Session,
    names: Iterable[str] = (),
    *,
    replay: bool = False,
    census: bool | None = None,
    accept: bool = False,
) -> list[SourceSummary]:
    """Read the named sources (none named = all) and tell how it goes; faults are in the summaries."""
    from hub.sync.runner import replay_all, sync_all

    summaries: list[SourceSummary] = []
    for job in session.jobs(names):
        task, done = f"{'map' if replay else 'read'} {job.name}", 0
        session.progress.begin(task)

        def watch(summary: SourceSummary, task: str = task) -> None:
            nonlocal done
            session.progress.advance(task, summary.documents - done)
            done = summary.documents

        if replay:
            (summary,) = replay_all(session.store, [job], clock=session.clock, progress=watch)
        else:
            (summary,) = sync_all(
                session.store, [job], clock=session.clock, progress=watch, census=census, accept=accept
            )
        session.progress.end(task, _told(summary))
        for fault in summary.faults:
            session.progress.say(f"{job.name}: {fault}", source=job.name, level="error")
        for warning in summary.warnings:
            session.progress.say(f"{job.name}: {warning}", source=job.name, level="warning")
        summaries.append(summary)
    _tell_untied(session, summaries)
    return summaries


def _tell_untied(session: Session, summaries: Iterable[SourceSummary]) -> None:
    """Count, once every source was read, the keys in messages that no ticket, or several, bear."""
    from hub.store.naming import untied

    for summary in summaries:
        with session.store.connect() as conn:
            keys = untied(conn, summary.source, "record_id")
        if keys:
            told = ", ".join(one.partition(":key/")[2] for one in keys[:3]) + (
                " …" if len(keys) > len(keys[:3]) else ""
            )
            warning = f"messages name {len(keys)} tickets that no source, or several records, know: {told}"
            summary.warnings.append(warning)
            session.progress.say(f"{summary.source}: {warning}", source=summary.source, level="warning")


def _told(summary: SourceSummary) -> str:
    if summary.held_by:
        return f"left to another run; {summary.held_by}"
    whole = "complete" if summary.complete else "failed" if summary.faults else "not complete"
    return f"{summary.documents} documents, {summary.changed} records changed, {whole}"
