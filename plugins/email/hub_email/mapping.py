"""From a mail to neutral records: pure and total.

Nothing here reads a clock, the network or another mail. What a mail claims is kept as what it is; what
it proves, and to whom, is said by `hub_email.trust` and `hub_email.decision`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from hub.monitoring.check import ENDS, OF_CHECK
from hub.records import Alert, Approval, Communication, Complaint, Incident, Link, Person, Record, Request, Since
from hub.records.measurement import Attachment
from hub.sync.source import Document, Normalised, Skip
from hub_email.automatic import bounced_id, is_automatic, is_bounce
from hub_email.bounce import undelivered
from hub_email.decision import Decision, read_decision, say_solved
from hub_email.monitoring_mail import read_alerts, read_recoveries
from hub_email.parse.header import addresses, instant
from hub_email.parse.message import Mail, read_mail
from hub_email.parse.reply import own_line, trim
from hub_email.rule import facts_of, find_rule, matches_address
from hub_email.rule_settings import MailReading, MailRule
from hub_email.supplier_report import supplier_report
from hub_email.survey import survey_id, survey_record
from hub_email.thread import answers, case_key, chain
from hub_email.ticket_key import named_tickets
from hub_email.token import REPORTER, SurveyQuestion, find_tokens, is_of, read_token
from hub_email.trust import Sender, Trust

__all__ = ["CASES", "ENVELOPE", "Reading", "normalise"]

CASES: Mapping[str, str] = {"complaint": "complaint", "incident": "fault_report", "request": "other"}
"""Kinds of records that a conversation is about, and what its mail is called."""
_CALLED: Mapping[str, str] = {**CASES, "alert": "monitoring", "service_report": "supplier_notice"}
ENVELOPE = "envelope"
"""Stream of mails of which only the header was read."""
_MOST_RECIPIENTS = 100
_TEXT = 16_000
"""Characters of a text that stand in a record; the document holds the rest."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How the mail of one source is read."""

    source: str
    """Configured name; the prefix of all record ids."""
    settings: MailReading
    zone: str = "UTC"
    """The organisation's IANA zone."""
    trust: Trust = field(init=False)
    keys: tuple[str, ...] = field(init=False)
    own_domains: frozenset[str] = field(init=False)
    makes_cases: bool = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        decisions = settings.decisions
        secrets = [] if decisions is None else [decisions.key, *decisions.former_keys.values()]
        domains = frozenset(one.rpartition("@")[2].lower() for one in settings.trust.addresses)
        object.__setattr__(self, "trust", Trust.of(settings.trust))
        object.__setattr__(self, "keys", tuple(one.get_secret_value() for one in secrets))
        object.__setattr__(self, "own_domains", domains)
        object.__setattr__(self, "makes_cases", any(rule.becomes in CASES for rule in settings.rules))


