"""The service desk's own papers since September 2026: who was on duty, what was handed over, which calls came."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import cycle
from typing import TYPE_CHECKING, Any

from hub.clock import format_instant
from hub_sandbox.office_hours import HISTORY_END, HOUR_MS, MINUTE_MS, OfficeHours, month_of
from hub_sandbox.review_plan import Declared

if TYPE_CHECKING:
    from hub_sandbox.organisation import Organisation
    from hub_sandbox.timeline import Issue

__all__ = ["plan_duty"]

_CALLS_FROM = date(2026, 9, 1)
_SHIFTS_FROM = date(2026, 9, 14)
_LISTENED_TO = {
    "emil": (date(2026, 9, 25), date(2026, 10, 23)),
    "hanna": (date(2026, 9, 28), date(2026, 10, 26)),
    "frida": (date(2026, 9, 24),),
}
"""Who answers the telephone, and when the manager listened; nobody listened to Frida in October."""
_CALLS = 60
"""So many tickets came by telephone, about."""
_HEARD = 3
_SEATS = 5
_DESK = ("bruno", "emil", "frida", "gustav", "hanna")
_HALF_EMPTY = date(2026, 9, 24)
_NOT_SIGNED = date(2026, 9, 30)
_MANY_MISSED = ("payroll", 11)
"""Service and month of the history in which many callers had to try twice."""
_CUSTOMERS = {"shop": "customers/retail", "payroll": "customers/personnel"}
"""Service -> who calls about it."""
_URGENT = ("P1", "P2")


class _Papers:
    def __init__(self) -> None:
        self.rows: dict[str, list[Declared]] = defaultdict(list)

    def add(self, file: str, identity: str, written: int, **row: Any) -> None:
        """Write a row down; `from_` stands for `from`."""
        self.rows[file].append(Declared(identity, written, {key.rstrip("_"): value for key, value in row.items()}))


def plan_duty(organisation: Organisation, hours: OfficeHours) -> dict[str, list[Declared]]:
    """Return the rows of shifts, hand-overs, calls and reviews of calls, by file."""
    papers = _Papers()
    urgent = [one for one in organisation.issues if one.fields["project"] == "OPS" and one.fields["priority"] in _URGENT]  # fmt: skip
    for offset in range((HISTORY_END - _SHIFTS_FROM).days + 1):
        day = _SHIFTS_FROM + timedelta(days=offset)
        if day.weekday() < 5:  # noqa: PLR2004 - Saturday
            start, end = hours.local(day, 8), hours.local(day, 17)
            waiting = [issue for issue in urgent if issue.created_at <= end < _over(issue)]
            _shift(papers, day, start, end)
            papers.add(
                "handovers", f"desk-{day}", end + 10 * MINUTE_MS, title=f"To those on call, {day}", site="Berlin",
                from_="people/bruno", to="people/karl", at=format_instant(end), open_ticket_ids=waiting,
                confirmed_from=True, confirmed_to=day != _NOT_SIGNED,
            )  # fmt: skip
    _listen(papers, hours, _calls(papers, organisation, hours))
    return papers.rows


def _shift(papers: _Papers, day: date, start: int, end: int) -> None:
    there = _DESK[2:] if day == _HALF_EMPTY else _DESK
    logged = {"on": format_instant(start - 5 * MINUTE_MS), "off": format_instant(end + 5 * MINUTE_MS)}
    papers.add(
        "shifts", f"desk-{day}", end + 30 * MINUTE_MS, title=f"Service desk, {day}", site="Berlin", type="day",
        start=format_instant(start), end=format_instant(end), planned_seats=_SEATS,
        log_ons=[{"person": f"people/{person}", **logged} for person in there],
    )  # fmt: skip


def _over(issue: Issue) -> int:
    """Return when work on a ticket ended; far ahead where it has not."""
    done = [step.at for step in issue.steps if step.changes.get("status") == "Resolved"]
    return done[-1] if done else issue.created_at + 10**12


def _calls(papers: _Papers, organisation: Organisation, hours: OfficeHours) -> dict[str, list[tuple[int, str]]]:
    """Let some tickets come by telephone; return when each agent took which call."""
    agents, counted = cycle(_LISTENED_TO), Counter[tuple[str, int]]()
    taken: dict[str, list[tuple[int, str]]] = defaultdict(list)
    opened = hours.local(_CALLS_FROM, 0)
    tickets = [one for one in organisation.issues if one.fields["project"] == "OPS" and one.created_at >= opened]
    for issue in tickets[:: max(2, len(tickets) // _CALLS)]:
        at, agent, service = issue.created_at - 4 * MINUTE_MS, next(agents), issue.fields["components"][0]
        place = service, month_of(at)
        row = {"direction": "in", "channel": "phone", "class_": "service", "service_ids": [f"services/{service}"], "ticket_id": issue, "party": _CUSTOMERS[service]}  # fmt: skip
        if place == _MANY_MISSED and counted[place] % 4 == 0:
            missed = at - 20 * MINUTE_MS
            papers.add("contacts", f"call-{issue.id}-missed", at, at=format_instant(missed), answered=False, wait_s=90, **row)  # fmt: skip
        identity = f"call-{issue.id}"
        papers.add(
            "contacts", identity, at + 4 * MINUTE_MS, at=format_instant(at), agent=f"people/{agent}", answered=True, wait_s=12,
            duration_s=180, recording_ref=f"recordings/{issue.id}.ogg", **row,
        )  # fmt: skip
        counted[place] += 1
        taken[agent].append((at, f"contacts/{identity}"))
    return taken


def _listen(papers: _Papers, hours: OfficeHours, taken: dict[str, list[tuple[int, str]]]) -> None:
    for agent, days in _LISTENED_TO.items():
        for day in days:
            held = hours.local(day, 15)
            papers.add(
                "reviews", f"calls-{agent}-{day}", held + HOUR_MS, title=f"Calls of {agent.capitalize()}, {day}", type="call_quality",
                person=f"people/{agent}", held_at=format_instant(held), chaired_by="people/bruno",
                items=[call for at, call in taken[agent] if at < held][-_HEARD:],
                findings="Friendly, to the point; 4 of 5.", conclusions="Nothing to be done.",
            )  # fmt: skip
