"""Reports outside the plan that did not arrive: records too, so that they are judged as long as a message is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from hub.conformance.cycle import known_calendars
from hub.conformance.expression import CALENDAR
from hub.records import Period, ServiceReport
from hub.records.service_report import ReportDelivery
from hub.report.model import decode_model
from hub.report.plan.desk import Desk, record_id
from hub.report.plan.due import due_instant
from hub.store import outbox
from hub.store.outbox import Delivery, Issued
from hub.store.report_log import ids_of
from hub.store.revision import current_records

__all__ = ["lost_reports"]

_DUE_DAYS = 3
"""Business days; those of a conformance report that a plan says nothing else of."""
_DUE_MINUTE = 17 * 60
_LOST = ("failed", "unknown", "bounced")


def lost_reports(desk: Desk) -> Iterator[ServiceReport]:
    """Give the issued reports of no plan of whose last revision a message is lost: due, and not handed over.

    One whose messages arrived since, by being sent again, owes nothing more: it has no due time. Nobody planned, drafted
    or approved such a report, so its record says no more than when it was due and how its messages fare.
    """
    last: dict[str, Issued] = {}
    for one in outbox.list_reports(desk.conn):
        if one.report_id not in desk.plan.terms and one.report_id not in desk.steps:
            last.setdefault(one.report_id, one)
    wanted = {}
    for issued in last.values():
        messages = desk.messages.get((issued.report_id, issued.revision), [])
        if any(each.state in _LOST for each in messages):
            wanted[record_id(issued.report_id, issued.revision)] = issued, messages
    known = {
        one.id: one
        for one in current_records(desk.conn, ids_of(desk.conn, "service_report"))
        if isinstance(one, ServiceReport) and one.source == "hub" and one.report_id in last
    }
    for name, (issued, messages) in sorted(wanted.items()):
        yield _report(desk, name, issued, messages)
    for name, record in sorted(known.items()):
        if name not in wanted:
            messages = desk.messages.get((record.report_id or "", record.revision or 0), [])
            yield msgspec.structs.replace(record, due_at=None, class_="special", delivery=_delivery(messages))


def _report(desk: Desk, name: str, issued: Issued, messages: Sequence[Delivery]) -> ServiceReport:
    identity, office = decode_model(issued.model).identity, desk.office
    calendar = next(
        one for one in known_calendars(desk.conn, desk.now, office.zone, office.calendar) if one.id == CALENDAR
    )
    return ServiceReport(
        id=name,
        source="hub",
        key=f"{issued.report_id} r{issued.revision}",
        title=f"conformance {issued.period}, {identity.scope}",
        created_at=issued.created_at,
        report_id=issued.report_id,
        revision=issued.revision,
        type="conformance",
        class_="routine",
        direction="internal",
        period=Period(start=identity.period.start, end=identity.period.end),
        zone=identity.period.zone,
        as_of=issued.as_of,
        due_at=due_instant(
            max(issued.created_at, identity.period.end),
            days=_DUE_DAYS,
            business=True,
            minute=_DUE_MINUTE,
            calendar=calendar,
            zone=office.zone,
        ),
        late_reason="; ".join(
            dict.fromkeys(f"{each.state}: {each.detail}" for each in messages if each.state in _LOST)
        ),
        content_hash=issued.hash,
        delivery=_delivery(messages),
    )


def _delivery(messages: Sequence[Delivery]) -> list[ReportDelivery]:
    return [
        ReportDelivery(message_id=each.message_id.strip("<>"), sent_at=each.sent_at, result=each.state)
        for each in messages
    ]