@dataclass(slots=True)
class _Draft:
    """One mail on its way to records."""

    reading: Reading
    document: Document
    mail: Mail
    sender: Sender
    received_at: int | None
    written_at: int | None
    automatic: bool
    outgoing: bool
    records: list[Record] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)

    def skip(self, reason: str) -> None:
        self.skipped.append(Skip(self.document.native_id, reason))

    def own_id(self, kind: str) -> str:
        return f"{self.reading.source}:{kind}/{self.document.native_id}"

    @property
    def told(self) -> str | None:
        """The address it says it comes from; None where it names none, or several."""
        found = addresses(" ".join(self.mail.all("from")), 2)
        return self.sender.address or (found[0] if len(found) == 1 else None)

    def account(self, address: str | None) -> str | None:
        """Give the record id of an address, and make the record."""
        if address is None:
            return None
        record_id = f"{self.reading.source}:address/{address}"
        if all(one.id != record_id for one in self.records):
            person = self.reading.settings.accounts.get(address)
            tied = [person] if person else []
            source = self.reading.source
            account = Person(
                id=record_id, source=source, title=address, key=address, account=True, email=[address], same_as=tied
            )
            self.records.append(account)
        return record_id


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
    draft = _Draft(
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
    elif not (_decide(draft, message) or _rate(draft, message)):
        rule = find_rule(reading.settings.rules, facts_of(mail, document.scope, sender))
        _apply(draft, message, rule)
        _tie(draft, message)
        _confirm(draft, message)
    return Normalised([message, *draft.records], draft.skipped)


def _message(draft: _Draft) -> Communication:
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


# -- answers to questions of ours ---------------------------------------------------------------


def _decide(draft: _Draft, message: Communication) -> bool:
    """Make an approval, or a claim of one, of an answer to a question; say whether it is one."""
    decisions = draft.reading.settings.decisions
    if decisions is None or draft.outgoing:
        return False
    found = read_decision(
        draft.mail,
        draft.sender,
        keys=draft.reading.keys,
        automatic=draft.automatic,
        received_at=draft.received_at,
        written_at=draft.written_at,
        late_hours=decisions.late_hours,
    )
    if found is None:
        return False
    if found == "forged":
        draft.skip("decision: the question it answers is not ours")
        return False
    if not found.counts:
        draft.skip(f"decision: {found.reason}")
    message.record_id = found.question.subject
    if draft.automatic:
        return True
    if found.question.role == REPORTER:
        if found.counts:
            _agree(draft, message, found.word, found.question.subject, found.question.person)
        message.class_, message.class_basis = "other", "token"
        return True
    message.class_, message.class_basis = "approval", "token"
    draft.records.append(_approval(draft, message, found))
    return True


def _approval(draft: _Draft, message: Communication, found: Decision) -> Approval:
    question = found.question
    said = trim(draft.mail.text)[:500]
    approval = Approval(
        id=draft.own_id("approval"),
        source=draft.reading.source,
        scope=draft.document.scope,
        title=message.title,
        created_at=question.asked_at,
        subject_id=question.subject,
        subject_revision=question.revision,
        role=question.role,
        claimed_at=draft.written_at,
        via="email",
        evidence_ref=message.message_id,
        authenticity=draft.sender.authenticity,
        comment=said or None,
    )
    if not found.counts:
        approval.status = f"claim, does not count: {found.reason}"
        approval.labels = ["claim", *([found.word] if found.word else [])]
        return approval
    approval.status = found.word
    approval.approver = question.person
    approval.decision = found.word
    approval.decided_at = draft.received_at
    return approval


def _rate(draft: _Draft, message: Communication) -> bool:
    """Make an answered survey of an answer to one; say whether it is one."""
    if not draft.reading.keys or draft.outgoing or draft.automatic:
        return False
    mail = draft.mail
    texts = [*mail.all("in-reply-to"), *mail.all("references"), mail.text]
    for token in (token for text in texts for token in find_tokens(text)):
        question = read_token(token, draft.reading.keys)
        if not isinstance(question, SurveyQuestion):
            continue
        if not is_of(question, draft.sender.address):
            draft.skip("survey: answered from another address than was asked")
            continue
        survey = survey_record(
            question,
            record_id=survey_id(draft.reading.source, token),
            source=draft.reading.source,
            scope=draft.document.scope,
            text=mail.text,
            replied_at=draft.received_at,
        )
        if survey.score is None:
            draft.skip("survey: its first line holds no one number of the scale")
        draft.records.append(survey)
        message.class_, message.class_basis, message.record_id = "survey_reply", "token", survey.id
        return True
    return False


# -- what rules make of it ----------------------------------------------------------------------


def _apply(draft: _Draft, message: Communication, rule: MailRule | None) -> None:
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


def _tie(draft: _Draft, message: Communication) -> None:
    """Lay the mail to the ticket of another source that its subject names, besides what else it belongs to."""
    named = named_tickets(message.title, draft.reading.settings.tickets)
    if len(named) > 1:
        draft.skip("ticket: the subject names several")
    elif named and message.record_id is None:
        message.record_id = named[0]
    elif named:
        message.links = [*message.links, Link(type="record_id", target=named[0], at=draft.received_at)]


def _confirm(draft: _Draft, message: Communication) -> None:
    """Read a plain answer in the conversation of a ticket: whether its sender, who is proven, says that it is solved."""
    target = message.links[-1].target if message.links and message.links[-1].type == "record_id" else message.record_id
    believed = draft.sender.is_proven and draft.received_at is not None
    answered = bool(chain(draft.mail)) and not draft.outgoing and not draft.automatic
    if target is None or not believed or not answered or draft.reading.settings.decisions is None:
        return
    person = f"{draft.reading.source}:address/{draft.sender.address}"
    if _agree(draft, message, say_solved(own_line(draft.mail.text)), target, person):
        draft.account(draft.sender.address)


def _agree(draft: _Draft, message: Communication, word: str | None, ticket: str, person: str) -> bool:
    """State that somebody agrees that a ticket is solved, or does not; say whether either was said."""
    relation = {"approved": "confirms", "rejected": "disputes"}.get(word or "")
    if relation is None:
        return False
    at = draft.received_at
    message.links = [
        *message.links,
        Link(type=relation, target=ticket, at=at),
        Link(type="said_by", target=person, at=at),
    ]
    return True


def _begin_case(draft: _Draft, message: Communication, rule: MailRule, case_id: str, *, begins: bool) -> None:
    if draft.automatic:
        draft.skip(f"{rule.becomes}: a machine sent it")
    elif begins:
        message.record_id = case_id
        draft.records.append(_case(draft, rule, case_id, message.title))


def _supplier_report(draft: _Draft, message: Communication, rule: MailRule) -> None:
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


def _case(draft: _Draft, rule: MailRule, record_id: str, title: str) -> Complaint | Incident | Request:
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


def _alerts(draft: _Draft, message: Communication, rule: MailRule) -> None:
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


def _check(draft: _Draft, product: str, fingerprint: str) -> str:
    """Name what problems and recoveries of one check have in common; no record has that id."""
    return f"{draft.reading.source}:check/{product}:{fingerprint}"[:300]
