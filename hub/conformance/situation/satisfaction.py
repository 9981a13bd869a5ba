"""Surveys of a period: how many were asked and answered, by channel; scores by scale; who was not content."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, and_, case, exists, func, or_, select

from hub.conformance.named import Subject
from hub.conformance.situation.audience import Audience
from hub.conformance.situation.control import MOST
from hub.conformance.situation.tie import id_of
from hub.conformance.situation.voice import LOW
from hub.conformance.subject import subjects
from hub.sla.open_time import Span
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["Campaign", "Given", "LowScore", "Satisfaction", "satisfaction"]

_survey: Any = kind_tables["satisfaction_survey"].c
_link = metadata.tables["link"]


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """Surveys of one channel."""

    channel: str | None
    sent: int
    """Asked in the period."""
    replied: int
    """Of these, answered up to as-of."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """How often one score was given in answer to surveys of the period."""

    channel: str | None
    lowest: float | None
    highest: float | None
    """None = the scale is not recorded."""
    score: float
    number: int


class LowScore(msgspec.Struct, frozen=True, kw_only=True):
    """An answer in the lower two fifths of its scale."""

    survey: Subject
    ticket: Subject | None
    score: float
    replied_at: int
    follow_up_at: int | None
    """When somebody came back to the customer; None = nobody has."""
    acted: bool
    """An improvement action came of it."""


class Satisfaction(msgspec.Struct, frozen=True, kw_only=True):
    """Surveys of a period."""

    campaigns: list[Campaign]
    given: list[Given]
    low: list[LowScore]
    """At most `MOST`, those nobody came back to first."""
    low_count: int


def satisfaction(
    conn: Connection, period: Span, as_of: int, known_at: int | None, audience: Audience | None = None
) -> Satisfaction:
    """Count in three queries and the titles: what was asked in the period, answered up to as-of.

    Low scores are listed in the period they came in as well, so that a late answer stands in some report.
    """
    begin, instant = period[0], min(period[1], as_of)
    s = _survey
    own = [s.vanished_at.is_(None), *([] if audience is None else [audience.holds(s.sid)])]
    asked = and_(*own, s.sent_at >= begin, s.sent_at < instant)
    sent = conn.execute(
        select(s.channel, func.count(), func.sum(case((s.replied_at <= as_of, 1), else_=0)))
        .where(asked)
        .group_by(s.channel)
        .order_by(s.channel.is_(None), s.channel)
    ).all()
    answered = and_(asked, s.replied_at <= as_of, s.score.is_not(None))
    by = (s.channel, s.scale_min, s.scale_max, s.score)
    given = conn.execute(select(*by, func.count()).where(answered).group_by(*by)).all()
    came = and_(*own, s.replied_at >= begin, s.replied_at < instant, s.score.is_not(None))
    low = and_(or_(answered, came), s.score <= s.scale_min + (s.scale_max - s.scale_min) * LOW)
    shown, number = _low(conn, low, as_of, known_at)
    return Satisfaction(
        campaigns=[Campaign(channel=way, sent=n, replied=replied or 0) for way, n, replied in sent],
        given=[
            Given(channel=way, lowest=least, highest=most, score=score, number=n)
            for way, least, most, score, n in sorted(
                given, key=lambda row: tuple((v is None, v or 0) for v in row[1:4])
            )
        ],
        low=shown,
        low_count=number,
    )


def _low(conn: Connection, low: Any, as_of: int, known_at: int | None) -> tuple[list[LowScore], int]:
    s = _survey
    action = exists().where(_link.c.sid == s.sid, _link.c.type == "action_ids").correlate_except(_link)
    rows = conn.execute(
        select(
            s.sid,
            s.ticket_id,
            s.score,
            s.replied_at,
            case((s.follow_up_at <= as_of, s.follow_up_at)).label("followed"),
            case((action, 1), else_=0).label("acted"),
            func.count().over().label("number"),
        )
        .where(low)
        .order_by(case((s.follow_up_at <= as_of, 1), else_=0), s.replied_at, id_of(s.sid))
        .limit(MOST)
    ).all()
    named = subjects(conn, [sid for row in rows for sid in (row.sid, row.ticket_id)], known_at)
    shown = [
        LowScore(
            survey=named[row.sid],
            ticket=named.get(row.ticket_id),
            score=row.score,
            replied_at=row.replied_at,
            follow_up_at=row.followed,
            acted=bool(row.acted),
        )
        for row in rows
    ]
    return shown, rows[0].number if rows else 0
