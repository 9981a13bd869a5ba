"""Header fields: split once, read with care. Every function takes any text and fails on none."""

from __future__ import annotations

import binascii
import calendar
import re
from dataclasses import dataclass
from email.utils import parsedate_tz
from urllib.parse import unquote_to_bytes

from hub_email.parse.charset import decode

__all__ = ["Field", "addresses", "instant", "message_ids", "one_address", "parameters", "split_fields", "words"]

LONGEST = 65_536
"""Bytes of one field that are read; the rest of it is cut off."""
MOST = 1_000
"""Fields that are read."""
_NAME = re.compile(rb"[!-9;-~]{1,100}(?=[ \t]*:)")
_ENCODED = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?\s]*)\?=")
_BETWEEN = re.compile(r"(\?=)[ \t\n]+(?==\?[^?\s]{1,60}\?[bBqQ]\?)")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_ID = re.compile(r"<([^<>\s]{1,900})>")
_PARAMETER = re.compile(r""";\s*([A-Za-z0-9_-]{1,40})(\*\d{1,3})?(\*)?\s*=\s*("(?:[^"\\]|\\.)*"|[^;"\s]*)""")
_ZONED = re.compile(r":\d{2}(?:[.,]\d+)?\s*(?:[+-]\d{4}\b|(?:Z|UTC?|GMT|[ECMP][SD]T)\b)", re.IGNORECASE)
"""Behind the time stands an offset, or a zone whose name is a standard's. All others are used for several."""
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Field:
    """One header field as it stands in the mail."""

    name: str
    """In lower case."""
    raw: bytes
    """All of it, name and line ends included: what a signature covers."""

    @property
    def text(self) -> str:
        """What follows the name, on one line, undecoded."""
        value = self.raw[:LONGEST].partition(b":")[2]
        try:
            text = value.decode("utf-8")
        except UnicodeDecodeError:
            text = value.decode("latin-1")
        return " ".join(text.split())


def split_fields(block: bytes) -> tuple[list[Field], bool]:
    """Split a header into its fields, uppermost first; also say whether all of it was sound and read."""
    fields: list[Field] = []
    sound = True
    name = b""
    start = place = 0
    for number, line in enumerate(block.split(b"\n")):
        if line[:1] not in (b" ", b"\t") or not name:
            if name:
                fields.append(Field(name.decode("ascii").lower(), block[start:place]))
            if len(fields) >= MOST:
                return fields, False
            found = _NAME.match(line)
            name, start = (found.group(), place) if found else (b"", place)
            if not found and line.strip() and not (number == 0 and line.startswith((b"From ", b">From "))):
                sound = False
        place += len(line) + 1
    if name:
        fields.append(Field(name.decode("ascii").lower(), block[start:place]))
    return fields, sound


def words(text: str) -> str:
    """Decode encoded words (RFC 2047); what cannot be decoded stays as it is."""
    if "=?" not in text:
        return decode(text.encode("utf-8", "replace"), "utf-8")
    pieces: list[str] = []
    text = _BETWEEN.sub(r"\1", text)
    place = 0
    waiting: tuple[str, bytes] | None = None  # letters of several bytes may be torn apart
    for found in _ENCODED.finditer(text):
        between = text[place : found.start()]
        charset, encoding, coded = found.groups()
        body = _decoded_word(encoding, coded)
        charset = charset.partition("*")[0].lower()
        if waiting is not None and (between or waiting[0] != charset):
            pieces.append(decode(waiting[1], waiting[0]))
            waiting = None
        pieces.append(between)
        waiting = (charset, body if waiting is None else waiting[1] + body)
        place = found.end()
    if waiting is not None:
        pieces.append(decode(waiting[1], waiting[0]))
    pieces.append(text[place:])
    return decode("".join(pieces).encode("utf-8", "replace"), "utf-8")


def _decoded_word(encoding: str, coded: str) -> bytes:
    raw = coded.encode("ascii", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(raw.replace(b"_", b" "))
    try:
        return binascii.a2b_base64(raw + b"=" * (-len(raw) % 4))
    except binascii.Error:
        return raw


def one_address(text: str) -> str | None:
    """Return the address of a field that names exactly one mailbox, in lower case; None = it is not that plain.

    A display name that looks like an address, groups, comments and several mailboxes are not: which of them
    a program shows or checks is anybody's guess.
    """
    bare = _QUOTED.sub("", text).strip()
    if "<" in bare:
        shown, _, rest = bare.partition("<")
        inner, closing, after = rest.partition(">")
        if not closing or after.strip() or any(sign in shown for sign in "@<>,;:()"):
            return None
        bare = inner
    return bare.lower() if _ADDRESS.fullmatch(bare) else None


def addresses(text: str, most: int = 200) -> list[str]:
    """Return every address in a field, in lower case, each once."""
    bare = _QUOTED.sub("", text[:LONGEST])
    found: dict[str, None] = {}
    for one in _ADDRESS.finditer(bare):
        found[one.group().lower()] = None
        if len(found) >= most:
            break
    return list(found)


def message_ids(text: str, most: int = 100) -> list[str]:
    """Return the ids in Message-ID, In-Reply-To or References, without their brackets, in order; the first and last of many."""
    found = _ID.findall(text[:LONGEST])
    return found if len(found) <= most else [found[0], *found[-most + 1 :]]


def instant(text: str) -> int | None:
    """Read a date with its offset into UTC milliseconds; None where it says no offset, or nothing that is a date."""
    text = text[:200]
    if not _ZONED.search(text):
        return None
    try:
        parts = parsedate_tz(text)
        if parts is None:
            return None
        offset = parts[9] or 0
        seconds = calendar.timegm((*parts[:6], 0, 0, 0)) - offset
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    year_in_reach = 0 <= seconds < 200 * 366 * _DAY_S
    return seconds * 1000 if year_in_reach and abs(offset) <= _DAY_S else None


def parameters(text: str) -> tuple[str, dict[str, str]]:
    """Split `text/plain; charset=utf-8` into what stands first, in lower case, and its parameters (RFC 2231)."""
    value, _, _ = text.partition(";")
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for found in _PARAMETER.finditer(text[:LONGEST]):
        name, number, coded, content = found.groups()
        name = name.lower()
        if content.startswith('"'):
            content = re.sub(r"\\(.)", r"\1", content[1:-1])
        if number is None and coded is None:
            plain.setdefault(name, content)
        else:
            pieces.setdefault(name, {})[int(number[1:]) if number else 0] = (content, coded is not None)
    for name, parts in pieces.items():
        plain[name] = _joined(parts)
    return value.strip().lower(), plain


def _joined(parts: dict[int, tuple[str, bool]]) -> str:
    charset = "utf-8"
    body = b""
    for number in sorted(parts):
        content, coded = parts[number]
        if coded and number == 0 and content.count("'") >= 2:  # noqa: PLR2004 - charset'language'text
            charset, _, content = content.split("'", 2)
        body += unquote_to_bytes(content) if coded else content.encode("utf-8", "replace")
    return decode(body, charset or "utf-8")
