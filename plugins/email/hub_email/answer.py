"""Answers to questions of ours: decisions, surveys, and what people say of a ticket in plain words."""

from __future__ import annotations

from hub.records import Approval, Communication, Link
from hub_email.decision import Decision, read_decision, say_solved
from hub_email.draft import Draft
from hub_email.parse.reply import own_line, trim
from hub_email.survey import survey_id, survey_record
from hub_email.thread import chain
from hub_email.token import REPORTER, SurveyQuestion, find_tokens, is_of, read_token

__all__ = ["confirm", "decide", "rate"]


def decide(draft: Draft, message: Communication) -> bool:
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


def _approval(draft: Draft, message: Communication, found: Decision) -> Approval:
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


def rate(draft: Draft, message: Communication) -> bool:
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


def confirm(draft: Draft, message: Communication) -> None:
    """Read a plain answer in the conversation of a ticket: whether its sender, who is proven, says that it is solved."""
    target = message.links[-1].target if message.links and message.links[-1].type == "record_id" else message.record_id
    believed = draft.sender.is_proven and draft.received_at is not None
    answered = bool(chain(draft.mail)) and not draft.outgoing and not draft.automatic
    if target is None or not believed or not answered or draft.reading.settings.decisions is None:
        return
    person = f"{draft.reading.source}:address/{draft.sender.address}"
    if _agree(draft, message, say_solved(own_line(draft.mail.text)), target, person):
        draft.account(draft.sender.address)


def _agree(draft: Draft, message: Communication, word: str | None, ticket: str, person: str) -> bool:
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
