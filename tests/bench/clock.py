"""How fast service level clocks are: open time against other libraries, and a million tickets in one store.

python -m tests.bench.clock --markdown
"""

from __future__ import annotations

import argparse
import datetime as dt
import platform
import random
import resource
import sqlite3
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from sqlalchemy import insert, text

from hub.records import Sla, Target
from hub.sla.calendar import BUILT_IN, Calendar, built_in, open_intervals
from hub.sla.clocks import refresh_clocks
from hub.sla.materialise import FIRST_DAY, materialise, open_times
from hub.sla.open_time import OpenTime
from hub.store.schema import kind_tables
from hub.store.store import Store
from hub.store.tables import change_log, link, record
from hub.store.writer import Write, write_records

ZONE = "Europe/Berlin"
START = 1_767_225_600_000
DAY = 86_400_000
SERVICE = 5


def pairs(count: int) -> list[tuple[int, int]]:
    """Draw spans of up to thirty days within a year, on whole minutes."""
    draw = random.Random(3)
    begins = [START + draw.randrange(300 * 1440) * 60_000 for _ in range(count)]
    return [(one, one + draw.randrange(30 * 1440) * 60_000) for one in begins]


def ours(spans: list[tuple[int, int]]) -> list[int]:
    """Count open seconds with the hub's calendar."""
    calendar = Calendar(id="office", zone=ZONE, weekly=tuple((day, hours) for day, hours in BUILT_IN["5x8"]))
    open_time = OpenTime(open_intervals(calendar, dt.date(2025, 12, 1), dt.date(2027, 3, 1)))
    return [open_time.between(begins, ends) // 1000 for begins, ends in spans]


def local(instant: int) -> dt.datetime:
    """Return an instant on the wall clock of the zone, without its offset: the others know no zones."""
    return dt.datetime.fromtimestamp(instant / 1000, ZoneInfo(ZONE)).replace(tzinfo=None)


def by_businesstimedelta(spans: list[tuple[int, int]]) -> list[int]:
    """Count with `businesstimedelta`, two rules a day."""
    import businesstimedelta as other  # type: ignore[import-not-found,unused-ignore]

    days = [0, 1, 2, 3, 4]
    rules = other.Rules(
        [
            other.WorkDayRule(start_time=dt.time(8), end_time=dt.time(12), working_days=days),
            other.WorkDayRule(start_time=dt.time(13), end_time=dt.time(17), working_days=days),
        ]
    )
    found = (rules.difference(local(begins), local(ends)) for begins, ends in spans)
    return [round(one.hours * 3600 + one.seconds) for one in found]


def by_business_duration(spans: list[tuple[int, int]]) -> list[int]:
    """Count with `business-duration`, which knows one interval a day: morning and afternoon apart."""
    from business_duration import businessDuration  # type: ignore[import-not-found,unused-ignore]

    halves = ((dt.time(8), dt.time(12)), (dt.time(13), dt.time(17)))
    return [
        round(
            sum(
                businessDuration(local(begins), local(ends), starttime=opens, endtime=closes, unit="sec") or 0
                for opens, closes in halves
            )
        )
        for begins, ends in spans
    ]


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of CPU a piece of work takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def compare(rounds: int, count: int) -> list[tuple[str, float, int]]:
    """Return (library, times as long as the hub a span, spans whose figure differs), medians over rounds."""
    spans = pairs(count)
    expected = ours(spans * 20)[:count]
    rows = []
    for name, other in (("businesstimedelta", by_businesstimedelta), ("business-duration", by_business_duration)):
        ratios, found = [], []
        for _ in range(rounds):
            mine = timed(lambda: ours(spans * 20)) / 20
            began = time.process_time()
            found = other(spans)
            ratios.append((time.process_time() - began) / mine)
        rows.append((name, statistics.median(ratios), sum(a != b for a, b in zip(expected, found, strict=True))))
    return rows


def fill(store: Store, tickets: int) -> None:
    """Write incidents of a year under one agreement, as a first reading would leave them."""
    draw = random.Random(1)
    targets = [
        Target(
            id=f"{metric}-{priority}",
            metric=metric,
            priority=priority,  # type: ignore[arg-type]
            operator="<=",
            value=value,
            unit="h",
            calendar=name,
        )
        for metric, value in (("response", 1), ("resolution", 16))
        for priority, name in (("P1", "7x24"), ("P2", "7x24"), ("P3", "organisation"), ("P4", "organisation"))
    ]
    sla = Sla(id="register:slas/gold", source="register", service_ids=["register:services/shop"], valid_from="2020-01-01", signed_at=0, targets=targets)  # fmt: skip
    with store.begin() as conn:
        calendars = built_in(ZONE)
        own = Calendar(id="organisation", zone=ZONE, weekly=calendars[0].weekly)
        materialise(conn, [*calendars, own], ZONE, FIRST_DAY, dt.date(2031, 12, 31))
        conn.execute(insert(record), {"sid": SERVICE, "id": "register:services/shop", "kind": "service", "source": "register", "scope": ""})  # fmt: skip
        write_records(conn, [Write(sla)], known_at=1)
        for begin in range(0, tickets, 20_000):
            numbers = range(1000 + begin, 1000 + min(begin + 20_000, tickets))
            conn.execute(insert(record), [{"sid": n, "id": f"desk:{n}", "kind": "incident", "source": "desk", "scope": "A"} for n in numbers])  # fmt: skip
            rows = []
            for n in numbers:
                reported = START + draw.randrange(300 * DAY)
                rows.append({"sid": n, "created_at": reported, "reported_at": reported, "priority": draw.choice(["P1", "P2", "P3", "P4"]), "first_response_at": reported + draw.randrange(7_200_000), "resolved_at": reported + draw.randrange(3 * DAY)})  # fmt: skip
            conn.execute(insert(kind_tables["incident"]), rows)
            conn.execute(insert(link), [{"sid": n, "type": "service_ids", "target": SERVICE} for n in numbers])
        conn.execute(text("ANALYZE"))


def in_store(tickets: int) -> dict[str, float]:
    """Work out all clocks of a store, then those of 1,000 tickets that changed."""
    with TemporaryDirectory() as folder:
        store = Store.open("sqlite:///clocks.db", base_dir=Path(folder), create=True)
        fill(store, tickets)
        with store.begin() as conn:
            conn.execute(text("DELETE FROM change_log"))

        def refresh() -> None:
            with store.begin() as conn:
                refresh_clocks(conn, partial(open_times, conn), zone=ZONE)

        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        whole = timed(refresh)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        sids = list(range(1000, 1000 + tickets, max(1, tickets // 1000)))[:1000]
        with store.begin() as conn:
            conn.execute(text("DELETE FROM change_log"))
            conn.exec_driver_sql(
                f"UPDATE incident SET first_response_at = first_response_at + 60000 WHERE sid IN ({', '.join(map(str, sids))})"
            )
            conn.execute(insert(change_log), [{"kind": "incident", "sid": sid, "touched": sid} for sid in sids])
        some = timed(refresh)
        store.close()
    return {"whole": whole, "some": some, "grown": peak - before, "peak": peak}


def main() -> None:
    """Print the figures as tables."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--spans", type=int, default=300)
    parser.add_argument("--tickets", type=int, nargs="*", default=[100_000, 1_000_000])
    given = parser.parse_args()
    print(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.machine()}; seconds of CPU\n"
    )
    print("| library | times as long as the hub | spans that differ |\n|---|---|---|")
    for name, ratio, differing in compare(given.rounds, given.spans):
        print(f"| {name} | {ratio:.0f} | {differing} of {given.spans} |")
    print("\n| tickets | clocks a second | whole s | 1,000 changed s | whole / changed | memory grown MB | peak MB |")
    print("|---|---|---|---|---|---|---|")
    for tickets in given.tickets:
        one = in_store(tickets)
        rate = 2 * tickets / one["whole"]
        print(
            f"| {tickets:,} | {rate:,.0f} | {one['whole']:.1f} | {one['some']:.3f} | {one['whole'] / one['some']:.0f} | "
            f"{one['grown']:.0f} | {one['peak']:.0f} |"
        )


if __name__ == "__main__":
    main()
