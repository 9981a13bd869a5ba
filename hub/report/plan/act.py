"""What may be done to a report, and when: each function looks at the guards, then appends one step.

Every function works in the caller's transaction; HubError says what stands in the way. The caller holds the lock of
deriving and reporting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from hub.clock import format_instant
from hub.errors import HubError
from hub.records.service_report import ReportMetric
from hub.report.address import is_address
from hub.report.deliver import Way, held_reason
from hub.report.plan.cycle import Cycle, Decision, File, Revision, Step, StepType, content_hash, fits
from hub.report.plan.desk import Desk
from hub.report.plan.letter import render_letter
from hub.store import outbox
from hub.store.outbox import MessageKey
from hub.store.reading import coverage_rows
from hub.store.report_log import file_of, humans_of, keep_file, roles_at

if TYPE_CHECKING:
    from hub.records import ReportParty
    from hub.report.plan.plan import Terms

__all__ = ["ask", "cancel", "collect", "decide", "draft", "explain", "freeze", "next_revision", "queue_messages", "receive", "recipients", "register"]  # fmt: skip

_OUT = ("submitted", "archived")


def collect(desk: Desk, report_id: str, *, login: str, provisional: bool = False) -> None:
    """Freeze the data: note what was read of every source, up to when, and what was not."""
    cycle = desk.cycle(report_id)
    if cycle.state != "planned":
        _refuse(cycle, "its data was frozen already")
    _ended(desk, cycle, provisional=provisional)
    _append(desk, cycle.last.number, cycle, "collected", login=login, data=freeze(desk, provisional=provisional))


def draft(
    desk: Desk,
    report_id: str,
    files: Mapping[str, bytes],
    *,
    login: str,
    author: str | None = None,
    note: str = "",
    provisional: bool = False,
    figures: Sequence[ReportMetric] = (),
    told: Mapping[str, Any] | None = None,
    anew: bool = False,
) -> int:
    """Keep the rendered files of a report; return the revision.

    `told` is kept beside the figures: what the report says, where the hub compiled it. `anew`: the data is frozen anew.

    A rejected or submitted report gets its next revision; a correction has to say in `note` what was wrong. Other
    bytes in the same revision void whatever was approved of the former.
    """
    cycle = desk.cycle(report_id)
    last = cycle.last
    if not files or not all(files.values()):
        _refuse(cycle, "there is nothing in it")
    if last.state == "cancelled":
        _refuse(cycle, "it was cancelled")
    if last.state in _OUT and not note.strip():
        _refuse(cycle, "a correction says what was wrong: --note")
    number = next_revision(cycle)
    again = number != last.number
    if not again and desk.messages.get((report_id, number)):
        _refuse(cycle, "its messages are on their way; `hub report send` says how they fare")
    _ended(desk, cycle, provisional=provisional)
    terms = desk.plan.terms.get(report_id) or desk.terms(cycle)
    known = {one.metric_id for one in figures if one.current_actual is not None or one.missing_reason}
    if missing := [name for name in terms.metrics if name not in known]:
        _refuse(cycle, f"neither figure nor reason for {', '.join(missing)}: --figures")
    kept = [File(name, keep_file(desk.conn, body, desk.now)) for name, body in sorted(files.items())]
    digest = content_hash(kept)
    writer = author or terms.author
    if not again and (last.hash, last.author, note) == (digest, writer, last.note):
        return number  # the same bytes once more: nothing is void
    if again or anew or last.collected is None:
        _append(desk, number, cycle, "collected", login=login, data=freeze(desk, provisional=provisional))
    data: dict[str, Any] = {"provisional": True} if provisional else {}
    if told:
        data |= told
    if figures:
        data["metrics"] = msgspec.to_builtins(list(figures))
    step = Step(
        report_id=report_id,
        revision=number,
        type="drafted",
        at=desk.now,
        login=login,
        by=writer,
        hash=digest,
        files=kept,
        note=note.strip(),
        terms=terms,
        data=data,
    )
    desk.append(step)
    return number


def ask(desk: Desk, report_id: str, *, login: str) -> None:
    """Ask for the approvals the plan names, on the bytes as they are."""
    cycle = desk.cycle(report_id)
    if cycle.state != "drafted":
        _refuse(cycle, "only a drafted report can be reviewed")
    if not desk.terms(cycle).approvers:
        _refuse(cycle, "the plan names nobody who approves it: it may be sent")
    if desk.human(cycle.last.author) is None:
        _refuse(cycle, "its author is nobody in the register; name one in the plan, or with --author")
    _append(desk, cycle.last.number, cycle, "asked", login=login, digest=cycle.last.hash)


def decide(
    desk: Desk,
    report_id: str,
    word: StepType,
    *,
    revision: int | None,
    person: str,
    login: str,
    note: str = "",
    proven: bool = False,
) -> None:
    """Approve, reject or take back an approval, in somebody's name; binds to the bytes as they are.

    `proven`: the login is tied to that person, else the name was only typed.
    """
    cycle = desk.cycle(report_id)
    last = cycle.last
    if revision is not None and revision != last.number:
        _refuse(cycle, f"revision {revision} is not the one in hand, {last.number} is")
    if last.state not in ("in_review", "approved") or (
        desk.messages.get((report_id, last.number)) and word != "approved"
    ):
        _refuse(cycle, "nothing is to be decided on it")
    human = desk.human(person)
    if human is None:
        _refuse(cycle, f"{person} is nobody in the register")
    if human == desk.human(last.author):
        _refuse(cycle, f"{person} wrote it; somebody else decides")
    _check_bytes(desk, cycle)
    meant = Decision("", person, human, roles_at(desk.conn, human, desk.now), word, desk.now, last.hash)
    slots = desk.terms(cycle).approvers
    persons = {slot.person: number for slot in slots if slot.person and (number := desk.human(slot.person)) is not None}
    _may_decide(cycle, meant, slots, persons)
    if word == "rejected" and not note.strip():
        _refuse(cycle, "a rejection says why: --note")
    data = {"proven": True} if proven else {}
    _append(desk, last.number, cycle, word, login=login, by=person, digest=last.hash, note=note, data=data)


def _may_decide(cycle: Cycle, meant: Decision, slots: Sequence[ReportParty], persons: Mapping[str, int]) -> None:
    held = [one.human for one in cycle.last.held]
    person, place = meant.person, len(held)
    if meant.word == "approved":
        if meant.human in held:
            _refuse(cycle, f"{person} approved it already")
        if place >= len(slots):
            _refuse(cycle, "everybody the plan names approved it already")
        if not fits(slots[place], meant, persons):
            _refuse(
                cycle, f"it is not the turn of {person}: approver {place + 1} of the plan is {_named(slots[place])}"
            )
    elif meant.word == "rejected" and not any(fits(slot, meant, persons) for slot in slots):
        _refuse(cycle, f"{person} is none of the plan's approvers")
    elif meant.word == "withdrawn" and meant.human not in held:
        _refuse(cycle, f"there is no approval of {person} that holds")


def queue_messages(desk: Desk, report_id: str, ways: Mapping[str, Way], *, sender: str, name: str = "") -> int:
    """Put the messages of an approved report in the outbox, those that are not there; return its revision.

    What is in the outbox already is let go where it was held for the approval. The bytes are hashed once more.
    """
    cycle = desk.cycle(report_id)
    last, terms = cycle.last, desk.terms(cycle)
    if last.state in _OUT:
        return last.number
    if last.state != ("approved" if terms.approvers else "drafted"):
        _refuse(cycle, "it has to be approved first" if terms.approvers else "there is nothing to send")
    _check_bytes(desk, cycle)
    queued = desk.messages.get((report_id, last.number), [])
    channel = terms.method or ""
    if not queued and channel not in ways:
        _refuse(cycle, f"the plan's method {channel!r} is no channel; known: {', '.join(sorted(ways))}")
    if not queued:
        way = ways[channel]
        to = [address for _, address in recipients(desk, terms)] if way.addressed else [""]
        known = {address.lower() for address in to}
        earlier = outbox.reached(desk.conn, report_id, before=last.number) if way.addressed else []
        to += [address for address in earlier if address.lower() not in known]  # they have what is corrected
        if not to:
            _refuse(cycle, "the plan names no recipient")
        bodies = {file.name: file_of(desk.conn, file.sha256) for file in last.files}
        letter = render_letter(terms, last, bodies, sender=sender, name=name)
        for address in to:
            outbox.queue(
                desk.conn,
                MessageKey(report_id, last.number, channel, address),
                message_id=letter.message_id,
                message=letter.eml,
                held=None if way.may_deliver else held_reason(channel),
                now=desk.now,
            )
        desk.__dict__.pop("messages", None)
    return last.number


def recipients(desk: Desk, terms: Terms) -> list[tuple[str, str]]:
    """Return (person, address) of everybody the plan names, each once; HubError where somebody cannot be reached."""
    found: dict[str, str] = {}
    for party in terms.recipients:
        meant = humans_of(
            desk.conn,
            person=party.person,
            role=party.role,
            service=party.service_id,
            team=party.team_id,
            at=desk.now,
        )
        if not meant:
            raise HubError(f"{terms.report_id}: the recipient {_named(party)} is nobody in the register now")
        for one in meant:
            if not is_address(one.address):
                raise HubError(
                    f"{terms.report_id}: {one.person} has no valid mail address; add `email` in the register"
                )
            if one.address.lower() not in {address.lower() for address in found.values()}:
                found.setdefault(one.person, one.address)
    return list(found.items())


def register(desk: Desk, *, login: str = "") -> list[str]:
    """Enter every report that was handed over and is not entered yet in the register of reports; return their ids."""
    entered = []
    for report_id, cycle in desk.cycles().items():
        for one in cycle.revisions:
            if one.submitted_at is None or one.registered is not None or one.terms is None:
                continue
            data = {
                "period_start": one.terms.start,
                "period_end": one.terms.end,
                "due_at": one.terms.due_at,
                "submitted_at": one.submitted_at,
                "result": "on time" if one.submitted_at <= one.terms.due_at else "late",
            }
            _append(desk, one.number, cycle, "registered", login=login, digest=one.hash, data=data)
            entered.append(report_id)
    return entered


def receive(desk: Desk, report_id: str, *, login: str, where: str, at: int | None = None) -> None:
    """Note that the customer confirmed its copy."""
    cycle = desk.cycle(report_id)
    if cycle.last.submitted_at is None:
        _refuse(cycle, "it was not handed over")
    data = {"location": where, "at": at if at is not None else desk.now}
    _append(desk, cycle.last.number, cycle, "received", login=login, digest=cycle.last.hash, data=data)


def explain(desk: Desk, report_id: str, reason: str, *, login: str) -> None:
    """Note why a report is late."""
    cycle = desk.cycle(report_id)
    if not reason.strip():
        _refuse(cycle, "a reason is needed")
    _append(desk, cycle.last.number, cycle, "explained", login=login, note=reason)


def cancel(
    desk: Desk,
    report_id: str,
    ways: Mapping[str, Way],
    *,
    person: str,
    login: str,
    reason: str,
    sender: str,
    proven: bool = False,
) -> None:
    """Call a planned report off: an approver of the plan says so, and its readers are told in the same transaction."""
    cycle = desk.cycle(report_id)
    terms = desk.terms(cycle)
    if cycle.state not in ("planned", "collecting"):
        _refuse(cycle, "only a report that nobody drafted can be called off")
    human = desk.human(person)
    if not reason.strip():
        _refuse(cycle, "say why: --note")
    if human is None or human == desk.human(terms.author):
        _refuse(cycle, f"{person} may not call it off: it takes an approver who is not the author")
    meant = Decision("", person, human, roles_at(desk.conn, human, desk.now), "approved", desk.now, None)
    persons = {one.person: number for one in terms.approvers if one.person and (number := desk.human(one.person))}
    if not any(fits(slot, meant, persons) for slot in terms.approvers):
        _refuse(cycle, f"{person} is none of the plan's approvers")
    channel = terms.method or ""
    if channel not in ways:
        _refuse(cycle, f"its readers cannot be told: the plan's method {channel!r} is no channel")
    way = ways[channel]
    notice = render_letter(terms, cycle.last, {}, sender=sender, cancelled=reason.strip())
    for address in [address for _, address in recipients(desk, terms)] if way.addressed else [""]:
        outbox.queue(
            desk.conn,
            MessageKey(f"CANCEL-{report_id}", 1, channel, address),
            message_id=notice.message_id,
            message=notice.eml,
            held=None if way.may_deliver else held_reason(channel),
            now=desk.now,
        )
    data = {"proven": True} if proven else {}
    _append(desk, cycle.last.number, cycle, "cancelled", login=login, by=person, note=reason, data=data)


def _append(
    desk: Desk,
    number: int,
    cycle: Cycle,
    type_: StepType,
    *,
    login: str,
    by: str | None = None,
    digest: str | None = None,
    note: str = "",
    data: dict[str, Any] | None = None,
) -> None:
    terms = desk.plan.terms.get(cycle.report_id) if not desk.steps.get(cycle.report_id) else None
    desk.append(
        Step(
            report_id=cycle.report_id,
            revision=number,
            type=type_,
            at=desk.now,
            login=login,
            by=by,
            hash=digest,
            note=note.strip(),
            terms=terms,
            data=data or {},
        )
    )


def next_revision(cycle: Cycle) -> int:
    """Return the revision a draft would be of: the one in hand, or the next after a rejection or a handing over."""
    return cycle.last.number + (cycle.last.state in (*_OUT, "rejected"))


def freeze(desk: Desk, *, provisional: bool) -> dict[str, Any]:
    """Note what was read of every source, up to when, and what was not."""
    sources = [
        {
            "system": row.source,
            "query": f"{row.scope} {row.kind}".strip(),
            "through": row.through,
            "reason": row.reason,
        }
        for row in coverage_rows(desk.conn)
        if row.source != "hub"
    ]
    return {"as_of": desk.now, "provisional": provisional, "sources": sources}


def _ended(desk: Desk, cycle: Cycle, *, provisional: bool) -> None:
    terms = desk.terms(cycle)
    if terms.end > desk.now and not provisional:
        _refuse(cycle, f"its period ends at {format_instant(terms.end)}; before that it is --provisional")


def _check_bytes(desk: Desk, cycle: Cycle) -> None:
    """Read the files once more and hash them: what is approved and sent is what lies here, not what is said of it."""
    last: Revision = cycle.last
    for file in last.files:
        file_of(desk.conn, file.sha256)
    if last.hash is None or content_hash(last.files) != last.hash:
        _refuse(cycle, "its files are not those that were drafted")


def _named(party: Any) -> str:
    words = (party.person, party.role and f"role {party.role}", party.service_id, party.team_id)
    return " of ".join(word for word in words if word)


def _refuse(cycle: Cycle, why: str) -> NoReturn:
    raise HubError(f"{cycle.report_id} revision {cycle.last.number} is {cycle.state}: {why}")
