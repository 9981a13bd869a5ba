"""Text that both databases can hold: no NUL byte, no half of a surrogate pair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from hub.records import encode_record
from hub.records.base import Record

__all__ = ["Encodings", "clean", "encode_clean"]

Encodings = Mapping[int, tuple[Record, bytes]]
"""`id()` of a record -> the record and its bytes, of records that held no text to be replaced."""


def clean(text: str) -> str:
    """Replace what no database holds by U+FFFD; whole surrogate pairs become their character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", "\ufffd")


def _clean(value: Any) -> Any:
    match value:
        case str():
            return clean(value)
        case list():
            return [_clean(one) for one in value]
        case dict():
            return {_clean(key): _clean(one) for key, one in value.items()}
        case msgspec.Struct():
            return msgspec.structs.replace(
                value, **{name: _clean(getattr(value, name)) for name in value.__struct_fields__}
            )
    return value


def encode_clean(record: Record) -> tuple[Record, bytes, bool]:
    """Encode a record; return it, its bytes, and whether text had to be replaced."""
    try:
        body = encode_record(record)
    except UnicodeEncodeError:
        body = b"\\u0000"
    if b"\\u0000" not in body:
        return record, body, False
    cleaned: Record = _clean(record)
    return cleaned, (after := encode_record(cleaned)), after != body
