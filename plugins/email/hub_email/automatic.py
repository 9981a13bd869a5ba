"""Which mail a machine wrote, and which says that another one did not arrive."""

from __future__ import annotations

from hub_email.parse.header import message_ids, split_fields
from hub_email.parse.message import Mail

__all__ = ["bounced_id", "is_automatic", "is_bounce", "is_machine"]

_PRESENT = frozenset(
    {
        *(
            "list-id",
            "list-unsubscribe",
            "list-post",
            "feedback-id",
            "x-autoreply",
            "x-autorespond",
            "x-autorespond-to",
        ),
        *("x-mailinglist", "x-ms-exchange-inbox-rules-loop", "x-ms-exchange-generated-message-source"),
        *("x-failed-recipients", "x-vacation", "delivered-by-the-graces-of-vacation"),
    }
)
_SUBJECTS = (
    *("automatic reply", "auto reply", "autoreply", "auto:", "out of office", "out of the office", "on vacation"),
    *("undeliverable", "undelivered mail", "mail delivery", "delivery status notification", "returned mail"),
    *("abwesenheit", "automatische antwort", "nicht im büro", "unzustellbar", "abwesend"),
    *("réponse automatique", "absence du bureau", "respuesta automática", "fuera de la oficina"),
    *("risposta automatica", "fuori sede", "automatisch antwoord", "afwezig", "autosvar", "frånvaro"),
    *("automatyczna odpowiedź", "автоматический ответ", "自动回复", "自動回覆", "自动答复"),
)
_MACHINES = ("mailer-daemon@", "postmaster@", "noreply@", "no-reply@", "do-not-reply@", "donotreply@")


def is_automatic(mail: Mail, address: str | None) -> bool:
    """Say whether a machine sent it: automatic answers, lists, bulk mail, bounces, receipts."""
    submitted = mail.first("auto-submitted").lower()
    return (
        (submitted != "" and not submitted.startswith("no"))
        or mail.first("precedence").lower() in ("bulk", "junk", "list", "auto_reply")
        or mail.first("x-auto-response-suppress").lower() == "all"
        or any(field.name in _PRESENT for field in mail.fields)
        or is_machine(address)
        or mail.type.startswith("multipart/report")
        or mail.first("return-path").replace(" ", "") == "<>"
        or mail.said("subject").lower().strip().startswith(_SUBJECTS)
        or is_bounce(mail)
    )


def is_machine(address: str | None) -> bool:
    """Say whether an address is one of those that nobody reads."""
    return (address or "").lower().startswith(_MACHINES)


def is_bounce(mail: Mail) -> bool:
    """Say whether it tells that another mail did not arrive."""
    if "message/delivery-status" in mail.parts:
        told = b"\n".join(mail.parts["message/delivery-status"]).lower()
        return b"action: failed" in told.replace(b"\t", b" ") or b"action:failed" in told
    if mail.type == "multipart/report delivery-status" or mail.first("x-failed-recipients"):
        return True
    sender = mail.first("from").lower()
    return "mailer-daemon@" in sender and mail.first("return-path").replace(" ", "") in ("<>", "")


def bounced_id(mail: Mail) -> str | None:
    """Return the Message-ID of the mail that did not arrive, where it is quoted."""
    for kind in ("message/rfc822", "text/rfc822-headers"):
        for body in mail.parts.get(kind, ()):
            fields, _ = split_fields(body.lstrip(b"\r\n"))
            for field in fields:
                if field.name == "message-id" and (found := message_ids(field.text)):
                    return found[0]
    return None
