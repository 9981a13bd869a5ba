"""The periods beside that of a report: the one before it and the one after it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hub.report.plan.due import local_date
from hub.sla.calendar import Month, periods

if TYPE_CHECKING:
    from hub.report.plan.plan import Terms

__all__ = ["period_after", "period_before"]

_LENGTHS = ((r"\d{4}-\d{2}", 1), (r"\d{4}-Q\d", 3), (r"\d{4}-H\d", 6), (r"\d{4}", 12))
"""How a period is labelled -> its length in months."""


def period_before(terms: Terms) -> Month:
    """Return the whole local period before a report's; of an event, as much time as it took."""
    length = _length(terms)
    if length is None:
        return Month("", terms.start - (terms.end - terms.start), terms.start)
    day = local_date(terms.start - 1, terms.zone)
    return periods(terms.zone, day, day, length)[0]


def period_after(terms: Terms) -> Month:
    """Return the whole local period after a report's; of an event, as much time as it took."""
    length = _length(terms)
    if length is None:
        return Month("", terms.end, terms.end + (terms.end - terms.start))
    day = local_date(terms.end, terms.zone)
    return periods(terms.zone, day, day, length)[0]


def _length(terms: Terms) -> int | None:
    if terms.cls != "routine":
        return None
    return next((length for pattern, length in _LENGTHS if re.fullmatch(pattern, terms.label)), None)
