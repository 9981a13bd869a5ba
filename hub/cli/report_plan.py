"""`hub report plan|collect|compile|draft|ask|approve|reject|withdraw|cancel|explain|received`: the life of planned reports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.option import CONFIG, AsOfOption, ConfigOption, Format, FormatOption, examples
from hub.cli.output import emit
from hub.cli.session import Session
from hub.clock import format_instant
from hub.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from hub.report.plan.cycle import Cycle
    from hub.report.plan.desk import Desk
    from hub.report.plan.plan import Office, Terms
    from hub.report.service.drafting import House

__all__ = ["house_of", "office_of", "register", "sender_of"]

_PLAN = ("report", "type", "customer", "period", "due_at", "standing", "state", "revision", "next", "author")
_STATE = ("report", "revision", "state", "due_at", "submitted_at", "hash", "approvals", "ignored", "next")
_KPI = ("kpi", "period", "share", "good", "of", "target", "verdict", "formula", "reason")
_ENTRY = ("report", "revision", "period_start", "period_end", "due_at", "submitted_at", "result", "entered_at")
ReportArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of the report, as `hub report plan` prints it.")]
PersonOption = Annotated[str, typer.Option("--as", metavar="PERSON", help="Who decides: `register:people/carla`.")]
NoteOption = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why.")]
RevisionOption = Annotated[
    int | None, typer.Option("--revision", min=1, help="Revision that is decided on. Default: the one in hand.")
]


def register(group: typer.Typer) -> None:
    """Add the commands to `hub report`."""
    name = "SR-acme-monthly_service-2026-10"
    group.command("plan", epilog=examples("hub report plan", "hub report plan --at 2026-11-06 --all --format json"))(
        plan
    )
    group.command("collect", epilog=examples(f"hub report collect {name}"))(collect)
    group.command(
        "draft", epilog=examples(f"hub report draft {name}", f"hub report draft {name} report.pdf report.xlsx")
    )(draft)
    group.command("compile", epilog=examples(f"hub report compile {name} --folder preview"))(compile_)
    group.command("ask", epilog=examples(f"hub report ask {name}"))(ask)
    group.command("approve", epilog=examples(f"hub report approve {name} --revision 1 --as register:people/carla"))(
        approve
    )
    group.command(
        "reject", epilog=examples(f'hub report reject {name} --as register:people/carla --note "wrong total"')
    )(reject)
    group.command("withdraw", epilog=examples(f"hub report withdraw {name} --as register:people/carla"))(withdraw)
    group.command(
        "cancel", epilog=examples(f'hub report cancel {name} --as register:people/carla --note "contract ended"')
    )(cancel)
    group.command("explain", epilog=examples(f'hub report explain {name} --note "data came late"'))(explain)
    group.command("received", epilog=examples(f"hub report received {name} --where https://files.example.com/4711"))(
        received
    )
    group.command("archive", epilog=examples(f"hub report archive {name}"))(archive)
    group.command("verify", epilog=examples(f"hub report verify archive/acme/2026/monthly_service/{name}-r1"))(verify)

    group.command("kpi", epilog=examples("hub report kpi", "hub report kpi --period 2026-10 --format json"))(kpi)
    group.command("statistics", epilog=examples("hub report statistics --format csv"))(statistics)


def office_of(session: Session) -> Office:
    """Return the organisation whose reports are planned."""
    from hub.report.plan.plan import Office

    organisation = session.configuration.organisation
    return Office(organisation.name, organisation.zone, organisation.calendar)


def house_of(session: Session) -> House:
    """Return how the organisation wants compiled reports told: as the conformance report where that says it."""
    from hub.report.issue import configured_hosts
    from hub.report.service.drafting import House

    settings = session.configuration.reports.get("conformance")
    return House(configured_hosts(session.configuration), settings is not None and settings.names)


def sender_of(session: Session, channel: str | None) -> tuple[str, str]:
    """Return address and name that messages of a channel come from."""
    settings = session.configuration.channels.get(channel or "")
    return str(getattr(settings, "sender", None) or "hub@localhost"), str(getattr(settings, "sender_name", ""))


def plan(
    *,
    at: Annotated[
        str | None, typer.Option("--at", metavar="WHEN", help="How it stands at this instant. Default: now.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what was handed over or called off.")] = False,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Show which reports are late, due or coming, the most urgent first.

    The plan is what the rows of the report catalogue with `due_days` say. What is wrong with a row, and every
    report that an agreement promises and no row makes, is a line on stderr.
    """
    from hub.report.plan.desk import Desk

    with Session(config) as session:
        instant = session.instant(at)
        with session.store.connect() as conn:
            desk = Desk(conn, office_of(session), now=instant)
            rows = [_planned(desk, cycle, instant) for cycle in desk.cycles().values()]
            faults = desk.plan.faults
        for fault in faults:
            session.progress.say(f"plan of reports: {fault}", level="warning")
    shown = [row for row in rows if everything or row["standing"] in ("late", "due", "coming")]
    emit(sorted(shown, key=lambda row: (row["due_at"], row["report"])), _PLAN, output)


