"""One ticket's clock, drawn for people: what counted, what did not, and what happened when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, select

from hub.records import Incident, Sla, Target
from hub.records.base import Event
from hub.records.support import Pause, Reopen
from hub.sla.story import load_stories
from hub.sla.ticket_drawing import draw_story
from hub.store import tables
from hub.testing.factory import at

ZONE = "Europe/Berlin"
AGREED = Sla(
    id="r:slas/gold",
    source="r",
    service_ids=["r:services/shop"],
    valid_from="2025-12-01",
    signed_at=0,
    targets=[
        Target(id="slow", metric="resolution", priority="P3", operator="<=", value=16, unit="h", calendar="5x8"),
        Target(id="fast", metric="resolution", priority="P1", operator="<=", value=4, unit="h", calendar="7x24"),
    ],
)


def drawn(office: Connection, keep: Callable[..., int], as_of: int = at(20), **fields: Any) -> list[str]:
    given = {"priority": "P3", "reported_at": at(hours=7), "created_at": at(hours=7)} | fields
    keep(AGREED, Incident(id="desk:1", source="desk", service_ids=["r:services/shop"], **given))
    sid = office.scalar(select(tables.record.c.sid).where(tables.record.c.id == "desk:1"))
    (story,) = load_stories(office, [sid or 0], ZONE).values()
    return list(draw_story(story, ZONE, as_of))


def said(lines: list[str]) -> list[str]:
    """What happened, without the day."""
    return [line[13:] for line in lines[lines.index("") + 1 :] if line.startswith("  ") and line[12:13] == " "]


def test_pauses_due_and_stop(office: Connection, keep: Callable[..., int]) -> None:
    asked = Pause(from_=at(hours=9), to=at(1, hours=9), customer_asked_at=at(hours=9), customer_replied_at=at(1))
    void = Pause(from_=at(1, hours=8), to=at(1, hours=9))
    lines = drawn(office, keep, pauses=[asked, void], resolved_at=at(1, hours=10))
    assert lines[0] == "resolution: met, 5:00 of 16:00 counted"
    assert lines[1] == "  promised: resolution P3 <= 16 h on 5x8 (r:slas/gold)"
    assert lines[4] == "Mon 05.01.                  ████▒▒▒▒··▒▒▒▒▒▒▒▒··············   2:00"
    assert lines[5].endswith("3:00")
    assert said(lines) == [
        "08:00  the clock starts as P3",
        "10:00  paused: the customer was asked",
        "01:00  goes on: the customer answered",
        "09:00  waiting for the customer, whom nobody asked: goes on counting",
        "11:00  the clock stops: in time",
        "15:00  due",
    ]


def test_priority_change_reopening_and_as_things_stood(office: Connection, keep: Callable[..., int]) -> None:
    raised = Event(at=at(1, hours=8), type="prioritised", field="priority", from_="P3", to="P1")
    again = Reopen(resolved_at=at(hours=8), reopened_at=at(1, hours=7))
    lines = drawn(office, keep, at(1, hours=10), priority="P1", events=[raised], reopens=[again])
    assert lines[0].startswith("resolution: ")
    happened = said(lines)
    assert "08:00  reopened: the same clock goes on" in happened
    assert "09:00  priority P3 -> P1: P1 <= 4 h on 7x24" in happened
    assert happened[-2:] == ["11:00  as things stood", "13:00  due"]


def test_days_on_which_nothing_happened_are_summed_up(office: Connection, keep: Callable[..., int]) -> None:
    lines = drawn(office, keep, resolved_at=at(14, hours=8))
    (quiet,) = [line for line in lines if "days on which nothing happened" in line]
    assert quiet.startswith("…           12 days")
    assert quiet.endswith("64:00")
    assert lines[0] == "resolution: missed, 81:00 of 16:00 counted"


def test_what_cannot_be_computed_says_why(office: Connection, keep: Callable[..., int]) -> None:
    lines = drawn(office, keep, priority=None)
    assert lines == ["resolution: not provable", "  its priority is not known"]
