"""What a rule makes of a mail: the case it begins, alerts, a supplier's report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from hub.monitoring.check import ENDS, OF_CHECK
from hub.records import Alert, Communication, Complaint, Incident, Link, Request, Since
from hub_email.draft import CASES, Draft
from hub_email.monitoring_mail import read_alerts, read_recoveries
from hub_email.parse.reply import trim
from hub_email.rule_settings import MailRule
from hub_email.supplier_report import supplier_report
from hub_email.thread import case_key

__all__ = ["follow"]

_CALLED: Mapping[str, str] = {**CASES, "alert": "monitoring", "service_report": "supplier_notice"}
_TEXT = 16_000
"""Characters of a text that stand in a record; the document holds the rest."""


def follow(draft: Draft, message: Communication, rule: MailRule | None) -> None:
    """Say what the mail is and whose, and make the records the rule asks for; None = no rule speaks of it."""
    key, begins = case_key(draft.mail, draft.document.native_id, draft.reading.own_domains)
    if not begins and draft.reading.makes_cases:
        message.record_id = f"{draft.reading.source}:case/{key}"
    if rule is None:
        if not draft.automatic:
            draft.skip("no rule says what it is")
        return
    message.labels = [rule.name]
    message.service_ids, message.customer_id = sorted(rule.services), rule.customer
    message.record_id = rule.record or message.record_id
    called = rule.calls or _CALLED.get(rule.becomes or "")
    if called is not None:
        message.class_, message.class_basis = cast("Any", called), "rule"
    if draft.outgoing:
        return
    if rule.becomes in CASES:
        _begin_case(draft, message, rule, f"{draft.reading.source}:case/{key}", begins=begins)
    elif rule.becomes == "alert":
        _alerts(draft, message, rule)
    elif rule.becomes == "service_report":
        _supplier_report(draft, message, rule)


def _begin_case(draft: Draft, message: Communication, rule: MailRule, case_id: str, *, begins: bool) -> None:
    if draft.automatic:
        draft.skip(f"{rule.becomes}: a machine sent it")
    elif begins:
        message.record_id = case_id
        draft.records.append(_case(draft, rule, case_id, message.title))


def _supplier_report(draft: Draft, message: Communication, rule: MailRule) -> None:
    report = supplier_report(
        draft.mail,
        rule,
        record_id=draft.own_id("report"),
        source=draft.reading.source,
        scope=draft.document.scope,
        received_at=draft.received_at,
        zone=draft.reading.zone,
    )
    if rule.period is not None and report.period is None:
        draft.skip("supplier report: it does not name one period")
    # The mail belongs to the contract; it is no feedback on the report, which what names a report would be.
    message.record_id = rule.contract
    message.links = [*message.links, Link(type="evidences", target=report.id, at=draft.received_at)]
    draft.records.append(report)


def _case(draft: Draft, rule: MailRule, record_id: str, title: str) -> Complaint | Incident | Request:
    at = draft.received_at
    told: dict[str, Any] = {
        "id": record_id,
        "source": draft.reading.source,
        "scope": draft.document.scope,
        "title": title,
        "status": "received",
        "status_category": "new",
        "created_at": at,
        "recorded_at": at,
        "channel": "email",
        "description": trim(draft.mail.text)[:_TEXT] or title or None,
        "service_ids": sorted(rule.services),
        "customer_id": rule.customer,
    }
    person = draft.account(draft.told)
    made: Complaint | Incident | Request
    if rule.becomes == "complaint":
        made = Complaint(**told, received_at=at, complainant=person)
    elif rule.becomes == "incident":
        made = Incident(**told, reported_at=at, reporter=person, contact_ref=draft.told)
    else:
        made = Request(**told, reported_at=at, reporter=person, contact_ref=draft.told)
    if at is None:
        made.unknown_fields = [
            "created_at",
            "recorded_at",
            "reported_at" if rule.becomes != "complaint" else "received_at",
        ]
    else:
        # A mail never changes: what it says, it has said since it came.
        dated = ("received_at", "recorded_at", "reported_at", "channel", "description", "service_ids", "complainant")
        held = [name for name in (*dated, "reporter", "contact_ref", "customer_id") if getattr(made, name, None)]
        made.since = [Since(field=name, at=at) for name in sorted(held)]
    return made


def _alerts(draft: Draft, message: Communication, rule: MailRule) -> None:
    product = cast("Literal['alertmanager', 'icinga', 'nagios', 'zabbix']", rule.product)
    raised = read_alerts(product, message.title, draft.mail.text)
    if raised is None:
        draft.skip(f"{product}: not a mail of its usual form")
        return
    recovered = read_recoveries(product, message.title, draft.mail.text)
    message.links = [
        *message.links,
        *(
            Link(
                type=ENDS,
                target=_check(draft, product, one.fingerprint),
                at=draft.received_at if one.at is None else one.at,
            )
            for one in recovered
        ),
    ]
    if not raised and not recovered:
        draft.skip(f"{product}: no new problem; kept as a message")
    for number, one in enumerate(raised):
        started_at = draft.received_at if one.started_at is None else one.started_at
        draft.records.append(
            Alert(
                id=f"{draft.own_id('alert')}/{number}",
                source=draft.reading.source,
                scope=draft.document.scope,
                title=one.title,
                created_at=draft.received_at,
                fingerprint=f"{product}:{one.fingerprint}"[:300],
                resource=one.resource[:300],
                severity=one.severity,
                started_at=started_at,
                service_ids=sorted(rule.services),
                links=[Link(type=OF_CHECK, target=_check(draft, product, one.fingerprint))],
                raw_times={"started_at": one.started_text[:100]} if one.started_text else {},
                unknown_fields=["ended_at"] if started_at is not None else ["ended_at", "started_at"],
            )
        )


def _check(draft: Draft, product: str, fingerprint: str) -> str:
    """Name what problems and recoveries of one check have in common; no record has that id."""
    return f"{draft.reading.source}:check/{product}:{fingerprint}"[:300]
