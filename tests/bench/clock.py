"""How fast service level clocks are: open time against other libraries, and a million tickets in one store.

python -m tests.bench.clock
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import platform
import random
import resource
import statistics
import subprocess
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
from hub.store.sqlite import sqlite3
from hub.store.store import Store
from hub.store.tables import change_log, link, record
from hub.store.writer import Write, write_records
from tests.bench.rival import environment

ZONE = "Europe/Berlin"
START = 1_767_225_600_000
DAY = 86_400_000
SERVICE = 5
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
RIVALS = ("businesstimedelta", "business-duration")
REPEATED = 200
"""The hub counts the spans so often, calendar included once, so that its time can be measured at all."""


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


def local(instant: int) -> str:
    """Return an instant on the wall clock of the zone, without its offset: the others know no zones."""
    return dt.datetime.fromtimestamp(instant / 1000, ZoneInfo(ZONE)).replace(tzinfo=None).isoformat()


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of CPU a piece of work takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def compare(rounds: int, count: int, cache: Path) -> list[tuple[str, float, int]]:
    """Return (library, times as long as the hub a span, spans whose figure differs), medians over rounds."""
    spans = pairs(count)
    expected = ours(spans)
    rows = []
    for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines():
        name = line.partition("==")[0]
        if name not in RIVALS or (home := environment(cache, line)) is None:
            continue
        asked = {"library": name, "spans": [(local(begins), local(ends)) for begins, ends in spans]}
        ratios, found = [], []
        for _ in range(rounds):
            mine = timed(lambda: ours(spans * REPEATED)) / REPEATED
            command = [str(home / "bin" / "python"), str(REQUIREMENTS.with_name("rival_clock.py"))]
            done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=True)
            told = json.loads(done.stdout)
            found = told["found"]
            ratios.append(told["seconds"] / mine)
        rows.append((line, statistics.median(ratios), sum(a != b for a, b in zip(expected, found, strict=True))))
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
    """Work out all clocks of a store, two a ticket, then 1,000 clocks that changed."""
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
        sids = list(range(1000, 1000 + tickets, max(1, tickets // 500)))[:500]
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
    parser.add_argument("--clocks", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "itsm-hub-bench")
    given = parser.parse_args()
    print(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.machine()}; seconds of CPU\n"
    )
    print("| library | times as long as the hub | spans that differ |\n|---|---|---|")
    for name, ratio, differing in compare(given.rounds, given.spans, given.cache):
        print(f"| {name} | {ratio:.0f} | {differing} of {given.spans} |")
    print("\n| clocks | clocks a second | whole s | 1,000 changed s | whole / changed | memory grown MB | peak MB |")
    print("|---|---|---|---|---|---|---|")
    for clocks in given.clocks:
        one = in_store(clocks // 2)
        print(
            f"| {clocks:,} | {clocks / one['whole']:,.0f} | {one['whole']:.1f} | {one['some']:.3f} | "
            f"{one['whole'] / one['some']:.0f} | {one['grown']:.0f} | {one['peak']:.0f} |"
        )


if __name__ == "__main__":
    main()
