"""`hub report collect|ask|approve|reject|withdraw|cancel|explain|received`: the life of a planned report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from hub.cli.option import CONFIG, AsOfOption, ConfigOption, Format, FormatOption, examples
from hub.cli.report_step import NoteOption, ReportArgument, sender_of, step
from hub.cli.session import Session
from hub.store.authority import decider

if TYPE_CHECKING:
    from hub.report.plan.cycle import StepType
    from hub.report.plan.desk import Desk

__all__ = ["register"]

_NAME = "SR-acme-monthly_service-2026-10"
PersonOption = Annotated[
    str | None,
    typer.Option(
        "--as", metavar="PERSON", help="Who decides, `register:people/carla`. Default: the person of this login."
    ),
]
RevisionOption = Annotated[
    int | None, typer.Option("--revision", min=1, help="Revision that is decided on. Default: the one in hand.")
]


class _Word(NamedTuple):
    """A decision as a command."""

    type: StepType
    example: str
    summary: str


_WORDS = {
    "approve": _Word(
        "approved",
        f"hub report approve {_NAME} --revision 1 --as register:people/carla",
        "Approve a report in review; binds to the SHA-256 of its bytes. Approvers take their turns, the author none.",
    ),
    "reject": _Word(
        "rejected",
        f'hub report reject {_NAME} --as register:people/carla --note "wrong total"',
        "Reject a report in review, with a reason; what is drafted next is its next revision.",
    ),
    "withdraw": _Word(
        "withdrawn",
        f"hub report withdraw {_NAME} --as register:people/carla",
        "Take an approval back before the report is sent; approvals that followed it go with it.",
    ),
}


def register(group: typer.Typer) -> None:
    """Add the commands to `hub report`."""
    group.command("collect", epilog=examples(f"hub report collect {_NAME}"))(collect)
    group.command("ask", epilog=examples(f"hub report ask {_NAME}"))(ask)
    for name, word in _WORDS.items():
        group.command(name, epilog=examples(word.example), help=word.summary)(_deciding(word.type))
    group.command(
        "cancel", epilog=examples(f'hub report cancel {_NAME} --as register:people/carla --note "contract ended"')
    )(cancel)
    group.command("explain", epilog=examples(f'hub report explain {_NAME} --note "data came late"'))(explain)
    group.command("received", epilog=examples(f"hub report received {_NAME} --where https://files.example.com/4711"))(
        received
    )


def collect(
    report_id: ReportArgument,
    *,
    provisional: Annotated[bool, typer.Option("--provisional", help="Before its period has ended.")] = False,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Freeze the data of a report: what was read of every source, up to when, and what was not."""
    from hub.report.plan import act

    step(
        config, output, report_id, lambda desk, who, _: act.collect(desk, report_id, login=who, provisional=provisional)
    )


def ask(report_id: ReportArgument, *, config: ConfigOption = CONFIG, output: FormatOption = Format.TABLE) -> None:
    """Ask for the approvals the plan names, on the bytes as they are."""
    from hub.report.plan import act

    step(config, output, report_id, lambda desk, who, _: act.ask(desk, report_id, login=who))


def _deciding(word: StepType) -> Callable[..., None]:
    """Make the command of one decision."""

    def decide(
        report_id: ReportArgument,
        *,
        person: PersonOption = None,
        revision: RevisionOption = None,
        note: NoteOption = "",
        config: ConfigOption = CONFIG,
        output: FormatOption = Format.TABLE,
    ) -> None:
        from hub.report.plan import act

        def say(desk: Desk, who: str, session: Session) -> None:
            by = decider(desk.conn, session.configuration.retention.operators, person, login=who)
            act.decide(
                desk, report_id, word, revision=revision, person=by.person, login=who, note=note, proven=by.proven
            )

        step(config, output, report_id, say)

    return decide


def cancel(
    report_id: ReportArgument,
    *,
    person: PersonOption = None,
    note: NoteOption = "",
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Call off a report that nobody drafted: an approver says so, and its readers are told."""
    from hub.cli.report_issue import ways_of
    from hub.report.deliver import deliver_waiting
    from hub.report.plan import act

    def call_off(desk: Desk, who: str, session: Session) -> None:
        by = decider(desk.conn, session.configuration.retention.operators, person, login=who)
        sender, _ = sender_of(session, desk.terms(desk.cycle(report_id)).method)
        ways = ways_of(session)
        act.cancel(desk, report_id, ways, person=by.person, login=who, reason=note, sender=sender, proven=by.proven)

    def tell(session: Session) -> None:
        deliver_waiting(session.store, ways_of(session), session.clock)

    step(config, output, report_id, call_off, after=tell)


def explain(
    report_id: ReportArgument, *, note: NoteOption, config: ConfigOption = CONFIG, output: FormatOption = Format.TABLE
) -> None:
    """Record why a report is late."""
    from hub.report.plan import act

    step(config, output, report_id, lambda desk, who, _: act.explain(desk, report_id, note, login=who))


def received(
    report_id: ReportArgument,
    *,
    where: Annotated[str, typer.Option(metavar="TEXT", help="Where the customer keeps its copy.")],
    at: AsOfOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Record that the customer confirmed its copy; `--as-of` says when it did."""
    from hub.report.plan import act

    def note(desk: Desk, who: str, session: Session) -> None:
        instant = None if at is None else session.instant(at)
        act.receive(desk, report_id, login=who, where=where, at=instant)

    step(config, output, report_id, note)
