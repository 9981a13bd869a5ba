"""`hub ask`: asks by mail for the approvals that are still open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

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
from hub.clock import format_instant
from hub.errors import ConfigurationError, Fault, Locked

if TYPE_CHECKING:
    from hub_email.ask import Asking
    from hub_email.rule_settings import DecisionSettings

__all__ = ["app"]

_COLUMNS = ("kind", "subject", "person", "role", "address", "requests", "state", "last", "claims", "detail")

app = typer.Typer(help="Ask by mail for approvals that are still open.")


@app.callback(invoke_without_command=True, epilog=examples("hub ask", "hub ask --list"))
def ask(
    *,
    listing: Annotated[bool, typer.Option("--list", help="Say what is open and how it stands; ask nobody.")] = False,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
    log_format: LogFormatOption = LogFormat.TEXT,
) -> None:
    """Ask everybody who could decide on an open change, or accepted a waiver, once; remind those who do not answer.

    What is open is what the requirements say is open after the last `hub run`: an approval given in any tool
    closes it, an answer by mail that does not count leaves it open and is told with its reason. Exit code 2
    where somebody cannot be asked or a mail could not be handed over.
    """
    with Session(config, log_format=log_format) as session:
        try:
            rows = _asked(session, listing=listing)
        except Locked as other:
            session.progress.say(f"another run is at work: {other}", level="warning")
            return
    emit([_told(row) for row in rows], _COLUMNS, output)
    if not listing and any(row.open.fault or row.state in ("waiting", "failed", "unknown", "bounced") for row in rows):
        raise typer.Exit(2)


def _asked(session: Session, *, listing: bool) -> list[Asking]:
    from hub.cli.judging import judged  # noqa: PLC0415 - every command of the hub imports this module; it stays light
    from hub.cli.report_issue import ways_of  # noqa: PLC0415 - the same
    from hub.cli.report_step import office_of  # noqa: PLC0415 - the same
    from hub.sync.lock import DERIVE, hold  # noqa: PLC0415 - the same
    from hub_email.ask import ask as send  # noqa: PLC0415 - the same
    from hub_email.ask import find_open, stands  # noqa: PLC0415 - the same
    from hub_email.ask_report import find_reports  # noqa: PLC0415 - the same

    settings = _settings(session)
    channel = session.configuration.channels.get(settings.channel)
    if channel is None:
        message = f"there is no channel {settings.channel!r}; write the name of one of type smtp"
        raise ConfigurationError([Fault(message, str(session.config), "decisions.channel")])
    sender = str(getattr(channel, "sender", "hub@localhost"))
    zone = session.configuration.organisation.zone
    with hold(session.store, DERIVE, clock=session.clock):
        with judged(session, None, None) as judgement:
            found = find_open(judgement, settings, now=session.clock.now_ms(), zone=zone)
            if settings.reports:
                found += find_reports(judgement.conn, office_of(session), now=session.clock.now_ms())
        if listing:
            return stands(session.store, found, settings)
        way = ways_of(session, [settings.channel])[settings.channel]
        return send(session.store, found, settings, way, session.clock, sender=sender, zone=zone)


def _settings(session: Session) -> DecisionSettings:
    """Return the settings of the one source that asks."""
    from hub_email.rule_settings import MailReading  # noqa: PLC0415 - as above

    asking: dict[str, DecisionSettings] = {}
    for name, source in session.configuration.sources.items():
        if isinstance(source, MailReading) and source.decisions is not None and source.decisions.channel:
            asking[name] = source.decisions
    if len(asking) != 1:
        which = f"several sources ask: {', '.join(sorted(asking))}" if asking else "no source asks for decisions"
        message = f"{which}; write [sources.NAME.decisions] with key and channel for one source of mail"
        raise ConfigurationError([Fault(message, str(session.config), "sources")])
    return next(iter(asking.values()))


def _told(row: Asking) -> dict[str, Any]:
    question, matter = row.open.question, row.open.matter
    return {
        "kind": matter.kind,
        "subject": matter.name,
        "person": question.person,
        "role": question.role or "",
        "address": question.address,
        "requests": row.requests,
        "state": row.state,
        "last": None if row.queued_at is None else format_instant(row.queued_at),
        "claims": list(row.open.claims),
        "detail": row.open.fault or row.detail,
    }
