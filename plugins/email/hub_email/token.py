"""What we put into a question and find again in its answer: whom we asked what, signed.

A token stands in the Message-ID of the question, from where every mail program carries it into
In-Reply-To and References, and in its text. It is no secret: it proves what was asked, not who answers.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

__all__ = ["REPORTER", "Question", "SurveyQuestion", "find_tokens", "is_of", "read_token", "sign"]

_FOUND = re.compile(r"hub1\.([A-Za-z0-9_-]{16,1200})\.([A-Za-z0-9_-]{22})(?![A-Za-z0-9_-])")
_HEX = re.compile(r"(?:[0-9a-f]{2})+")
_MOST = 50
REPORTER = "reporter"
"""Role of whoever is asked whether a ticket may be closed."""


@dataclass(frozen=True, slots=True)
class Question:
    """A decision that somebody is asked for."""

    subject: str
    """Id of the record."""
    revision: str | None
    """What exactly is decided on; an answer counts for nothing else."""
    person: str
    """Id of the person asked."""
    role: str | None
    """Role in which."""
    address: str
    """Address asked; in what was read from a token its hash: see `is_of`."""
    asked_at: int
    """UTC milliseconds, whole seconds."""


@dataclass(frozen=True, slots=True)
class SurveyQuestion:
    """How content a customer is asked to say to be."""

    campaign: str
    ticket: str | None
    """Id of the ticket it asks about; None = it is asked at intervals."""
    customer: str | None
    """Id of the customer's record."""
    address: str
    asked_at: int
    scale_min: int
    scale_max: int


class _Body(msgspec.Struct, array_like=True):
    kind: str
    subject: str
    revision: str | None
    digest: bytes | None
    """The revision, where it is a hash."""
    person: str | None
    role: str | None
    address: bytes
    asked_s: int
    scale: tuple[int, int] | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Body)


def sign(question: Question | SurveyQuestion, key: str) -> str:
    """Write the token: `hub1.<what was asked>.<signature>`."""
    asked_s = question.asked_at // 1000
    if isinstance(question, Question):
        revision = question.revision
        digest = bytes.fromhex(revision) if revision and _HEX.fullmatch(revision) else None
        said = None if digest else revision
        address = _hash(question.address)
        body = _Body("d", question.subject, said, digest, question.person, question.role, address, asked_s)
    else:
        scale = question.scale_min, question.scale_max
        address = _hash(question.address)
        body = _Body("s", question.campaign, question.ticket, None, question.customer, None, address, asked_s, scale)
    packed = _text(_encoder.encode(body))
    return f"hub1.{packed}.{_text(_signature(packed, key))}"


def find_tokens(text: str) -> Iterator[str]:
    """Yield everything in a text that looks like a token, each once."""
    seen: set[str] = set()
    for found in _FOUND.finditer(text):
        if found.group() not in seen:
            seen.add(found.group())
            yield found.group()
        if len(seen) >= _MOST:
            return


def read_token(token: str, keys: Sequence[str]) -> Question | SurveyQuestion | None:
    """Return what a token asks; None where none of the keys signed it."""
    found = _FOUND.fullmatch(token)
    if found is None:
        return None
    packed, given = found.groups()
    if not any(hmac.compare_digest(_text(_signature(packed, key)), given) for key in keys):
        return None
    try:
        body = _decoder.decode(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    except (msgspec.DecodeError, binascii.Error, ValueError):
        return None
    address, asked_at = body.address.hex(), body.asked_s * 1000
    revision = body.digest.hex() if body.digest else body.revision
    if body.kind == "d" and body.person is not None:
        return Question(body.subject, revision, body.person, body.role, address, asked_at)
    if body.kind == "s" and body.scale is not None:
        return SurveyQuestion(body.subject, revision, body.person, address, asked_at, *body.scale)
    return None


def is_of(question: Question | SurveyQuestion, address: str | None) -> bool:
    """Say whether a question that was read from a token went to this address."""
    return address is not None and question.address == _hash(address).hex()


def _hash(address: str) -> bytes:
    return hashlib.sha256(address.lower().encode()).digest()[:12]


def _signature(packed: str, key: str) -> bytes:
    return hmac.digest(key.encode(), b"hub mail question\0" + packed.encode(), "sha256")[:16]


def _text(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).decode().rstrip("=")
