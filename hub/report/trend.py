"""How the conformance rate went: the figures of issued reports, as each gave them. Nothing is judged again."""

from __future__ import annotations

import msgspec

from hub.report.model import Counts, TrendPoint
from hub.store import outbox
from hub.store.store import Connection

__all__ = ["trend_before"]

_PERIODS = 12


class _Figures(msgspec.Struct):
    """What the trend takes of a report; the rest of it is not decoded."""

    counts: Counts


_decoder = msgspec.json.Decoder(_Figures)


def trend_before(conn: Connection, *, report_type: str, label: str) -> list[TrendPoint]:
    """Give the eleven months before `label` (`2026-10`), oldest first, from the first that was reported.

    The last revision of each counts. A month without a report stays in the list: nobody knew.
    """
    labels = [_before(label)]
    while len(labels) < _PERIODS - 1:
        labels.append(_before(labels[-1]))
    labels.reverse()
    past = outbox.last_reports(conn, report_type=report_type, through=labels[-1], most=len(labels))
    rates = {one.period: _decoder.decode(one.model).counts.rate for one in past}
    first = next((n for n, one in enumerate(labels) if one in rates), len(labels))
    return [TrendPoint(label=one, rate=rates.get(one)) for one in labels[first:]]


def _before(label: str) -> str:
    year, month = int(label[:4]), int(label[5:])
    return f"{year:04d}-{month - 1:02d}" if month > 1 else f"{year - 1:04d}-12"
