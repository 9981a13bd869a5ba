"""`hub report archive|verify|read|lend|access|dispose|restore-test`: what becomes of a report that was handed over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from hub.cli.option import CONFIG, ConfigOption, Format, FormatOption, examples
from hub.cli.output import emit
from hub.cli.report_step import ReportArgument, office_of, step
from hub.cli.session import Session
from hub.clock import format_instant

if TYPE_CHECKING:
    from hub.report.plan.desk import Desk

__all__ = ["register"]

_NAME = "SR-acme-monthly_service-2026-10"
_ACCESS = ("at", "report", "revision", "what", "to", "purpose", "approver", "login", "person")
_PROOF = ("place", "fault", "files", "manifest_sha256", "disposed_at")
_TRIED = ("report", "revision", "place", "files", "fault")
RevisionOption = Annotated[int | None, typer.Option("--revision", min=1, help="Which revision. Default: the last.")]
PurposeOption = Annotated[str, typer.Option("--purpose", metavar="TEXT", help="What for; it stays on record.")]
OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder the files are written to.")]


def register(group: typer.Typer) -> None:
    """Add the commands to `hub report`."""
    leave = "--approver register:people/carla"
    group.command("archive", epilog=examples(f"hub report archive {_NAME}"))(archive)
    group.command("verify", epilog=examples(f"hub report verify archive/acme/2026/monthly_service/{_NAME}-r1"))(verify)
    group.command("read", epilog=examples(f'hub report read {_NAME} --out /tmp/report --purpose "audit" {leave}'))(read)
    lent = f'hub report lend {_NAME} --to "Dr. Roe, auditor" --out /tmp/loan --purpose "audit 2026" {leave}'
    group.command("lend", epilog=examples(lent))(lend)
    group.command("access", epilog=examples("hub report access", f"hub report access {_NAME} --format csv"))(access)
    group.command("dispose", epilog=examples(f'hub report dispose {_NAME} --reason "3 years are over" {leave}'))(
        dispose
    )
    group.command(
        "restore-test", epilog=examples("hub report restore-test", "hub report restore-test --folder /mnt/backup")
    )(restore_test)


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

    def put(desk: Desk, who: str, session: Session) -> None:
        room.archive(desk, report_id, session.configuration.base_dir / folder, login=who)

    step(config, output, report_id, put)


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
    Of one whose files were disposed of, manifest and hashes alone are proven.
    """
    from hub.report.plan.verify import verify_folder

    proof = verify_folder(folder, expected=sha256)
    rows = [{"place": place, "fault": fault} for place, fault in proof.faults]
    sound = {"place": f"{proof.report_id} r{proof.revision}", "fault": ""}
    gone = "" if proof.disposed_at is None else format_instant(proof.disposed_at)
    told = {"manifest_sha256": proof.manifest_sha256, "files": proof.files, "disposed_at": gone}
    emit([{**row, **told} for row in rows or [sound]], _PROOF, output)
    if rows:
        raise typer.Exit(2)


