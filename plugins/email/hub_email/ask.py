"""Asks by mail for the decisions that are still open: each person once, then reminders, until there is an answer.

What is open is what the requirements say is open: an approval that came by any tool closes it. Every
request is a row of the outbox named after what is asked, of whom and how often: it cannot be queued
twice, and a run that is killed goes on where it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.conformance.asked import Answer, answers_on, holders, humans, waiver_revision, zones
from hub.conformance.listing import list_obligations
from hub.records import Change, Waiver
from hub.report.address import is_address
from hub.report.deliver import Way, deliver_waiting, held_reason
from hub.report.wording import Days
from hub.store import outbox
from hub.store.outbox import Delivery, MessageKey
from hub.store.revision import read_record
from hub_email.request_mail import Matter, known_zone, render_request
from hub_email.token import Question

if TYPE_CHECKING:
    from hub.clock import Clock
    from hub.conformance.judge import Judgement
    from hub.store.store import Connection, Store
    from hub_email.rule_settings import DecisionSettings

__all__ = ["Asking", "Open", "ask", "find_open", "request_id", "stands"]

_DAY_MS = 86_400_000
_OPEN = ("pending", "at_risk")
_PREFIX = "ASK-"
_GONE = ("sent", "unknown")
_LOST = ("failed", "bounced")


@dataclass(frozen=True, slots=True)
class Open:
    """A decision that one person could make."""

    matter: Matter
    question: Question
    """`asked_at` is set when it is asked."""
    fault: str = ""
    """Why the person cannot be asked by mail."""
    claims: tuple[str, ...] = ()
    """Answers that do not count, each with its reason."""
    zone: str = ""
    """Zone in which dates are told to the person; empty = the organisation's."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How one open decision stands after a run."""

    open: Open
    requests: int
    """Requests queued so far, reminders included."""
    state: str
    """State of the last, `not asked` where there is none."""
    queued_at: int | None
    detail: str


def request_id(question: Question) -> str:
    """Name what is asked of whom: another revision or another person is another request."""
    told = "\0".join((question.subject, question.revision or "", question.person))
    return _PREFIX + hashlib.sha256(told.encode()).hexdigest()[:24]


def find_open(judgement: Judgement, settings: DecisionSettings, *, now: int, zone: str) -> list[Open]:
    """List the decisions that are open now, a row a person who could make it, by subject and person.

    `zone` is the organisation's, for people of whom none is known.
    """
    rows = [
        row
        for requirement in settings.requirements
        for row in list_obligations(judgement, requirement=requirement, verdicts=_OPEN, baseline=False)
    ]
    changes = sorted({row.unit.id for row in rows if row.unit.kind == "change"})
    waivers = [one.waiver for one in judgement.waivers if one.valid_to > now] if settings.waivers else []
    given = answers_on(judgement.conn, [*changes, *(one.id for one in waivers)])
    found = [one for subject in changes for one in _of_change(judgement.conn, subject, given, settings, now, zone=zone)]
    found += [one for waiver in waivers for one in _of_waiver(judgement.conn, waiver, given, zone)]
    return sorted(found, key=lambda one: (one.question.subject, one.question.person))


def _of_change(
    conn: Connection, subject: str, given: Sequence[Answer], settings: DecisionSettings, now: int, *, zone: str
) -> Iterator[Open]:
    change = read_record(conn, subject)
    if not isinstance(change, Change):
        return
    involved = humans(conn, [one for one in (change.implementer,) if one])
    for holder in holders(conn, settings.roles, now):
        if holder.human in involved.values() or _has_answered(given, subject, change.revision, holder.human):
            continue
        local = known_zone(holder.zone, zone)
        facts = (
            ("type", change.type or ""),
            ("risk", change.risk or ""),
            ("planned start", Days(local).minute(change.planned_start)),
            ("way back", change.backout_plan or ""),
        )
        matter = Matter("change", change.key or change.id, change.title, facts, change.url or "")
        question = Question(subject, change.revision, holder.person, holder.role, holder.address, 0)
        fault = "the change names no revision that could be approved" if not change.revision else ""
        yield Open(matter, question, fault or _unreachable(holder.address), _claims(given, subject), local)


