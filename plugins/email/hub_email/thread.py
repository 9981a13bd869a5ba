"""Which mails belong together: by Message-ID, In-Reply-To and References, never by subject."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from hub_email.parse.header import message_ids
from hub_email.parse.message import Mail

__all__ = ["answers", "case_key", "chain"]


def chain(mail: Mail) -> list[str]:
    """Return the ids of the mails before it, the oldest first."""
    found = [one for text in mail.all("references") for one in message_ids(text)]
    found += [one for text in mail.all("in-reply-to") for one in message_ids(text)[:1]]
    return list(dict.fromkeys(found))


def answers(mail: Mail) -> str | None:
    """Return the id of the mail it answers."""
    direct = message_ids(mail.first("in-reply-to"))
    return direct[0] if direct else next(iter(chain(mail)[-1:]), None)


def case_key(mail: Mail, native_id: str, own_domains: Collection[str]) -> tuple[str, bool]:
    """Return what names the conversation, and whether this mail begins it.

    A conversation is named by its first mail that is not ours: what somebody writes back to a notice of ours begins
    one. What answers a mail of somebody else does not, even if that one was never seen here: the link then leads
    nowhere, which shows, where a second complaint made of each answer would not.
    """
    for one in chain(mail):
        if one.rpartition("@")[2].lower() not in own_domains:
            return _key(one), False
    return _key(mail.message_id or native_id), True


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]
