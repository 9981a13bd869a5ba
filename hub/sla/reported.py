"""Availability as a monitoring tool computed it itself, beside the hub's: evidence to compare with, not the truth.

A source tells it as measurements of the metric `availability_by_tool`: subject = the service, `actual` in percent,
`numerator` and `denominator` seconds up and seconds counted. The hub measures the same time anew, from outages and
samples, on the service's calendar. What differs is listed with both figures; nothing is corrected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from hub.sla.availability import Availability
from hub.sla.open_time import OpenTime, Span
from hub.sla.service_availability import availability_over
from hub.store.schema import kind_tables

__all__ = ["METRIC", "ReportedLevel", "reported_levels"]

METRIC = "availability_by_tool"
_POINTS = 0.01
"""Percentage points; a smaller difference is none."""
_measured: Any = kind_tables["measurement"].c


@dataclass(frozen=True, slots=True)
class ReportedLevel:
    """Both computations of one service over one period."""

    service: int
    """The service's record number."""
    title: str
    """As the tool calls it."""
    period: Span
    theirs: float | None
    """Percentage; None = the tool has none."""
    their_down_s: float | None
    ours: Availability | None
    """None = nothing watches the service, or its hours are not known."""

    @property
    def share(self) -> float | None:
        """The hub's percentage; None where nothing is known."""
        share = self.ours.share if self.ours is not None else None
        return None if share is None else share * 100

    @property
    def differs(self) -> bool:
        """Both are known and more than a hundredth of a point apart, or one of them alone is known."""
        if self.theirs is None or self.share is None:
            return (self.theirs is None) != (self.share is None)
        return abs(self.theirs - self.share) > _POINTS


def reported_levels(
    conn: Connection, span: Span, open_times: Mapping[str, OpenTime], service: int | None = None
) -> Iterator[ReportedLevel]:
    """Yield what tools reported for periods that ended in `span` (UTC ms), by service and time.

    `service` (a record's number) narrows to one.
    """
    columns = (_measured.subject, _measured.title, _measured.period_start, _measured.period_end)
    wanted = select(*columns, _measured.actual, _measured.numerator, _measured.denominator)
    wanted = wanted.where(
        _measured.metric_id == METRIC,
        _measured.subject.is_not(None) if service is None else _measured.subject == service,
        _measured.period_end > span[0],
        _measured.period_end <= span[1],
        _measured.vanished_at.is_(None),
    )
    ordered = wanted.order_by(_measured.subject, _measured.period_start, _measured.sid)
    for sid, title, begins, ends, theirs, up, counted in conn.execute(ordered).all():
        measured = availability_over(conn, (begins, ends), open_times, sid)
        down = None if up is None or counted is None else counted - up
        yield ReportedLevel(sid, title, (begins, ends), theirs, down, measured[0][2] if measured else None)
