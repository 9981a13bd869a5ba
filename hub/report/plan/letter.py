"""The message a planned report goes out with: a few lines, and its files as they were approved."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hub.report.mail import message_id
from hub.report.plan.cycle import Revision
from hub.report.plan.plan import Terms
from hub.report.wording import clean

__all__ = ["Letter", "render_letter"]

_BYTES = "application/octet-stream"


class Letter(NamedTuple):
    """A message ready to go out."""

    message_id: str
    eml: bytes


def render_letter(
    terms: Terms,
    revision: Revision,
    files: Mapping[str, bytes],
    *,
    sender: str,
    name: str = "",
    cancelled: str = "",
) -> Letter:
    """Write the message; the same report gives the same bytes. `cancelled`: it says that there will be none, and why."""
    title = clean(terms.title or terms.type.replace("_", " "))
    state = "cancelled" if cancelled else f"revision {revision.number}"
    message = EmailMessage(policy=SMTP)
    message["Subject"] = f"{title} {terms.label}: {terms.report_id} {state}"
    message["From"] = Address(clean(name), addr_spec=sender)
    if revision.drafted_at is not None:
        local = datetime.fromtimestamp(revision.drafted_at // 1000, tz=ZoneInfo(terms.zone))
        message["Date"] = format_datetime(local)
    number = 0 if cancelled else revision.number
    message["Message-ID"] = message_id(terms.report_id, number, sender)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Conformance-Report"] = terms.report_id
    message["X-Conformance-Revision"] = str(number)
    if revision.hash:
        message["X-Conformance-Hash"] = revision.hash
    message.set_content("\n".join(_lines(terms, revision, cancelled)) + "\n", cte="quoted-printable")
    for file, body in sorted(files.items()):
        guessed = mimetypes.guess_type(file)[0] or ""
        kind, _, subtype = (guessed if "/" in guessed and not guessed.startswith("message") else _BYTES).partition("/")
        message.add_attachment(body, maintype=kind, subtype=subtype, filename=file)
    digest = hashlib.sha256(f"{terms.report_id} {number} {revision.hash} {cancelled}".encode()).hexdigest()
    if message.is_multipart():
        message.set_boundary(f"=_{digest[:32]}")
    return Letter(str(message["Message-ID"]), message.as_bytes())


def _lines(terms: Terms, revision: Revision, cancelled: str) -> list[str]:
    if cancelled:
        return [
            f"The report {terms.report_id} will not be made.",
            f"Reason: {clean(cancelled)}",
        ]
    lines = [f"Report {terms.report_id}, revision {revision.number}", f"Period: {terms.label} ({terms.zone})"]
    if terms.purpose:
        lines.append(f"Purpose: {clean(terms.purpose)}")
    if revision.note:
        lines.append(f"Corrected: {clean(revision.note)}")
    lines += ["", "Files (SHA-256):", *(f"{file.sha256}  {file.name}" for file in revision.files)]
    return [*lines, "", f"End of report {terms.report_id} revision {revision.number}."]
