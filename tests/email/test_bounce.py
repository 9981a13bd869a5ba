"""Which mail did not arrive, to whom and why: as mail servers write it."""

from __future__ import annotations

import json

import pytest

from hub.clock import FixedClock, parse_instant
from hub.report.deliver import Way, deliver_waiting
from hub.store import outbox
from hub.store.outbox import MessageKey
from hub.sync.runner import SourceJob, sync_source
from hub_email.bounce import undelivered, verp
from hub_email.parse.message import read_mail
from hub_email.settings import SmtpSettings
from hub_email.smtp import SmtpChannel
from tests.email.imap_kit import Mailbox, context, settings, source

SENT = "<sr-x.r1@example.test>"
POSTFIX = """Final-Recipient: rfc822; carl@elsewhere.example
Original-Recipient: rfc822;carl+2Bhub@example.test
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.elsewhere.example
Diagnostic-Code: smtp; 550 5.1.1 <carl@elsewhere.example>: Recipient address
    rejected: User unknown
"""
EXCHANGE = """Final-recipient: RFC822; Dora@Example.test
Action: failed
Status: 5.2.2
Diagnostic-code: SMTP;554 5.2.2 mailbox full; STOREDRV.Deliver
"""
DELAYED = "Final-Recipient: rfc822; eve@example.test\nAction: delayed\nStatus: 4.4.1\n"


def bounce(*groups: str, header: str = "", of: str = SENT) -> bytes:
    status = "\n".join(["Reporting-MTA: dns; mail.example.test\n", *groups])
    return (
        (
            "Received: from mail.example.test by mail.example.test; Mon, 2 Nov 2026 09:00:00 +0100\n"
            f"Return-Path: <>\nFrom: MAILER-DAEMON@example.test\nTo: hub@example.test\nMessage-ID: <b{abs(hash(groups))}@mail>\n"
            f"{header}Subject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
            "--b\nContent-Type: text/plain\n\nSorry.\n"
            f"--b\nContent-Type: message/delivery-status\n\n{status}\n"
            f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {of}\nSubject: report\n--b--\n"
        )
        .replace("\n", "\r\n")
        .encode()
    )


def told(mail: bytes) -> list[tuple[str, str | None, str | None]]:
    return [(one.address, one.status, one.said) for one in undelivered(read_mail(mail))]


CARL = (
    "carl+hub@example.test",
    "5.1.1",
    "550 5.1.1 <carl@elsewhere.example>: Recipient address rejected: User unknown",
)
DORA = ("dora@example.test", "5.2.2", "554 5.2.2 mailbox full; STOREDRV.Deliver")


@pytest.mark.parametrize(
    ("mail", "expected"),
    [
        (bounce(POSTFIX), [CARL]),
        (bounce(POSTFIX, EXCHANGE), [CARL, DORA]),
        (bounce(DELAYED), []),
        (bounce(DELAYED, EXCHANGE), [DORA]),
        (
            bounce("Action: failed\n", header="X-Failed-Recipients: fay@example.test\n"),
            [("fay@example.test", None, None)],
        ),
        (
            bounce("Action: failed\n", header="Delivered-To: hub+gil+x=example.test@example.test\n"),
            [("gil+x@example.test", None, None)],
        ),
        (bounce("Action: failed\nFinal-Recipient: rfc822; \x01\x02\n"), []),
        (
            bounce("Action: failed\nFinal-Recipient: rfc822;a@b.example\nStatus: 5\n" * 300)[:200_000],
            [("a@b.example", None, None)],
        ),
        (b"From: a@example.test\r\nX: y\r\n\r\nAction: failed\r\nFinal-Recipient: rfc822; a@b.example\r\n", []),
        (b"", []),
    ],
)
def test_who_did_not_get_it(mail, expected):
    assert told(mail) == expected


def test_an_address_of_its_own_brings_a_bounce_back():
    assert verp("hub@example.test", "a+b=c@example.org") == "hub+a+b=c=example.org@example.test"
    mail = bounce("Action: failed\n", header=f"Delivered-To: <{verp('hub@example.test', 'a+b=c@example.org')}>\n")
    assert told(mail) == [("a+b=c@example.org", None, None)]


@pytest.mark.peer
def test_a_report_that_came_back_is_marked_told_and_not_sent_again(server, store, tmp_path):
    """Out by the real SMTP server, back into the real mailbox, read by IMAP, matched to what went out."""
    now = parse_instant("2026-11-02T08:00:00Z")
    channel = SmtpChannel(
        SmtpSettings(
            plugin="smtp",
            host="127.0.0.1",
            port=server["smtp_port"],
            sender="hub@example.test",
            ca_bundle=server["ca_file"],
            send=True,
        ),
        base_dir=tmp_path,
    )
    ways = {"mail": Way(channel, send=True, addressed=True)}
    keys = [MessageKey("SR-x", 1, "mail", f"{who}@example.test") for who in ("alice", "desk", "nobody")]
    eml = f"Message-ID: {SENT}\r\nSubject: report\r\n\r\nx\r\n".encode()
    with store.begin() as conn:
        for key in keys:
            outbox.queue(conn, key, message_id=SENT, message=eml, held=None, now=now)
    states = {row.key.recipient: row.state for row in deliver_waiting(store, ways, FixedClock(now))}
    assert states == {"alice@example.test": "sent", "desk@example.test": "sent", "nobody@example.test": "failed"}
    box = Mailbox(server)
    failed = "Final-Recipient: rfc822; Desk@example.test\nAction: failed\nStatus: 5.2.2\n"
    box.make("Bounces", [bounce(failed), bounce(DELAYED), bounce(POSTFIX, of="<another@example.test>")])
    try:
        one = source(settings(server, ["Bounces"]), context(tmp_path))
        summary = sync_source(store, SourceJob("mail", one), clock=FixedClock(now))
        assert summary.complete, summary
    finally:
        box.remove("Bounces")
        box.close()
    envelopes = _envelopes(server)
    deliver_waiting(store, ways, FixedClock(now))
    with store.connect() as conn:
        rows = {row.key.recipient: (row.state, row.detail) for row in outbox.deliveries(conn)}
    assert rows["desk@example.test"] == ("bounced", "came back: 5.2.2")
    assert rows["alice@example.test"][0] == "sent"
    assert rows["nobody@example.test"] == ("failed", rows["nobody@example.test"][1])
    assert "550" in rows["nobody@example.test"][1]
    assert _envelopes(server) == envelopes, "nothing is sent again by itself"
    with store.begin() as conn:
        outbox.release(conn, "SR-x", 1, states=["bounced"], channels=["mail"])
    later = FixedClock(now + 3_600_000 * 24)
    deliver_waiting(store, ways, later)
    deliver_waiting(store, ways, later)
    with store.connect() as conn:
        states = {row.key.recipient: row.state for row in outbox.deliveries(conn)}
    assert states["desk@example.test"] == "sent", "an old bounce says nothing of a later sending"


def _envelopes(server) -> list[dict]:
    with open(server["smtp_envelopes"], encoding="utf-8") as lines:  # noqa: PTH123 - a path from outside
        return [json.loads(line) for line in lines]
