"""`hub run`: everything that is due, the one line for cron."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.findings import FailOnOption, fails
from hub.cli.judging import catalogue, derived, judged, refreshed, require_pack
from hub.cli.metrics import Facts, render, write_atomically
from hub.cli.option import CONFIG, ConfigOption, Format, FormatOption, LogFormat, LogFormatOption, examples
from hub.cli.output import emit
from hub.cli.report_issue import lost_messages, lost_text, make_conformance, make_urgent
from hub.cli.session import Session
from hub.cli.sync import read_sources
from hub.clock import format_instant
from hub.conformance.finding import FindingChange, list_findings
from hub.conformance.judge import Judgement
from hub.conformance.rollup import roll_up
from hub.conformance.waiver_list import warnings
from hub.errors import ConfigurationError, Fault, Locked
from hub.sync.run import RunSummary

if TYPE_CHECKING:
    from hub.store.outbox import Delivery, MessageKey

__all__ = ["do_run", "register"]

_COLUMNS = (
    "started_at",
    "finished_at",
    "sources",
    "documents",
    "changed",
    "obligations_written",
    "findings_opened",
    "findings_closed",
    "reports",
    "undelivered",
    "faults",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "hub run",
            "hub run --config /etc/hub/hub.toml --log-format json",
            "hub run --metrics /var/lib/prometheus/node-exporter/hub.prom",
        )
    )(run)


def run(
    *,
    census: Annotated[
        bool | None,
        typer.Option(
            "--census/--no-census", help="Find out now what vanished from the tools, or not. Default: when due."
        ),
    ] = None,
    metrics: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write what the run did for Prometheus (node_exporter's textfile collector)."
        ),
    ] = None,
    fail_on: FailOnOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
    log_format: LogFormatOption = LogFormat.TEXT,
) -> None:
    """Do everything that is due: sync, derive, findings, reports.

    A second run at the same time says so and leaves with 0. Exit code 2: a source failed, a message could not be handed
    over, or no pack is enabled; what could be done was done. Where there is no store a new one is made, and a
    line on stderr says where: the path may be mistyped. The file of `--metrics` is replaced whole when the run has ended;
    a run that dies, or leaves because another is at work, does not touch it.
    """
    from hub.sync.lock import hold

    if metrics is not None and not metrics.absolute().parent.is_dir():
        raise ConfigurationError([Fault(f"there is no folder {metrics.absolute().parent}; make it", key="--metrics")])
    with Session(config, log_format=log_format, create_store=True) as session, ExitStack() as stack:
        try:
            stack.enter_context(hold(session.store, "run", clock=session.clock))
        except Locked as other:
            session.progress.say(f"another run is at work: {other}", level="warning")
            return
        summary = do_run(session, census=census)
        findings, verdicts = [], []
        try:
            if session.configuration.packs:
                with judged(session, None, None) as judgement:
                    findings = list_findings(judgement, states=("open",))
                    for line in warnings(judgement, warn_days=session.configuration.waivers.warn_days):
                        session.progress.say(line, level="warning")
                    if metrics is not None:
                        verdicts = _verdicts(session, judgement)
        finally:  # that nothing could be judged is what whoever looks at the file has to see
            if metrics is not None:
                _write_metrics(metrics, summary, session, [one.severity for one in findings], verdicts)
        failed = fails(findings, fail_on)
    emit([_told(summary)], _COLUMNS, output)
    require_pack(session)
    if summary.undelivered or any(source.faults for source in summary.sources):
        raise typer.Exit(2)
    if failed:
        raise typer.Exit(1)


def do_run(session: Session, *, census: bool | None = None) -> RunSummary:
    """Read, derive, find and report: once a month when it has ended, and in between where something critical is new."""
    from hub.store.outbox import mark_bounced
    from hub.sync.lock import DERIVE, hold

    started = session.clock.now_ms()
    sources = read_sources(session, census=census)
    reports: list[str] = []
    astray: list[Delivery] = []
    with hold(session.store, DERIVE, clock=session.clock):
        session.progress.begin("judge")
        done = derived(session)
        changes = refreshed(session)
        with session.store.begin() as conn:
            mark_bounced(conn)
        session.progress.end("judge", f"{done.written} obligations new or changed, {_opened(changes)} findings opened")
        if "conformance" in session.configuration.reports and session.requirements():
            session.progress.begin("report")
            issue, messages = make_conformance(session)
            urgent, more = make_urgent(session)
            astray = [one for one in (*messages, *more) if one.state in ("waiting", "failed", "unknown", "bounced")]
            for one in astray:
                session.progress.say(lost_text(one), level="warning")
            if issue.created:
                reports.append(issue.report_id)
            reports += urgent
            session.progress.end("report", ", ".join(reports) or "none is due")
        _tell_lost(session, told={one.key for one in astray})
    summary = RunSummary(
        started_at=started,
        finished_at=session.clock.now_ms(),
        sources=sources,
        obligations_written=done.written,
        findings_opened=_opened(changes),
        findings_closed=sum(change.after != "open" and change.before == "open" for change in changes),
        reports=reports,
        undelivered=len(astray),
    )
    session.registry.observe_run(summary)
    return summary


def _tell_lost(session: Session, *, told: Collection[MessageKey]) -> None:
    """Say which other mail did not arrive: an approver who is never asked, a customer whose address is wrong."""
    for one in lost_messages(session):
        if one.key not in told:
            session.progress.say(lost_text(one), level="warning")


def _verdicts(session: Session, judgement: Judgement) -> list[str]:
    """Return the verdict of every requirement for the month so far."""
    from hub.report.period import last_month

    start = last_month(judgement.as_of, session.configuration.organisation.zone).end
    return [row.verdict for row in roll_up(judgement, catalogue(session), start=start, end=judgement.as_of + 1)]


def _write_metrics(path: Path, summary: RunSummary, session: Session, findings: list[str], verdicts: list[str]) -> None:
    from hub.store.reading import coverage_rows, last_successes

    through: dict[str, int] = {}
    with session.store.connect() as conn:
        for row in coverage_rows(conn):
            if row.through is not None:
                through[row.source] = min(row.through, through.get(row.source, row.through))
        facts = Facts(last_successes(conn), through, findings, verdicts)
    try:
        write_atomically(path, render(summary, facts))
    except OSError as error:
        raise ConfigurationError([Fault(f"{path} cannot be written: {error.strerror}", key="--metrics")]) from None


def _opened(changes: list[FindingChange]) -> int:
    return sum(change.after == "open" for change in changes)


def _told(summary: RunSummary) -> dict[str, object]:
    return {
        "started_at": format_instant(summary.started_at),
        "finished_at": format_instant(summary.finished_at),
        "sources": len(summary.sources),
        "documents": sum(source.documents for source in summary.sources),
        "changed": sum(source.changed for source in summary.sources),
        "obligations_written": summary.obligations_written,
        "findings_opened": summary.findings_opened,
        "findings_closed": summary.findings_closed,
        "reports": summary.reports,
        "undelivered": summary.undelivered,
        "faults": [f"{source.source}: {fault}" for source in summary.sources for fault in source.faults],
    }
