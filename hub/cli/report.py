"""`hub report`: look at the reports that were issued, and hand over what waits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from hub.cli import report_archive, report_draft, report_life, report_plan
from hub.cli.judging import catalogue, profile_of, told_of_reports
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
from hub.cli.report_step import office_of, sender_of
from hub.cli.session import Session
from hub.clock import format_instant
from hub.conformance.alarm import critical_since
from hub.conformance.derive import require_derived
from hub.conformance.judge import judge, last_known
from hub.conformance.profile import left_out
from hub.conformance.query import answers, derived_anew
from hub.conformance.rollup import judge_period, list_attestations, roll_up
from hub.conformance.situation.audience import fill_audience
from hub.conformance.situation.narrow import narrowed
from hub.conformance.situation.query import promised_lines, situation
from hub.errors import HubError

if TYPE_CHECKING:
    from hub.config.section import AudienceSettings, Language
    from hub.conformance.answer import Answers
    from hub.conformance.pack import CatalogueEntry, Pack
    from hub.report.deliver import Way
    from hub.report.issue import AnswersProvider, Issue
    from hub.report.model import Period
    from hub.store.outbox import Delivery, State
    from hub.store.store import Connection

__all__ = ["delivery_rows", "lost_messages", "lost_text", "make_conformance", "make_urgent", "register", "ways_of"]

_QUESTION_LASTS_MS = 30 * 86_400_000
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


def lost_messages(session: Session) -> list[Delivery]:
    """List what was sent to people and did not arrive: reports however old, questions of the last 30 days."""
    from hub.store import outbox

    with session.store.connect() as conn:
        return outbox.astray(conn, since=session.clock.now_ms() - _QUESTION_LASTS_MS)


def lost_text(lost: Delivery) -> str:
    """Say which message did not arrive where, and why."""
    told = f"{lost.key.report_id} to {lost.key.recipient or lost.key.channel}: {lost.state}"
    return f"{told}: {lost.detail}" if lost.detail else told


def make_conformance(
    session: Session,
    *,
    period: str | None = None,
    as_of: str | None = None,
    known_at: str | None = None,
    revision: int | None = None,
    note: str = "",
) -> tuple[Issue, list[Delivery]]:
    """Issue the conformance report (by default of the last month that ended), those of its audiences, and deliver what waits.

    Return the organisation's, and the messages of all.
    """
    from hub.report.deliver import deliver_waiting
    from hub.report.issue import issue_conformance
    from hub.report.period import last_month, month_period
    from hub.report.status import Thresholds

    configuration = session.configuration
    if "conformance" not in configuration.reports:
        raise HubError(
            f"{configuration.path}: there is no [reports.conformance]; say there `to` whom and by which `channels`"
        )
    zone = configuration.organisation.zone
    instant, known = session.instant(as_of), session.clock.now_ms()
    with session.store.connect() as conn:
        require_derived(conn)
        known = session.instant(known_at) if known_at else max(known, last_known(conn) or 0)
    hold = _approval_wanted(session)
    ways, ask = ways_of(session, configuration.reports["conformance"].channels), _answers(session)
    issues = [
        issue_conformance(
            session.store,
            configuration,
            ask,
            ways,
            session.clock,
            period=month_period(period, zone) if period else last_month(instant, zone),
            as_of=instant,
            known_at=known,
            catalogue_version=_catalogue_version(session),
            profile_version=_profile_version(session),
            revision=revision,
            note=note,
            limits=Thresholds(waiver_days=configuration.waivers.warn_days),
            audience=audience,
            hold=hold,
        )
        for audience in (None, *configuration.reports["conformance"].audiences)
    ]
    told_of_reports(session)
    deliver_waiting(session.store, ways, session.clock)
    messages = [message for issue in issues for message in _messages(session, issue.report_id, issue.revision)]
    return issues[0], messages


def make_urgent(session: Session) -> tuple[list[str], list[Delivery]]:
    """Tell managers of new critical findings between two reports, at most once a day; return ids issued, and messages.

    The organisation's comes last: where it exists, those of all audiences were looked at.
    """
    from hub.report.deliver import deliver_waiting
    from hub.report.issue import Asked
    from hub.report.status import Thresholds
    from hub.report.urgent import issue_urgent, running_month, told_until

    configuration, settings = session.configuration, session.configuration.reports["conformance"]
    now = session.clock.now_ms()
    with session.store.connect() as conn:
        since = told_until(conn, configuration, now) if settings.urgent else None
        if since is None or not critical_since(conn, session.requirements(), since):
            return [], []
        known = max(now, last_known(conn) or 0)
    asked = Asked(
        period=running_month(now, configuration.organisation.zone),
        as_of=now,
        known_at=known,
        catalogue_version=_catalogue_version(session),
        profile_version=_profile_version(session),
        limits=Thresholds(waiver_days=configuration.waivers.warn_days),
    )
    ways, ask, hold = ways_of(session, settings.channels), _answers(session), _approval_wanted(session)
    issues = [
        issue_urgent(
            session.store, configuration, ask, ways, session.clock, asked=replace(asked, audience=audience), hold=hold
        )
        for audience in (*settings.audiences, None)
    ]
    deliver_waiting(session.store, ways, session.clock)
    created = [issue.report_id for issue in issues if issue and issue.created]
    return created, [message for issue in issues if issue for message in _messages(session, issue.report_id, 1)]


def _approval_wanted(session: Session) -> str:
    """Say why a conformance report waits, where the plan names who approves it."""
    from hub.report.plan.desk import Desk

    with session.store.connect() as conn:
        terms = Desk(conn, office_of(session), now=session.clock.now_ms()).plan.terms.values()
        return "waits for its approval" if any(one.type == "conformance" and one.approvers for one in terms) else ""


def _packs(session: Session) -> list[Pack]:
    return [session.registry.packs()[name] for name in sorted(session.configuration.packs)]


def _catalogue_version(session: Session) -> str:
    return ", ".join(f"{pack.name} {pack.version}" for pack in _packs(session))


def _profile_version(session: Session) -> str:
    """Name what the organisation has set otherwise by its hash; `as shipped` where it has none."""
    chosen: dict[str, Any] = {}
    for name, pack in sorted(session.configuration.packs.items()):
        if pack.profile:
            chosen[name] = pack.model_dump(mode="json", include={"parameters", "profile"})
        elif pack.parameters:
            chosen[name] = pack.parameters
    if not chosen:
        return "as shipped"
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:12]


def _topics(session: Session) -> dict[str, list[str]]:
    """Gather what the enabled packs tell apart."""
    found: dict[str, list[str]] = {}
    for pack in _packs(session):
        for name, requirements in pack.topics.items():
            found.setdefault(name, []).extend(requirements)
    return found


def _answers(session: Session) -> AnswersProvider:
    """Let reports ask the store, with the configured packs and adoption date; verdicts are computed once for all of them."""
    kept: dict[str, Answers] = {}

    def ask(
        period: Period, as_of: int, known_at: int, before: int | None, audience: AudienceSettings | None = None
    ) -> Answers:
        if not kept:
            with session.store.begin() as conn:
                kept.update(_all_answers(session, conn, period, as_of, known_at))
        with session.store.connect() as conn:
            anew = derived_anew(conn, before)
        return msgspec.structs.replace(kept[audience.name if audience else ""], derived_anew=anew)

    return ask


def _all_answers(
    session: Session, conn: Connection, period: Period, as_of: int, known_at: int
) -> Iterator[tuple[str, Answers]]:
    """Yield the organisation's answers under the empty name, then those of each audience under its own."""
    from hub.report.period import last_month
    from hub.report.plan.desk import Desk
    from hub.report.plan.figure import figures_for_mail
    from hub.store import outbox

    settings, span = session.configuration.reports["conformance"], (period.start, period.end)
    earlier = last_month(period.start, period.zone)
    judgement = judge(
        conn,
        session.requirements(),
        as_of=as_of,
        known_at=known_at,
        judge_from=session.configuration.organisation.judge_from or 0,
        longest_days=session.configuration.waivers.longest_days,
    )
    before = (earlier.start, earlier.end)
    beside = partial(
        situation,
        conn,
        period=span,
        before=before,
        as_of=as_of,
        known_at=known_at,
        zone=period.zone,
        lines=promised_lines(conn, period=span, before=before, zone=period.zone, as_of=as_of),
        kpis=figures_for_mail(Desk(conn, office_of(session), now=as_of), start=period.start, end=period.end, at=as_of),
    )
    entries = catalogue(session)
    several = bool(settings.audiences)
    if several:
        judge_period(judgement, start=period.start, end=period.end)
    whole = answers(
        judgement,
        _told_in(entries, settings.language),
        start=period.start,
        end=period.end,
        profile=profile_of(session),
        topics=_topics(session),
        beside=beside(),
        judged=several,
        lost=len(outbox.astray(conn, since=session.clock.now_ms() - _QUESTION_LASTS_MS)),
    )
    yield "", whole
    out = left_out(whole.profile)
    for number, one in enumerate(settings.audiences):
        told = _told_in(entries, one.language or settings.language)
        if not one.services and not one.teams:
            rows = roll_up(judgement, told, start=period.start, end=period.end, judged=True, out=out)
            yield one.name, msgspec.structs.replace(whole, requirements=rows)
            continue
        audience = fill_audience(conn, number, services=one.services, teams=one.teams)
        yield (
            one.name,
            narrowed(
                conn,
                whole,
                audience,
                requirements=roll_up(
                    judgement, told, start=period.start, end=period.end, audience=audience, judged=True, out=out
                ),
                attestations=list_attestations(
                    judgement, start=period.start, end=period.end, audience=audience, judged=True
                ),
                beside=beside(audience=audience),
            ),
        )


