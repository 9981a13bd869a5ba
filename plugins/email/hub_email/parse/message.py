"""Takes a mail apart: header, text, files. Linear in its size, bounded in depth, and total.

Files are hashed and never opened: what is packed stays packed. The standard library's parser is not
used because it calls itself for every level a sender cares to nest.
"""

from __future__ import annotations

import binascii
import hashlib
from dataclasses import dataclass, field

from hub_email.parse.charset import decode
from hub_email.parse.header import Field, message_ids, parameters, split_fields, words
from hub_email.parse.hypertext import plain_text

__all__ = ["DEEPEST", "HEADER_BYTES", "MOST_PARTS", "TEXT_BYTES", "File", "Mail", "read_mail"]

DEEPEST = 20
"""Levels of parts within parts that are looked into."""
MOST_PARTS = 200
"""Parts that are looked at."""
HEADER_BYTES = 262_144
"""Bytes of header that are read, of the mail and of every part."""
TEXT_BYTES = 262_144
"""Bytes of text that are read."""


@dataclass(frozen=True, slots=True)
class File:
    """Something that came with a mail. Hashed, never opened."""

    name: str | None
    type: str
    sha256: str
    size: int


@dataclass(slots=True)
class Mail:
    """What a mail says."""

    fields: list[Field]
    """Header, uppermost first."""
    body: bytes = b""
    """Everything below the header, as it came."""
    text: str = ""
    """First text a reader would see; a page of HTML is turned into text."""
    files: list[File] = field(default_factory=list)
    parts: dict[str, list[bytes]] = field(default_factory=dict)
    """Content of parts that speak to machines, by type: `message/delivery-status`, `text/rfc822-headers`."""
    defects: list[str] = field(default_factory=list)
    """What was not as it should be, each reason once."""
    whole: bool = True
    """All of its header was read, and every line of it was one."""
    type: str = "text/plain"
    """Content type, with `report-type` behind a space where it says one."""

    def all(self, name: str) -> list[str]:
        """Return every field of this name, undecoded, on one line each."""
        return [one.text for one in self.fields if one.name == name]

    def first(self, name: str) -> str:
        """Return the uppermost field of this name, undecoded; empty where there is none."""
        return next((one.text for one in self.fields if one.name == name), "")

    def said(self, name: str) -> str:
        """Return the uppermost field of this name for people to read."""
        return words(self.first(name))[:1_000]

    @property
    def message_id(self) -> str | None:
        """Message-ID without its brackets."""
        return next(iter(message_ids(self.first("message-id"))), None)

    def defect(self, reason: str) -> None:
        """Note what is wrong with it."""
        if reason not in self.defects:
            self.defects.append(reason)


def read_mail(raw: bytes) -> Mail:
    """Take a mail apart. Never fails: what is not as it should be stands in `defects`."""
    fields, body, whole = _split(raw)
    mail = Mail(fields, body, whole=whole)
    if not whole:
        mail.defect("header cut or broken")
    if not fields:
        mail.defect("no header")
    seen = 0
    texts: dict[str, str] = {}
    waiting = [(fields, body, 0)]
    while waiting:
        own, content, depth = waiting.pop()
        seen += 1
        if seen > MOST_PARTS:
            mail.defect("too many parts")
            break
        kind, options = parameters(_of(own, "content-type") or "text/plain")
        if depth == 0:
            mail.type = f"{kind} {options.get('report-type', '')}".strip().lower()
        boundary = options.get("boundary", "")
        if kind.startswith("multipart/") and boundary and depth < DEEPEST:
            inner = _parts(content, boundary)
            if inner is None:
                mail.defect("parts without boundary")
                _leaf(mail, texts, own, content, "text/plain")
                continue
            waiting.extend((*part, depth + 1) for part in reversed(inner))
            continue
        if kind.startswith("multipart/"):
            mail.defect("parts nested too deeply" if boundary else "parts without boundary")
            kind = "text/plain" if not boundary else kind
        _leaf(mail, texts, own, content, kind)
    mail.text = texts.get("text/plain") or texts.get("text/html") or ""
    return mail


