"""Where the border runs, what our own server says, and what a signature proves."""

from __future__ import annotations

import base64

import pytest

from hub.clock import parse_instant
from hub_email.dkim import read_key, read_signature, verify
from hub_email.parse.header import instant, one_address
from hub_email.parse.message import read_mail
from hub_email.trust import Sender, Trust
from tests.email.letter import ALICE, BORDER, CAME, INSIDE, PASSED, letter, message, read, reading, settings

KEY = (
    "v=DKIM1; k=rsa; p="
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAsfmXRphs7/pfj1l2xB/X0CR7zNMastckRJ0c1qxKaQrEH3zPma+iZws9XRjCFgHM0w"
    "xs0Ha6spzolC5TS5J55fld4vBcrdq0MCGJoxxy09nu0Xz2yfkwxUN1Zmu67fmooDbq5Xpct64YSl/qciCopZ7nmq9aseIwfjRhX1n2m6LwtVuQ"
    "/sEtSF6uz95PkwskTm+dzBGFsiCeWWCHxi3R+b8sIpH8Mlkmo3gtQkMNf4qj3zLw5MdidTyKQsYBCrC5OC1s07jlH5uvOz6TC5paUYDikGSXM/"
    "wbJTV0VPRpOc6jMDXBgLV5Vypoe7x2I88sy9806QMGqHmCu89Vu8TYbwIDAQAB"
)
SIGNED = base64.b64decode(
    "REtJTS1TaWduYXR1cmU6IHY9MTsgYT1yc2Etc2hhMjU2OyBjPXJlbGF4ZWQvcmVsYXhlZDsgZD1leGFtcGxlLmNvbTsNCiBpPUBleGFtcGxlLm"
    "NvbTsgcT1kbnMvdHh0OyBzPXNlbDsgdD0xNzk1MzUxMTUwOyBoPWZyb20gOiB0byA6IHN1YmplY3QNCiA6IGRhdGUgOiBtZXNzYWdlLWlkIDog"
    "ZnJvbTsNCiBiaD1IWWx1VzlVN0hQb2J6WXBsNnQ1M0hzMTJxMkFpQnRjUmZFdlNLQy9rU0NFPTsNCiBiPVB1d3NlcW9MaUx5bmtkY0FhQ2E3c3"
    "JHb0p0WnlFOGhLL1JCLzhtOVk1N1FwdlkwSE1QeTNMblRKVGhocWxMMFJMOHk3dQ0KIHVGSFBWYzFRSmwwVEFPbmx0RVhhMExpaVJSbUpsd245"
    "LzB3UkRVTUkrdjFFVktJQmRZZ3VCRmNRb2N0eHkzWW4xd083eGs5DQogeGMwRXRJeEg3U0ZrWWhRLzNxcE0yMHpHaGgxcGN0K01kMXBuL1pEdn"
    "RIMEx5RkxpbGJWTXEyQXI5dVJzQzAxWGxwVjhjdS8NCiB2b0pWNnZBdzFDLzJBUHZiSk4yWWg4elVYL1YxbmVsUFY5alJReG5HVkx3WDVpZElP"
    "UjRDTXFyVGtZVkM3eHpza3pvckQyVA0KICt6V1VENWMrRlB4amZUZFhsUDduWUpVSDhYaVpCZXlhUkdLT0t6RVN5cGNUUnhLNFZOSzkxZjVPc3"
    "dwdz09DQpGcm9tOiBBbGljZSA8YWxpY2VAZXhhbXBsZS5jb20+DQpUbzogaHViQGV4YW1wbGUub3JnDQpTdWJqZWN0OiAgUmU6ICAgcGxlYXNl"
    "ICBkZWNpZGUNCglub3cgDQpEYXRlOiBNb24sIDAyIE5vdiAyMDI2IDEwOjAwOjAwICswMTAwDQpNZXNzYWdlLUlEOiA8YTFAZXhhbXBsZS5jb2"
    "0+DQpYLUxvbmc6IHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
    "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eH"
    "h4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"
    "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eA0KDQpBUFBST1ZFICANCg0KIH"
    "R3byAgIHNwYWNlcwkNCi4NCg0KDQo="
)
"""Signed by another implementation (dkimpy), relaxed/relaxed, with a key made for this test."""


