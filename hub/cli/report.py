"""`hub report`: look at the reports that were issued, and hand over what waits."""

from __future__ import annotations

from collections.abc import Iterable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli import report_archive, report_draft, report_life, report_plan
from hub.cli.judging import told_of_reports
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
from hub.cli.report_issue import make_conformance, messages_of, ways_of
from hub.cli.report_step import office_of, sender_of
from hub.cli.session import Session
from hub.clock import format_instant
from hub.errors import HubError

if TYPE_CHECKING:
    from hub.report.deliver import Way
    from hub.store.outbox import Delivery, State
    from hub.store.store import Connection

__all__ = ["delivery_rows", "register"]

_ISSUED = ("report", "revision", "type", "period", "as_of", "known_at", "issued_at", "states", "hash")
_MESSAGES = ("report", "revision", "channel", "recipient", "state", "attempts", "sent_at", "detail", "message_id")
RevisionOption = Annotated[
    int | None, typer.Option("--revision", min=1, help="Revision of the report. Default: the last.")
]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        help="Make a report and hand it to its channels.", no_args_is_help=True, epilog=examples("hub report list")
    )
    group.command(
        "conformance",
        epilog=examples("hub report conformance", "hub report conformance --period 2026-10 --revision 2"),
    )(conformance)
    group.command("list", epilog=examples("hub report list", "hub report list --format json"))(list_issued)
    group.command("show", epilog=examples("hub report show SR-example-conformance-2026-10"))(show)
    group.command("send", epilog=examples("hub report send SR-example-conformance-2026-10"))(send)
    for part in (report_plan, report_draft, report_life, report_archive):
        part.register(group)
    app.add_typer(group, name="report")


def conformance(
    *,
    period: Annotated[
        str | None, typer.Option("--period", help="Month, such as 2026-10. Default: the last ended.")
    ] = None,
    revision: RevisionOption = None,
    note: Annotated[str, typer.Option("--note", help="Why there is another revision.")] = "",
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
    log_format: LogFormatOption = LogFormat.TEXT,
) -> None:
    """Make the conformance report of a month and hand it to its channels.

    A revision that was issued is never made again; a correction is the next number. Exit code 2 where
    a message could not be handed over.
    """
    from hub.sync.lock import DERIVE, hold

    with Session(config, log_format=log_format) as session, hold(session.store, DERIVE, clock=session.clock):
        _, messages = make_conformance(
            session, period=period, as_of=as_of, known_at=known_at, revision=revision, note=note
        )
    emit(delivery_rows(messages), _MESSAGES, output)
    if any(message.state in ("waiting", "failed", "unknown", "bounced") for message in messages):
        raise typer.Exit(2)


def delivery_rows(deliveries: Iterable[Delivery]) -> list[dict[str, Any]]:
    """Turn messages into rows for `emit`."""
    return [
        {
            "report": delivery.key.report_id,
            "revision": delivery.key.revision,
            "channel": delivery.key.channel,
            "recipient": delivery.key.recipient,
            "state": delivery.state,
            "attempts": delivery.attempts,
            "sent_at": None if delivery.sent_at is None else format_instant(delivery.sent_at),
            "detail": delivery.detail or "",
            "message_id": delivery.message_id,
        }
        for delivery in deliveries
    ]


def list_issued(*, config: ConfigOption = CONFIG, output: FormatOption = Format.TABLE) -> None:
    """List every issued revision, the newest first, with the state of its messages."""
    from hub.store import outbox

    with Session(config) as session, session.store.connect() as conn:
        issued, deliveries = outbox.list_reports(conn), outbox.deliveries(conn)
    rows = [
        {
            "report": report.report_id,
            "revision": report.revision,
            "type": report.type,
            "period": report.period,
            "as_of": format_instant(report.as_of),
            "known_at": format_instant(report.known_at),
            "issued_at": format_instant(report.created_at),
            "states": [
                f"{delivery.key.channel}: {delivery.state}"
                for delivery in deliveries
                if delivery.key[:2] == (report.report_id, report.revision)
            ],
            "hash": report.hash,
        }
        for report in issued
    ]
    emit(rows, [c for c in _ISSUED if c not in ("known_at", "hash")] if output is Format.TABLE else _ISSUED, output)


