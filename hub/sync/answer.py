"""What every tool's answer is read with, whichever library brought it: its JSON, its clock, how long to wait, what to quote."""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import TypeVar

import msgspec

from hub.errors import ProtocolFault, Retriable
from hub.sync.leniency import rewrite

__all__ = ["asked_wait_s", "http_date_ms", "quote", "read_json"]

T = TypeVar("T")
_LONGEST_QUOTE = 200


def read_json(body: bytes, shape: type[T], where: str) -> T:
    """Decode a body; ProtocolFault where it is something else, Retriable where it was cut off."""
    try:
        try:
            return msgspec.json.decode(body, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if isinstance(error, msgspec.ValidationError):
                raise
            return msgspec.json.decode(rewrite(body), type=shape)
    except msgspec.ValidationError as error:
        raise ProtocolFault(f"{where}: answer of an unexpected shape ({error})") from None
    except RecursionError:
        raise ProtocolFault(f"{where}: the answer is nested deeper than any document") from None
    except ValueError:  # neither strict nor lenient JSON
        if body.lstrip()[:1] not in {b"{", b"["}:
            told = "something else than data came, perhaps a login page"
            raise ProtocolFault(f"{where}: {told}; check url and credential of this source") from None
        raise Retriable(f"{where}: the answer was cut off") from None


def http_date_ms(text: str | None) -> int | None:
    """Read the date of a header, in milliseconds UTC; None where it is no date."""
    try:
        return int(parsedate_to_datetime(text).timestamp() * 1000) if text else None
    except (ValueError, TypeError, OverflowError):
        return None


def asked_wait_s(told: str | None, now_ms: int) -> float | None:
    """Read `Retry-After`, seconds or a date, as seconds from now; None where it says neither."""
    told = (told or "").strip()
    if told.isdecimal() and told.isascii():
        return float(told)
    instant = http_date_ms(told)
    return None if instant is None else max(0.0, (instant - now_ms) / 1000)


def quote(text: str, secrets: Iterable[str]) -> str:
    """Quote what a tool said: bounded, on one line, without a credential or either end of it."""
    for secret in filter(None, secrets):
        for part in (secret, secret[:12], secret[-12:]):
            text = text.replace(part, "***")
    return " ".join(text.split())[:_LONGEST_QUOTE].rstrip(". ")
