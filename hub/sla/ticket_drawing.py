"""Draws one ticket's clock: a line a day with what counted and what did not, and what happened when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from hub.records import Target
from hub.sla.clock import FOREVER, Case, Reading, pauses_that_hold, state_at
from hub.sla.story import Story
from hub.sla.target import told
from hub.sla.ticket import Ticket
from hub.sla.zone import load_zone, wall_to_utc

__all__ = ["draw_story", "happenings"]

COUNTED, OFF, LEFT, SHUT, OUTSIDE = "█", "▒", "░", "·", " "
_HALF_HOURS = 48
_QUIET = 3
"""So many days in a row on which nothing happened are drawn; more are summed up in a line."""
_DAY = timedelta(days=1)


def draw_story(story: Story, zone: str, as_of: int) -> Iterator[str]:
    """Give a heading, the days from the clock's start to its stop and due instant, and what happened.

    Times are those of `zone`. Every sign is half an hour: counted, open but not counted, open from
    the stop to the due instant, closed.
    """
    laid = story.laid
    name = laid.metric.replace("_", " ")
    if laid.case is None or laid.reading is None:
        yield f"{name}: not provable"
        yield f"  {laid.lacks}"
        return
    case, reading = laid.case, laid.reading
    place = load_zone(zone)
    end = as_of if case.stop is None or case.stop > as_of else case.stop
    state = f"excluded ({laid.excluded})" if laid.excluded else state_at(case, reading, as_of, laid.warn_share)
    counted, target = reading.counted(case, end) // 1000, reading.promise.target_s
    yield f"{name}: {state.replace('_', ' ')}, {_length(counted)} of {_length(target)} counted"
    if laid.terms is not None and laid.target is not None:
        yield f"  promised: {told(laid.target, laid.terms.own_calendar)} ({laid.terms.id})"
    yield ""
    yield "            " + "".join(f"{hour:<6}" for hour in range(0, 24, 3)) + "counted"
    moments = sorted(happenings(story, as_of))
    yield from _days(case, reading, place, end, {_day(at, place) for at, _ in moments})
    yield f"{COUNTED} counted  {OFF} open, not counted  {LEFT} open until due  {SHUT} closed; {zone}"
    yield ""
    for at, said in moments:
        yield f"  {datetime.fromtimestamp(at / 1000, UTC).astimezone(place):%a %d.%m. %H:%M}  {said}"


def happenings(story: Story, as_of: int) -> Iterator[tuple[int, str]]:
    """Give what happened to a clock, as (instant, words): start, pauses, priority changes, due, stop."""
    laid, ticket = story.laid, story.ticket
    case, reading = laid.case, laid.reading
    if case is None or reading is None or laid.terms is None:
        return
    priority = f" as {ticket.first_priority}" if ticket.first_priority else ""
    yield case.start, f"the clock starts{priority}"
    if laid.metric.endswith("resolution"):
        yield from _waits(ticket)
        yield from _reopenings(ticket, case)
    before = ticket.first_priority
    for at, new in ticket.priorities:
        promised = laid.terms.target(laid.metric, new, ticket.services)
        yield at, f"priority {before} -> {new}{_promise(promised, laid.terms.own_calendar)}"
        before = new
    warned = reading.mark(case, laid.warn_share)
    if warned is not None and warned < (case.stop or FOREVER) and warned != reading.due:
        yield warned, f"{laid.warn_share:.0%} of the time is used up"
    yield from _ends(case, reading, as_of)


def _waits(ticket: Ticket) -> Iterator[tuple[int, str]]:
    for pause in ticket.pauses:
        held = pauses_that_hold([pause])
        yield pause.begins, "paused: the customer was asked" if held else _void(pause.asked_at, agreed=pause.agreed)
        ends = held[0][1] if held else FOREVER
        if ends < FOREVER:
            yield ends, "goes on: the customer answered" if ends == pause.replied_at else "goes on"


def _reopenings(ticket: Ticket, case: Case) -> Iterator[tuple[int, str]]:
    for resolved, reopened in ticket.reopens:
        if reopened <= (case.stop or reopened):
            yield resolved, "resolved"
            yield reopened, "reopened: the same clock goes on"


def _ends(case: Case, reading: Reading, as_of: int) -> Iterator[tuple[int, str]]:
    if reading.due is not None:
        yield reading.due, "due"
    if case.stop is None:
        yield as_of, "as things stood"
    else:
        late = reading.due is not None and case.stop > reading.due
        yield case.stop, "the clock stops: too late" if late else "the clock stops: in time"


def _void(asked_at: int | None, *, agreed: bool) -> str:
    if not agreed:
        return "waiting for the customer, who did not agree to it: goes on counting"
    if asked_at is None:
        return "waiting for the customer, whom nobody asked: goes on counting"
    return "waiting for the customer, who was not asked within 15 minutes: goes on counting"


def _promise(target: Target | None, own: str | None) -> str:
    return f": {told(target, own, metric=False)}" if target is not None else ""


def _days(case: Case, reading: Reading, zone: ZoneInfo, end: int, eventful: set[date]) -> Iterator[str]:
    first = _day(case.start, zone)
    last = max(_day(end, zone), _day(reading.due if reading.due is not None else end, zone))
    days = [first + n * _DAY for n in range((last - first).days + 1)]
    for quiet, group in groupby(days, key=lambda day: day not in eventful):
        run = list(group)
        if quiet and len(run) > _QUIET:
            begins, ends = wall_to_utc(zone, run[0], 0), wall_to_utc(zone, run[-1] + _DAY, 0)
            yield f"…           {len(run)} days on which nothing happened{'':<17}{_counted(case, reading, begins, ends, end)}"
            continue
        for day in run:
            begins, ends = wall_to_utc(zone, day, 0), wall_to_utc(zone, day + _DAY, 0)
            signs = "".join(_sign(case, reading, wall_to_utc(zone, day, half * 30), end) for half in range(_HALF_HOURS))
            yield f"{day:%a %d.%m.}  {signs}{_counted(case, reading, begins, ends, end)}"


def _counted(case: Case, reading: Reading, begins: int, ends: int, stop: int) -> str:
    begins, ends = max(begins, case.start), min(ends, stop)
    counted = reading.promise.open_time.counted(begins, ends, case.off) if begins < ends else 0
    return f"{_length(counted // 1000):>7}"


def _sign(case: Case, reading: Reading, begins: int, stop: int) -> str:
    ends = begins + 1_800_000
    begins, ends = max(begins, case.start), min(ends, max(stop, reading.due or stop))
    if begins >= ends:
        return OUTSIDE
    if not reading.promise.open_time.between(begins, ends):
        return SHUT
    if begins >= stop:
        return LEFT
    return COUNTED if reading.promise.open_time.counted(begins, min(ends, stop), case.off) else OFF


def _day(instant: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(instant / 1000, UTC).astimezone(zone).date()


def _length(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds % 3600 // 60:02d}"