def show(
    report_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the report, as `hub report list` prints it.")],
    *,
    revision: RevisionOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Print a report as text, then how its messages fare; `--format json` prints the whole report as data."""
    from hub.store import outbox

    with Session(config) as session:
        with session.store.connect() as conn:
            issued = outbox.find_report(conn, report_id, revision)
            if issued is None:
                raise _unknown(report_id, revision)
            deliveries = outbox.deliveries(conn, report_id=report_id, revision=issued.revision)
            message = outbox.message_of(conn, deliveries[0].key) if deliveries else b""
        if output is Format.JSON:
            typer.echo(issued.model.decode())
            return
        if output is Format.TABLE:
            typer.echo("\n".join(plain(line) for line in _text_of(message).splitlines()) + "\n")
        emit(delivery_rows(deliveries), _MESSAGES, output)


def send(
    report_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the report, as `hub report list` prints it.")],
    *,
    revision: RevisionOption = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Also messages that may have gone out already (unknown), or went and came back (bounced)."
        ),
    ] = False,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Hand over the messages of a report that were held or failed; nothing leaves without `send = true`.

    A report of the plan leaves only approved, where the plan names approvers, and to whom the plan names. What was sent is never sent again. Exit code 2 where a message could not be handed over.
    """
    from hub.report.deliver import deliver_waiting
    from hub.store import outbox
    from hub.sync.lock import DERIVE, hold

    states: list[State] = ["held", "failed", "unknown", "bounced"] if again else ["held", "failed"]
    # Alone: a delivery at work in another process must not be taken for one that was killed.
    with Session(config) as session, hold(session.store, DERIVE, clock=session.clock):
        ways = ways_of(session)
        with session.store.begin() as conn:
            number = _queued(session, conn, report_id, revision, ways)
            allowed = [name for name, way in ways.items() if way.may_deliver]
            outbox.release(conn, report_id, number, states=states, channels=allowed)
        deliver_waiting(session.store, ways, session.clock)
        told_of_reports(session)
        messages = messages_of(session, report_id, number)
    emit(delivery_rows(messages), _MESSAGES, output)
    if any(message.state in ("waiting", "failed", "unknown", "bounced") for message in messages):
        raise typer.Exit(2)


def _queued(session: Session, conn: Connection, report_id: str, revision: int | None, ways: dict[str, Way]) -> int:
    """Return the revision whose messages may go; of a planned report they are put in the outbox here."""
    from hub.report.plan.act import queue_messages
    from hub.report.plan.desk import Desk
    from hub.report.plan.record import adopt_issued
    from hub.store import outbox

    desk = Desk(conn, office_of(session), now=session.clock.now_ms())
    adopt_issued(desk)
    if report_id in desk.steps:
        cycle = desk.cycle(report_id)
        if revision not in (None, cycle.last.number):
            raise HubError(f"revision {revision} of {report_id} is not the one in hand, {cycle.last.number} is")
        sender, name = sender_of(session, desk.terms(cycle).method)
        return queue_messages(desk, report_id, ways, sender=sender, name=name)
    issued = outbox.find_report(conn, report_id, revision)
    if issued is None:
        raise _unknown(report_id, revision)
    return issued.revision


def _text_of(message: bytes) -> str:
    parsed = message_from_bytes(message, EmailMessage, policy=policy.SMTP)
    body = parsed.get_body(("plain",))
    return str(body.get_content()) if body is not None else ""


def _unknown(report_id: str, revision: int | None) -> HubError:
    which = f"{report_id} revision {revision}" if revision else report_id
    return HubError(f"there is no report {which}; `hub report list` names those that were issued")
