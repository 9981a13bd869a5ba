"""What somebody might try to have a change approved, or the reader brought down, and what comes of it."""

from __future__ import annotations

import base64
import io
import time
import zipfile
from collections.abc import Callable

import pytest

from hub.clock import parse_instant
from hub.records import Approval, encode_record
from hub_email.parse.message import HEADER_BYTES, MOST_PARTS
from tests.email.letter import (
    ALICE,
    BOB,
    BORDER,
    DATE,
    INSIDE,
    MALLORY,
    PASSED,
    letter,
    message,
    one,
    outcome,
    question,
    read,
    reading,
    stamp,
)

FORGED = f"Authentication-Results: {PASSED}"
UNPROVEN = [f"Received: {INSIDE}", f"Received: {BORDER}"]
EVIL = [
    f"Received: {INSIDE}",
    "Authentication-Results: mx.example.org; dmarc=pass header.from=evil.example",
    f"Received: {BORDER}",
]
NOBODY = "nothing we believe says who sent it"
YES = "approved by register:people/alice of desk:issue/5 at 9f2c"
ELSEWHERE = "it does not come from the address that was asked"
PLAIN = "its first line does not plainly say APPROVE or REJECT"
SEVERAL = "its From header does not name exactly one mailbox"
LATE = stamp(parse_instant("2026-11-05T10:00:00Z"))

