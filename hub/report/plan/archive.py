"""The archive: one folder a revision, written whole or not at all, and never written over.

`<customer>/<year>/<type>/<report_id>-r<revision>/` holds `files/` (the approved bytes), `messages/` (what went out),
`manifest.json` (identity, hashes, approvals, data freeze, delivery) and `manifest.sha256`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from hub.errors import HubError
from hub.report.plan.cycle import Cycle, Revision, Step
from hub.report.plan.desk import Desk, record_id
from hub.report.plan.manifest import MANIFEST, SEAL, Manifest, ManifestApproval, ManifestDelivery
from hub.report.plan.plan import Terms
from hub.report.plan.verify import verify_folder
from hub.sla.zone import local_year
from hub.store import outbox
from hub.store.report_log import file_of

__all__ = ["archive", "place_of", "write_folder"]

_DAY_MS = 86_400_000


def place_of(terms: Terms, revision: int) -> Path:
    """Return the folder of a revision below the archive."""
    kind = f"{terms.type}_{terms.process}" if terms.process else terms.type
    parts = (terms.customer_name, str(local_year(terms.end - 1, terms.zone)), kind, f"{terms.report_id}-r{revision}")
    wrong = [part for part in parts if part in ("", ".", "..") or "/" in part or "\0" in part or "\\" in part]
    if wrong:
        raise HubError(f"{wrong[0]!r} cannot be the name of a folder; mend the type or the event's key")
    return Path(*parts)


def archive(desk: Desk, report_id: str, root: Path, *, login: str) -> Path:
    """Write the folder of the last submitted revision and note it; return where it is.

    Killed in between, the next call finds the folder as it should be and only notes it. HubError where another
    report's bytes lie there, or nothing was submitted.
    """
    cycle = desk.cycle(report_id)
    one = cycle.last
    if one.state == "archived" and one.archived is not None:
        return Path(str(one.archived.data["location"]))
    if one.submitted_at is None or one.terms is None:
        raise HubError(f"{report_id} revision {one.number} is {one.state}: only what was handed over is archived")
    place = root / place_of(one.terms, one.number)
    if not _is_there(place, one):
        write_folder(place, _contents(desk, cycle, one, one.terms))
    keep_until = one.submitted_at + one.terms.retention_days * _DAY_MS
    told = {
        "location": str(place),
        "sha256": one.hash,
        "manifest": hashlib.sha256((place / MANIFEST).read_bytes()).hexdigest(),
        "keep_until": keep_until,
    }
    desk.append(
        Step(
            report_id=report_id,
            revision=one.number,
            type="archived",
            at=desk.now,
            login=login,
            hash=one.hash,
            data=told,
        )
    )
    return place


def _is_there(place: Path, one: Revision) -> bool:
    """Say whether just this revision lies there whole: an earlier call was killed before it could note that."""
    if not (place / MANIFEST).is_file():
        return False
    proof = verify_folder(place)
    return not proof.faults and proof.content_hash == one.hash


def write_folder(place: Path, contents: Mapping[str, bytes]) -> None:
    """Write a folder so that it is there whole or not at all; one that is there is never touched."""
    if place.exists():
        raise HubError(f"{place} is there already and says something else; nothing is ever written over")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=place.parent))
        try:
            for name, body in contents.items():
                path = work / name
                path.parent.mkdir(exist_ok=True)
                with path.open("xb") as file:
                    file.write(body)
                    file.flush()
                    os.fsync(file.fileno())
            work.chmod(0o755)
            work.rename(place)  # fails where a folder with something in it has come there meanwhile
        finally:
            shutil.rmtree(work, ignore_errors=True)
        _settle(place.parent)
    except OSError as error:
        raise HubError(f"{place} cannot be written: {error.strerror}") from error


def _settle(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _contents(desk: Desk, cycle: Cycle, one: Revision, terms: Terms) -> dict[str, bytes]:
    found = {f"files/{file.name}": file_of(desk.conn, file.sha256) for file in one.files}
    deliveries = []
    for number, message in enumerate(desk.messages.get((cycle.report_id, one.number), []), 1):
        path = f"messages/{number:03d}.eml"
        found[path] = outbox.message_of(desk.conn, message.key)
        deliveries.append(
            ManifestDelivery(
                channel=message.key.channel,
                recipient=message.key.recipient,
                message_id=message.message_id,
                state=message.state,
                sent_at=message.sent_at,
                file=path,
            )
        )
    before = [each.number for each in cycle.revisions if each.number < one.number]
    assert one.submitted_at is not None and one.hash is not None  # noqa: S101, PT018 - looked at by the caller
    manifest = Manifest(
        report_id=cycle.report_id,
        revision=one.number,
        type=terms.type,
        customer=terms.customer,
        period=(terms.start, terms.end),
        zone=terms.zone,
        due_at=terms.due_at,
        submitted_at=one.submitted_at,
        author=one.author,
        author_human=str(desk.human(one.author) or ""),
        content_hash=one.hash,
        files=list(one.files),
        approvals=[
            ManifestApproval(
                person=each.person, human=str(each.human or ""), at=each.at, hash=each.hash or "", record=each.id
            )
            for each in one.held
        ],
        approvals_needed=len(terms.approvers),
        data_freeze=one.collected.data if one.collected else {},
        deliveries=deliveries,
        steps=[msgspec.to_builtins(each) for each in cycle.steps if each.type != "archived"],
        supersedes=record_id(cycle.report_id, before[-1]) if before else None,
        keep_until=one.submitted_at + terms.retention_days * _DAY_MS,
        sha256={name: hashlib.sha256(body).hexdigest() for name, body in sorted(found.items())},
    )
    found[MANIFEST] = msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=1) + b"\n"
    found[SEAL] = f"{hashlib.sha256(found[MANIFEST]).hexdigest()}  {MANIFEST}\n".encode()
    return found
