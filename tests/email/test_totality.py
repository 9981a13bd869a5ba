"""Whatever a mail holds, it becomes valid records or counted reasons, and no decision it does not prove."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.records import Approval, decode_record, encode_record
from hub_email.parse.reply import own_line, trim
from tests.email.letter import letter, read, reading
from tests.email.test_rule import HOW, RULES

PIECES = st.sampled_from(
    [
        b"\r\n", b"\n", b"\r", b": ", b"--b", b"--b--", b"Content-Type: multipart/mixed; boundary=b\r\n", b"=?utf-8?b?", b"?=", b"\x00",
        b"\xff", b"From: a@b.example\r\n", b"To: complaints@example.org\r\n", b"Date: Mon, 31 Feb 2026 99:99:99 +9999\r\n",
        b"Received: from x by mx.example.org; x\r\n", b"Authentication-Results: mx.example.org; dkim=pass", b"hub1.", b"<a@b>", b"APPROVE",
        b"Content-Transfer-Encoding: base64\r\n", b"Content-Type: text/html; charset=utf-7\r\n", b"<blockquote><", b"&#x110000;", b"(", b'"', b";",
        b"DKIM-Signature: d=a.b; s=c; h=from:subject:date; b=; bh=\r\n", b"From: mailer-daemon@x\r\n", b"References: <x@example.org>\r\n",
    ]
)  # fmt: skip
SOUND = [letter(), letter(above=[]), letter(content_type="multipart/mixed; boundary=b", to="complaints@example.org")]
WITHOUT_TRUST = reading(rules=RULES, trust={"authserv_ids": [], "servers": []})


def check(raw: bytes) -> None:
    given = read(raw, HOW)
    assert given.records or given.skipped
    assert all(decode_record(encode_record(record)) == record for record in given.records)
    assert read(raw, HOW) == given


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PIECES | st.binary(max_size=20), max_size=40))
def test_any_bytes(pieces: list[bytes]):
    check(b"".join(pieces))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SOUND), st.lists(st.tuples(st.integers(0, 2_000), PIECES), max_size=6))
def test_mails_with_something_put_in(raw: bytes, wrong: list[tuple[int, bytes]]):
    for place, piece in wrong:
        raw = raw[: place % len(raw)] + piece + raw[place % len(raw) :]
    check(raw)
    decided = [one for one in read(raw, WITHOUT_TRUST).records if isinstance(one, Approval) and one.decision]
    assert decided == [], "where nobody is believed, no mail decides"


def test_mails_with_bytes_changed():
    chance = random.Random(1)
    for _ in range(400):
        raw = bytearray(chance.choice(SOUND))
        for _ in range(chance.randrange(1, 8)):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        check(bytes(raw))


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=300)
    | st.lists(st.sampled_from(["> a", "On x wrote:", "From: a", "--", "", "APPROVE", "---"]), max_size=12).map(
        "\n".join
    )
)
def test_an_own_line_is_a_line_of_the_text(text: str):
    line = own_line(text)
    assert not line or line in [each.strip()[:1000] for each in text.split("\n")]
    assert len(trim(text)) <= len(text)
