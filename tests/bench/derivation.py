"""How fast obligations are derived: whole, nothing changed, and 1,000 changed units of very many.

python -m tests.bench.derivation --markdown

Seconds are the clock's, for a derivation works on as many cores as there are; the processor's stand beside them. What SQLite
takes to write the same rows again, which is read nowhere and decided by nothing, is measured in the same run.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import resource
import shutil
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, insert, text

from hub.conformance.cycle import derive_all
from hub.conformance.pack import Requirement
from hub.store.schema import child_tables, kind_tables
from hub.store.sqlite import sqlite3
from hub.store.store import Store
from hub.store.tables import change_log, link, record, since
from hub_bs15000.catalogue import load_pack

DAY = 86_400_000
START = 1_759_276_800_000
NOW = START + 400 * DAY
FIELDS = (
    "impact.service",
    "impact.business",
    "impact.customer",
    "impact.infrastructure",
    "impact.release_plan",
    "backout_plan",
    "tests",
)
SERVICE = 50
TABLES = ("approval", "change", "change_tests", "link", "record", "since")


def fill(store: Store, changes: int) -> None:
    """Write changes as a first reading would leave them: approved, tested, about a service, one after the other.

    They come in the order they were made, as a tool gives them, give or take ten days; one approval in
    four came too late.
    """
    random_ = random.Random(1)
    with store.begin() as conn:
        people = [
            {
                "sid": n,
                "id": f"register:people/{n}",
                "kind": "person",
                "source": "register",
                "scope": "",
                "canonical": n,
            }
            for n in range(10, 30)
        ]
        service = {"sid": SERVICE, "id": "register:services/shop", "kind": "service", "source": "register", "scope": "", "canonical": None}  # fmt: skip
        conn.execute(insert(record), [*people, service])
        conn.execute(insert(kind_tables["role_assignment"]), [{"sid": 31, "person": 10, "role": "change_authority"}])
        for begin in range(0, changes, 20_000):
            _fill_some(conn, range(begin, min(begin + 20_000, changes)), changes, random_)
        conn.execute(text("ANALYZE"))


def _fill_some(conn: Connection, numbers: range, changes: int, random_: random.Random) -> None:
    rows, approvals, tests, records, links, filled = [], [], [], [], [], []
    for number in numbers:
        sid, approval = 100 + 2 * number, 101 + 2 * number
        created = START + number * 300 * DAY // changes + random_.randrange(10 * DAY)
        started = created + random_.randrange(5, 20) * DAY
        where = {"source": "desk", "scope": "CHG", "canonical": None}
        records += [
            {"sid": sid, "id": f"desk:issue/{sid}", "kind": "change", **where},
            {"sid": approval, "id": f"desk:issue/{sid}/approval/1", "kind": "approval", **where},
        ]
        rows.append({"sid": sid, "created_at": created, "type": random_.choice(["normal", "standard", "emergency"]), "actual_start": started, "actual_end": started + DAY, "implementer": 11 + number % 18, "revision": "r1", "backout_plan": "undo", "impact_service": "none", "impact_business": "none", "impact_customer": "none", "impact_infrastructure": "none", "impact_release_plan": "none"})  # fmt: skip
        approvals.append({"sid": approval, "subject_id": sid, "approver": 10, "decision": "approved", "decided_at": started - random_.randrange(-1, 3) * DAY, "subject_revision": "r1"})  # fmt: skip
        tests.append({"sid": sid, "pos": 0, "status": "passed", "commit": "r1", "finished_at": created + DAY})
        links += [
            {"sid": approval, "type": "subject_id", "target": sid, "at": None},
            {"sid": sid, "type": "service_ids", "target": SERVICE, "at": created},
        ]
        filled += [{"sid": sid, "field": name, "at": created + DAY} for name in FIELDS]
    conn.execute(insert(record), records)
    conn.execute(insert(kind_tables["change"]), rows)
    conn.execute(insert(kind_tables["approval"]), approvals)
    conn.execute(insert(child_tables["change", "tests"]), tests)
    conn.execute(insert(link), links)
    conn.execute(insert(since), filled)
    conn.execute(
        insert(change_log), [{"kind": one["kind"], "sid": one["sid"], "touched": one["sid"]} for one in records]
    )


def touch(store: Store, changes: int) -> None:
    """Move the approvals of 1,000 changes by a day, as a page of corrections would."""
    sids = [101 + 2 * number for number in range(0, changes, max(1, changes // 1000))][:1000]
    with store.begin() as conn:
        conn.exec_driver_sql(
            f"UPDATE approval SET decided_at = decided_at - {DAY} WHERE sid IN ({', '.join(map(str, sids))})"
        )
        rows = [{"kind": "approval", "sid": sid, "touched": touched} for sid in sids for touched in (sid, sid - 1)]
        conn.execute(insert(change_log), rows)


class Stores:
    """Filled stores, made once a size and copied for every round."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def copy(self, changes: int) -> Store:
        """Return a store of that many changes from which nothing was derived yet."""
        made = self._folder / f"{changes}.db"
        if not made.exists():
            store = Store.open(f"sqlite:///{made.name}", base_dir=self._folder, create=True)
            fill(store, changes)
            store.close()
        shutil.copy(made, self._folder / "bench.db")
        return Store.open("sqlite:///bench.db", base_dir=self._folder)

    def size(self) -> int:
        """Return the bytes of the copy, with nothing left in its log."""
        with sqlite3.connect(self._folder / "bench.db") as conn:
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return (self._folder / "bench.db").stat().st_size

    def drop(self) -> None:
        """Take the copy away."""
        for file in self._folder.glob("bench.db*"):
            file.unlink()


