"""The mail that asks for a decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from zoneinfo import ZoneInfo

from hub_email.token import Question, sign

__all__ = ["Matter", "render_request", "request_message_id"]

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
    message_id = request_message_id(token, number, sender)
    name, title = _line(matter.name), _line(matter.title)
    message = EmailMessage(policy=SMTP)
    again = "Reminder: " if number > 1 else ""
    message["Subject"] = f"{again}please decide: {name} {title}".strip()
    message["From"] = Address(addr_spec=sender)
    message["To"] = Address(addr_spec=question.address)
    message["Date"] = format_datetime(datetime.fromtimestamp(now // 1000, tz=UTC).astimezone(ZoneInfo(zone)))
    message["Message-ID"] = message_id
    if number > 1:
        message["In-Reply-To"] = message["References"] = request_message_id(token, 1, sender)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    text = _text(matter, question, name, title, token)
    message.set_content(text, cte="quoted-printable")
    page = f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><body><pre>{escape(text)}</pre></body></html>'
    message.add_alternative(page, subtype="html", cte="quoted-printable")
    for file, body in matter.files:
        message.add_attachment(body, maintype="application", subtype="octet-stream", filename=file)
    for place, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_{question.asked_at}_{number}{f'_{place}' if place else ''}")
    return message_id, message.as_bytes(policy=_ONE_LINE)


def _text(matter: Matter, question: Question, name: str, title: str, token: str) -> str:
    facts = [(matter.kind, f"{name} {title}".strip()), ("revision", _line(question.revision or ""))]
    facts += [(label, _line(value)) for label, value in matter.facts if value]
    if matter.url:
        facts.append(("link", _line(matter.url)))
    lines = [
        f"Please decide on {name}. Answer this mail with one word on the first line:",
        "",
        "    APPROVE",
        "    REJECT",
        "",
        *(f"{label.capitalize()}: {value}" for label, value in facts if value),
        "",
        f"You are asked as {_line(question.role or 'approver').replace('_', ' ')}. Only an answer from {question.address}",
        "counts, and only for this revision. It may as well be decided in the tool itself.",
        "",
        f"Reference: {token}",
    ]
    return "\n".join(lines) + "\n"


def _line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:_LONGEST]
