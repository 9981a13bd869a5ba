"""The report as a mail message: the same report gives the same bytes.

The content hash binds text, page and attachments, in this order: SHA-256 over the hexadecimal
SHA-256 of each decoded part (UTF-8, LF line ends), one a line. Pictures are bound by the manifest, which names their hashes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from zoneinfo import ZoneInfo

from hub.report.file.chart import charts
from hub.report.file.enclosed import chart_id, enclosed, media_type, with_charts
from hub.report.language.words import words_of
from hub.report.model import Attachment, Identity, ReportModel
from hub.report.page import render_html
from hub.report.plain import render_text
from hub.report.section.order import sections
from hub.report.view import view_of
from hub.report.wording import clean, subject_line

__all__ = ["Rendered", "lighten", "message_id", "render_mail"]


_LONGEST_THREAD = 20
"""Corrections that are named besides the first message."""
_UNFOLDED = SMTP.clone(max_line_length=100)
"""Keeps the hash header (84 characters) on one line; bodies were encoded before, with shorter lines."""
_WIDE = SMTP.clone(max_line_length=130)
"""Keeps a subject of 120 ASCII characters on one line: folded before its first word, some readers see it begin with a space."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A report ready to go out."""

    message_id: str
    subject: str
    eml: bytes
    """The whole message, CRLF."""
    html: bytes
    """The page alone, UTF-8."""
    content_hash: str
    """What an approval binds to; header `X-Conformance-Hash`."""
    message_hash: str
    """SHA-256 of `eml`."""


def render_mail(
    model: ReportModel,
    *,
    sender: str,
    to: list[str],
    hosts: frozenset[str],
    sender_name: str = "",
    enclose: Collection[str] = (),
) -> Rendered:
    """Write the message. `sender` and `to` are bare addresses; `hosts` are those links may lead to.

    `enclose` is what goes with it besides findings and manifest: `charts`, `pdf`, `xlsx`.

    All reports of a series are one conversation: each refers to the series, a correction to what it corrects.
    """
    drawn = charts(model) if "charts" in enclose else []
    files = enclosed(model, hosts, enclose, drawn)
    attachments = [Attachment(name=name, sha256=_sha256(body)) for name, body in files.items()]
    view, words = view_of(model), words_of(model.identity.language)
    told = sections(model, view, attachments, words)
    text = render_text(model, told, hosts, words)
    html = with_charts(render_html(model, view, told, hosts, words), drawn, model.identity)
    digests = [_sha256(text.encode()), _sha256(html.encode()), *(file.sha256 for file in attachments)]
    content_hash = _sha256("\n".join(digests).encode())

    message = EmailMessage(policy=SMTP)
    identity = model.identity
    message["Subject"] = subject_line(model)
    message["From"] = Address(clean(sender_name), addr_spec=sender)
    if to:
        message["To"] = [Address(addr_spec=address) for address in to]
    message["Date"] = format_datetime(datetime.fromtimestamp(identity.issued_at // 1000, tz=_zone(identity)))
    message["Message-ID"] = message_id(identity.report_id, identity.revision, sender)
    series, domain = _series(identity), Address(addr_spec=sender).domain
    message["List-Id"] = f"<{series}.{domain}>"
    earlier = [message_id(identity.report_id, number, sender) for number in range(1, identity.revision)]
    thread = [f"<{series}@{domain}>", *earlier[:1], *earlier[1:][-_LONGEST_THREAD:]]
    message["In-Reply-To"] = thread[-1]
    message["References"] = " ".join(thread)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["X-Conformance-Report"] = identity.report_id
    message["X-Conformance-Revision"] = str(identity.revision)
    message["X-Conformance-Hash"] = content_hash
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    if drawn and (page := message.get_body(("html",))):
        for chart in drawn:
            where = f"<{chart_id(chart, identity)}>"
            page.add_related(chart.png, "image", "png", cid=where, filename=chart.name, disposition="inline")
    for name, body in files.items():
        maintype, subtype = media_type(name)
        message.add_attachment(body, maintype=maintype, subtype=subtype, filename=name)
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_{number}_{content_hash[:32]}")
    eml = message.as_bytes(policy=_policy(message))
    return Rendered(
        message_id=str(message["Message-ID"]),
        subject=str(message["Subject"]),
        eml=eml,
        html=html.encode(),
        content_hash=content_hash,
        message_hash=_sha256(eml),
    )


def lighten(rendered: Rendered, archive: str) -> Rendered:
    """Leave the attachments out of a message and say where they are; `archive` is an address, or empty.

    What the content hash binds stays as it was: the attachments' hashes stand in the text.
    """
    message = message_from_bytes(rendered.eml, EmailMessage, policy=SMTP)
    names = [part.get_filename() or "" for part in message.iter_attachments()]
    where = f"They are kept here:\n\n{archive}" if archive else "Whoever runs the hub has them: hub report show"
    boundary = message.get_boundary()
    bodies = [part for part in message.iter_parts() if not part.is_attachment()]
    note = EmailMessage(policy=SMTP)
    note.set_content(
        f"The attachments {', '.join(names)} are left out: with them the message would be too large to be sent.\n{where}\n",
        cte="quoted-printable",
        disposition="inline",
    )
    message.set_payload([*bodies, note])
    message.set_boundary(f"{boundary}_light")
    eml = message.as_bytes(policy=_policy(message))
    return replace(rendered, eml=eml, message_hash=_sha256(eml))


def _policy(message: EmailMessage) -> EmailPolicy[EmailMessage]:
    return _WIDE if str(message["Subject"]).isascii() else _UNFOLDED


def _series(identity: Identity) -> str:
    """Name what all reports of one kind share, urgent mails between them included."""
    return re.sub(r"(-urgent)?-[0-9]{4}-[0-9]{2}(-[0-9]{2})?$", "", identity.report_id).lower()


def _zone(identity: Identity) -> tzinfo:
    """Give the zone the report's days are in, which is its readers'."""
    return ZoneInfo(identity.zone)


def message_id(report_id: str, revision: int, sender: str) -> str:
    """Derive the id: sending again is not a second report."""
    return f"<{report_id.lower()}.r{revision}@{Address(addr_spec=sender).domain}>"


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
