"""Verifies DKIM signatures (RFC 6376) with public keys from the configuration.

Nothing is looked up: a key that is fetched would make a reading depend on the day it is made. Only
rsa-sha256 counts. A signature over part of the body (`l=`) does not: anything may stand behind it.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub_email.parse.header import Field

__all__ = ["Signature", "read_key", "read_signature", "verify"]

_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
"""What stands before a SHA-256 in an RSA signature (RFC 8017, 9.2)."""
_SHORTEST_BITS = 1024
_LONGEST_BITS = 8192
_TAG = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*=\s*([^;]*?)\s*(?:;|$)")
_RSA_OID = bytes.fromhex("06092a864886f70d010101")


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature's tags."""

    field: Field
    domain: str
    selector: str
    tags: Mapping[str, str]

    @property
    def key_name(self) -> str:
        """Where its key stands in DNS, and in the configuration."""
        return f"{self.selector}._domainkey.{self.domain}"


def read_signature(field: Field) -> Signature | None:
    """Read a DKIM-Signature header; None where it says no domain or selector."""
    tags = _tags(field.text)
    domain, selector = tags.get("d", "").lower(), tags.get("s", "").lower()
    return Signature(field, domain, selector, tags) if domain and selector else None


def read_key(record: str) -> tuple[int, int] | None:
    """Return modulus and exponent of an RSA key as DNS holds it (`v=DKIM1; k=rsa; p=…`); None where it holds none."""
    tags = _tags(record)
    if tags.get("k", "rsa") != "rsa" or tags.get("v", "DKIM1") != "DKIM1":
        return None
    try:
        der = binascii.a2b_base64("".join(tags.get("p", "").split()), strict_mode=True)
    except (binascii.Error, ValueError):
        return None
    outer = _der(der, 0x30)
    if outer is None:
        return None
    algorithm = _der(outer[0], 0x30)
    if algorithm is not None and algorithm[0].startswith(_RSA_OID):
        bits = _der(algorithm[1], 0x03)
        inner = _der(bits[0][1:], 0x30) if bits else None
        content = inner[0] if inner else b""
    else:
        content = outer[0]
    modulus = _der(content, 0x02)
    exponent = _der(modulus[1], 0x02) if modulus else None
    if modulus is None or exponent is None:
        return None
    n, e = int.from_bytes(modulus[0]), int.from_bytes(exponent[0])
    return (n, e) if _SHORTEST_BITS <= n.bit_length() <= _LONGEST_BITS and e.bit_length() <= 32 else None  # noqa: PLR2004


def verify(signature: Signature, fields: Sequence[Field], body: bytes, key: str) -> str | None:
    """Return None where the signature holds for this mail, else the reason why not.

    `fields` are all of the mail's; `body` everything below its header.
    """
    tags = signature.tags
    signed = [name.strip().lower() for name in tags.get("h", "").split(":")]
    public = read_key(key)
    if wrong := _unfit(tags, signed):
        return wrong
    if public is None:
        return "its key cannot be read"
    header_way, _, body_way = tags.get("c", "simple/simple").lower().partition("/")
    try:
        told = binascii.a2b_base64("".join(tags.get("bh", "").split()))
        given = binascii.a2b_base64("".join(tags.get("b", "").split()))
    except (binascii.Error, ValueError):
        return "the signature is broken"
    intact = hashlib.sha256(_body(body, relaxed=body_way == "relaxed")).digest() == told
    relaxed = header_way == "relaxed"
    digest = hashlib.sha256()
    for field in _signed(fields, signed):
        digest.update(_header(field.raw, relaxed=relaxed))
    bare = re.sub(rb"([;:\s]b\s*=)[^;]*", rb"\1", signature.field.raw, count=1)
    digest.update(_header(bare, relaxed=relaxed).removesuffix(b"\r\n"))
    modulus, exponent = public
    size = (modulus.bit_length() + 7) // 8
    expected = _SHA256 + digest.digest()
    padded = b"\x00\x01" + b"\xff" * (size - len(expected) - 3) + b"\x00" + expected
    found = pow(int.from_bytes(given), exponent, modulus).to_bytes(size)
    return None if intact and found == padded else "the mail was altered after it was signed"


def _unfit(tags: Mapping[str, str], signed: Sequence[str]) -> str:
    """Say why a signature is not even tried; empty = it is."""
    if tags.get("v", "1") != "1" or tags.get("a", "").lower() != "rsa-sha256":
        return "the signature is of a kind that is not verified"
    if "l" in tags:
        return "the signature covers only part of the mail"
    if not {"from", "subject", "date"} <= set(signed):
        return "the signature does not cover sender, subject and date"
    return ""


def _tags(text: str) -> dict[str, str]:
    return dict(_TAG.findall(text[:16_384]))


def _der(data: bytes, tag: int) -> tuple[bytes, bytes] | None:
    """Return content and rest of the first DER element, if it has this tag."""
    if len(data) < 2 or data[0] != tag:  # noqa: PLR2004 - tag and length
        return None
    length, start = data[1], 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 3:  # noqa: PLR2004 - no key is longer than 16 MB
            return None
        length, start = int.from_bytes(data[2 : 2 + count]), 2 + count
    return (data[start : start + length], data[start + length :]) if len(data) >= start + length else None


def _signed(fields: Sequence[Field], names: Sequence[str]) -> list[Field]:
    """List the fields a signature names: of several of a name the lowest first; one named too often is not there."""
    left: dict[str, list[Field]] = {}
    for field in fields:
        left.setdefault(field.name, []).append(field)
    return [left[name].pop() for name in names if left.get(name)]


def _lines(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _header(raw: bytes, *, relaxed: bool) -> bytes:
    raw = _lines(raw)
    if not relaxed:
        return raw if raw.endswith(b"\r\n") else raw + b"\r\n"
    name, _, value = raw.partition(b":")
    return name.strip().lower() + b":" + re.sub(rb"[ \t\r\n]+", b" ", value).strip() + b"\r\n"


def _body(body: bytes, *, relaxed: bool) -> bytes:
    body = _lines(body)
    if relaxed:
        body = re.sub(rb"[ \t]+", b" ", body)
        body = body.replace(b" \r\n", b"\r\n")
        body = body.removesuffix(b" ") if not body.endswith(b"\n") else body
    end = len(body)
    while body[end - 2 : end] == b"\r\n":
        end -= 2
    body = body[:end]
    return body + b"\r\n" if body or not relaxed else b""
