"""`hub survey`: asks the reporters of closed tickets by mail how it went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.option import CONFIG, ConfigOption, Format, FormatOption, LogFormat, LogFormatOption, examples
from hub.cli.output import emit
from hub.cli.session import Session
from hub.clock import format_instant
from hub.errors import ConfigurationError, Fault, Locked

if TYPE_CHECKING:
    from hub_email.rule_settings import MailReading
    from hub_email.survey_ask import Surveyed

__all__ = ["app"]

_COLUMNS = ("about", "kind", "ticket", "person", "address", "state", "sent", "answer", "detail")

app = typer.Typer(help="Ask by mail how content the reporters of closed tickets are.")


@app.callback(invoke_without_command=True, epilog=examples("hub survey", "hub survey --list"))
def survey(
    *,
    listing: Annotated[
        bool, typer.Option("--list", help="Say who would be asked and how every question stands; ask nobody.")
    ] = False,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
    log_format: LogFormatOption = LogFormat.TEXT,
) -> None:
    """Ask the reporter of every closed ticket, or of the share configured, once how content they are.

    Where the settings say so the reporter of a resolved incident is asked too whether it may be closed. What was
    sent, and that nobody answered it, becomes a record; the answer is read with the mailbox. Exit code 2 where a
    mail could not be handed over or came back.
    """
    with Session(config, log_format=log_format) as session:
        try:
            rows = _asked(session, listing=listing)
        except Locked as other:
            session.progress.say(f"another run is at work: {other}", level="warning")
            return
    emit([_told(row) for row in rows], _COLUMNS, output)
    if not listing and any(row.state in ("waiting", "failed", "unknown", "bounced") for row in rows):
        raise typer.Exit(2)


def _asked(session: Session, *, listing: bool) -> list[Surveyed]:
    from hub.cli.report_issue import ways_of  # noqa: PLC0415 - every command of the hub imports this module; it stays light
    from hub.sync.lock import DERIVE, hold  # noqa: PLC0415 - the same
    from hub_email.rule_settings import MailReading  # noqa: PLC0415 - the same
    from hub_email.survey_ask import Desk, ask_reporters, stands  # noqa: PLC0415 - the same
    from hub_email.survey_ticket import Asker, closed_tickets, resolved_incidents  # noqa: PLC0415 - the same

    name, settings = _settings(session)
    surveys, decisions = settings.surveys, settings.decisions
    if surveys is None or decisions is None:  # the settings hold both or neither
        return []
    channel = session.configuration.channels.get(decisions.channel)
    if channel is None:
        message = f"there is no channel {decisions.channel!r}; write the name of one of type smtp"
        raise ConfigurationError([Fault(message, str(session.config), "decisions.channel")])
    keys = [decisions.key, *decisions.former_keys.values()]
    desk = Desk(
        source=name,
        settings=surveys,
        keys=[one.get_secret_value() for one in keys],
        channel=decisions.channel,
        sender=str(getattr(channel, "sender", "hub@localhost")),
        zone=session.configuration.organisation.zone,
    )
    sources = session.configuration.sources.items()
    mailboxes = [one for one, source in sources if isinstance(source, MailReading)]
    with hold(session.store, DERIVE, clock=session.clock):
        asker = Asker(surveys, mailboxes, [*settings.trust.addresses, desk.sender])
        now = session.clock.now_ms()
        with session.store.connect() as conn:
            waiting = [("survey", one) for one in closed_tickets(conn, asker, now)]
            if surveys.confirm:
                waiting += [("closure", one) for one in resolved_incidents(conn, asker, now)]
        if listing:
            return stands(session.store, waiting, desk)
        way = ways_of(session, [desk.channel])[desk.channel]
        return ask_reporters(session.store, waiting, desk, way, session.clock)


def _settings(session: Session) -> tuple[str, MailReading]:
    """Return the one source that asks, by name."""
    from hub_email.rule_settings import MailReading  # noqa: PLC0415 - as above

    asking = {
        name: source
        for name, source in session.configuration.sources.items()
        if isinstance(source, MailReading) and source.surveys is not None
    }
    if len(asking) != 1:
        which = f"several sources ask: {', '.join(sorted(asking))}" if asking else "no source asks reporters"
        message = f"{which}; write [sources.NAME.surveys] for one source of mail, with key and channel below decisions"
        raise ConfigurationError([Fault(message, str(session.config), "sources")])
    return next(iter(asking.items()))


def _told(row: Surveyed) -> dict[str, Any]:
    return {
        "about": row.about,
        "kind": row.asked.kind,
        "ticket": row.asked.name,
        "person": row.asked.person,
        "address": row.asked.address,
        "state": row.state,
        "sent": None if row.queued_at is None else format_instant(row.queued_at),
        "answer": row.answer,
        "detail": row.asked.fault or row.detail,
    }