def _of_waiver(conn: Connection, waiver: Waiver, given: Sequence[Answer], zone: str) -> Iterator[Open]:
    person, revision = waiver.approver, waiver_revision(waiver)
    human = humans(conn, [person]).get(person) if person else None
    if person is None or human is None or _has_answered(given, waiver.id, revision, human):
        return
    address = outbox.addresses(conn, [person]).get(person, "")
    local = known_zone(zones(conn, [person]).get(person, ""), zone)
    days = Days(local)
    facts = (
        ("requirement", waiver.requirement_id or ""),
        ("for", waiver.subject or waiver.subject_filter or "everything"),
        ("reason", waiver.reason or ""),
        ("from", days.minute(waiver.valid_from)),
        ("until", days.minute(waiver.valid_to)),
        ("asked for by", waiver.owner or ""),
    )
    name = waiver.id.rpartition("/")[2]
    question = Question(waiver.id, revision, person, "approver", address, 0)
    matter = Matter("waiver", name, waiver.title, facts)
    yield Open(matter, question, _unreachable(address), _claims(given, waiver.id), local)


def _has_answered(given: Sequence[Answer], subject: str, revision: str | None, human: int) -> bool:
    return any(
        one.subject == subject and one.human == human and one.decision is not None and one.revision in (None, revision)
        for one in given
    )


def _claims(given: Sequence[Answer], subject: str) -> tuple[str, ...]:
    return tuple(one.status for one in given if one.subject == subject and one.decision is None and one.status)


def _unreachable(address: str) -> str:
    return "" if is_address(address) else "the register knows no valid mail address: add `email` there"


def ask(
    store: Store, waiting: Sequence[Open], settings: DecisionSettings, way: Way, clock: Clock, *, sender: str, zone: str
) -> list[Asking]:
    """Queue what is due, deliver it, and say how every open decision stands.

    The caller holds the lock of deriving and reporting: nobody else delivers meanwhile.
    """
    now = clock.now_ms()
    channel = settings.channel
    with store.begin() as conn:
        sent = _requests(conn, channel)
        meant = {request_id(one.question) for one in waiting}
        for name, requests in sent.items():
            for delivery in requests:
                if name not in meant and delivery.state == "waiting":
                    outbox.settle(conn, delivery.key, "held", detail="answered, or changed, before it was sent")
        for one in waiting:
            before = sent.get(request_id(one.question), [])
            if before and before[-1].state == "held" and way.may_deliver:
                key = before[-1].key
                outbox.release(conn, key.report_id, key.revision, states=["held"], channels=[channel])
            if not one.fault and _is_due(before, one.question.address, settings, now):
                _queue(
                    conn,
                    one.question,
                    one.matter,
                    before,
                    settings=settings,
                    way=way,
                    now=now,
                    sender=sender,
                    zone=one.zone or zone,
                )
    deliver_waiting(store, {channel: way}, clock)
    return stands(store, waiting, settings)


def stands(store: Store, waiting: Sequence[Open], settings: DecisionSettings) -> list[Asking]:
    """Say how every open decision stands; asks nobody."""
    with store.connect() as conn:
        sent = _requests(conn, settings.channel)
    return [_asking(one, sent.get(request_id(one.question), [])) for one in waiting]


def _requests(conn: Connection, channel: str) -> dict[str, list[Delivery]]:
    """Return what was asked before by this channel, by name, the first request first."""
    found: dict[str, list[Delivery]] = {}
    for delivery in outbox.deliveries(conn):
        if delivery.key.report_id.startswith(_PREFIX) and delivery.key.channel == channel:
            found.setdefault(delivery.key.report_id, []).append(delivery)
    return {name: sorted(several, key=lambda one: one.key.revision) for name, several in found.items()}


def _is_due(before: Sequence[Delivery], address: str, settings: DecisionSettings, now: int) -> bool:
    if not before:
        return True
    last = before[-1]
    if last.state in _LOST and last.key.recipient != address:
        return True
    return (
        len(before) <= settings.reminders
        and last.state in (*_GONE, *_LOST)
        and now - last.queued_at >= settings.remind_days * _DAY_MS
    )


def _queue(
    conn: Connection,
    question: Question,
    matter: Matter,
    before: Sequence[Delivery],
    *,
    settings: DecisionSettings,
    way: Way,
    now: int,
    sender: str,
    zone: str,
) -> None:
    number = len(before) + 1
    asked_at = before[0].queued_at if before else now
    told = Question(question.subject, question.revision, question.person, question.role, question.address, asked_at)
    message_id, eml = render_request(
        matter, told, key=settings.key.get_secret_value(), number=number, sender=sender, now=now, zone=zone
    )
    outbox.queue(
        conn,
        MessageKey(request_id(question), number, settings.channel, question.address),
        message_id=message_id,
        message=eml,
        held=None if way.may_deliver else held_reason(settings.channel),
        now=now,
    )


def _asking(one: Open, requests: Sequence[Delivery]) -> Asking:
    if not requests:
        return Asking(one, 0, "not asked", None, one.fault)
    last = requests[-1]
    return Asking(one, len(requests), last.state, last.queued_at, last.detail or "")