DECISIONS: dict[str, tuple[bytes, str]] = {
    "no attack at all": (letter(), YES),
    "forged From": (letter(above=UNPROVEN), NOBODY),
    "forged From, the real sender's domain passed": (letter(above=EVIL), NOBODY),
    "SPF of the envelope is no word for From": (
        letter(
            above=[
                f"Received: {INSIDE}",
                "Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=example.org",
                f"Received: {BORDER}",
            ]
        ),
        NOBODY,
    ),
    "forged Authentication-Results below the border": (letter(above=UNPROVEN, below=[FORGED]), NOBODY),
    "forged Received and Authentication-Results below the border": (
        letter(above=UNPROVEN, below=[FORGED, f"Received: {BORDER}"]),
        NOBODY,
    ),
    "forged chain that claims to be ours, behind a name that is": (
        letter(
            above=[f"Received: {BORDER.replace('out.example.net (out', 'mx.example.org (out')}"],
            below=[FORGED, f"Received: {BORDER}"],
        ),
        NOBODY,
    ),
    "Authentication-Results of another name, above": (
        letter(above=["Authentication-Results: mx.evil.example; dmarc=pass header.from=example.org", *UNPROVEN]),
        NOBODY,
    ),
    "pass in a comment": (
        letter(
            above=[
                "Authentication-Results: mx.example.org; dmarc=fail (was; dmarc=pass header.from=example.org) header.from=example.org",
                *UNPROVEN,
            ]
        ),
        NOBODY,
    ),
    "pass in quotes": (
        letter(
            above=[
                'Authentication-Results: mx.example.org; dkim=fail reason="x; dmarc=pass header.from=example.org;" header.d=evil.example',
                *UNPROVEN,
            ]
        ),
        NOBODY,
    ),
    "signed by a domain above a public suffix": (
        letter(above=["Authentication-Results: mx.example.org; dkim=pass header.d=org", *UNPROVEN]),
        NOBODY,
    ),
    "signed by a name that ends alike": (
        letter(above=["Authentication-Results: mx.example.org; dkim=pass header.d=le.org", *UNPROVEN]),
        NOBODY,
    ),
    "display name that looks like an address": (letter(above=EVIL, from_=f'"{ALICE}" <{MALLORY}>'), ELSEWHERE),
    "bare display name that looks like an address": (letter(from_=f"{ALICE} <{MALLORY}>"), SEVERAL),
    "two mailboxes in From": (letter(from_=f"{ALICE}, {MALLORY}"), SEVERAL),
    "comment in From": (letter(from_=f"{MALLORY} ({ALICE})"), SEVERAL),
    "two From headers": (letter(below=[f"From: {MALLORY}"]), "it names several senders"),
    "From hidden behind a header line that is none": (
        letter(below=["From:", "no header", f" From: {ALICE}"]),
        "it names several senders",
    ),
    "token of another subject signed by somebody else": (
        letter(in_reply_to=f"<{question()[:-6]}AAAAAA@example.org>"),
        "decision: the question it answers is not ours; no rule says what it is",
    ),
    "token made for another person": (letter(in_reply_to=f"<{question(address=BOB)}@example.org>"), ELSEWHERE),
    "tokens of two subjects, in one header": (
        letter(in_reply_to="", references=f"<{question()}@x> <{question(subject='desk:issue/6')}@x>"),
        "it answers several questions",
    ),
    "token of another subject in the text counts for nothing beside the question answered": (
        letter(f"APPROVE\r\n\r\n> {question(subject='desk:issue/6')}\r\n"),
        YES,
    ),
    "an old approval, for an old revision": (
        letter(in_reply_to=f"<{question(revision='aaaa')}@example.org>"),
        YES.replace("9f2c", "aaaa"),
    ),
    "reply to all that quotes somebody else's APPROVE": (
        letter(
            f"see below\r\n\r\nOn Mon, Nov 2, 2026 at 11:00 Alice <{ALICE}> wrote:\r\n\r\n> APPROVE\r\n",
            from_=BOB,
            in_reply_to="<a1@example.org>",
            references=f"<{question()}@example.org> <a1@example.org>",
        ),
        ELSEWHERE,
    ),
    "the one who was asked quotes somebody else's APPROVE": (letter("see below\r\n> APPROVE\r\n"), PLAIN),
    "quoted APPROVE only": (letter("> APPROVE\r\n"), PLAIN),
    "quoted without marks": (letter(f"On Mon, Nov 2, 2026 at 11:00 Bob <{BOB}> wrote:\r\n\r\nAPPROVE\r\n"), PLAIN),
    "forwarded, nothing said": (
        letter(
            f"---------- Forwarded message ---------\r\nFrom: Bob <{BOB}>\r\nDate: Mon\r\nSubject: x\r\n\r\nAPPROVE\r\n"
        ),
        PLAIN,
    ),
    "sent again three days later": (
        letter(above=[f"Authentication-Results: {PASSED}", f"Received: {BORDER.rpartition(';')[0]}; {LATE}"]),
        "it came more than 24 hours after it was written",
    ),
    "before it was asked for": (
        letter(in_reply_to=f"<{question(asked_at=parse_instant('2026-11-03T00:00:00Z'))}@example.org>"),
        "it came before it was asked for",
    ),
    "without Date": (letter(date=""), "it does not say when it was written"),
    "vacation answer": (letter(auto_submitted="auto-replied"), "decision: a machine sent it"),
    "out of office by its subject": (letter(subject="Automatic reply: CHG-5"), "decision: a machine sent it"),
    "by a mailing list": (letter(list_id="<all.example.org>"), "decision: a machine sent it"),
    "bulk": (letter(precedence="bulk"), "decision: a machine sent it"),
    "bounce that quotes the request": (
        letter(return_path="<>", content_type="multipart/report; report-type=delivery-status; boundary=b"),
        "decision: a machine sent it",
    ),
    "header of a megabyte above From": (
        letter(below=["X-Fill: " + "x" * 1_000_000]),
        "it names no sender",
    ),
    "header of a megabyte below From": (
        letter().replace(b"\r\n\r\n", b"\r\nX-Fill: " + b"x" * 1_000_000 + b"\r\n\r\n", 1),
        "its header was not read to the end, or is broken",
    ),
}


@pytest.mark.parametrize("attack", DECISIONS)
def test_what_comes_of_it(attack: str):
    raw, expected = DECISIONS[attack]
    if attack == "header of a megabyte above From":
        # The question stands below what was read, so that it is none.
        assert not [one for one in read(raw).records if isinstance(one, Approval)]
        return
    assert outcome(read(raw)) == expected


def test_replay_gives_a_decision_of_its_own_and_the_same_word():
    """Sent again within the day it stands beside the first; that it was written earlier is kept, see the pack."""
    first = one(read(letter()), Approval)
    again = one(
        read(
            letter(above=[f"Authentication-Results: {PASSED}", f"Received: {BORDER.replace('11:00:30', '15:00:00')}"])
        ),
        Approval,
    )
    assert first.id != again.id
    assert again.decided_at > first.decided_at
    assert again.claimed_at == first.claimed_at


