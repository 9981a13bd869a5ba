"""Counts spans of office hours with another library; run in that library's own environment, where there is no hub.

Reads {"library": …, "spans": [[from, to], …]} from standard input, naive local times as text; writes the
seconds of CPU and the seconds counted of every span.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time

HALVES = ((dt.time(8), dt.time(12)), (dt.time(13), dt.time(17)))
Span = tuple[dt.datetime, dt.datetime]


def by_businesstimedelta(spans: list[Span]) -> list[int]:
    """Count with `businesstimedelta`, two rules a day."""
    import businesstimedelta as other  # type: ignore[import-not-found,unused-ignore]

    days = [0, 1, 2, 3, 4]
    rules = other.Rules(
        [other.WorkDayRule(start_time=opens, end_time=closes, working_days=days) for opens, closes in HALVES]
    )
    found = (rules.difference(begins, ends) for begins, ends in spans)
    return [round(one.hours * 3600 + one.seconds) for one in found]


def by_business_duration(spans: list[Span]) -> list[int]:
    """Count with `business-duration`, which knows one interval a day: morning and afternoon apart."""
    from business_duration import businessDuration  # type: ignore[import-not-found,unused-ignore]

    return [
        round(
            sum(businessDuration(*span, starttime=opens, endtime=closes, unit="sec") or 0 for opens, closes in HALVES)
        )
        for span in spans
    ]


def main() -> None:
    """Count once untimed, for what a library loads when first used, then for the clock."""
    given = json.load(sys.stdin)
    spans = [(dt.datetime.fromisoformat(begins), dt.datetime.fromisoformat(ends)) for begins, ends in given["spans"]]
    count = {"businesstimedelta": by_businesstimedelta, "business-duration": by_business_duration}[given["library"]]
    count(spans[:3])
    began = time.process_time()
    found = count(spans)
    json.dump({"seconds": time.process_time() - began, "found": found}, sys.stdout)


if __name__ == "__main__":
    main()