def sender(raw: bytes, **trust: object) -> Sender:
    mail = read_mail(raw)
    who = Trust.of(settings(trust=trust).trust)
    return who.sender(mail, who.border(mail))


def received(*headers: str) -> int | None:
    return message(read(letter(above=[f"Received: {one}" for one in headers]))).received_at


OUTSIDE = "from relay.example.net by mail.example.net; Mon, 2 Nov 2026 09:00:00 +0000"


@pytest.mark.parametrize(
    ("headers", "at"),
    [
        ([INSIDE, BORDER], "2026-11-02T10:00:30Z"),
        ([INSIDE, BORDER, OUTSIDE], "2026-11-02T10:00:30Z"),
        ([BORDER], "2026-11-02T10:00:30Z"),
        ([OUTSIDE], None),
        ([BORDER, BORDER.replace("11:00:30", "08:00:00")], "2026-11-02T10:00:30Z"),
        (["by store.example.org with SMTP id 2; Mon, 2 Nov 2026 11:01:00 +0100", BORDER], "2026-11-02T10:00:30Z"),
        ([BORDER.replace("+0100", "")], None),
        ([], None),
    ],
    ids=[
        "own chain",
        "foreign below",
        "border alone",
        "none of ours",
        "forged below",
        "without from",
        "without offset",
        "none",
    ],
)
def test_the_oldest_header_of_our_own_tells_when_it_came(headers: list[str], at: str | None):
    assert received(*headers) == (None if at is None else parse_instant(at))


def test_without_named_servers_the_uppermost_header_is_ours():
    found = message(read(letter(), reading(trust={"servers": []})))
    assert found.received_at == CAME + 15_000


def test_public_networks_of_ours_are_inside():
    between = "from edge.example.org (edge.example.org [93.184.216.40]) by mx.example.org with ESMTP; Mon, 2 Nov 2026 11:00:31 +0100"
    raw = letter(above=[f"Received: {between}", f"Authentication-Results: {PASSED}", f"Received: {BORDER}"])
    assert not sender(raw).is_proven
    assert sender(raw, networks=["93.184.216.40/32"]).is_proven


def test_results_below_the_border_count_only_where_the_server_writes_them_there():
    raw = letter(above=[f"Received: {BORDER}", f"Authentication-Results: {PASSED}"])
    assert not sender(raw).is_proven
    assert sender(raw, results_below_received=True).is_proven
    failed = letter(
        above=[
            f"Received: {BORDER}",
            "Authentication-Results: mx.example.org; dmarc=fail header.from=example.org",
            f"Authentication-Results: {PASSED}",
        ]
    )
    assert not sender(failed, results_below_received=True).is_proven


def test_a_server_that_does_not_say_its_name_is_believed_only_where_it_is_known_for_that():
    told = "Authentication-Results: spf=pass (sender IP is 1.2.3.4) smtp.mailfrom=example.org; dkim=pass header.d=example.org;dmarc=pass action=none header.from=example.org;compauth=pass reason=100"
    failed = told.replace("pass", "fail")
    raw = letter(above=[told, f"Received: {BORDER}"])
    assert not sender(raw).is_proven
    assert sender(raw, unnamed_results=True).authenticity == "dkim_pass"
    assert not sender(letter(above=[failed, told, f"Received: {BORDER}"]), unnamed_results=True).is_proven
    assert not sender(letter(above=[f"Received: {BORDER}", told]), unnamed_results=True).is_proven