def _planned(desk: Desk, cycle: Cycle, at: int) -> dict[str, Any]:
    terms = desk.terms(cycle)
    return {
        "report": cycle.report_id,
        "type": terms.type,
        "customer": terms.customer or "",
        "period": terms.label,
        "due_at": format_instant(terms.due_at),
        "standing": _standing(cycle, terms, at),
        "state": cycle.state,
        "revision": cycle.last.number,
        "next": _next(cycle),
        "author": cycle.last.author or "",
    }


def _standing(cycle: Cycle, terms: Terms, at: int) -> str:
    if cycle.state == "cancelled":
        return "cancelled"
    if cycle.submitted_at is not None and cycle.submitted_at <= at:
        return "handed over late" if cycle.is_late(terms, at) else "handed over"
    if cycle.is_late(terms, at):
        return "late"
    return "due" if terms.end <= at else "coming"


def _next(cycle: Cycle) -> str:
    if (slot := cycle.next_approver()) is not None:
        return f"approval: {slot.person or slot.role or ''}"
    approved = bool(cycle.last.terms and cycle.last.terms.approvers)
    words = {"planned": "draft", "collecting": "draft", "drafted": "ask" if approved else "send", "approved": "send"}
    return words.get(cycle.state, {"rejected": "draft", "submitted": "archive"}.get(cycle.state, ""))


