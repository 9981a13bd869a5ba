"""From bytes to text, whatever the mail claims they are."""

from __future__ import annotations

import codecs

__all__ = ["MARK", "clean", "decode"]

MARK = "\ufffd"
"""Stands where bytes mean nothing."""
_ALIASES = {
    "ansi_x3.110-1983": "latin-1",
    "cp-850": "cp850",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "iso-8859-1": "cp1252",  # what everybody means by it, as browsers read it
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-8-i": "iso-8859-8",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift-jis": "cp932",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "unicode-1-1-utf-7": "utf-7",
    "utf8": "utf-8",
    "utf8mb4": "utf-8",
    "x-mac-roman": "mac-roman",
    "macintosh": "mac-roman",
}
_NO_CHARSETS = frozenset({"idna", "punycode", "raw_unicode_escape", "unicode_escape", "undefined", "mbcs", "oem"})
"""Codecs of Python that no mail is written in; some are slow on long input, some write control characters."""
_KEPT = {"\n", "\t"}
_DROPPED = {code: None for code in (*range(32), *range(127, 160), 0x2028, 0x2029) if chr(code) not in _KEPT}
_DROPPED |= dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF))
"""Control characters, and those that turn the direction of text around (they make one thing look like another)."""


def decode(body: bytes, charset: str | None) -> str:
    """Decode as the charset says where that works, else as UTF-8, else as Windows writes. Never fails."""
    for name in (_codec(charset), "utf-8"):
        if name is not None:
            try:
                return clean(body.decode(name))
            except (UnicodeError, ValueError):
                continue
    declared = _codec(charset)
    fallback = declared if declared not in (None, "ascii", "utf-8", "utf-7") else "cp1252"
    return clean(body.decode(fallback or "cp1252", "replace"))


def clean(text: str) -> str:
    """Make line ends one, drop control characters, and replace half pairs."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_DROPPED)
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _codec(charset: str | None) -> str | None:
    if not charset or len(charset) > 40:  # noqa: PLR2004 - no charset's name is that long
        return None
    name = charset.strip().strip("\"'").lower()
    name = _ALIASES.get(name, name)
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    if not getattr(found, "_is_text_encoding", True) or found.name.replace("-", "_") in _NO_CHARSETS:
        return None
    return found.name
