"""The hub's own reports, approvals and messages as records: worked out from what was recorded, so that they are judged.

One `service_report` a revision, an `approval` a decision by command (those by mail or another tool are records
already), a `communication` a message. What comes out the same is not written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import msgspec

from hub.records import Approval, Communication, Period, Record, ServiceReport, Since
from hub.records.measurement import Attachment
from hub.records.report_content import Correction, ReportArchive, ReportEntry
from hub.records.service_report import DataSource, ReportDelivery, ReportFile, ReportMetric
from hub.report.plan.cycle import DECISIONS, Cycle, File, Revision, Step, content_hash
from hub.report.plan.desk import Desk, record_id
from hub.report.plan.lost import lost_reports
from hub.report.plan.plan import Terms
from hub.report.service.model import Content
from hub.store import outbox
from hub.store.outbox import Delivery
from hub.store.report_log import humans_of, keep_file
from hub.store.writer import Write, write_records

if TYPE_CHECKING:
    from hub.report.plan.plan import Office
    from hub.store.store import Connection

__all__ = ["adopt_issued", "attachments_of", "refresh_reports"]

_ISSUED = ("approved", "submitted", "archived", "corrected")


def refresh_reports(conn: Connection, office: Office, *, now: int) -> int:
    """Bring the records of planned reports up to date in the caller's transaction; return how many changed.

    A report whose period has ended is a record though nobody began it: it may be late. So is one outside the plan of
    which a message is lost.
    """
    desk = Desk(conn, office, now=now)
    adopt_issued(desk)
    writes: list[Write] = []
    for cycle in desk.cycles().values():
        terms = desk.plan.terms.get(cycle.report_id)
        if desk.steps.get(cycle.report_id) or (terms is not None and terms.end <= now):
            writes += [Write(one) for one in _records(desk, cycle)]
    writes += [Write(one) for one in lost_reports(desk)]
    return write_records(conn, writes, now).changed if writes else 0


def adopt_issued(desk: Desk) -> None:
    """Begin the cycle of planned reports that the hub issued by itself, such as that of conformance."""
    for issued in reversed(outbox.list_reports(desk.conn)):
        terms = desk.plan.terms.get(issued.report_id)
        steps = desk.steps.get(issued.report_id, [])
        if terms is None or any(one.revision == issued.revision and one.type == "drafted" for one in steps):
            continue
        bodies = {}
        for one in desk.messages.get((issued.report_id, issued.revision), []):
            body = outbox.message_of(desk.conn, one.key)
            bodies[hashlib.sha256(body).hexdigest()] = body
        if not bodies:
            continue
        names = dict.fromkeys(bodies, f"{issued.report_id}-r{issued.revision}")
        files = [
            File(
                f"{names[digest]}{'' if digest == issued.hash else '-light'}.eml", keep_file(desk.conn, body, desk.now)
            )
            for digest, body in sorted(bodies.items(), key=lambda pair: pair[0] != issued.hash)
        ]
        frozen = Step(
            report_id=issued.report_id,
            revision=issued.revision,
            type="collected",
            at=issued.created_at,
            data={"as_of": issued.as_of},
            terms=terms,
        )
        desk.append(frozen)
        desk.append(
            Step(
                report_id=issued.report_id,
                revision=issued.revision,
                type="drafted",
                at=issued.created_at,
                by=terms.author,
                hash=content_hash(files),
                files=files,
                terms=terms,
            )
        )


def _records(desk: Desk, cycle: Cycle) -> Iterator[Record]:
    places = {id(step): place for place, step in enumerate(cycle.steps, 1)}
    for one in cycle.revisions:
        terms = one.terms or desk.plan.terms.get(cycle.report_id)
        if terms is None:
            continue
        messages = desk.messages.get((cycle.report_id, one.number), [])
        sent = [_message(desk, cycle, one, message) for message in messages]
        yield _report(desk, cycle, one, terms, messages)
        yield from sent
        for step in cycle.steps:
            if step.revision == one.number and step.type in DECISIONS and step.by is not None:
                yield _approval(cycle, step, places[id(step)])
    for message in desk.messages.get((f"CANCEL-{cycle.report_id}", 1), []):
        yield _message(desk, cycle, cycle.last, message, notice=True)


def _report(desk: Desk, cycle: Cycle, one: Revision, terms: Terms, messages: list[Delivery]) -> ServiceReport:
    before = [each for each in cycle.revisions if each.number < one.number]
    issued_at = max((each.at for each in one.held), default=one.drafted_at) if one.state in _ISSUED else None
    approvals = [each.id for each in one.decisions]
    return ServiceReport(
        id=record_id(cycle.report_id, one.number),
        source="hub",
        key=f"{cycle.report_id} r{one.number}",
        title=terms.title or f"{terms.type} {terms.label}",
        created_at=min((step.at for step in cycle.steps if step.revision == one.number), default=terms.end),
        customer_id=terms.customer,
        service_ids=terms.services,
        report_id=cycle.report_id,
        revision=one.number,
        type=terms.type,
        class_=terms.cls,
        direction=terms.direction,
        process=terms.process,
        purpose=terms.purpose,
        audience=terms.audience,
        period=Period(start=terms.start, end=terms.end),
        zone=terms.zone,
        as_of=one.collected.data.get("as_of") if one.collected else None,
        issued_at=issued_at,
        due_at=terms.due_at,
        submitted_at=one.submitted_at,
        archived_at=one.archived.at if one.archived else None,
        state=one.state,
        author=one.author,
        approvals=approvals,
        data_sources=list(_sources(one)),
        metrics=_metrics(cycle, one),
        supersedes=record_id(cycle.report_id, before[-1].number) if before else None,
        change_note=one.note or None,
        corrections=_corrections(one, before),
        content_hash=one.hash,
        files=[ReportFile(name=file.name, sha256=file.sha256) for file in one.files],
        delivery=[_delivery(desk, [one, *before], terms, message) for message in messages],
        provisional=one.provisional or None,
        late_reason=one.explained or None,
        recipients=_recipients(desk, terms, one, before),
        about=terms.about,
        registered=ReportEntry(at=one.registered.at, **one.registered.data) if one.registered else None,
        archive=_archive(one),
        since=[Since(field="submitted_at", at=one.submitted_at)] if one.submitted_at is not None else [],
        **_content(cycle, one),
    )


def _sources(one: Revision) -> Iterator[DataSource]:
    for row in one.collected.data.get("sources", []) if one.collected else []:
        yield DataSource(
            system=row["system"],
            query=row["query"],
            retrieved_at=row["through"],
            complete=row["reason"] is None and row["through"] is not None,
            failure_note=row["reason"],
        )


def _content(cycle: Cycle, one: Revision) -> dict[str, Any]:
    """Give what the report says, where the hub compiled it, field by field."""
    drafted = [step for step in cycle.steps if step.revision == one.number and step.type == "drafted"]
    told = drafted[-1].data.get("content") if drafted else None
    if told is None:
        return {}
    return msgspec.structs.asdict(msgspec.convert(told, Content))


def _metrics(cycle: Cycle, one: Revision) -> list[ReportMetric]:
    drafted = [step for step in cycle.steps if step.revision == one.number and step.type == "drafted"]
    return msgspec.convert(drafted[-1].data.get("metrics", []), list[ReportMetric]) if drafted else []


def _corrections(one: Revision, before: list[Revision]) -> list[Correction]:
    if not before or before[-1].submitted_at is None or not one.note:
        return []
    return [Correction(name="content", old=before[-1].hash, new=one.hash)]


def _archive(one: Revision) -> ReportArchive | None:
    if one.archived is None:
        return None
    told = one.received.data if one.received else {}
    return ReportArchive(
        location=one.archived.data["location"],
        sha256=one.archived.data["sha256"],
        keep_until=one.archived.data["keep_until"],
        customer_location=told.get("location"),
        customer_received_at=told.get("at"),
    )


def _recipients(desk: Desk, terms: Terms, one: Revision, before: list[Revision]) -> list[str]:
    """Name everybody the plan meant: when it went out, else now; of a correction, whom the plan meant earlier too."""
    at = one.submitted_at or one.drafted_at or terms.due_at
    corrected = [each for each in before if each.submitted_at is not None and each.terms is not None]
    earlier = [person for each in corrected if each.terms for person in _recipients(desk, each.terms, each, [])]
    meant = [
        each.person
        for party in terms.recipients
        for each in humans_of(
            desk.conn, person=party.person, role=party.role, service=party.service_id, team=party.team_id, at=at
        )
    ]
    return list(dict.fromkeys([*meant, *earlier]))


def _delivery(desk: Desk, revisions: list[Revision], terms: Terms, message: Delivery) -> ReportDelivery:
    named = (_person(desk, one.terms or terms, message, one) for one in revisions)
    return ReportDelivery(
        recipient=next((person for person in named if person), None),
        message_id=message.message_id.strip("<>"),
        sent_at=message.sent_at,
        result=message.state,
    )


def _person(desk: Desk, terms: Terms, message: Delivery, one: Revision) -> str | None:
    at = one.submitted_at or message.sent_at or desk.now
    for party in terms.recipients:
        for each in humans_of(
            desk.conn, person=party.person, role=party.role, service=party.service_id, team=party.team_id, at=at
        ):
            if each.address.lower() == message.key.recipient.lower():
                return each.person
    return None


def _message(desk: Desk, cycle: Cycle, one: Revision, message: Delivery, *, notice: bool = False) -> Communication:
    gone = message.sent_at if message.state in ("sent", "bounced") else None
    native = f"{record_id(cycle.report_id, one.number)}/{'notice' if notice else 'message'}/{message.key.channel}/{message.key.recipient or '-'}"  # fmt: skip
    return Communication(
        id=native,
        source="hub",
        title=f"{cycle.report_id} r{one.number}",
        created_at=gone,
        message_id=message.message_id.strip("<>"),
        direction="out" if gone is not None else None,
        to=[message.key.recipient] if message.key.recipient else [],
        sent_at=gone,
        received_at=gone,
        class_="customer_notice" if notice else "report_delivery",
        class_basis="rule",
        attachments=[] if notice else _carried(desk, one, message),
        auto_submitted=True,
        record_id=record_id(cycle.report_id, one.number),
        status=message.state,
    )


def _carried(desk: Desk, one: Revision, message: Delivery) -> list[Attachment]:
    """Say what a message carried; of one that was disposed of, what was noted then."""
    if one.disposed is not None:
        noted = one.disposed.data["attached"].get(f"{message.key.channel}/{message.key.recipient}", [])
        return msgspec.convert(noted, list[Attachment])
    return list(attachments_of(outbox.message_of(desk.conn, message.key), one))


def attachments_of(body: bytes, one: Revision) -> Iterator[Attachment]:
    """List what went out, as hashed from the very bytes of the message."""
    digest = hashlib.sha256(body).hexdigest()
    if any(file.sha256 == digest for file in one.files):  # the message is the report
        yield Attachment(name=f"{one.number}.eml", sha256=digest, size=len(body))
        return
    for part in message_from_bytes(body, EmailMessage, policy=policy.SMTP).iter_attachments():
        content: Any = part.get_payload(decode=True)
        if isinstance(content, bytes):
            yield Attachment(name=part.get_filename(), sha256=hashlib.sha256(content).hexdigest(), size=len(content))


def _approval(cycle: Cycle, step: Step, place: int) -> Approval:
    """Give a decision by command; the later taking back of one is told by `withdrawn_at`."""
    back = next(
        (
            each.at
            for each in cycle.steps[place:]
            if each.type in ("withdrawn", "rejected") and each.by == step.by and each.revision == step.revision
        ),
        None,
    )
    return Approval(
        id=f"{record_id(cycle.report_id, step.revision)}/approval/{place}",
        source="hub",
        title=f"{cycle.report_id} r{step.revision}",
        created_at=step.at,
        subject_id=record_id(cycle.report_id, step.revision),
        subject_revision=step.hash,
        approver=step.by,
        decision=step.type if step.type in ("approved", "rejected", "withdrawn") else None,
        decided_at=step.at,
        withdrawn_at=back if step.type == "approved" else None,
        via="tool",
        authenticity="tool_login" if step.login and step.data.get("proven") else "typed",
        comment=step.note or None,
    )