def collect(
    report_id: ReportArgument,
    *,
    provisional: Annotated[bool, typer.Option("--provisional", help="Before its period has ended.")] = False,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Freeze the data of a report: what was read of every source, up to when, and what was not."""
    from hub.report.plan import act

    _do(config, output, report_id, lambda desk, who: act.collect(desk, report_id, login=who, provisional=provisional))


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

    from hub.conformance.derive import require_derived
    from hub.report.plan.desk import Desk
    from hub.report.service.drafting import preview

    with Session(config) as session, session.store.connect() as conn:
        require_derived(conn)
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
    import msgspec

    from hub.records import ReportMetric
    from hub.report.plan import act

    if not files:
        if figures is not None:
            raise ConfigurationError([Fault("a compiled report tells its own figures; leave it out", key="--figures")])
        _draft_compiled(config, output, report_id, author=author, note=note, provisional=provisional, anew=anew)
        return
    bodies = {path.name: _read(path) for path in files}
    if len(bodies) != len(files):
        raise ConfigurationError([Fault("two files have the same name", key="FILE")])
    try:
        told = msgspec.json.decode(_read(figures), type=list[ReportMetric]) if figures else []
    except msgspec.DecodeError as error:
        raise ConfigurationError([Fault(f"{figures}: {error}", key="--figures")]) from None

    def keep(desk: Desk, who: str) -> None:
        act.draft(desk, report_id, bodies, login=who, author=author, note=note, provisional=provisional, figures=told)

    _do(config, output, report_id, keep)


def _draft_compiled(config: Path, output: Format, report_id: str, **how: Any) -> None:
    from hub.conformance.derive import require_derived
    from hub.report.service.drafting import draft_compiled

    session_of: list[Session] = []

    def keep(desk: Desk, who: str) -> None:
        require_derived(desk.conn)
        draft_compiled(desk, report_id, house_of(session_of[0]), login=who, **how)

    _do(config, output, report_id, keep, before=session_of.append)


def ask(report_id: ReportArgument, *, config: ConfigOption = CONFIG, output: FormatOption = Format.TABLE) -> None:
    """Ask for the approvals the plan names, on the bytes as they are."""
    from hub.report.plan import act

    _do(config, output, report_id, lambda desk, who: act.ask(desk, report_id, login=who))


def approve(
    report_id: ReportArgument,
    *,
    person: PersonOption,
    revision: RevisionOption = None,
    note: NoteOption = "",
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Approve a report in review; binds to the SHA-256 of its bytes. Approvers take their turns, the author none."""
    _decide(config, output, report_id, "approved", person=person, revision=revision, note=note)


def reject(
    report_id: ReportArgument,
    *,
    person: PersonOption,
    note: NoteOption = "",
    revision: RevisionOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Reject a report in review, with a reason; what is drafted next is its next revision."""
    _decide(config, output, report_id, "rejected", person=person, revision=revision, note=note)


def withdraw(
    report_id: ReportArgument,
    *,
    person: PersonOption,
    note: NoteOption = "",
    revision: RevisionOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Take an approval back before the report is sent; approvals that followed it go with it."""
    _decide(config, output, report_id, "withdrawn", person=person, revision=revision, note=note)


def cancel(
    report_id: ReportArgument,
    *,
    person: PersonOption,
    note: NoteOption = "",
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Call off a report that nobody drafted: an approver says so, and its readers are told."""
    from hub.cli.report import ways_of
    from hub.report.deliver import deliver_waiting
    from hub.report.plan import act

    def call_off(desk: Desk, who: str) -> None:
        sender, _ = sender_of(session_of[0], desk.terms(desk.cycle(report_id)).method)
        ways = ways_of(session_of[0])
        act.cancel(desk, report_id, ways, person=person, login=who, reason=note, sender=sender)

    session_of: list[Session] = []

    def tell(session: Session) -> None:
        deliver_waiting(session.store, ways_of(session), session.clock)

    _do(config, output, report_id, call_off, before=session_of.append, after=tell)


def explain(
    report_id: ReportArgument, *, note: NoteOption, config: ConfigOption = CONFIG, output: FormatOption = Format.TABLE
) -> None:
    """Record why a report is late."""
    from hub.report.plan import act

    _do(config, output, report_id, lambda desk, who: act.explain(desk, report_id, note, login=who))


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

    session_of: list[Session] = []

    def note(desk: Desk, who: str) -> None:
        instant = None if at is None else session_of[0].instant(at)
        act.receive(desk, report_id, login=who, where=where, at=instant)

    _do(config, output, report_id, note, before=session_of.append)


def archive(
    report_id: ReportArgument,
    *,
    folder: Annotated[Path, typer.Option(metavar="DIR", help="Where the archive is.")] = Path("archive"),
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Write what was handed over to the archive: bytes, hashes, approvals, data freeze, messages. Never overwrites.

    A relative `--folder` begins at the folder of the configuration file.
    """
    from hub.report.plan import archive as room

    session_of: list[Session] = []

    def put(desk: Desk, who: str) -> None:
        room.archive(desk, report_id, session_of[0].configuration.base_dir / folder, login=who)

    _do(config, output, report_id, put, before=session_of.append)


def verify(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of one archived revision.")],
    *,
    sha256: Annotated[
        str | None, typer.Option(metavar="HASH", help="SHA-256 of its manifest, as noted elsewhere.")
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Prove an archived report by its folder alone: every byte, the manifest, approvals, messages. No store, no network.

    What is wrong is a line each; exit code 2 where anything is. A folder replaced as a whole is found by `--sha256` only.
    """
    from hub.report.plan.verify import verify_folder

    proof = verify_folder(folder, expected=sha256)
    rows = [{"place": place, "fault": fault} for place, fault in proof.faults]
    sound = {"place": f"{proof.report_id} r{proof.revision}", "fault": ""}
    told = {"manifest_sha256": proof.manifest_sha256, "files": proof.files}
    emit([{**row, **told} for row in rows or [sound]], ("place", "fault", "files", "manifest_sha256"), output)
    if rows:
        raise typer.Exit(2)


def _decide(
    config: Path, output: Format, report_id: str, word: Any, *, person: str, revision: int | None, note: str
) -> None:
    from hub.report.plan import act

    def say(desk: Desk, who: str) -> None:
        act.decide(desk, report_id, word, revision=revision, person=person, login=who, note=note)

    _do(config, output, report_id, say)


def _do(
    config: Path,
    output: Format,
    report_id: str,
    what: Callable[[Desk, str], object],
    *,
    before: Callable[[Session], None] | None = None,
    after: Callable[[Session], None] | None = None,
) -> None:
    """Do one step alone, in one transaction with the records it changes; then print how the report stands."""
    from hub.report.plan.desk import Desk
    from hub.report.plan.record import refresh_reports
    from hub.store.authority import login_name
    from hub.sync.lock import DERIVE, hold

    with Session(config) as session, hold(session.store, DERIVE, clock=session.clock):
        if before is not None:
            before(session)
        office, now = office_of(session), session.clock.now_ms()
        with session.store.begin() as conn:
            what(Desk(conn, office, now=now), login_name())
            refresh_reports(conn, office, now=now)
        if after is not None:
            after(session)
        with session.store.connect() as conn:
            desk = Desk(conn, office, now=now)
            cycle = desk.cycle(report_id)
            row = _stands(cycle, desk.terms(cycle))
    emit([row], _STATE, output)


def _stands(cycle: Cycle, terms: Terms) -> dict[str, Any]:
    last = cycle.last
    return {
        "report": cycle.report_id,
        "revision": last.number,
        "state": last.state,
        "due_at": format_instant(terms.due_at),
        "submitted_at": None if last.submitted_at is None else format_instant(last.submitted_at),
        "hash": last.hash or "",
        "approvals": [one.person for one in last.held],
        "ignored": [f"{one.person}: {why}" for one, why in last.ignored],
        "next": _next(cycle),
    }


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError([Fault(f"{path} cannot be read: {error.strerror}", key="FILE")]) from None


def kpi(
    *,
    period: Annotated[
        str | None, typer.Option("--period", help="Month, such as 2026-10. Default: the last ended.")
    ] = None,
    at: AsOfOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Show how well the report process did in a month, each figure with its cases, or why it cannot be told."""
    from hub.report.period import last_month, month_period
    from hub.report.plan.desk import Desk
    from hub.report.plan.figure import process_figures

    with Session(config) as session, session.store.connect() as conn:
        instant, zone = session.instant(at), session.configuration.organisation.zone
        month = month_period(period, zone) if period else last_month(instant, zone)
        found = process_figures(
            Desk(conn, office_of(session), now=instant), start=month.start, end=month.end, at=instant
        )
    rows = [
        {
            "kpi": one.name,
            "period": month.label,
            "share": None if one.basis_points is None else f"{one.basis_points / 100:.2f} %",
            "good": one.good,
            "of": one.of,
            "target": f"{one.target:g} %",
            "verdict": one.verdict,
            "formula": one.formula,
            "reason": one.reason,
        }
        for one in found
    ]
    emit(rows, _KPI, output)


def statistics(*, config: ConfigOption = CONFIG, output: FormatOption = Format.TABLE) -> None:
    """List the register of reports: what was handed over, when it was due, when it was entered, with what result."""
    from hub.report.plan.desk import Desk

    with Session(config) as session, session.store.connect() as conn:
        cycles = Desk(conn, office_of(session), now=session.clock.now_ms()).cycles()
    rows = [
        {"report": name, "revision": one.number, "entered_at": format_instant(one.registered.at)}
        | {
            key: format_instant(value) if isinstance(value, int) else value
            for key, value in one.registered.data.items()
        }
        for name, cycle in cycles.items()
        for one in cycle.revisions
        if one.registered is not None
    ]
    emit(rows, _ENTRY, output)
