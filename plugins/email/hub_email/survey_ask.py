"""Asks the reporters of closed tickets, each ticket once, and states what was asked as records of surveys.

A question is a row of the outbox named after its ticket: it cannot be queued twice, and a run that is killed goes on
where it was. What the mail server took becomes a record with the instant it took it; the answer, which the source of
mail reads, has the same id. That nobody answered is stated once all mail that could say otherwise was read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from hub.records import SatisfactionSurvey
from hub.records.base import Since
from hub.report.deliver import Way, deliver_waiting, held_reason
from hub.store import outbox
from hub.store.matched import HANDED_OVER
from hub.store.outbox import Delivery, MessageKey
from hub.store.reading import coverage_rows
from hub.store.revision import read_record
from hub.store.writer import Write, write_records
from hub_email.request_mail import known_zone, one_line, render_question
from hub_email.survey import survey_id
from hub_email.token import REPORTER, Question, SurveyQuestion, find_tokens, read_token, sign

if TYPE_CHECKING:
    from hub.clock import Clock
    from hub.store.store import Connection, Store
    from hub_email.rule_settings import SurveySettings
    from hub_email.survey_ticket import Asked

__all__ = ["CAMPAIGN", "Desk", "Surveyed", "ask_reporters", "question_id", "stands", "state_surveys"]

CAMPAIGN = "closed tickets"
_DAY_MS = 86_400_000
_SURVEY, _CLOSURE = "SURVEY-", "CLOSE-"
_CAME_BACK = "came back"


@dataclass(frozen=True, slots=True)
class Desk:
    """Who asks, and how."""

    source: str
    """Name of the source of mail that reads the answers."""
    settings: SurveySettings
    keys: Sequence[str]
    """The first signs."""
    channel: str
    sender: str
    zone: str


@dataclass(frozen=True, slots=True)
class Surveyed:
    """How one question stands after a run."""

    asked: Asked
    about: str
    """`survey`, or `closure`."""
    state: str
    """Of its mail; `not asked` where there is none."""
    queued_at: int | None
    answer: str
    """Score, `answered` where it holds none, `silent`, or empty."""
    detail: str


def question_id(asked: Asked, about: str) -> str:
    """Name what is asked: a survey once a ticket, whoever reported it; the closure once for each time it was resolved."""
    told = asked.ticket if about == "survey" else f"{asked.ticket}\0{asked.at}"
    prefix = _SURVEY if about == "survey" else _CLOSURE
    return prefix + hashlib.sha256(told.encode()).hexdigest()[:24]


def ask_reporters(
    store: Store, waiting: Sequence[tuple[str, Asked]], desk: Desk, way: Way, clock: Clock
) -> list[Surveyed]:
    """Queue what was never asked, deliver it, state what was sent; `waiting` = (`survey` or `closure`, ticket).

    The caller holds the lock of deriving and reporting: nobody else delivers meanwhile.
    """
    now = clock.now_ms()
    with store.begin() as conn:
        known = _asked_before(conn, desk.channel)
        meant = {question_id(asked, about) for about, asked in waiting}
        for name, delivery in known.items():
            if name not in meant and delivery.state == "waiting":
                outbox.settle(conn, delivery.key, "held", detail="the ticket changed, or too late, before it was sent")
        for about, asked in waiting:
            before = known.get(question_id(asked, about))
            if before is None and not asked.fault:
                _queue(conn, about, asked, desk, way=way, now=now)
            elif before is not None and before.state == "held" and way.may_deliver:
                key = before.key
                outbox.release(conn, key.report_id, key.revision, states=["held"], channels=[desk.channel])
    deliver_waiting(store, {desk.channel: way}, clock)
    with store.begin() as conn:
        state_surveys(conn, desk, now=clock.now_ms())
    return stands(store, waiting, desk)


def stands(store: Store, waiting: Sequence[tuple[str, Asked]], desk: Desk) -> list[Surveyed]:
    """Say how every question stands; asks nobody."""
    found = []
    with store.connect() as conn:
        known = _asked_before(conn, desk.channel)
        for about, asked in waiting:
            sent = known.get(question_id(asked, about))
            if sent is None:
                found.append(Surveyed(asked, about, "not asked", None, "", asked.fault))
                continue
            answer = _answer(conn, desk, sent) if about == "survey" else ""
            found.append(Surveyed(asked, about, sent.state, sent.queued_at, answer, sent.detail or ""))
    return found


def state_surveys(conn: Connection, desk: Desk, *, now: int) -> int:
    """Write which surveys were sent, came back or were met with silence; return how many records differ."""
    through = _read_through(conn, desk.source)
    writes = []
    for delivery in _asked_before(conn, desk.channel).values():
        asked = _question(desk, delivery)
        if asked is None or delivery.state not in ("sent", "bounced"):
            continue
        token, question = asked
        record_id = survey_id(desk.source, token)
        before = read_record(conn, record_id)
        answered = before if isinstance(before, SatisfactionSurvey) and before.replied_at is not None else None
        stated = answered or _survey(desk, record_id, question, delivery, through)
        if answered is not None and delivery.sent_at is not None:
            custom = {**answered.custom, HANDED_OVER: delivery.sent_at}
            stated = msgspec.structs.replace(answered, sent_at=delivery.sent_at, custom=custom)
        writes.append(Write(stated))
    return write_records(conn, writes, now).changed


def _survey(
    desk: Desk, record_id: str, question: SurveyQuestion, delivery: Delivery, through: int | None
) -> SatisfactionSurvey:
    """Say what is known of a question without answer. One that came back was put to nobody."""
    arrived = delivery.state == "sent"
    sent_at = delivery.sent_at if arrived else None
    over = None if sent_at is None else sent_at + desk.settings.silent_days * _DAY_MS
    silent = over is not None and through is not None and through >= over
    return SatisfactionSurvey(
        id=record_id,
        source=desk.source,
        title=question.campaign,
        status="sent" if arrived else _CAME_BACK,
        created_at=question.asked_at,
        campaign=question.campaign,
        type="ticket",
        channel="email",
        ticket_id=question.ticket,
        customer_id=question.customer,
        sent_at=sent_at,
        no_reply="silent" if silent else None,
        since=[Since(field="no_reply", at=over)] if silent and over is not None else [],
        scale_min=float(question.scale_min),
        scale_max=float(question.scale_max),
        custom={} if sent_at is None else {HANDED_OVER: sent_at},
    )


def _read_through(conn: Connection, source: str) -> int | None:
    """Return until when every mailbox in which an answer could lie was read."""
    rows = [row for row in coverage_rows(conn, source) if row.kind == "satisfaction_survey"]
    if not rows or any(row.reason is not None or row.through is None for row in rows):
        return None
    return min(row.through for row in rows if row.through is not None)


def _asked_before(conn: Connection, channel: str) -> Mapping[str, Delivery]:
    return {
        one.key.report_id: one
        for one in outbox.deliveries(conn)
        if one.key.channel == channel and one.key.report_id.startswith((_SURVEY, _CLOSURE))
    }


def _question(desk: Desk, delivery: Delivery) -> tuple[str, SurveyQuestion] | None:
    for token in find_tokens(delivery.message_id):
        question = read_token(token, desk.keys)
        if isinstance(question, SurveyQuestion):
            return token, question
    return None


def _answer(conn: Connection, desk: Desk, sent: Delivery) -> str:
    asked = _question(desk, sent)
    found = None if asked is None else read_record(conn, survey_id(desk.source, asked[0]))
    if not isinstance(found, SatisfactionSurvey):
        return ""
    if found.replied_at is None:
        return found.no_reply or ""
    return "answered" if found.score is None else f"{found.score:g}"


def _queue(conn: Connection, about: str, asked: Asked, desk: Desk, *, way: Way, now: int) -> None:
    key, settings = desk.keys[0], desk.settings
    question: Question | SurveyQuestion
    if about == "survey":
        scale = settings.scale_min, settings.scale_max
        question = SurveyQuestion(CAMPAIGN, asked.ticket, asked.customer, asked.address, now, *scale)
        subject, text = _survey_text(asked, settings)
    else:
        question = Question(asked.ticket, str(asked.at), asked.person, REPORTER, asked.address, now)
        subject, text = _closure_text(asked)
    token = sign(question, key)
    message_id, eml = render_question(
        subject,
        f"{text}\n\nOnly an answer from {asked.address} counts.\n\nReference: {token}\n",
        question,
        token=token,
        number=1,
        sender=desk.sender,
        now=now,
        zone=known_zone(asked.zone, desk.zone),
    )
    outbox.queue(
        conn,
        MessageKey(question_id(asked, about), 1, desk.channel, asked.address),
        message_id=message_id,
        message=eml,
        held=None if way.may_deliver else held_reason(desk.channel),
        now=now,
    )


def _survey_text(asked: Asked, settings: SurveySettings) -> tuple[str, str]:
    name, title = one_line(asked.name), one_line(asked.title)
    lines = (
        f"Your {asked.kind} is closed: {name} {title}".rstrip(),
        "",
        "How content are you with the way it was dealt with? Answer this mail with one number on the first line,",
        f"from {settings.scale_min} (not at all) to {settings.scale_max} (very much). What you write below it is read too.",
    )
    return f"how did we do? {name} {title}".strip(), "\n".join(lines)


def _closure_text(asked: Asked) -> tuple[str, str]:
    name, title = one_line(asked.name), one_line(asked.title)
    lines = (
        f"We believe that your {asked.kind} is solved: {name} {title}".rstrip(),
        "",
        "May it be closed? Answer this mail with one word on the first line:",
        "",
        "    APPROVE   it works, close it",
        "    REJECT    it does not",
    )
    return f"please confirm: {name} {title}".strip(), "\n".join(lines)
