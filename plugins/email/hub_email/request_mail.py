"""The mail that asks for a decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from zoneinfo import ZoneInfo

from hub.sla.zone import zone_names
from hub_email.token import Question, SurveyQuestion, sign

__all__ = ["Matter", "known_zone", "one_line", "render_question", "render_request", "request_message_id"]

_ONE_LINE = SMTP.clone(max_line_length=998)
"""A Message-ID must not be folded."""
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Matter:
    """What is to be decided on, for people to read."""

    kind: str
    """`change`, `waiver`, `report`."""
    name: str
    """What people call it."""
    title: str
    facts: tuple[tuple[str, str], ...] = ()
    """What the decision rests on: (name, value)."""
    url: str = ""
    files: tuple[tuple[str, bytes], ...] = ()
    """What is decided on, attached as it is."""


def request_message_id(token: str, number: int, sender: str) -> str:
    """Name the request `number` of a question, from 1; the answer carries it back."""
    return f"<{token}.{number}@{Address(addr_spec=sender).domain}>"


def render_request(
    matter: Matter, question: Question, *, key: str, number: int, sender: str, now: int, zone: str
) -> tuple[str, bytes]:
    """Return Message-ID and the whole mail. What comes from a tool stands on one line and cannot add another."""
    token = sign(question, key)
    name, title = one_line(matter.name), one_line(matter.title)
    again = "Reminder: " if number > 1 else ""
    subject = f"{again}please decide: {name} {title}".strip()
    text = _text(matter, question, name, title, token)
    return render_question(
        subject, text, question, token=token, number=number, sender=sender, now=now, zone=zone, files=matter.files
    )


def render_question(
    subject: str,
    text: str,
    question: Question | SurveyQuestion,
    *,
    token: str,
    number: int,
    sender: str,
    now: int,
    zone: str,
    files: Sequence[tuple[str, bytes]] = (),
) -> tuple[str, bytes]:
    """Return Message-ID and a mail from us that carries the token, with files; no machine is to answer it."""
    message_id = request_message_id(token, number, sender)
    message = EmailMessage(policy=SMTP)
    message["Subject"] = subject
    message["From"] = Address(addr_spec=sender)
    message["To"] = Address(addr_spec=question.address)
    message["Date"] = format_datetime(datetime.fromtimestamp(now // 1000, tz=UTC).astimezone(ZoneInfo(zone)))
    message["Message-ID"] = message_id
    if number > 1:
        message["In-Reply-To"] = message["References"] = request_message_id(token, 1, sender)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(text, cte="quoted-printable")
    page = f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><body><pre>{escape(text)}</pre></body></html>'
    message.add_alternative(page, subtype="html", cte="quoted-printable")
    for file, body in files:
        message.add_attachment(body, maintype="application", subtype="octet-stream", filename=file)
    for place, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_{question.asked_at}_{number}{f'_{place}' if place else ''}")
    return message_id, message.as_bytes(policy=_ONE_LINE)


def _text(matter: Matter, question: Question, name: str, title: str, token: str) -> str:
    facts = [(matter.kind, f"{name} {title}".strip()), ("revision", one_line(question.revision or ""))]
    facts += [(label, one_line(value)) for label, value in matter.facts if value]
    if matter.url:
        facts.append(("link", one_line(matter.url)))
    lines = [
        f"Please decide on {name}. Answer this mail with one word on the first line:",
        "",
        "    APPROVE",
        "    REJECT",
        "",
        *(f"{label.capitalize()}: {value}" for label, value in facts if value),
        "",
        f"You are asked as {one_line(question.role or 'approver').replace('_', ' ')}. Only an answer from {question.address}",
        "counts, and only for this revision. It may as well be decided in the tool itself.",
        "",
        f"Reference: {token}",
    ]
    return "\n".join(lines) + "\n"


def known_zone(name: str, otherwise: str) -> str:
    """Return a zone as the register names it, and another one where there is none of that name."""
    return name if name in zone_names() else otherwise


def one_line(text: str) -> str:
    """Return what a tool says on one line that adds no other, cut where it is long."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:_LONGEST]
