"""Which approvals of planned reports are open: whoever's turn it is, asked with the very bytes at hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hub.clock import format_instant
from hub.report.address import is_address
from hub.report.plan.desk import Desk, record_id
from hub.store.report_log import file_of, humans_of
from hub_email.ask import Open
from hub_email.request_mail import Matter
from hub_email.token import Question

if TYPE_CHECKING:
    from hub.report.plan.plan import Office
    from hub.store.store import Connection

__all__ = ["find_reports"]


def find_reports(conn: Connection, office: Office, *, now: int) -> list[Open]:
    """List the approvals of reports that are open now, a row a person who could give it."""
    desk = Desk(conn, office, now=now)
    return [one for report_id in sorted(desk.steps) for one in _of_report(desk, report_id)]


def _of_report(desk: Desk, report_id: str) -> Iterator[Open]:
    cycle = desk.cycle(report_id)
    slot, last, terms = cycle.next_approver(), cycle.last, desk.terms(cycle)
    if slot is None:
        return
    done = {one.human for one in last.held} | {desk.human(last.author)}
    meant = humans_of(desk.conn, person=slot.person, role=slot.role, service=slot.service_id, team=None, at=desk.now)
    facts = (
        ("period", f"{terms.label} ({terms.zone})"),
        ("due", format_instant(terms.due_at)),
        ("files", ", ".join(f"{file.name} {file.sha256}" for file in last.files)),
        ("corrected", last.note),
    )
    files = tuple((file.name, file_of(desk.conn, file.sha256)) for file in last.files)
    matter = Matter("report", f"{report_id} r{last.number}", terms.title, facts, files=files)
    for one in meant:
        if one.human in done:
            continue
        subject = record_id(report_id, last.number)
        question = Question(subject, last.hash, one.person, slot.role or "approver", one.address, 0)
        fault = "" if is_address(one.address) else "the register knows no valid mail address: add `email` there"
        yield Open(matter, question, fault, tuple(f"{each.person}: {why}" for each, why in last.ignored))
