"""`hub retention`: disposes of what has served its time, erases persons, shows who disposed and who read."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Annotated, Any

import typer

from hub.cli.judging import derived, shown_instant
from hub.cli.option import CONFIG, ConfigOption, Format, FormatOption, examples
from hub.cli.output import emit
from hub.cli.session import Session
from hub.config.retention import instant_before, month_start
from hub.errors import ConfigurationError, Fault
from hub.store.access import accesses
from hub.store.authority import authorise
from hub.store.disposal import Authority, close_interrupted, disposals, dispose, scrub
from hub.store.erasure import begin_erasure, finish_erasures, open_erasures
from hub.store.redaction import load_redaction
from hub.store.retention import HOLDS, Hold, Plan, Rule, make_plan
from hub.store.store import Connection
from hub.sync.lock import hold_all

__all__ = ["register"]

_PLANNED = ("rule", "keep", "before", "documents", "states", "oldest", "newest", *(h.replace(" ", "_") for h in HOLDS))
_LOGGED = (
    *("number", "type", "rule", "begun_at", "finished_at", "documents", "states", "oldest", "newest", "login"),
    *("operator", "approver", "reason", "digest"),
)
_READ = ("number", "at", "login", "acting_as", "document", "source", "stream", "native_id", "reason")
_STAYS = """What this cannot reach, and somebody has to look after:
  mails and files that were delivered already, and copies people made of them;
  backups and, on PostgreSQL, archived write-ahead logs: let them run out, or make them anew and destroy the old;
  the tools themselves, and the register's files with their Git history: take the person out there too;
  hub.toml where it names the person; free text that speaks of the person in other words than those erased."""

ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stays on record.")]
ApproverOption = Annotated[
    str,
    typer.Option(
        "--approver", metavar="PERSON", help="Who allows it: a person of the register, and not who runs this."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the group and its commands."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Dispose of what has served its time, erase persons, show who did and who read raw documents.",
        epilog=examples("hub retention plan"),
    )
    leave = "--approver register:people/carol"
    group.command(epilog=examples("hub retention plan", "hub retention plan --format json"))(plan)
    group.command(epilog=examples(f'hub retention run --reason "yearly disposal, CHG-812" {leave}'))(run)
    group.command(epilog=examples("hub retention log", "hub retention log --format csv"))(log)
    erased = f'hub retention erase register:people/alice --also "Ally" --reason "request of 2026-10-02" {leave}'
    group.command(epilog=examples(erased, "hub retention erase"))(erase)
    group.command(epilog=examples("hub retention access", "hub retention access service-desk:issue/10412"))(access)
    group.command(name="scrub", epilog=examples("hub retention scrub"))(scrub_file)
    app.add_typer(group, name="retention")


def plan(*, config: ConfigOption = CONFIG, output: FormatOption = Format.TABLE) -> None:
    """Show what each rule would dispose of now, and how much is held back and by what. Changes nothing."""
    with Session(config) as session, session.store.connect() as conn:
        found = _plans(session, conn)
    spans = {rule.name: rule.keep for rule in session.configuration.retention.rules}
    emit([_planned(one, spans[one.rule.name]) for one in found], _PLANNED, output)


def run(
    *,
    reason: ReasonOption,
    approver: ApproverOption,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Dispose of what the plan shows as due; hashes and the chain stay, and every record does.

    A run that was killed is closed with what it did; this one does the rest. Nothing else may read
    sources or derive meanwhile.
    """
    with Session(config) as session, _alone(session):
        with session.store.begin() as conn:
            authority = _authority(session, conn, approver, reason)
            close_interrupted(conn, at=session.clock.now_ms())
        with session.store.connect() as conn:
            found = _plans(session, conn)
        done = [dispose(session.store, one, authority, now=session.clock.now_ms()) for one in found]
        numbers = [did for did in done if did is not None]
        if numbers:
            scrub(session.store)
        _emit_log(session, output, numbers)


def log(*, config: ConfigOption = CONFIG, output: FormatOption = Format.TABLE) -> None:
    """List what was disposed of or erased: when, by which rule, why, by whom and by whose leave."""
    with Session(config) as session:
        _emit_log(session, output)


