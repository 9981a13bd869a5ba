"""Prove an archived report by its folder alone: no store, no network, and nothing in it is believed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from hub.errors import HubError
from hub.report.plan.cycle import content_hash
from hub.report.plan.manifest import DISPOSED, MANIFEST, SEAL, DisposalNote, Manifest

__all__ = ["Proof", "verify_folder"]


class Proof(msgspec.Struct, kw_only=True):
    """How much was looked at, and what is wrong."""

    report_id: str = ""
    revision: int = 0
    content_hash: str = ""
    manifest_sha256: str = ""
    """To be compared with the one noted elsewhere: a folder cannot prove that it was not replaced as a whole."""
    files: int = 0
    disposed_at: int | None = None
    """When its files were disposed of, as the folder says: manifest and hashes alone are proven then."""
    faults: list[tuple[str, str]] = []
    """(place, fault), a line each."""


def verify_folder(folder: Path, *, expected: str | None = None) -> Proof:
    """Check every byte, the manifest, approvals and messages; `expected` is the manifest's SHA-256 as noted elsewhere.

    HubError where there is no archived report at all.
    """
    try:
        if not (folder / MANIFEST).is_file():
            raise HubError(f"{folder} has no {MANIFEST}: it is no archived report, or was not finished")
        found = _files(folder)
        raw = (folder / MANIFEST).read_bytes()
        seal = (folder / SEAL).read_bytes() if SEAL in found else b""
    except OSError as error:
        raise HubError(f"{error.filename or folder} cannot be read: {error.strerror or error}") from error
    digest = hashlib.sha256(raw).hexdigest()
    proof = Proof(manifest_sha256=digest, files=len(found))
    if seal != f"{digest}  {MANIFEST}\n".encode():
        proof.faults.append((MANIFEST, f"was altered: {SEAL} does not say its hash"))
    if expected is not None and expected != digest:
        proof.faults.append((MANIFEST, f"is not the one that was noted: {digest} instead of {expected}"))
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except msgspec.DecodeError as error:
        proof.faults.append((MANIFEST, f"cannot be read: {error}"))
        return proof
    proof.report_id, proof.revision, proof.content_hash = manifest.report_id, manifest.revision, manifest.content_hash
    if DISPOSED in found:
        proof.disposed_at = _disposed(folder, proof)
        proof.faults += [(name, "was to be disposed of") for name in sorted({*found} - {MANIFEST, SEAL, DISPOSED})]
    else:
        proof.faults += _bytes(manifest, found)
    proof.faults += _content(manifest)
    proof.faults += _approvals(manifest)
    proof.faults += _deliveries(manifest)
    if folder.resolve().name != f"{manifest.report_id}-r{manifest.revision}":
        proof.faults.append((MANIFEST, f"is of {manifest.report_id} revision {manifest.revision}, the folder is not"))
    return proof


def _disposed(folder: Path, proof: Proof) -> int | None:
    try:
        note = msgspec.json.decode((folder / DISPOSED).read_bytes(), type=DisposalNote)
    except (msgspec.DecodeError, OSError) as error:
        proof.faults.append((DISPOSED, f"cannot be read: {error}"))
        return None
    if (note.report_id, note.revision, note.manifest_sha256) != (
        proof.report_id,
        proof.revision,
        proof.manifest_sha256,
    ):
        proof.faults.append((DISPOSED, "is about another report"))
    return note.at


def _files(folder: Path) -> dict[str, str]:
    """Return path -> SHA-256 of everything in the folder; a link is none of the report's files, wherever it leads."""
    found: dict[str, str] = {}
    for at, folders, names in os.walk(folder):
        for name in (*names, *(one for one in folders if Path(at, one).is_symlink())):
            path = Path(at, name)
            told = str(path.relative_to(folder))
            found[told] = "link" if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _bytes(manifest: Manifest, found: dict[str, str]) -> Iterator[tuple[str, str]]:
    for name in sorted({*found, *manifest.sha256} - {MANIFEST, SEAL}):
        if name not in manifest.sha256:
            yield name, "does not belong to the report"
        elif name not in found:
            yield name, "is missing"
        elif found[name] != manifest.sha256[name]:
            yield name, "was altered"


def _content(manifest: Manifest) -> Iterator[tuple[str, str]]:
    for file in manifest.files:
        if manifest.sha256.get(f"files/{file.name}") != file.sha256:
            yield f"files/{file.name}", "is not the file that was drafted"
    if not manifest.files or content_hash(manifest.files) != manifest.content_hash:
        yield MANIFEST, "its content hash is not that of its files"


def _approvals(manifest: Manifest) -> Iterator[tuple[str, str]]:
    given = manifest.approvals
    if len(given) != manifest.approvals_needed:
        yield "approvals", f"{len(given)} instead of {manifest.approvals_needed}"
    for one in given:
        if one.hash != manifest.content_hash:
            yield one.record, "approves other bytes"
        if one.human in ("", manifest.author_human) or one.person == manifest.author:
            yield one.record, "was given by the author, or by nobody who is known"
        if one.at > manifest.submitted_at:
            yield one.record, "was given after the report was handed over"
    if len({one.human for one in given}) != len(given):
        yield "approvals", "one person approved twice"
    if not _in_order([one.at for one in given]):
        yield "approvals", "are not in order"


def _in_order(instants: Sequence[int]) -> bool:
    return all(before <= after for before, after in pairwise(instants))


def _deliveries(manifest: Manifest) -> Iterator[tuple[str, str]]:
    if not manifest.deliveries:
        yield "deliveries", "nothing shows that it was handed over"
    for one in manifest.deliveries:
        if one.file not in manifest.sha256:
            yield one.file, "the message is not in the folder"
        if one.sent_at is None:
            yield one.file, f"was not handed over: {one.state}"
    sent = [one.sent_at for one in manifest.deliveries if one.sent_at is not None]
    if sent and max(sent) != manifest.submitted_at:
        yield "deliveries", "do not say when it was submitted"