def run(store: Store, requirements: list[Requirement], turn: int, *, whole: bool = False) -> tuple[float, float, int]:
    """Derive; returns (seconds, CPU seconds, obligations written)."""
    began, used = time.perf_counter(), time.process_time()
    done = derive_all(store, requirements, now=NOW + turn, zone="Europe/Berlin", calendar="5x8", whole=whole)
    return time.perf_counter() - began, time.process_time() - used, done.written


def write_again(store: Store) -> float:
    """Copy all obligations into a table like theirs, in the order of its key; returns seconds."""
    with store.begin() as conn:
        made, index = (
            conn.exec_driver_sql(f"SELECT sql FROM sqlite_master WHERE name = '{name}'").scalar_one()
            for name in ("obligation", "obligation_settled_i")
        )
        conn.exec_driver_sql(made.replace("obligation", "copied", 1))
        conn.exec_driver_sql(index.replace("obligation_settled_i", "copied_i").replace("ON obligation", "ON copied"))
        began = time.process_time()
        conn.exec_driver_sql("INSERT INTO copied SELECT * FROM obligation ORDER BY part, unit, anchor, known_from")
        spent = time.process_time() - began
        conn.exec_driver_sql("DROP TABLE copied")
    return spent


def measure(stores: Stores, requirements: list[Requirement], changes: int) -> dict[str, float]:
    """Lay down the calendars' days, derive a store of that many changes whole, again, and after 1,000 of them moved."""
    store = stores.copy(changes)
    began = time.perf_counter()
    run(store, [], 0)
    days = time.perf_counter() - began
    before = stores.size()
    whole, used, written = run(store, requirements, 1)
    grown = stores.size() - before
    copied = write_again(store)
    again, _, _ = run(store, requirements, 2, whole=True)
    touch(store, changes)
    some, _, rewritten = run(store, requirements, 3)
    store.close()
    stores.drop()
    return {
        "obligations": written,
        "whole": whole,
        "days": days,
        "rate": written / whole,
        "used": written / used,
        "bytes": grown / written,
        "copied": written / copied,
        "again": again,
        "some": some,
        "rewritten": rewritten,
        "ratio": whole / some,
    }


def main() -> None:
    """Print one table of figures: medians over the rounds, the largest size once."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="*", default=[100_000, 420_000])
    parser.add_argument("--largest", type=int, default=1_000_000, help="measured once; 0 = not")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    requirements = [one for one in load_pack().requirements({}) if one.entry.clause == "8.2"]
    parts = sum(len(one.parts) for one in requirements)
    found: dict[int, list[dict[str, float]]] = {}
    with TemporaryDirectory() as folder:
        stores = Stores(Path(folder))
        for _ in range(given.rounds):
            for changes in given.sizes:
                found.setdefault(changes, []).append(measure(stores, requirements, changes))
        if given.largest:
            found[given.largest] = [measure(stores, requirements, given.largest)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} x {platform.machine()}; clause 8.2, "
        f"{parts} parts, tables {', '.join(TABLES)}; peak memory {peak:.0f} MB\n"
    )
    heads = (
        "changes",
        "rounds",
        "obligations",
        "calendars s",
        "whole s",
        "a second",
        "a CPU second",
        "written alone a CPU second",
        "bytes each",
        "again s",
        "1,000 moved s",
        "of whole",
    )
    lines = [heads]
    for changes, rounds in found.items():
        middle = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
        lines.append(
            (
                f"{changes:,}",
                str(len(rounds)),
                f"{middle['obligations']:,.0f}",
                f"{middle['days']:.1f}",
                f"{middle['whole']:.1f}",
                f"{middle['rate']:,.0f}",
                f"{middle['used']:,.0f}",
                f"{middle['copied']:,.0f}",
                f"{middle['bytes']:.0f}",
                f"{middle['again']:.1f}",
                f"{middle['some']:.2f}",
                f"1/{middle['ratio']:.0f}",
            )
        )
    for number, line in enumerate(lines):
        print(f"| {' | '.join(line)} |" if given.markdown else "  ".join(f"{one:>13}" for one in line))
        if given.markdown and number == 0:
            print("|" + "---:|" * len(line))


if __name__ == "__main__":
    main()
