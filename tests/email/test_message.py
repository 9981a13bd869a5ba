"""Charsets, encodings and parts as they come, not as they should."""

from __future__ import annotations

import codecs

import pytest

from hub_email.parse.charset import decode
from hub_email.parse.header import parameters, words
from hub_email.parse.hypertext import plain_text
from hub_email.parse.message import read_mail


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        ("Grüße".encode(), "utf-8", "Grüße"),
        ("Grüße".encode("latin-1"), "iso-8859-1", "Grüße"),
        ("Grüße".encode("latin-1"), "us-ascii", "Grüße"),
        ("Grüße".encode("latin-1"), "utf-8", "Grüße"),
        ("Grüße".encode(), "no-such-charset", "Grüße"),
        ("Grüße".encode(), None, "Grüße"),
        ("“quoted”".encode("cp1252"), "iso-8859-1", "“quoted”"),
        ("同意".encode("gb18030"), "GB2312", "同意"),
        ("承認".encode("iso-2022-jp"), "ISO-2022-JP", "承認"),
        ("승인".encode("cp949"), "ks_c_5601-1987", "승인"),
        ("одобрено".encode("koi8-r"), "KOI8-R", "одобрено"),
        ("Grüße".encode("utf-16"), "utf-16", "Grüße"),
        (b"abc\xff\xfe", "utf-8", "abcÿþ"),
        (b"a\x00b\x1bc", "ascii", "abc"),
        (b"abc", "unicode_escape", "abc"),
        (b"abc", "zip", "abc"),
        (b"abc", "x" * 1000, "abc"),
    ],
)
def test_charsets(body: bytes, charset: str | None, text: str):
    assert decode(body, charset) == text


def test_every_charset_of_python_takes_every_byte():
    body = bytes(range(256)) * 2
    for name in sorted(
        set(codecs.__dict__.get("aliases", {}).values()) | {"utf-7", "hz", "iso2022_kr", "idna", "utf-32"}
    ):
        assert isinstance(decode(body, name), str)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?utf-8?b?R3LDvMOfZQ==?=", "Grüße"),
        ("=?utf-8?b?R3LDvMOfZQ?=", "Grüße"),
        ("=?utf-8?q?Gr=C3?= =?utf-8?q?=BC=C3=9Fe?=", "Grüße"),
        ("a =?utf-8?q?b?= c", "a b c"),
        ("=?utf-8*en?q?a_b?=", "a b"),
        ("=?nonsense?x?a?=", "=?nonsense?x?a?="),
        ("Grüße", "Grüße"),
    ],
)
def test_encoded_words(raw: str, text: str):
    assert words(raw) == text


def test_parameters_of_every_fashion():
    assert parameters('Text/Plain; charset="utf-8"; name=a.txt') == (
        "text/plain",
        {"charset": "utf-8", "name": "a.txt"},
    )
    assert parameters("a/b; filename*=utf-8''%E2%82%AC.txt")[1] == {"filename": "€.txt"}
    assert parameters("a/b; filename*0*=utf-8''%E2%82; filename*1*=%AC; filename*2=.txt")[1] == {"filename": "€.txt"}
    assert parameters("") == ("", {})


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>APPROVE</p><p>Ann</p>", "APPROVE\n\nAnn"),
        ("<style>p{}</style>a<br>b", "a\nb"),
        ("<div>a</div><blockquote><div>b</div>c</blockquote>", "a\n\n> b\n> c"),
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("<!-- a --><b>b</b", "b"),
        ("1 < 2", "1 < 2"),
        ("<head><title>x</title>", ""),
        ("<script>alert(1)", "alert(1)"),
    ],
)
def test_pages(page: str, text: str):
    assert plain_text(page) == text


ALTERNATIVES = (
    b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/alternative; boundary=aa\r\n\r\n"
    b"--aa\r\nContent-Type: text/html\r\n\r\n<b>page</b>\r\n--aa\r\nContent-Type: text/plain\r\n\r\nplain\r\n--aa--\r\n"
    b'--a\r\nContent-Disposition: attachment; filename="../../x.txt"\r\n\r\nfile\r\n--a--\r\nbehind\r\n'
)


def test_the_plain_text_is_read_and_files_are_named():
    mail = read_mail(ALTERNATIVES)
    assert mail.text == "plain"
    assert [(file.name, file.size) for file in mail.files] == [("../../x.txt", 4)]
    assert mail.defects == []
    assert read_mail(ALTERNATIVES.replace(b"\r\n", b"\n")).text == "plain"


@pytest.mark.parametrize(
    "raw",
    [b"", b"\r\n", b"no header", b"A: b", b"A: b\r\n\r\n", b"\x00" * 100, b"A:b\n\n\n", b"Content-Type: multipart/mixed; boundary=\n\nx",
     b"Content-Type: multipart/mixed; boundary=a\n\n--a", b"Content-Type: multipart/mixed; boundary=a\n\n--a--",
     b"Content-Transfer-Encoding: base64\n\n!!!!=", b"Content-Type: text/plain; charset==?\n\n\xff"],
)  # fmt: skip
def test_whatever_comes_is_taken(raw: bytes):
    assert read_mail(raw).text is not None
