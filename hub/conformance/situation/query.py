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
from hub.sla.statement import Line, statement

__all__ = ["promised_lines", "situation"]


def promised_lines(conn: Connection, *, period: Span, before: Span, zone: str, as_of: int) -> list[Line]:
    """Count every target of every agreement as of the period's end, or of `as_of` if that is earlier."""
    return statement(conn, period, before, min(as_of, period[1]), zone=zone)


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
    lines: Sequence[Line] | None = None,
) -> Situation:
    """Answer in a handful of queries, however many records there are.

    Figures are those of the records as they stand; `known_at` decides only how they are titled. `lines` are those of
    `promised_lines` for the same period, where they were asked already for another audience.
    """
    if lines is None:
        lines = promised_lines(conn, period=period, before=before, zone=zone, as_of=as_of)
    number, missed = breaches(conn, period, as_of, known_at, audience)
    return Situation(
        levels=levels(conn, lines, period, before, audience),
        breaches=missed,
        breach_count=number,
        opinion=opinion(conn, period, as_of, audience),
        opinion_before=opinion(conn, before, as_of, audience),
        control=control(conn, period, as_of, known_at, audience),
        control_before=control(conn, before, as_of, known_at, audience),
        follow_up=follow_up(conn, period, as_of, known_at, audience),
        kpis=list(kpis),
    )
