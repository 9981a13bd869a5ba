"""Chapter 12: each open finding with action, owner, due day and status; every action until it is closed; what comes next."""

from __future__ import annotations

from collections.abc import Sequence

from hub.conformance.situation.open_point import (
    ActionPoint,
    Improvement,
    OpenFinding,
    action_points,
    improvements,
    judged,
    open_findings,
)
from hub.report.file.topic import Column, Topic
from hub.report.model import Said
from hub.report.service.chapter import Asked, Chapter, Part
from hub.report.service.known import known, name_of, person_of, whole

__all__ = ["follow_up", "status_of"]

_TITLE = "Nonconformities and follow-up"
_NOBODY = "no owner"


def follow_up(asked: Asked) -> Chapter:
    """Tell findings that stand, actions that were open in the last report or came since, and aims of the next period."""
    said = known(asked, ("improvement_action",))
    findings = open_findings(asked.conn, asked.known_at, asked.audience)
    parts: list[Part] = []
    if findings or judged(asked.conn):
        parts.append(_findings(asked, findings))
    else:
        parts.append(Said(phrase="No requirement has been judged yet: of findings nothing is known."))
    actions: list[ActionPoint] = []
    steps: list[Improvement] = []
    if said.absent is None:
        actions = action_points(asked.conn, asked.period, asked.as_of, asked.known_at, asked.audience)
        steps = improvements(asked.conn, _next(asked), asked.known_at, asked.audience)
        parts += [_actions(asked, actions), _closed(actions), _steps(asked, steps, actions)]
    else:
        parts += [Said(phrase="Improvement actions are not known:"), said.absent]
    parts.append(Said(phrase="Targets of the next period stand beside those of this one in chapter 3."))
    if said.absent is None and judged(asked.conn) and not (findings or actions or steps):
        return whole(12, _TITLE, said, parts, empty=True)
    return Chapter(12, _TITLE, [*parts, *said.notes])


def _next(asked: Asked) -> tuple[int, int]:
    start, end = asked.period
    return end, end + (end - start)


def _findings(asked: Asked, rows: Sequence[OpenFinding]) -> Topic:
    return Topic(
        "Open findings",
        (
            Column("Requirement", width=18),
            Column("Record", width=36),
            Column("Since", "day", 13),
            Column("Action", "word", 30),
            Column("Owner", "word", 24),
            Column("Due", "day", 13),
            Column("Status", "word", 18),
        ),
        [
            (
                one.requirement,
                name_of(asked, one.subject),
                one.breached_at,
                name_of(asked, one.action) or "no action is recorded",
                person_of(asked, one.owner) or _NOBODY,
                one.due_at,
                "; ".join(
                    [
                        "late" if one.due_at is not None and one.due_at <= asked.as_of else "open",
                        *(["reopened"] if one.reopened else []),
                    ]
                ),
            )
            for one in rows
        ],
        "no finding is open",
    )


def _actions(asked: Asked, rows: Sequence[ActionPoint]) -> Topic:
    return Topic(
        "Actions",
        (
            Column("Action", width=40),
            Column("Owner", "word", 24),
            Column("Due", "day", 13),
            Column("Closed", "day", 13),
            Column("Status", "word", 26),
            Column("In the last report", "word", 10),
        ),
        [
            (
                name_of(asked, one.subject),
                person_of(asked, one.owner) or _NOBODY,
                one.due_at,
                one.closed_at,
                status_of(one, asked.instant),
                "yes" if one.carried else "no",
            )
            for one in rows
        ],
        "no action was open in the period",
    )


def status_of(one: ActionPoint, instant: int) -> str:
    """Say where an action stands."""
    if one.closed_at is not None:
        word = "it was decided to leave it" if one.left else "closed"
        return f"{word}; late" if one.due_at is not None and one.due_at < one.closed_at else word
    if one.vanished:
        return "deleted at its source"
    return "late" if one.due_at is not None and one.due_at <= instant else "open"


def _closed(rows: Sequence[ActionPoint]) -> Said:
    phrase = "Of {n} actions that were open when the period began or came in it, {closed} were closed, {open} are open."
    closed = sum(one.closed_at is not None for one in rows)
    gone = sum(one.closed_at is None and one.vanished for one in rows)
    return Said(phrase=phrase, values={"n": len(rows), "closed": closed, "open": len(rows) - closed - gone})


def _steps(asked: Asked, steps: Sequence[Improvement], actions: Sequence[ActionPoint]) -> Topic:
    start, end = _next(asked)
    coming = [
        ("action", name_of(asked, one.subject), "", one.due_at)
        for one in actions
        if one.closed_at is None and not one.vanished and one.due_at is not None and start <= one.due_at < end
    ]
    planned = [
        ("improvement plan", f"{name_of(asked, one.plan)}: {one.name}", one.target or "", one.due_at) for one in steps
    ]
    return Topic(
        "Improvement in the next period",
        (Column("What", "word", 18), Column("Aim", width=50), Column("Target", width=20), Column("Due", "day", 13)),
        [*coming, *planned],
        "no action and no step of an improvement plan is due in the next period",
    )