@pytest.mark.parametrize(
    ("results", "authenticity"),
    [
        ("mx.example.org; dkim=pass header.d=example.org", "dkim_pass"),
        ("mx.example.org; dkim=pass header.i=@example.org", "dkim_pass"),
        ("mx.example.org 1; dkim=fail header.d=example.org; dmarc=pass header.from=example.org", "dkim_pass"),
        (f"mx.example.org; auth=pass smtp.auth={ALICE}", "tool_login"),
        ("mx.example.org; auth=pass smtp.auth=bob@example.org", "none"),
        ("mx.example.org; dkim=fail header.d=example.org", "none"),
        ("mx.example.org; dkim=pass header.d=example.net", "none"),
        ("mx.example.org; dkim=pass header.d=example.net header.d=example.org", "none"),
        ("mx.example.org; none", "none"),
        ("mx.example.org", "none"),
        ("", "none"),
    ],
)
def test_what_results_prove(results: str, authenticity: str):
    raw = letter(above=[f"Authentication-Results: {results}", f"Received: {BORDER}"])
    assert sender(raw).authenticity == authenticity


def test_a_signature_with_a_known_key_proves_the_sender():
    trust = {"dkim_keys": {"sel._domainkey.example.com": KEY}}
    assert sender(SIGNED).reason == "nothing we believe says who sent it"
    assert sender(SIGNED, **trust).authenticity == "dkim_pass"
    assert sender(SIGNED.replace(b"\r\n", b"\n"), **trust).authenticity == "dkim_pass"
    altered = "the mail was altered after it was signed"
    assert sender(SIGNED.replace(b"APPROVE", b"REJECT"), **trust).reason == altered
    assert sender(SIGNED.replace(b"please", b"kindly"), **trust).reason == altered
    assert sender(SIGNED.replace(b"alice@", b"bob@"), **trust).reason == altered
    assert sender(SIGNED + b"and more\r\n", **trust).reason == altered


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b"a=rsa-sha256", b"a=rsa-sha1"), "the signature is of a kind that is not verified"),
        ((b"v=1;", b"v=1; l=9;"), "the signature covers only part of the mail"),
        ((b": date", b""), "the signature does not cover sender, subject and date"),
    ],
)
def test_weak_signatures_are_not_tried(change: tuple[bytes, bytes], reason: str):
    mail = read_mail(SIGNED.replace(*change, 1))
    signature = read_signature(mail.fields[0])
    assert signature is not None
    assert verify(signature, mail.fields, mail.body, KEY) == reason


@pytest.mark.parametrize(
    "record", ["", "v=DKIM1; p=", "v=DKIM1; k=ed25519; p=" + "A" * 44, "p=!!", "v=DKIM1; p=" + "A" * 400]
)
def test_a_key_that_is_none_is_none(record: str):
    assert read_key(record) is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("a@b.example", "a@b.example"),
        ("Ann <A@B.example>", "a@b.example"),
        ('"Ann, Dr." <a@b.example>', "a@b.example"),
        ("=?utf-8?q?Ann?= <a@b.example>", "a@b.example"),
        ("a@b.example <c@d.example>", None),
        ("a@b.example, c@d.example", None),
        ("Group: a@b.example;", None),
        ("<a@b.example> (c@d.example)", None),
        ("<a@b.example", None),
        ("a@b.example\x00", None),
        ("", None),
    ],
)
def test_one_mailbox_or_none(text: str, address: str | None):
    assert one_address(text) == address


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("Mon, 2 Nov 2026 11:00:30 +0100", "2026-11-02T10:00:30Z"),
        ("2 Nov 2026 10:00:30 -0000", "2026-11-02T10:00:30Z"),
        ("Mon, 2 Nov 2026 10:00:30 GMT (UTC)", "2026-11-02T10:00:30Z"),
        ("Mon, 2 Nov 2026 11:00:30", None),
        ("Mon, 99 Nov 9999 11:00:30 +0100", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_an_instant_has_an_offset(text: str, at: str | None):
    assert instant(text) == (None if at is None else parse_instant(at))
