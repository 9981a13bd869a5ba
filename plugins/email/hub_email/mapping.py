"""From a mail to neutral records: pure and total.

Nothing here reads a clock, the network or another mail. What a mail claims is kept as what it is; what
it proves, and to whom, is said by `hub_email.trust` and `hub_email.decision`.
"""

from __future__ import annotations

from hub.records import Communication, Link
from hub.records.measurement import Attachment
from hub.sync.source import Document, Normalised, Skip
from hub_email.answer import confirm, decide, rate
from hub_email.automatic import bounced_id, is_automatic, is_bounce
from hub_email.bounce import undelivered
from hub_email.draft import Draft, Reading
from hub_email.parse.header import addresses, instant
from hub_email.parse.message import read_mail
from hub_email.rule import facts_of, find_rule, matches_address
from hub_email.rule_outcome import follow
from hub_email.thread import answers
from hub_email.ticket_key import named_tickets

__all__ = ["ENVELOPE", "normalise"]

ENVELOPE = "envelope"
"""Stream of mails of which only the header was read."""
_MOST_RECIPIENTS = 100


def normalise(document: Document, reading: Reading) -> Normalised:
    """Turn one mail into the message it is, and into whatever else its rule or its token makes of it."""
    mail = read_mail(document.body)
    if not mail.fields:
        return Normalised([], [Skip(document.native_id, "no header: not a mail")])
    border = reading.trust.border(mail)
    sender = reading.trust.sender(mail, border)
    settings = reading.settings.trust
    from_us = matches_address(sender.address, settings.addresses)
    kept_as_sent = any(document.scope == one or document.scope.endswith(f"/{one}") for one in settings.sent)
    written_at = instant(mail.first("date"))
    draft = Draft(
        reading,
        document,
        mail,
        sender,
        received_at=border.at if border.place >= 0 else written_at if kept_as_sent else None,
        written_at=written_at,
        automatic=is_automatic(mail, sender.address),
        # Whoever writes our address into From does not speak for us: sent is what we keep as sent, or is proven.
        outgoing=kept_as_sent or (from_us and sender.is_proven),
    )
    message = _message(draft)
    if document.stream == ENVELOPE:
        draft.skip("too large to be read: only its header was")
        message.unknown_fields = sorted({*message.unknown_fields, "attachments", "class", "record_id"})
    elif not (decide(draft, message) or rate(draft, message)):
        rule = find_rule(reading.settings.rules, facts_of(mail, document.scope, sender))
        follow(draft, message, rule)
        _tie(draft, message)
        confirm(draft, message)
    return Normalised([message, *draft.records], draft.skipped)


def _message(draft: Draft) -> Communication:
    mail, sender = draft.mail, draft.sender
    to, cc = (addresses(", ".join(mail.all(name)), _MOST_RECIPIENTS) for name in ("to", "cc"))
    accounts = draft.reading.settings.accounts
    bounce = is_bounce(mail)
    date = mail.first("date")
    unknown = [] if draft.received_at is not None else ["received_at"]
    return Communication(
        id=draft.own_id("message"),
        source=draft.reading.source,
        scope=draft.document.scope,
        title=mail.said("subject")[:300],
        created_at=draft.received_at,
        message_id=mail.message_id,
        direction="out" if draft.outgoing else "in",
        from_=draft.told,
        to=to,
        cc=cc,
        sent_at=draft.written_at,
        received_at=draft.received_at,
        in_reply_to=(bounced_id(mail) if bounce else None) or answers(mail),
        authenticity=sender.authenticity,
        attachments=[Attachment(name=one.name, sha256=one.sha256, size=one.size) for one in mail.files],
        auto_submitted=draft.automatic,
        bounce=bounce,
        undelivered=undelivered(mail),
        to_persons=sorted({accounts[one] for one in (*to, *cc) if one in accounts}),
        raw_times={"sent_at": date[:100]} if date and draft.written_at is not None else {},
        unknown_fields=unknown,
        custom={"defects": mail.defects} if mail.defects else {},
    )


def _tie(draft: Draft, message: Communication) -> None:
    """Lay the mail to the ticket of another source that its subject names, besides what else it belongs to."""
    named = named_tickets(message.title, draft.reading.settings.tickets)
    if len(named) > 1:
        draft.skip("ticket: the subject names several")
    elif named and message.record_id is None:
        message.record_id = named[0]
    elif named:
        message.links = [*message.links, Link(type="record_id", target=named[0], at=draft.received_at)]
