"""Which rule fits a mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hub_email.parse.header import addresses
from hub_email.parse.message import Mail
from hub_email.rule_settings import MailRule
from hub_email.trust import Sender

__all__ = ["Facts", "facts_of", "find_rule", "matches_address"]

_HEAD = 4_000
"""Characters of the text in which words are looked for."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules ask about a mail."""

    scope: str
    sender: Sender
    recipients: frozenset[str]
    subject: str
    text: str


def facts_of(mail: Mail, scope: str, sender: Sender) -> Facts:
    """Collect them."""
    names = ("to", "cc", "delivered-to", "x-original-to")
    recipients = frozenset(one for name in names for text in mail.all(name) for one in addresses(text))
    return Facts(scope, sender, recipients, mail.said("subject").lower(), mail.text[:_HEAD].lower())


def find_rule(rules: Sequence[MailRule], facts: Facts) -> MailRule | None:
    """Return the first rule that fits."""
    return next((rule for rule in rules if _fits(rule, facts)), None)


def matches_address(address: str | None, patterns: Sequence[str]) -> bool:
    """Say whether an address is one of these, or belongs to one written `@example.com`."""
    if address is None:
        return False
    domain = f"@{address.rpartition('@')[2]}"
    return any(pattern.lower() in (address, domain) for pattern in patterns)


def _fits(rule: MailRule, facts: Facts) -> bool:
    if rule.folders and not any(facts.scope == one or facts.scope.endswith(f"/{one}") for one in rule.folders):
        return False
    if rule.to and not any(matches_address(one, rule.to) for one in facts.recipients):
        return False
    if rule.sender and not matches_address(facts.sender.address, rule.sender):
        return False
    if rule.authenticated and not facts.sender.is_proven:
        return False
    if rule.subject and not any(one.lower() in facts.subject for one in rule.subject):
        return False
    return not rule.text or any(one.lower() in facts.text for one in rule.text)
