"""What a source of mail, as its rules stand, can say of each kind."""

from __future__ import annotations

from hub.sync.source import Provision
from hub_email.rule_settings import MailReading

__all__ = ["provided_kinds", "provisions"]

_MESSAGE = frozenset(
    {
        *(
            "attachments",
            "authenticity",
            "auto_submitted",
            "bounce",
            "cc",
            "class",
            "class_basis",
            "created_at",
            "custom",
        ),
        *(
            "customer_id",
            "direction",
            "from",
            "in_reply_to",
            "labels",
            "message_id",
            "received_at",
            "record_id",
            "scope",
            "undelivered",
        ),
        *("sent_at", "service_ids", "title", "to", "to_persons"),
    }
)
_ENVELOPE = frozenset({"created_at", "scope", "service_ids", "title", "unknown_fields"}) - {"unknown_fields"}
_CASE = _ENVELOPE | {"channel", "customer_id", "description", "recorded_at", "status", "status_category"}
_TICKET = _CASE | {"contact_ref", "reported_at", "reporter"}
_OF_RULES = {
    "alert": _ENVELOPE | {"fingerprint", "resource", "severity", "started_at"},
    "complaint": _CASE | {"complainant", "received_at"},
    "incident": _TICKET,
    "request": _TICKET,
    "service_report": _ENVELOPE | {"content_hash", "contract_id", "direction", "files", "submitted_at", "type"},
}
_REPLIED = {"complaint": "first_reply_at", "incident": "first_response_at", "request": "first_response_at"}
"""Where sent mail is read, a reply is seen as the message it is; that the field is empty then hides none."""
_APPROVAL = frozenset(
    {
        *("approver", "authenticity", "claimed_at", "comment", "created_at", "decided_at", "decision", "evidence_ref"),
        *("labels", "role", "scope", "status", "subject_id", "subject_revision", "title", "via"),
    }
)
_SURVEY = frozenset(
    {
        *(
            "campaign",
            "channel",
            "comment",
            "created_at",
            "customer_id",
            "replied_at",
            "scale_max",
            "scale_min",
            "scope",
        ),
        *("score", "sent_at", "ticket_id", "title", "type"),
    }
)
_PERSON = frozenset({"account", "email", "same_as", "title"})


def provisions(settings: MailReading) -> list[Provision]:
    """List kinds and fields. Nothing is provided that no rule makes."""
    found = {"communication": _MESSAGE}
    for rule in settings.rules:
        if rule.becomes is None:
            continue
        fields = _OF_RULES[rule.becomes]
        if settings.trust.sent and rule.becomes in _REPLIED:
            fields |= {_REPLIED[rule.becomes]}
        if rule.becomes == "service_report" and rule.period is not None:
            fields |= {"period"}
        found[rule.becomes] = found.get(rule.becomes, frozenset()) | fields
    if settings.decisions is not None:
        found |= {"approval": _APPROVAL, "satisfaction_survey": _SURVEY}
    if any(rule.becomes in ("complaint", "incident", "request") for rule in settings.rules):
        found["person"] = _PERSON
    return [Provision(kind, found[kind]) for kind in sorted(found)]


def provided_kinds(settings: MailReading) -> frozenset[str]:
    """Name the kinds whose absence may be concluded once every folder was read."""
    return frozenset(one.kind for one in provisions(settings)) - {"person"}
