"""Everything beside the verdicts of one period, asked in one go."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from hub.conformance.situation.audience import Audience
from hub.conformance.situation.control import control
from hub.conformance.situation.fact import Kpi, Situation
from hub.conformance.situation.follow_up import follow_up
from hub.conformance.situation.level import breaches, levels
from hub.conformance.situation.voice import opinion
from hub.sla.open_time import Span

__all__ = ["situation"]


def situation(
    conn: Connection,
    *,
    period: Span,
    before: Span,
    zone: str,
    as_of: int,
    known_at: int | None = None,
    audience: Audience | None = None,
    kpis: Sequence[Kpi] = (),
) -> Situation:
    """Answer in a handful of queries, however many records there are.

    Figures are those of the records as they stand; `known_at` decides only how they are titled.
    """
    number, missed = breaches(conn, period, as_of, known_at, audience)
    return Situation(
        levels=levels(conn, period, before, as_of, audience, zone=zone),
        breaches=missed,
        breach_count=number,
        opinion=opinion(conn, period, as_of, audience),
        opinion_before=opinion(conn, before, as_of, audience),
        control=control(conn, period, as_of, known_at, audience),
        control_before=control(conn, before, as_of, known_at, audience),
        follow_up=follow_up(conn, period, as_of, known_at, audience),
        kpis=list(kpis),
    )
