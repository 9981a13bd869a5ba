"""Mail that says another mail did not arrive: which one, to whom, and why (RFC 3464). Pure and total."""

from __future__ import annotations

import re

from hub.records import Undelivered
from hub_email.automatic import is_bounce
from hub_email.parse.charset import clean
from hub_email.parse.header import addresses
from hub_email.parse.message import Mail

__all__ = ["undelivered", "verp"]

_MOST = 100
_FIELD = re.compile(rb"(?im)^([A-Za-z-]{1,40}):[ \t]*((?:.*)(?:\r?\n[ \t]+.*){0,20})")
_BLANK = re.compile(rb"\r?\n[ \t]*\r?\n")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,250}")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")


def undelivered(mail: Mail) -> list[Undelivered]:
    """Name the recipients another mail did not reach; empty where the mail is no bounce, or names none.

    Asked in this order: the groups of `message/delivery-status` whose action is `failed` (the original
    recipient before the final one, who may be somebody it was passed on to), `X-Failed-Recipients`, the
    address the bounce came to, where it is one of `verp`.
    """
    if not is_bounce(mail):
        return []
    found: dict[str, Undelivered] = {}
    for report in mail.parts.get("message/delivery-status", ()):
        for group in _BLANK.split(report)[: _MOST + 1]:
            one = _told(group)
            if one is not None:
                found.setdefault(one.address, one)
    if not found:
        failed = addresses(", ".join(mail.all("x-failed-recipients")), _MOST)
        found = {address: Undelivered(address=address) for address in failed}
    if not found:
        came_to = [*mail.all("delivered-to"), *mail.all("x-original-to"), *mail.all("to")]
        back = [address for text in came_to if (address := _unverp(text))]
        found = {address: Undelivered(address=address) for address in back[:1]}
    return list(found.values())[:_MOST]


def verp(sender: str, recipient: str) -> str:
    """Write the address whose bounces are the recipient's: `hub+alice=example.com@example.org`."""
    local, _, domain = sender.rpartition("@")
    return f"{local}+{recipient.replace('@', '=')}@{domain}"


def _unverp(text: str) -> str | None:
    found = re.search(r"(?<![^\s<\"])[^\s<>@+]{1,64}\+([^\s<>@]{1,64})=([A-Za-z0-9.-]{1,250})@", text)
    address = f"{found[1]}@{found[2]}".lower() if found else ""
    return address if _ADDRESS.fullmatch(address) else None


def _told(group: bytes) -> Undelivered | None:
    fields: dict[str, str] = {}
    for name, value in _FIELD.findall(group[:20_000]):
        fields.setdefault(name.decode().lower(), clean(value.decode("utf-8", "replace")).strip())
    if not fields.get("action", "").lower().startswith("failed"):
        return None
    for name in ("original-recipient", "final-recipient"):
        value = fields.get(name, "").partition(";")[2]
        address = _ADDRESS.search(_unxtext(value) if name == "original-recipient" else value)
        if address:
            status = _STATUS.search(fields.get("status", ""))
            said = " ".join(fields.get("diagnostic-code", "").partition(";")[2].split())
            return Undelivered(
                address=address[0].lower(), status=status[0] if status else None, said=said[:300] or None
            )
    return None


def _unxtext(text: str) -> str:
    return re.sub(r"\+([2-7][0-9A-F])", lambda found: chr(int(found[1], 16)), text)
