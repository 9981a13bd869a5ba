"""`hub report compile|draft`: a planned report is made from the store, or rendered files of it are kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.option import CONFIG, AsOfOption, ConfigOption, Format, FormatOption, examples
from hub.cli.output import emit
from hub.cli.report_step import ReportArgument, office_of, step
from hub.cli.session import Session
from hub.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from hub.report.plan.desk import Desk
    from hub.report.service.drafting import House

__all__ = ["register"]

_NAME = "SR-acme-monthly_service-2026-10"


def register(group: typer.Typer) -> None:
    """Add the commands to `hub report`."""
    group.command(
        "draft", epilog=examples(f"hub report draft {_NAME}", f"hub report draft {_NAME} report.pdf report.xlsx")
    )(draft)
    group.command("compile", epilog=examples(f"hub report compile {_NAME} --folder preview"))(compile_)


def draft(
    report_id: ReportArgument,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE...]", help="The rendered report. None = it is compiled.")
    ] = None,
    *,
    author: Annotated[
        str | None, typer.Option(metavar="PERSON", help="Who wrote it. Default: the author of the plan.")
    ] = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What a correction corrects.")] = "",
    figures: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON list of its metrics, as `metrics` of a service report.")
    ] = None,
    provisional: Annotated[bool, typer.Option("--provisional", help="Before its period has ended.")] = False,
    anew: Annotated[bool, typer.Option("--anew", help="Freeze the data once more before compiling.")] = False,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Compile a report from the store and keep it, or keep rendered files. A rejected or submitted one gets its next revision.

    Other bytes in the same revision void what was approved; the same bytes again change nothing.
    """
    from hub.cli.judging import require_judged
    from hub.report.plan import act
    from hub.report.service.drafting import draft_compiled

    def compiled(desk: Desk, who: str, session: Session) -> None:
        require_judged(session, desk.conn)
        house = house_of(session)
        draft_compiled(desk, report_id, house, login=who, author=author, note=note, provisional=provisional, anew=anew)

    if not files:
        if figures is not None:
            raise ConfigurationError([Fault("a compiled report tells its own figures; leave it out", key="--figures")])
        step(config, output, report_id, compiled)
        return
    import msgspec

    from hub.records import ReportMetric

    bodies = {path.name: _read(path) for path in files}
    if len(bodies) != len(files):
        raise ConfigurationError([Fault("two files have the same name", key="FILE")])
    try:
        told = msgspec.json.decode(_read(figures), type=list[ReportMetric]) if figures else []
    except msgspec.DecodeError as error:
        raise ConfigurationError([Fault(f"{figures}: {error}", key="--figures")]) from None

    def keep(desk: Desk, who: str, _: Session) -> None:
        act.draft(desk, report_id, bodies, login=who, author=author, note=note, provisional=provisional, figures=told)

    step(config, output, report_id, keep)


def compile_(
    report_id: ReportArgument,
    *,
    folder: Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where its files are written.")],
    at: AsOfOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Write a planned report as it would be drafted now, or as of an instant. Nothing in the store is changed.

    Files of the same name in the folder are written over.
    """
    import hashlib

    from hub.cli.judging import require_judged
    from hub.report.plan.desk import Desk
    from hub.report.service.drafting import preview

    with Session(config) as session, session.store.connect() as conn:
        require_judged(session, conn)
        instant = None if at is None else session.instant(at)
        desk = Desk(conn, office_of(session), now=session.clock.now_ms())
        files = preview(desk, report_id, house_of(session), as_of=instant)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, body in files.items():
            (folder / name).write_bytes(body)
    except OSError as error:
        raise ConfigurationError([Fault(f"{folder} cannot be written: {error.strerror}", key="--folder")]) from None
    rows = [{"file": str(folder / name), "sha256": hashlib.sha256(body).hexdigest()} for name, body in files.items()]
    emit(rows, ("file", "sha256"), output)


def house_of(session: Session) -> House:
    """Return how the organisation wants compiled reports told: as the conformance report where that says it."""
    from hub.report.issue import configured_hosts
    from hub.report.service.drafting import House

    settings = session.configuration.reports.get("conformance")
    return House(configured_hosts(session.configuration), settings is not None and settings.names)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError([Fault(f"{path} cannot be read: {error.strerror}", key="FILE")]) from None
