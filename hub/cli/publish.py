"""`hub publish`: an issued report as static pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.judging import catalogue, require_judged
from hub.cli.option import CONFIG, ConfigOption, Format, FormatOption, LogFormat, LogFormatOption, examples
from hub.cli.output import emit
from hub.cli.session import Session
from hub.conformance.judge import judge
from hub.conformance.rollup import roll_up
from hub.conformance.service import service_map
from hub.errors import HubError

if TYPE_CHECKING:
    from hub.report.site.content import Site

__all__ = ["register"]

_TYPE = "conformance"
_MONTHS = 12
_LAST = "9999-12"
_WRITTEN = ("folder", "report", "revision", "findings", "files", "bytes")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("hub publish pages", "hub publish /srv/www/conformance --period 2026-10"))(publish)


def publish(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of its own; an earlier publish is replaced.")],
    *,
    period: Annotated[
        str | None, typer.Option("--period", help="Month, such as 2026-10. Default: the last that was reported.")
    ] = None,
    revision: Annotated[
        int | None, typer.Option("--revision", min=1, help="Revision of the report. Default: the last.")
    ] = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
    log_format: LogFormatOption = LogFormat.TEXT,
) -> None:
    """Write an issued report as static pages: overview, clauses, requirements, findings, services, search.

    They say what the report says, as of its instants, and work without a server. Nobody is told of them and nothing
    is sent. DIR is replaced as a whole when all pages are written: whoever is killed leaves the old ones. A
    folder that holds anything no publish wrote is refused.
    """
    from hub.report.site.folder import publish as write
    from hub.report.site.page import site_files

    with Session(config, log_format=log_format) as session:
        site = _site(session, period, revision)
    identity = site.model.identity
    done = write(folder, f"{identity.report_id} r{identity.revision}", site_files(site))
    told = {
        "folder": str(done.folder),
        "report": identity.report_id,
        "revision": identity.revision,
        "findings": len(site.model.nonconformities),
        "files": done.files,
        "bytes": done.size,
    }
    emit([told], _WRITTEN, output)


def _site(session: Session, period: str | None, revision: int | None) -> Site:
    """Take the issued report, and ask the store once for what pages show besides."""
    from hub.report.issue import configured_hosts
    from hub.report.model import decode_model
    from hub.report.period import month_period
    from hub.report.site.content import Site
    from hub.report.site.trend import figures_of, months_of
    from hub.store import outbox

    configuration = session.configuration
    label = month_period(period, configuration.organisation.zone).label if period else _LAST
    with session.store.connect() as conn:
        issued = next(outbox.last_reports(conn, report_type=_TYPE, through=label, most=1), None)
        if issued is None or (period and issued.period != period):
            asked = f" --period {period}" if period else ""
            raise HubError(
                f"no conformance report {'of ' + period if period else 'at all'} was issued; "
                f"run: hub report conformance{asked}"
            )
        if revision not in (None, issued.revision):
            issued = outbox.find_report(conn, issued.report_id, revision)
            if issued is None:
                raise HubError(f"there is no revision {revision} of that report; `hub report list` names those issued")
        require_judged(session, conn)
        model = decode_model(issued.model)
        judgement = judge(
            conn,
            session.requirements(),
            as_of=issued.as_of,
            known_at=issued.known_at,
            judge_from=configuration.organisation.judge_from or 0,
            longest_days=configuration.waivers.longest_days,
        )
        rows = roll_up(judgement, catalogue(session), start=model.identity.period.start, end=model.identity.period.end)
        services = service_map(conn)
        past = outbox.last_reports(conn, report_type=_TYPE, through=issued.period, most=_MONTHS)
        figures = [figures_of(one.model) for one in past]
    packs = session.registry.packs()
    return Site(
        model=model,
        rows=rows,
        clause_titles={key: title for name in configuration.packs for key, title in packs[name].clauses.items()},
        services=services.services,
        services_of=services.of_unit,
        months=months_of([*figures, figures_of(issued.model)], issued.period),
        hosts=configured_hosts(configuration),
    )
