"""What `manifest.json` of an archived report says."""

from __future__ import annotations

from typing import Any

import msgspec

from hub.report.plan.cycle import File

__all__ = [
    "DISPOSED",
    "FILES",
    "MANIFEST",
    "MESSAGES",
    "SEAL",
    "DisposalNote",
    "Manifest",
    "ManifestApproval",
    "ManifestDelivery",
]

MANIFEST, SEAL, DISPOSED = "manifest.json", "manifest.sha256", "disposed.json"
FILES, MESSAGES = "files", "messages"


class DisposalNote(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is left in the place of files that served their time."""

    report_id: str
    revision: int
    at: int
    reason: str
    manifest_sha256: str


class ManifestApproval(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An approval that held when the report was archived."""

    person: str
    human: str
    """Opaque number of the human behind `person` and any login."""
    at: int
    hash: str
    record: str


class ManifestDelivery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One message of the report."""

    channel: str
    recipient: str
    message_id: str
    state: str
    sent_at: int | None
    file: str
    """Path of the message in the folder."""


class Manifest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the folder holds and what it proves."""

    report_id: str
    revision: int
    type: str
    customer: str | None
    period: tuple[int, int]
    zone: str
    due_at: int
    submitted_at: int
    author: str | None
    author_human: str
    content_hash: str
    files: list[File]
    """The approved bytes, below `files/`."""
    approvals: list[ManifestApproval]
    approvals_needed: int
    data_freeze: dict[str, Any]
    """What was read of each source, up to when."""
    deliveries: list[ManifestDelivery]
    steps: list[dict[str, Any]]
    """The life of the report up to here."""
    supersedes: str | None
    keep_until: int
    sha256: dict[str, str]
    """Path -> SHA-256 of every other file of the folder."""