def erase(
    person: Annotated[
        str | None, typer.Argument(metavar="[PERSON]", help="Id of a person or account. Default: go on where killed.")
    ] = None,
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stays on record.")] = "",
    approver: Annotated[
        str, typer.Option("--approver", metavar="PERSON", help="Who allows it, and not who runs this.")
    ] = "",
    also: Annotated[
        list[str] | None, typer.Option("--also", metavar="TEXT", help="Another name of the person to take out.")
    ] = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Take a person's name, addresses and logins out of everything kept; a tombstone stays in their place.

    Obligations, verdicts and findings stay as they are. Sources that still show the person are read as
    before, and give the tombstone. There is no way back.
    """
    with Session(config) as session, _alone(session):
        key = session.erasure_key
        if key is None:
            raise _fault(
                "retention.key",
                'is not set; write 32 random characters to a file: key = { file = "secrets/erasure-key" }',
            )
        left: list[str] = []
        if person is not None:
            with session.store.begin() as conn:
                authority = _authority(session, conn, approver, reason)
                left = _begin(session, conn, person, authority, key=key, also=also or ())
        with session.store.connect() as conn:
            numbers = open_erasures(conn)
        finish_erasures(session.store, key=key, now=session.clock.now_ms())
        derived(session)
        scrub(session.store)
        _emit_log(session, output, numbers)
    for name in left:
        typer.echo(f"left in texts, for it is a usual word or names somebody else too: {name}", err=True)
    typer.echo(_STAYS, err=True)


def _begin(
    session: Session,
    conn: Connection,
    person: str,
    authority: Authority,
    *,
    key: str,
    also: list[str] | tuple[str, ...],
) -> list[str]:
    begun = begin_erasure(conn, person, authority, key=key, at=session.clock.now_ms(), also=also)
    if begun is not None:
        return begun[1]
    if load_redaction(conn, key).text(person) != person:
        typer.echo(f"{person} was erased already", err=True)
        return []
    raise _fault("PERSON", f"there is no person '{person}'")


def access(
    document: Annotated[
        str | None, typer.Argument(metavar="[DOCUMENT]", help="Number of a document, or id of a record made from it.")
    ] = None,
    *,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """List who read raw documents, when, which and why."""
    with Session(config) as session, session.store.connect() as conn:
        rows = [
            {
                "number": one.aid,
                "at": shown_instant(one.at),
                "login": one.login,
                "acting_as": one.acting_as,
                "document": one.doc,
                "source": one.source,
                "stream": one.stream,
                "native_id": one.native_id,
                "reason": one.reason,
            }
            for one in accesses(conn, name=document)
        ]
    emit(rows, _READ, output)


def scrub_file(*, config: ConfigOption = CONFIG) -> None:
    """Rewrite the database without what was removed; needed where `run` or `erase` found it in use."""
    with Session(config) as session:
        scrub(session.store)
        typer.echo(f"{session.store.place} holds nothing that was removed")


def _alone(session: Session) -> AbstractContextManager[None]:
    """Keep readers of sources, derivation and reports away; Locked says who is at work."""
    return hold_all(session.store, session.configuration.sources, clock=session.clock)


def _authority(session: Session, conn: Connection, approver: str, reason: str) -> Authority:
    settings = session.configuration.retention
    return authorise(
        conn,
        operators=settings.operators,
        approver=approver,
        role=settings.approver_role,
        reason=reason,
        at=session.clock.now_ms(),
    )


def _plans(session: Session, conn: Connection) -> list[Plan]:
    configuration = session.configuration
    now, zone = session.clock.now_ms(), configuration.organisation.zone
    rules = [
        Rule(
            one.name,
            instant_before(now, one.keep, zone),
            since=one.since,
            source=one.source,
            stream=one.stream,
            scope=one.scope,
            kind=one.kind,
            states="states" in one.what,
            documents="documents" in one.what,
        )
        for one in configuration.retention.rules
    ]
    holds = [Hold(one.record, one.source, one.scope) for one in configuration.retention.holds]
    return make_plan(conn, rules, holds, now=now, month_starts_at=month_start(now, zone))


def _planned(one: Plan, keep: str) -> dict[str, Any]:
    ages = [due.at for due in one.due]
    return {
        "rule": one.rule.name,
        "keep": keep,
        "before": shown_instant(one.rule.before),
        "documents": one.documents,
        "states": one.states,
        "oldest": shown_instant(min(ages, default=None)),
        "newest": shown_instant(max(ages, default=None)),
        **{reason.replace(" ", "_"): one.held.get(reason, 0) for reason in HOLDS},
    }


def _emit_log(session: Session, output: Format, numbers: list[int] | None = None) -> None:
    with session.store.connect() as conn:
        rows = [
            {
                "number": one.did,
                "type": one.type,
                "rule": one.rule,
                "begun_at": shown_instant(one.begun_at),
                "finished_at": shown_instant(one.finished_at),
                "documents": one.documents,
                "states": one.states,
                "oldest": shown_instant(one.oldest),
                "newest": shown_instant(one.newest),
                "login": one.login,
                "operator": one.operator,
                "approver": one.approver,
                "reason": one.reason,
                "digest": one.digest,
            }
            for one in disposals(conn, numbers)
        ]
    emit(rows, _LOGGED, output)


def _fault(key: str, message: str) -> ConfigurationError:
    return ConfigurationError([Fault(message, key=key)])
