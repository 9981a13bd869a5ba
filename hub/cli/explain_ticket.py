"""Draws the service level clocks of one ticket: open hours, pauses, priority changes, due, stop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from hub.cli.judging import shown_instant
from hub.cli.option import Format
from hub.cli.output import emit, plain
from hub.cli.session import Session
from hub.conformance.judge import natural_as_of
from hub.conformance.subject import find_sid, subjects
from hub.sla.story import Story, load_stories
from hub.sla.ticket_drawing import draw_story, happenings
from hub.store.store import Connection

__all__ = ["explain_ticket"]

_COLUMNS = ("ticket", "metric", "agreement", "target", "started_at", "due_at", "stopped_at", "reason", "timeline")
_TICKETS = ("incident", "request", "problem", "complaint")


def explain_ticket(session: Session, name: str, as_of: str | None, output: Format) -> bool:
    """Draw the clocks of the records of this key or id; False where there is none."""
    with session.store.connect() as conn:
        sids = find_sid(conn, name)
        if not sids:
            return False
        instant = session.instant(as_of) if as_of is not None else natural_as_of(conn) or session.clock.now_ms()
        zone = session.configuration.organisation.zone
        told = load_stories(conn, sids, zone)
        if output is Format.TABLE:
            for line in _drawn(conn, sids, told, zone, instant):
                typer.echo(plain(line))
        else:
            named = subjects(conn, sids)
            emit([_row(named[sid].key, story, instant) for (sid, _), story in told.items()], _COLUMNS, output)
    return True


def _drawn(
    conn: Connection, sids: list[int], told: dict[tuple[int, str], Story], zone: str, instant: int
) -> Iterator[str]:
    for sid, subject in subjects(conn, sids).items():
        yield f"{subject.key}  {subject.title}"
        own = [story for (of, _), story in told.items() if of == sid]
        for story in own:
            yield ""
            yield from draw_story(story, zone, instant)
        if not own:
            known = subject.kind in _TICKETS
            yield (
                "  nothing was promised: no agreement on its services was in force when it began"
                if known
                else f"  {subject.kind.replace('_', ' ')}s have no service level clock; see: hub explain REQUIREMENT {subject.key}"
            )


def _row(key: str, story: Story, instant: int) -> dict[str, Any]:
    laid = story.laid
    case, reading = laid.case, laid.reading
    return {
        "ticket": key,
        "metric": laid.metric,
        "agreement": laid.terms.id if laid.terms else None,
        "target": laid.last_target or (laid.target.id if laid.target else None),
        "started_at": shown_instant(case.start if case else None),
        "due_at": shown_instant(reading.due if reading else None),
        "stopped_at": shown_instant(case.stop if case else None),
        "reason": laid.lacks,
        "timeline": [f"{shown_instant(at)} {said}" for at, said in sorted(happenings(story, instant))],
    }