def _split(raw: bytes) -> tuple[list[Field], bytes, bool]:
    """Split at the first empty line; what has none is all header if its first line is a field, else all text."""
    ends = [
        (place, place + len(mark) + skip)
        for mark, skip in ((b"\n\r\n", 0), (b"\n\n", 0))
        if (place := raw.find(mark, 0, HEADER_BYTES)) >= 0
    ]
    if raw.startswith((b"\r\n", b"\n")):
        return [], raw.lstrip(b"\r\n"), True
    if not ends:
        if len(raw) > HEADER_BYTES:
            fields, _ = split_fields(raw[:HEADER_BYTES])
            after = max(raw.find(b"\n\r\n", HEADER_BYTES), raw.find(b"\n\n", HEADER_BYTES))
            return fields, raw[after:].lstrip(b"\r\n") if after >= 0 else b"", False
        fields, sound = split_fields(raw)
        return (fields, b"", sound) if fields else ([], raw, True)
    end, start = min(ends)
    fields, sound = split_fields(raw[: end + 1])
    return fields, raw[start:], sound


def _of(fields: list[Field], name: str) -> str:
    return next((one.text for one in fields if one.name == name), "")


def _parts(content: bytes, boundary: str) -> list[tuple[list[Field], bytes]] | None:
    """Cut at the lines that are the boundary; None where there is none."""
    mark = b"--" + boundary.encode("utf-8", "replace").rstrip()
    marks: list[tuple[int, int]] = []
    place = 0
    while len(marks) <= MOST_PARTS:
        at = content.find(mark, place)
        if at < 0:
            break
        line_end = content.find(b"\n", at)
        line_end = len(content) if line_end < 0 else line_end
        rest = content[at + len(mark) : line_end].strip()
        if (at == 0 or content[at - 1 : at] == b"\n") and rest in (b"", b"--"):
            marks.append((at, line_end + 1))
            if rest == b"--":
                break
        place = at + len(mark)
    if not marks:
        return None
    found = []
    for number, (_, start) in enumerate(marks):
        end = marks[number + 1][0] if number + 1 < len(marks) else len(content)
        if content[marks[number][0] + len(mark) : start].strip() == b"--":
            break
        piece = content[start:end]
        piece = piece[:-2] if piece.endswith(b"\r\n") else piece.removesuffix(b"\n")
        fields, body, _ = _split(b"\n" + piece) if piece.startswith((b"\n", b"\r\n")) else _split(piece)
        found.append((fields, body))
    return found


def _leaf(mail: Mail, texts: dict[str, str], fields: list[Field], content: bytes, kind: str) -> None:
    """Keep one part that holds no others: as text, for machines, or as a file."""
    _, options = parameters(_of(fields, "content-type"))
    disposition, placed = parameters(_of(fields, "content-disposition"))
    name = placed.get("filename") or options.get("name")
    shown = disposition != "attachment" and kind in ("text/plain", "text/html") and kind not in texts and not name
    encoding = _of(fields, "content-transfer-encoding").lower().strip()
    if shown:
        body = _plain_bytes(mail, content[: 3 * TEXT_BYTES], encoding)
        if len(body) > TEXT_BYTES or len(content) > 3 * TEXT_BYTES:
            mail.defect("text cut")
        text = decode(body[:TEXT_BYTES], options.get("charset"))
        texts[kind] = plain_text(text) if kind == "text/html" else text
        return
    body = _plain_bytes(mail, content, encoding)
    if kind in ("message/delivery-status", "text/rfc822-headers", "message/rfc822", "message/disposition-notification"):
        mail.parts.setdefault(kind, []).append(body[:HEADER_BYTES])
    if not body and not name:
        return
    shown_name = words(name)[:255] if name else None
    mail.files.append(File(shown_name, kind[:100], hashlib.sha256(body).hexdigest(), len(body)))


def _plain_bytes(mail: Mail, content: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        try:
            return binascii.a2b_base64(content)
        except binascii.Error:
            mail.defect("base64 broken")
            whole = content.translate(None, b"\r\n\t =")
            try:
                return binascii.a2b_base64(whole[: len(whole) - len(whole) % 4])
            except binascii.Error:
                return content
    if encoding == "quoted-printable":
        return binascii.a2b_qp(content)
    if encoding not in ("", "7bit", "8bit", "binary"):
        mail.defect("transfer encoding not known")
    return content
