"""What a source of mail, as its rules stand, can say of each kind."""

from __future__ import annotations

from hub.sync.source import Provision
from hub_email.rule_settings import MailReading

__all__ = ["DECIDED", "MESSAGE", "OF_RULES", "SURVEYED", "provided_kinds", "provisions"]


def _names(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


MESSAGE = Provision(
    "communication",
    _names(
        "attachments authenticity auto_submitted bounce cc class class_basis created_at custom customer_id direction from",
        "in_reply_to labels links message_id received_at record_id scope sent_at service_ids title to to_persons undelivered",
    ),
)
"""What is said of every mail."""
_ENVELOPE = _names("created_at scope service_ids title")
_CASE = _ENVELOPE | _names("channel customer_id description recorded_at status status_category")
_TICKET = _CASE | _names("contact_ref reported_at reporter")
OF_RULES = {
    "alert": Provision("alert", _ENVELOPE | _names("ended_at fingerprint links resource severity started_at")),
    "complaint": Provision("complaint", _CASE | _names("complainant received_at")),
    "incident": Provision("incident", _TICKET),
    "request": Provision("request", _TICKET),
    "service_report": Provision(
        "service_report", _ENVELOPE | _names("content_hash contract_id direction files submitted_at type")
    ),
}
"""What a rule that makes a kind lets mail say."""
_REPLIED = {"complaint": "first_reply_at", "incident": "first_response_at", "request": "first_response_at"}
"""Where sent mail is read, a reply is seen as the message it is; that the field is empty then hides none."""
DECIDED = (
    Provision(
        "approval",
        _names(
            "approver authenticity claimed_at comment created_at decided_at decision evidence_ref",
            "labels role scope status subject_id subject_revision title via",
        ),
    ),
)
"""What answers to signed questions say."""
SURVEYED = Provision(
    "satisfaction_survey",
    _names(
        "campaign channel comment created_at customer_id no_reply replied_at scale_max scale_min scope",
        "score sent_at status ticket_id title type",
    ),
)
"""What questions after a ticket, and the answers to them, say."""
_PERSON = _names("account email same_as title")


def provisions(settings: MailReading) -> list[Provision]:
    """List kinds and fields. Nothing is provided that no rule makes."""
    found = {MESSAGE.kind: MESSAGE.fields}
    for rule in settings.rules:
        if rule.becomes is None:
            continue
        fields = OF_RULES[rule.becomes].fields
        if settings.trust.sent and rule.becomes in _REPLIED:
            fields |= {_REPLIED[rule.becomes]}
        if rule.becomes == "service_report" and rule.period is not None:
            fields |= {"period"}
        found[rule.becomes] = found.get(rule.becomes, frozenset()) | fields
    if settings.decisions is not None:
        found |= {each.kind: each.fields for each in DECIDED}
    if settings.surveys is not None:
        found[SURVEYED.kind] = SURVEYED.fields
    if any(rule.becomes in ("complaint", "incident", "request") for rule in settings.rules):
        found["person"] = _PERSON
    return [Provision(kind, found[kind]) for kind in sorted(found)]


def provided_kinds(settings: MailReading) -> frozenset[str]:
    """Name the kinds whose absence may be concluded once every folder was read."""
    return frozenset(each.kind for each in provisions(settings)) - {"person"}
