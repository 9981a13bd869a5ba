"""Chapter 6: what customers said: surveys, low scores, complaints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal

from hub.conformance.situation.fact import Opinion
from hub.conformance.situation.satisfaction import Given, LowScore, Satisfaction
from hub.conformance.situation.satisfaction import satisfaction as facts_of
from hub.conformance.situation.voice import opinion
from hub.report.file.topic import Cell, Column, Topic
from hub.report.model import Said
from hub.report.service.chapter import Asked, Chapter, Part
from hub.report.service.known import known, whole
from hub.report.status import percent

__all__ = ["satisfaction"]

_TITLE = "Satisfaction"
_NONE = "not recorded"


def satisfaction(asked: Asked) -> Chapter:
    """Tell surveys with reply rate, mean and distribution by channel, low scores, complaints; beside the period before."""
    said = known(asked, ("satisfaction_survey", "complaint"))
    if said.absent:
        return whole(6, _TITLE, said, [], empty=True)
    facts, was = (
        facts_of(asked.conn, span, asked.as_of, asked.known_at, asked.audience) for span in (asked.period, asked.before)
    )
    now, before = (opinion(asked.conn, span, asked.as_of, asked.audience) for span in (asked.period, asked.before))
    parts: list[Part] = []
    if "satisfaction_survey" in said.kinds:
        parts += [_surveys(facts, was), _means(facts.given, was.given), _spread(facts.given), _low(facts.low)]
        if facts.low_count > len(facts.low):
            phrase = "Of {n} low scores the first {shown} are listed."
            parts.append(Said(phrase=phrase, values={"n": facts.low_count, "shown": len(facts.low)}))
        best = sum(one.number for one in facts.given if one.highest is not None and one.score >= one.highest)
        phrase = "Compliments have no record of their own; {n} answers gave the best score."
        parts.append(Said(phrase=phrase, values={"n": best}))
    if "complaint" in said.kinds:
        parts.append(_complaints(now, before))
    told = (facts.campaigns, facts.given, was.given, now.received, now.closed, now.open, before.received)
    empty = not any(told)
    return whole(6, _TITLE, said, parts, empty=empty)


def _surveys(now: Satisfaction, before: Satisfaction) -> Topic:
    was = {one.channel: one for one in before.campaigns}
    is_ = {one.channel: one for one in now.campaigns}
    rows: list[tuple[Cell, ...]] = []
    for channel in sorted(is_.keys() | was.keys(), key=lambda name: (name is None, name or "")):
        one, old = is_.get(channel), was.get(channel)
        pair = (one.sent, one.replied) if one else (0, 0)
        past = (old.sent, old.replied) if old else (0, 0)
        rows.append((channel or _NONE, *_rated(*pair), *_rated(*past)))
    if len(rows) > 1:
        sums = [sum(one.sent for one in half.campaigns) for half in (now, before)]
        replies = [sum(one.replied for one in half.campaigns) for half in (now, before)]
        rows.append(("all", *_rated(sums[0], replies[0]), *_rated(sums[1], replies[1])))
    return Topic(
        "Surveys",
        (
            Column("Channel", "word", 14),
            Column("Sent", "number", 8),
            Column("Replied", "number", 8),
            Column("Reply rate", "word", 11),
            Column("Sent before", "number", 12),
            Column("Replied before", "number", 12),
            Column("Reply rate before", "word", 12),
        ),
        rows,
        "no cases",
    )


def _rated(sent: int, replied: int) -> tuple[int, int, str]:
    return sent, replied, percent(replied, sent)


Way = tuple[str, str]
"""Channel and scale."""


def _means(now: Sequence[Given], before: Sequence[Given]) -> Topic:
    current, past = _by_way(now), _by_way(before)
    return Topic(
        "Scores",
        (
            Column("Channel", "word", 14),
            Column("Scale", "word", 14),
            Column("Replies", "number", 8),
            Column("Mean score", "word", 11),
            Column("Replies before", "number", 12),
            Column("Mean score before", "word", 12),
        ),
        [
            (*way, *_mean(current.get(way, [])), *_mean(past.get(way, [])))
            for way in sorted(current.keys() | past.keys())
        ],
        "No score was given.",
    )


def _by_way(given: Sequence[Given]) -> dict[Way, list[Given]]:
    groups: dict[Way, list[Given]] = defaultdict(list)
    for one in given:
        groups[one.channel or _NONE, _scale(one)].append(one)
    ways = {channel for channel, _ in groups}
    if len(ways) > 1:
        for one in given:
            groups["all", _scale(one)].append(one)
    return groups


def _mean(given: Sequence[Given]) -> tuple[int, str]:
    """Return replies and mean, rounded down."""
    number = sum(one.number for one in given)
    if not number:
        return 0, "no cases"
    total = sum((Decimal(str(one.score)) * one.number for one in given), Decimal(0))
    return number, f"{(total / number).quantize(Decimal('0.01'), rounding=ROUND_DOWN):f}"


def _scale(one: Given) -> str:
    if one.lowest is None or one.highest is None:
        return _NONE
    return f"{one.lowest:g}-{one.highest:g}"


def _spread(given: Sequence[Given]) -> Topic:
    numbers: dict[tuple[str, float], int] = defaultdict(int)
    for one in given:
        numbers[_scale(one), one.score] += one.number
    return Topic(
        "Distribution of scores",
        (Column("Scale", "word", 14), Column("Score", width=8), Column("Replies", "number", 8)),
        [(scale, f"{score:g}", number) for (scale, score), number in sorted(numbers.items())],
        "No score was given.",
    )


def _low(rows: Sequence[LowScore]) -> Topic:
    return Topic(
        "Low scores",
        (
            Column("Survey", width=24),
            Column("Ticket", width=24),
            Column("Score", width=8),
            Column("Replied", "minute", 17),
            Column("Followed up", "minute", 17),
            Column("Status", "word", 26),
        ),
        [
            (
                one.survey.key or one.survey.id,
                (one.ticket.key or one.ticket.id) if one.ticket else "",
                f"{one.score:g}",
                one.replied_at,
                one.follow_up_at,
                _status(one),
            )
            for one in rows
        ],
        "no low score was given",
    )


def _status(one: LowScore) -> str:
    if one.follow_up_at is not None:
        return "followed up, with an action" if one.acted else "followed up"
    return "an action is recorded" if one.acted else "nobody came back to the customer"


def _complaints(now: Opinion, before: Opinion) -> Topic:
    lines = (("received", "received"), ("closed", "closed"), ("open at the end", "open"), ("of these late", "late"))
    return Topic(
        "Complaints",
        (Column("Complaints", "word", 18), Column("Now", "number", 8), Column("Before", "number", 8)),
        [(name, getattr(now, field), getattr(before, field)) for name, field in lines],
        "no cases",
    )
