"""Service levels as a report tells them: target by target, beside the period before and the next goal."""

from __future__ import annotations

from fractions import Fraction

from hub.records import Target
from hub.report.model import Period, Rate, ServiceLevel
from hub.report.period import last_month
from hub.sla.statement import Line, statement
from hub.store.store import Connection

__all__ = ["level_of", "service_levels"]


def service_levels(conn: Connection, period: Period, as_of: int) -> list[ServiceLevel]:
    """Count every target of every agreement over a period, as of its end or of `as_of` if that is earlier."""
    before = last_month(period.start, period.zone)
    instant = min(as_of, period.end)
    spans = (period.start, period.end), (before.start, before.end)
    return [level_of(line) for line in statement(conn, *spans, instant, zone=period.zone)]


def level_of(line: Line) -> ServiceLevel:
    """Tell one line of the statement; a target to stay under is kept or not, and never drawn."""
    return ServiceLevel(
        agreement=line.agreement,
        title=line.title,
        metric=line.metric,
        promise=line.promise,
        previous=_percent(line.previous),
        restated=_percent(line.restated),
        now=Rate(numerator=line.now.met, denominator=line.now.decided),
        stood=_percent(line.stood),
        target=_share(line.agreed),
        goal=line.goal,
        kept=line.kept,
        excluded=line.now.excluded,
        open=line.now.open,
        at_risk=line.now.at_risk,
        not_provable=line.now.lacking,
    )


def _percent(rate: str) -> str:
    """Name the unit of a figure; `no cases` has none."""
    return f"{rate} %" if rate[:1].isdigit() else rate


def _share(target: Target | None) -> int | None:
    """Return a share to be reached, in basis points."""
    if target is None or target.operator != ">=" or target.unit != "%":
        return None
    return int(Fraction(str(target.value)) * 100)
