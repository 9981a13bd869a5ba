"""Mails as they arrive at our border, and how this organisation reads them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from hub.clock import parse_instant
from hub.records import Approval, Communication, Record
from hub.sync.source import Document, Normalised
from hub_email.draft import Reading
from hub_email.mapping import normalise
from hub_email.rule_settings import MailReading
from hub_email.token import Question, sign

KEY = "a key of forty characters, for tests only"
ASKED = parse_instant("2026-11-02T08:00:00Z")
CAME = parse_instant("2026-11-02T10:00:30Z")
ALICE, BOB, MALLORY = "alice@example.org", "bob@example.org", "mallory@evil.example"
DATE = "Mon, 02 Nov 2026 11:00:00 +0100"
BORDER = "from out.example.net (out.example.net [93.184.216.34]) by mx.example.org (Postfix) with ESMTPS id 7; Mon, 2 Nov 2026 11:00:30 +0100"
INSIDE = "from mx.example.org (mx.example.org [10.0.0.3]) by store.example.org with LMTP id 8; Mon, 2 Nov 2026 11:00:45 +0100"
PASSED = "mx.example.org; dmarc=pass (p=reject) header.from=example.org"


def settings(**changed: Any) -> MailReading:
    trust = {"servers": [".example.org"], "authserv_ids": ["mx.example.org"], "addresses": ["hub@example.org"]}
    trust |= changed.pop("trust", {})
    return MailReading.model_validate({"trust": trust, "decisions": {"key": KEY}, **changed})


def reading(**changed: Any) -> Reading:
    return Reading("mail", settings(**changed), "Europe/Berlin")


def question(**changed: Any) -> str:
    asked = {
        "subject": "desk:issue/5",
        "revision": "9f2c" * 10,
        "person": "register:people/alice",
        "role": "change_authority",
        "address": ALICE,
        "asked_at": ASKED,
    }
    return sign(Question(**{**asked, **changed}), KEY)


def letter(
    text: str = "APPROVE\r\n", *, above: list[str] | None = None, below: list[str] | None = None, **fields: str
) -> bytes:
    """Write a mail: what our servers put above, what the sender put below, the usual fields, the text."""
    own = (
        [f"Received: {INSIDE}", f"Authentication-Results: {PASSED}", f"Received: {BORDER}"] if above is None else above
    )
    usual = {
        "from_": f"Alice <{ALICE}>",
        "to": "hub@example.org",
        "subject": "Re: please decide: CHG-5",
        "date": DATE,
        "message_id": "<a1@example.org>",
        "in_reply_to": f"<{question()}@example.org>",
    } | fields
    given = [f"{name.strip('_').replace('_', '-')}: {value}" for name, value in usual.items() if value]
    return ("\r\n".join([*own, *(below or []), *given]) + "\r\n\r\n").encode() + text.encode()


def document(raw: bytes, scope: str = "hub@example.org/INBOX", stream: str = "mail") -> Document:
    return Document(stream, hashlib.sha256(raw).hexdigest()[:32], scope, raw)


def read(raw: bytes, how: Reading | None = None, **more: str) -> Normalised:
    return normalise(document(raw, **more), how or reading())


def one(given: Normalised, kind: type[Record]) -> Any:
    found = [record for record in given.records if type(record) is kind]
    assert len(found) == 1, given
    return found[0]


def message(given: Normalised) -> Communication:
    found: Communication = one(given, Communication)
    return found


def outcome(given: Normalised) -> str:
    """Say what a mail decides, or why it decides nothing."""
    approvals = [record for record in given.records if isinstance(record, Approval)]
    if not approvals:
        return "; ".join(skip.reason for skip in given.skipped) or "nothing"
    (approval,) = approvals
    if approval.decision is None:
        assert approval.approver is None
        assert approval.decided_at is None
        return (approval.status or "").removeprefix("claim, does not count: ")
    return f"{approval.decision} by {approval.approver} of {approval.subject_id} at {approval.subject_revision[:4]}"


def stamp(instant: int) -> str:
    return format_datetime(datetime.fromtimestamp(instant // 1000, tz=UTC))