def _told_in(entries: Sequence[CatalogueEntry], language: Language) -> list[CatalogueEntry]:
    """Give the catalogue with titles in the reader's language."""
    return [replace(entry, title=entry.title_in(language)) for entry in entries]


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


def ways_of(session: Session, names: Iterable[str] = ()) -> dict[str, Way]:
    """Make the configured channels, all or those named, with what each may do."""
    from hub.report.deliver import Way

    kinds, configured = session.registry.channels(), session.configuration.channels
    return {
        name: Way(channel, send=configured[name].send, addressed=kinds[configured[name].plugin].addressed)
        for name, channel in session.channels(names).items()
    }


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
        messages = _messages(session, report_id, number)
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


def _messages(session: Session, report_id: str, revision: int) -> list[Delivery]:
    from hub.store import outbox

    with session.store.connect() as conn:
        return outbox.deliveries(conn, report_id=report_id, revision=revision)


def _text_of(message: bytes) -> str:
    parsed = message_from_bytes(message, EmailMessage, policy=policy.SMTP)
    body = parsed.get_body(("plain",))
    return str(body.get_content()) if body is not None else ""


def _unknown(report_id: str, revision: int | None) -> HubError:
    which = f"{report_id} revision {revision}" if revision else report_id
    return HubError(f"there is no report {which}; `hub report list` names those that were issued")
