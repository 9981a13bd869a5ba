"""One step of a planned report, taken alone and in one transaction; what all commands on planned reports share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.option import Format
from hub.cli.output import emit
from hub.cli.session import Session
from hub.clock import format_instant

if TYPE_CHECKING:
    from hub.report.plan.cycle import Cycle
    from hub.report.plan.desk import Desk
    from hub.report.plan.plan import Office, Terms

__all__ = ["NoteOption", "ReportArgument", "next_step", "office_of", "sender_of", "step"]

_STATE = ("report", "revision", "state", "due_at", "submitted_at", "hash", "approvals", "ignored", "next")
ReportArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of the report, as `hub report plan` prints it.")]
NoteOption = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why.")]


def office_of(session: Session) -> Office:
    """Return the organisation whose reports are planned."""
    from hub.report.plan.plan import Office

    organisation = session.configuration.organisation
    return Office(organisation.name, organisation.zone, organisation.calendar)


def sender_of(session: Session, channel: str | None) -> tuple[str, str]:
    """Return address and name that messages of a channel come from."""
    settings = session.configuration.channels.get(channel or "")
    return str(getattr(settings, "sender", None) or "hub@localhost"), str(getattr(settings, "sender_name", ""))


def step(
    config: Path,
    output: Format,
    report_id: str,
    what: Callable[[Desk, str, Session], object],
    *,
    after: Callable[[Session], None] | None = None,
) -> None:
    """Do one step alone, in one transaction with the records it changes; then print how the report stands.

    `what` is handed the desk, the login at this machine, and the session.
    """
    from hub.report.plan.desk import Desk
    from hub.report.plan.record import refresh_reports
    from hub.store.authority import login_name
    from hub.sync.lock import DERIVE, hold

    with Session(config) as session, hold(session.store, DERIVE, clock=session.clock):
        office, now = office_of(session), session.clock.now_ms()
        with session.store.begin() as conn:
            what(Desk(conn, office, now=now), login_name(), session)
            refresh_reports(conn, office, now=now)
        if after is not None:
            after(session)
        with session.store.connect() as conn:
            desk = Desk(conn, office, now=now)
            cycle = desk.cycle(report_id)
            row = _stands(cycle, desk.terms(cycle))
    emit([row], _STATE, output)


def _stands(cycle: Cycle, terms: Terms) -> dict[str, Any]:
    last = cycle.last
    return {
        "report": cycle.report_id,
        "revision": last.number,
        "state": last.state,
        "due_at": format_instant(terms.due_at),
        "submitted_at": None if last.submitted_at is None else format_instant(last.submitted_at),
        "hash": last.hash or "",
        "approvals": [one.person for one in last.held],
        "ignored": [f"{one.person}: {why}" for one, why in last.ignored],
        "next": next_step(cycle),
    }


def next_step(cycle: Cycle) -> str:
    """Say what has to be done next, and by whom."""
    if (slot := cycle.next_approver()) is not None:
        return f"approval: {slot.person or slot.role or ''}"
    approved = bool(cycle.last.terms and cycle.last.terms.approvers)
    words = {"planned": "draft", "collecting": "draft", "drafted": "ask" if approved else "send", "approved": "send"}
    return words.get(cycle.state, {"rejected": "draft", "submitted": "archive"}.get(cycle.state, ""))
