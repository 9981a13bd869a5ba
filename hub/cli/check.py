"""`hub check`: tries everything the configuration names, line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import typer

from hub.cli.option import CONFIG, ConfigOption, Format, FormatOption, examples
from hub.cli.output import emit, plain
from hub.cli.session import ENABLE_PACK, Session
from hub.clock import format_instant
from hub.errors import HubError
from hub.sla.fault import service_level_faults
from hub.sla.zone import local_year
from hub.sync.source import CheckLine

__all__ = ["register"]

_COLUMNS = ("subject", "level", "text", "advice")
_MOST_LOST = 20


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("hub check", "hub check --config /etc/hub/hub.toml --format json"))(check)


def check(*, config: ConfigOption = CONFIG, output: FormatOption = Format.TABLE) -> None:
    """Try store, packs, sources and channels, and say what to do where one does not work.

    Nothing is written and nothing is sent. Exit code 2 where anything is an error.
    """
    rows = []
    with Session(config) as session:
        for subject, line in _lines(session):
            rows.append({"subject": subject, "level": line.level, "text": line.text, "advice": line.advice})
            if output is Format.TABLE:
                typer.echo(f"{line.level:<8}{subject}: {plain(line.text)}")
                for advice in line.advice.splitlines():
                    typer.echo(f"        {plain(advice)}")
    if output is not Format.TABLE:
        emit(rows, _COLUMNS, output)
    if any(row["level"] == "error" for row in rows):
        raise typer.Exit(2)


def _lines(session: Session) -> Iterator[tuple[str, CheckLine]]:
    configuration = session.configuration
    yield "configuration", CheckLine("ok", f"{configuration.path} can be used")
    judge_from = configuration.organisation.judge_from
    if judge_from is not None and judge_from > session.clock.now_ms():
        advice = "set organisation.judge_from to the day you began to work by the standard"
        yield "configuration", CheckLine("warning", "judge_from is in the future: nothing becomes a finding", advice)
    yield from _store_lines(session)
    for name, settings in configuration.packs.items():
        pack = session.registry.packs()[name]
        judged, known = len(pack.requirements(settings.parameters, settings.choices)), len(pack.entries)
        yield f"pack {name}", CheckLine("ok", f"version {pack.version} judges {judged} of its {known} requirements")
    if not configuration.packs:
        yield "packs", CheckLine("warning", "none is enabled: nothing will be judged", ENABLE_PACK)
    if not configuration.sources:
        yield "sources", CheckLine("warning", "none is configured: nothing will be read", "see [sources] in hub.toml")
    for name in configuration.sources:
        for line in _tried(partial(_check_source, session, name)):
            yield f"source {name}", line
    for name in configuration.channels:
        for line in _tried(partial(_check_channel, session, name)):
            yield f"channel {name}", line


def _check_source(session: Session, name: str) -> list[CheckLine]:
    return session.jobs([name])[0].source.check()


def _check_channel(session: Session, name: str) -> list[CheckLine]:
    return session.channels([name])[name].check()


def _store_lines(session: Session) -> Iterator[tuple[str, CheckLine]]:
    stored = _store_line(session)
    yield "store", stored
    if stored.level == "ok":
        for line in _service_level_lines(session):
            yield "service levels", line
        for line in _outbox_lines(session):
            yield "outbox", line
        for line in _archive_lines(session):
            yield "archive of reports", line


def _service_level_lines(session: Session) -> Iterator[CheckLine]:
    zone = session.configuration.organisation.zone
    year = local_year(session.clock.now_ms(), zone)
    with session.store.connect() as conn:
        promising, faults = service_level_faults(conn, zone, [year])
    for fault in faults:
        yield CheckLine("warning", str(fault), "until it is mended, the tickets it concerns are not provable")
    if promising and not faults:
        yield CheckLine("ok", f"tickets can be measured by {promising} agreements")


def _outbox_lines(session: Session) -> Iterator[CheckLine]:
    from hub.cli.report_issue import lost_messages, lost_text

    lost = lost_messages(session)
    for one in lost[-_MOST_LOST:]:
        yield CheckLine("warning", lost_text(one), "mend the address: `email` in the register, or in the tool")
    if len(lost) > _MOST_LOST:
        yield CheckLine("warning", f"{len(lost) - _MOST_LOST} messages before them did not arrive either")


def _archive_lines(session: Session) -> Iterator[CheckLine]:
    from hub.cli.report_step import office_of
    from hub.report.plan.desk import Desk
    from hub.report.plan.restore import restore_due

    now = session.clock.now_ms()
    with session.store.connect() as conn:
        stands = restore_due(Desk(conn, office_of(session), now=now).begun().values(), now)
    advice = "restore the archive from its backup to another place, then: hub report restore-test --folder DIR"
    if stands.faulty:
        text = (
            f"the last restore test could not read back {len(stands.faulty)}: {', '.join(stands.faulty[:_MOST_LOST])}"
        )
        yield CheckLine("warning", text, "restore them from a backup, then: hub report restore-test")
    if stands.untested:
        yield CheckLine("warning", f"{stands.untested} of {stands.archived} were not read back for a year", advice)
    elif stands.archived and not stands.faulty and stands.last_at is not None:
        yield CheckLine("ok", f"{stands.archived} kept, last restore test {format_instant(stands.last_at)}")


def _tried(attempt: Callable[[], list[CheckLine]]) -> list[CheckLine]:
    try:
        return attempt()
    except HubError as error:
        return [CheckLine("error", str(error))]


def _store_line(session: Session) -> CheckLine:
    url = session.configuration.store.url
    file = Path(session.configuration.base_dir, url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not file.exists():
        return CheckLine("warning", f"{file} does not exist yet", "the first `hub sync` or `hub run` makes it")
    try:
        return CheckLine("ok", f"{session.store.place} can be read, its schema is current")
    except HubError as error:
        return CheckLine("error", str(error))