def read(
    report_id: ReportArgument,
    *,
    out: OutOption,
    purpose: PurposeOption,
    approver: Annotated[
        str | None,
        typer.Option("--approver", metavar="PERSON", help="Who gives leave; needed for what is a customer's."),
    ] = None,
    revision: RevisionOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Write the files of a report to a folder, after noting who reads them, what for and by whose leave."""
    _hand_out(
        "read", report_id, out, to=None, purpose=purpose, approver=approver, revision=revision, config=config,
        output=output,
    )  # fmt: skip


def lend(
    report_id: ReportArgument,
    *,
    to: Annotated[str, typer.Option("--to", metavar="WHO", help="Who is given it: a person's id, or a name.")],
    out: OutOption,
    purpose: PurposeOption,
    approver: Annotated[str, typer.Option("--approver", metavar="PERSON", help="Who gives leave.")],
    revision: RevisionOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Write a copy of a report for somebody else, after noting who is given it, what for and by whose leave."""
    _hand_out(
        "lent", report_id, out, to=to, purpose=purpose, approver=approver, revision=revision, config=config,
        output=output,
    )  # fmt: skip


def _hand_out(
    word: Literal["read", "lent"],
    report_id: str,
    out: Path,
    *,
    to: str | None,
    purpose: str,
    approver: str | None,
    revision: int | None,
    config: Path,
    output: Format,
) -> None:
    from hub.report.plan.custody import hand_out, write_out

    bodies: dict[str, bytes] = {}

    def note(desk: Desk, who: str, session: Session) -> None:
        settings = session.configuration.retention
        reader = settings.operators.get(who)
        found = hand_out(
            desk,
            report_id,
            word,
            revision=revision,
            login=who,
            reader=reader,
            to=to or reader or who,
            purpose=purpose,
            approver=approver,
            role=settings.approver_role,
        )
        bodies.update(found)

    step(config, output, report_id, note, after=lambda _: write_out(out, bodies))


def access(
    report_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Id of a report. Default: all.")] = None,
    *,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """List who was given reports to read or lent, when, what for and by whose leave."""
    from hub.report.plan.custody import access_log
    from hub.report.plan.desk import Desk

    with Session(config) as session, session.store.connect() as conn:
        steps = access_log(Desk(conn, office_of(session), now=session.clock.now_ms()), report_id)
    rows: list[dict[str, Any]] = [
        {
            "at": format_instant(one.at),
            "report": one.report_id,
            "revision": one.revision,
            "what": one.type,
            "to": one.data["to"],
            "purpose": one.note,
            "approver": one.data["approver"] or "",
            "login": one.login,
            "person": one.by or "",
        }
        for one in steps
    ]
    emit(rows, _ACCESS, output)


def dispose(
    report_id: ReportArgument,
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stays on record.")],
    approver: Annotated[
        str, typer.Option("--approver", metavar="PERSON", help="Who allows it: not its author, and not who runs this.")
    ],
    revision: RevisionOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Take the files of a report that has served its time out of store, outbox and archive folder.

    Manifest, hashes, approvals and steps stay as proof; `hub retention log` names the disposal. Killed, the same
    command goes on. Never before the archive's `keep_until`, and not while a hold of hub.toml keeps it.
    """
    from hub.report.plan.custody import carry_out, order_disposal
    from hub.report.plan.desk import Desk
    from hub.store.authority import authorise
    from hub.store.disposal import scrub
    from hub.store.retention import Hold
    from hub.sync.lock import hold_all

    with Session(config) as session:
        store, settings, office = session.store, session.configuration.retention, office_of(session)
        with hold_all(store, session.configuration.sources, clock=session.clock):
            now = session.clock.now_ms()
            holds = [Hold(one.record, one.source, one.scope) for one in settings.holds]
            with store.begin() as conn:
                authority = authorise(
                    conn,
                    operators=settings.operators,
                    approver=approver,
                    role=settings.approver_role,
                    reason=reason,
                    at=now,
                )
                desk = Desk(conn, office, now=now)
                number = order_disposal(
                    desk, report_id, revision=revision, authority=authority, approver=approver, holds=holds
                )
            carry_out(store, office, report_id, number, authority, now=now)
            scrub(store)
    step(config, output, report_id, lambda *_: None)


def restore_test(
    *,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the archive was restored to. Default: where it lies.")
    ] = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Copy every archived report to another place, prove it there and read it back; once a year is due.

    How it went is noted in the life of each report; `hub check` says when a test is overdue or found a fault.
    Exit code 2 where anything could not be read back.
    """
    from hub.report.plan import restore
    from hub.report.plan.desk import Desk
    from hub.store.authority import login_name
    from hub.sync.lock import DERIVE, hold

    with Session(config) as session, hold(session.store, DERIVE, clock=session.clock), session.store.begin() as conn:
        desk = Desk(conn, office_of(session), now=session.clock.now_ms())
        tried = restore.restore_test(desk, folder, login=login_name())
    rows = [
        {"report": one.report_id, "revision": one.revision, "place": place, "files": one.files, "fault": fault}
        for one in tried
        for place, fault in one.faults or [(str(one.place), "")]
    ]
    emit(rows, _TRIED, output)
    if any(one.faults for one in tried):
        raise typer.Exit(2)