def part(content: bytes, name: str, kind: str = "application/zip") -> bytes:
    head = f'Content-Type: {kind}\r\nContent-Disposition: attachment; filename="{name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    return head.encode() + base64.encodebytes(content)


def multipart(*parts: bytes) -> bytes:
    body = b"".join(b"--b\r\n" + one + b"\r\n" for one in parts) + b"--b--\r\n"
    return letter("", content_type="multipart/mixed; boundary=b").removesuffix(b"") + body


def bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(20_000_000))
    return multipart(b"Content-Type: text/plain\r\n\r\nAPPROVE\r\n", part(packed.getvalue(), "bomb.zip"))


def large() -> bytes:
    return multipart(b"Content-Type: text/plain\r\n\r\nAPPROVE\r\n", part(bytes(50_000_000), "large.bin"))


def nested() -> bytes:
    opened = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(10_000))
    head = letter("").removesuffix(b"\r\n\r\n") + b"\r\n"
    return head + opened + b"Content-Type: text/plain\r\n\r\nAPPROVE\r\n"


def many() -> bytes:
    return multipart(*[b"Content-Type: text/plain\r\n\r\nAPPROVE\r\n"] * 10_000)


def words() -> bytes:
    return letter(subject="=?utf-8?q?a?= " * 10_000)


def page() -> bytes:
    return letter("<div " * 30_000 + "<!--" * 10_000 + "<" * 20_000, content_type="text/html")


def references() -> bytes:
    return letter(references=" ".join(f"<{n}@x>" for n in range(20_000)))


def tokens() -> bytes:
    return letter("hub1." * 50_000 + "\r\nAPPROVE", in_reply_to="")


def quotes() -> bytes:
    return letter("> " * 60_000 + "\r\n" + ("On 1 a@b.example\r\n" * 5_000))


@pytest.mark.parametrize(
    ("hostile", "expected", "cpu_s"),
    [
        (bomb, YES, 2.0),
        (large, YES, 8.0),
        (nested, PLAIN, 2.0),
        (many, YES, 2.0),
        (words, YES, 2.0),
        (page, PLAIN, 2.0),
        (references, YES, 2.0),
        (tokens, "no rule says what it is", 2.0),
        (quotes, PLAIN, 2.0),
    ],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_hostile_mail_costs_little(hostile: Callable[[], bytes], expected: str, cpu_s: float):
    raw = hostile()
    begun = time.process_time()
    given = read(raw)
    spent = time.process_time() - begun
    assert outcome(given) == expected
    assert sum(len(encode_record(record)) for record in given.records) < 100_000
    assert spent < cpu_s


def test_what_is_packed_stays_packed():
    (file,) = message(read(bomb())).attachments
    assert file.name == "bomb.zip"
    assert file.size < 200_000


def test_limits_are_told():
    assert message(read(many())).custom["defects"] == ["too many parts"]
    assert len(message(read(many())).attachments) < MOST_PARTS
    assert message(read(nested())).custom["defects"] == ["parts nested too deeply"]
    assert len(DECISIONS["header of a megabyte below From"][0]) > HEADER_BYTES


def test_nothing_runs_and_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch):
    import socket
    import subprocess

    def refused(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(subprocess, "Popen", refused)
    html = "<script src='http://evil.example/x.js'></script><img src=http://evil.example/p.gif><p>APPROVE</p>"
    assert outcome(read(letter(html, content_type="text/html"))) == YES


def test_letters_that_turn_text_around_or_control_a_terminal_are_not_stored():
    given = read(
        letter("APPROVE\x1b[2J\u202egnp.exe\r\n", subject="=?utf-8?q?a=1b=5b2J=00=e2=80=aeb?="), reading(rules=[])
    )
    stored = b"".join(encode_record(record) for record in given.records)
    assert not any(sign in stored.decode() for sign in ("\x1b", "\u202e", "\\u001b", "\\u0000", "\\u202e"))
    assert DATE
