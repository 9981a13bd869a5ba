"""Who is given an archived report, and how it goes when it has served its time. Append-only like every step.

Reading and lending stand in the report's steps before a byte is handed out. Disposal takes the bytes from store,
outbox and folder; manifest, hashes and steps stay as proof. Killed at any point, the same call goes on.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn

import msgspec

from hub.clock import format_instant
from hub.errors import HubError, StoreError
from hub.report.plan.cycle import Cycle, Decision, Revision, Step, fits
from hub.report.plan.desk import Desk, record_id
from hub.report.plan.manifest import DISPOSED, FILES, MESSAGES, DisposalNote
from hub.report.plan.plan import Office
from hub.report.plan.record import attachments_of
from hub.store import outbox
from hub.store.disposal import Authority, close_interrupted, dispose
from hub.store.report_log import FILES as STREAM
from hub.store.report_log import SOURCE, file_of, roles_at
from hub.store.retention import Due, Hold, Plan, Rule
from hub.store.store import Store

__all__ = ["access_log", "carry_out", "hand_out", "order_disposal", "write_out"]

_DAY_MS = 86_400_000
_OUT = ("submitted", "archived", "corrected")


def hand_out(
    desk: Desk,
    report_id: str,
    word: Literal["read", "lent"],
    *,
    revision: int | None,
    login: str,
    reader: str | None,
    to: str,
    purpose: str,
    approver: str | None,
    role: str,
) -> dict[str, bytes]:
    """Note who is given a report, why and by whose leave; return its files, to be handed out once that is committed.

    `reader` is the person behind the login, where known. What is a customer's, and all that is lent, takes the leave
    of somebody else: an approver of the plan, or who holds `role`.
    """
    cycle, one = _revision(desk, report_id, revision)
    if one.state not in _OUT:
        _refuse(cycle, one, "only what was handed over is given to read")
    if one.disposed is not None:
        _refuse(cycle, one, "its files were disposed of")
    if not purpose.strip() or not to.strip():
        _refuse(cycle, one, "say to whom, and what for")
    if (word == "lent" or (one.terms and one.terms.customer)) and approver is None:
        _refuse(cycle, one, "it is given to nobody without leave: --approver")
    if approver is not None:
        _allow(desk, cycle, one, approver, role=role, takers={desk.human(reader), desk.human(to)})
    bodies = {file.name: file_of(desk.conn, file.sha256) for file in one.files}
    data = {"to": to.strip(), "approver": approver}
    _append(desk, one, cycle, word, login=login, by=reader, note=purpose, data=data)
    return bodies


def access_log(desk: Desk, report_id: str | None = None) -> list[Step]:
    """List every reading and lending, of all reports or one, the oldest first."""
    names = [report_id] if report_id else desk.steps
    found = [step for name in names for step in desk.steps.get(name, ()) if step.type in ("read", "lent")]
    return sorted(found, key=lambda step: (step.at, step.report_id))


def order_disposal(
    desk: Desk,
    report_id: str,
    *,
    revision: int | None,
    authority: Authority,
    approver: str,
    holds: Sequence[Hold] = (),
) -> int:
    """Note that a report is disposed of, by whom, by whose leave and why; return its revision.

    Not before its time is over, by what was promised when it was archived and by the plan as it is now.
    """
    cycle, one = _revision(desk, report_id, revision)
    if one.disposed is not None:
        return one.number
    if one.archived is None or one.submitted_at is None:
        _refuse(cycle, one, "only what is archived is disposed of")
    now_planned = desk.plan.terms.get(report_id)
    days = now_planned.retention_days if now_planned else 0
    until = max(int(one.archived.data["keep_until"]), one.submitted_at + days * _DAY_MS)
    if desk.now < until:
        _refuse(cycle, one, f"it is kept until {format_instant(until)}")
    name = record_id(report_id, one.number)
    if any(hold.record in (None, name) and hold.source in (None, SOURCE) and hold.scope is None for hold in holds):
        _refuse(cycle, one, "a hold of the configuration keeps it")
    if authority.approver == desk.human(one.author):
        _refuse(cycle, one, f"{approver} wrote it; somebody else approves its disposal")
    data = {
        "approver": approver,
        "manifest": one.archived.data["manifest"],
        "location": one.archived.data["location"],
        "attached": _attached(desk, cycle, one),
    }
    _append(desk, one, cycle, "disposed", login=authority.login, note=authority.reason, data=data)
    return one.number


def carry_out(store: Store, office: Office, report_id: str, revision: int, authority: Authority, *, now: int) -> None:
    """Take the files out of store, outbox and archive; what an earlier call did is not done again.

    Each part is a transaction of its own. Nobody else may read sources or derive meanwhile.
    """
    with store.connect() as conn:
        desk = Desk(conn, office, now=now)
        _, one = _revision(desk, report_id, revision)
        order = one.disposed
        assert order is not None  # noqa: S101 - ordered by the caller
        others = {
            file.sha256
            for each in desk.cycles().values()
            for other in each.revisions
            if other.disposed is None
            for file in other.files
        }
        digests = [file.sha256 for file in one.files if file.sha256 not in others and _is_kept(desk, file.sha256)]
        messages = [message.key for message in desk.messages.get((report_id, revision), [])]
    with store.begin() as conn:
        close_interrupted(conn, at=now)
        for key in messages:
            outbox.empty(conn, key)
    due = [Due(SOURCE, STREAM, digest, one.submitted_at or 0, 1, 0) for digest in digests]
    dispose(store, Plan(Rule(f"report {report_id} r{revision}", now), due=due), authority, now=now)
    _empty_folder(Path(str(order.data["location"])), one, order)


def _empty_folder(place: Path, one: Revision, order: Step) -> None:
    note = DisposalNote(
        report_id=order.report_id,
        revision=one.number,
        at=order.at,
        reason=order.note,
        manifest_sha256=str(order.data["manifest"]),
    )
    try:
        if place.is_dir():
            work = place / f".{DISPOSED}"
            work.write_bytes(msgspec.json.encode(note) + b"\n")
            work.replace(place / DISPOSED)
            for name in (FILES, MESSAGES):
                if (place / name).is_dir():
                    shutil.rmtree(place / name)
    except OSError as error:
        raise HubError(
            f"{error.filename or place} cannot be disposed of: {error.strerror}; then run it again"
        ) from error


def _is_kept(desk: Desk, digest: str) -> bool:
    try:
        file_of(desk.conn, digest)
    except StoreError:
        return False
    return True


def _attached(desk: Desk, cycle: Cycle, one: Revision) -> dict[str, list[Any]]:
    """Say what each message carried, as it is told of when the message is gone."""
    return {
        f"{message.key.channel}/{message.key.recipient}": [
            msgspec.to_builtins(part) for part in attachments_of(outbox.message_of(desk.conn, message.key), one)
        ]
        for message in desk.messages.get((cycle.report_id, one.number), [])
    }


def _allow(desk: Desk, cycle: Cycle, one: Revision, approver: str, *, role: str, takers: set[int | None]) -> None:
    human = desk.human(approver)
    if human is None:
        _refuse(cycle, one, f"{approver} is nobody in the register")
    if human in takers:
        _refuse(cycle, one, f"{approver} is who takes it; somebody else gives leave")
    roles = roles_at(desk.conn, human, desk.now)
    meant = Decision("", approver, human, roles, "approved", desk.now, one.hash)
    slots = one.terms.approvers if one.terms else []
    persons = {slot.person: number for slot in slots if slot.person and (number := desk.human(slot.person)) is not None}
    if role not in roles and not any(fits(slot, meant, persons) for slot in slots):
        _refuse(cycle, one, f"{approver} is no approver of the plan, and does not hold the role '{role}'")


def _revision(desk: Desk, report_id: str, revision: int | None) -> tuple[Cycle, Revision]:
    cycle = desk.cycle(report_id)
    if revision is None:
        return cycle, cycle.last
    found = next((one for one in cycle.revisions if one.number == revision), None)
    if found is None:
        raise HubError(f"{report_id} has no revision {revision}")
    return cycle, found


def _append(
    desk: Desk,
    one: Revision,
    cycle: Cycle,
    word: Literal["read", "lent", "disposed"],
    *,
    login: str,
    note: str,
    data: dict[str, Any],
    by: str | None = None,
) -> None:
    desk.append(
        Step(
            report_id=cycle.report_id,
            revision=one.number,
            type=word,
            at=desk.now,
            login=login,
            by=by,
            hash=one.hash,
            note=note.strip(),
            data=data,
        )
    )


def _refuse(cycle: Cycle, one: Revision, why: str) -> NoReturn:
    raise HubError(f"{cycle.report_id} revision {one.number} is {one.state}: {why}")


def write_out(folder: Path, bodies: dict[str, bytes]) -> None:
    """Write handed-out files into a folder that must not hold any of them yet; only their owner may read them."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, body in bodies.items():
            handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(body)
    except OSError as error:
        raise HubError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
