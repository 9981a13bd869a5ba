"""How long the whole standard takes: every requirement over very many tickets, and over 1,000 that changed.

python -m tests.bench.standard --tickets 1000000

The store is that of `hub demo` with its tickets, their approvals, reviews and deployments told again under new numbers,
so that every requirement meets what it meets there, only more of it; of each copied ticket five events are kept.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from sqlalchemy import Table

from hub.conformance import abreast
from hub.conformance import derive as derivation
from hub.conformance.cycle import derive_all
from hub.conformance.derive import derive
from hub.conformance.pack import Requirement
from hub.conformance.turn import Turn
from hub.records import KINDS
from hub.store.schema import child_tables, field_shapes, kind_tables
from hub.store.sqlite import sqlite3
from hub.store.store import Store
from hub_bs15000.catalogue import load_pack

TICKETS = ("change", "incident", "problem", "request")
OF_TICKETS = ("approval", "review")
"""Told again with the ticket they are of; an organisation meets no more often for having more tickets."""
TOLD_AGAIN = (*TICKETS, "complaint", "deployment", "improvement_action", "known_error", *OF_TICKETS)
EVENTS = 5
NOW = 1_793_692_800_000
"""3 November 2026, when the demo judges October."""
Spent = dict[str, tuple[float, int]]
"""Requirement -> (CPU seconds, obligations written)."""
_FORGOTTEN = (
    "change_log",
    "derivation",
    "counted",
    "finding",
    "lineup",
    "obligation",
    "part",
    "requirement_state",
    "tally",
)


def multiply(path: Path, tickets: int) -> tuple[int, int]:
    """Tell the tickets of a store again until there are so many; returns how many tickets and events there are."""
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("PRAGMA journal_mode = off")
        conn.execute("PRAGMA synchronous = off")
        conn.execute("PRAGMA cache_size = -2000000")  # two gigabytes: the rows go into indexes in no order
        for table in _FORGOTTEN:
            conn.execute(f"DELETE FROM {table}")
        conn.execute("CREATE TEMP TABLE told (sid INTEGER PRIMARY KEY)")
        alone, others = (
            ", ".join(f"'{kind}'" for kind in TOLD_AGAIN if (kind in OF_TICKETS) == of) for of in (False, True)
        )
        conn.execute(f"INSERT INTO told SELECT sid FROM record WHERE kind IN ({alone})")
        conn.execute(
            "INSERT INTO told SELECT DISTINCT r.sid FROM record r JOIN link l ON l.sid = r.sid AND l.type = 'subject_id' "
            f"JOIN told t ON t.sid = l.target WHERE r.kind IN ({others})"
        )
        step = conn.execute("SELECT max(sid) + 1 FROM record").fetchone()[0]
        here = sum(conn.execute(f"SELECT count(*) FROM {kind}").fetchone()[0] for kind in TICKETS)
        conn.execute("CREATE TEMP TABLE copy (n INTEGER PRIMARY KEY, shift INTEGER)")
        conn.executemany("INSERT INTO copy VALUES (?, ?)", [(n, n * step) for n in range(1, -(-tickets // here))])
        _tell_again(conn)
        conn.execute("PRAGMA analysis_limit = 400")  # as the hub does after it has read much
        conn.execute("ANALYZE")
        conn.commit()
        counted = [
            sum(conn.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names)
            for names in (TICKETS, ["event"])
        ]
    return counted[0], counted[1]


def _tell_again(conn: sqlite3.Connection) -> None:
    _copy(conn, "record", {"id": "id || '#' || n"}, refers={"canonical"})
    for kind in TOLD_AGAIN:
        _copy(conn, kind, {}, refers=_references(kind_tables[kind], field_shapes(KINDS[kind])))
        for (owner, name), table in child_tables.items():
            if owner == kind:
                part = next(one.part for one in field_shapes(KINDS[kind]) if one.name == name)
                assert part is not None
                _copy(conn, table.name, {}, refers=_references(table, field_shapes(part)))
    _copy(conn, "link", {}, refers={"target"})
    _copy(conn, "since", {}, refers=set())
    _copy(conn, "unknown_field", {}, refers=set())
    _copy(conn, "sla_clock", {}, refers=set())
    _copy(conn, "sla_mark", {}, refers=set())
    few = f"(SELECT *, row_number() OVER (PARTITION BY sid ORDER BY at DESC) AS place FROM event) WHERE place <= {EVENTS} AND"
    _copy(conn, "event", {}, refers=set(), rows=few)


def _references(table: Table, shapes: Any) -> set[str]:
    """List the columns that hold the number of a record."""
    names = {shape.name for shape in shapes if shape.role == "reference"}
    for shape in shapes:
        if shape.role == "struct":
            names |= {f"{shape.name}_{one}" for one in _references(table, field_shapes(shape.part))}
    return names


def _copy(conn: sqlite3.Connection, table: str, written: dict[str, str], *, refers: set[str], rows: str = "") -> None:
    def value(name: str) -> str:
        if name == "sid":
            return "sid + shift"
        if name in refers:
            return f"CASE WHEN {name} IN (SELECT sid FROM told) THEN {name} + shift ELSE {name} END"
        return written.get(name, f'"{name}"')

    names = [row[1] for row in conn.execute(f"PRAGMA table_info({table})")]
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(value(name) for name in names)
    conn.execute(
        f"CREATE TEMP TABLE original AS SELECT * FROM {rows or f'{table} WHERE'} sid IN (SELECT sid FROM told) ORDER BY sid"
    )
    conn.execute(f"INSERT INTO {table} ({columns}) SELECT {values} FROM copy CROSS JOIN original ORDER BY n")
    conn.execute("DROP TABLE original")


@contextmanager
def timed(spent: Spent) -> Iterator[None]:
    """Note processor seconds and obligations written of each requirement, derived whole or where something changed."""

    def noting(plain: Any) -> Any:
        def derive_one(*given: Any) -> Any:
            turn = next(one for one in given if isinstance(one, Turn))
            began = time.thread_time()
            found = plain(*given)
            before, _ = spent.get(turn.requirement.id, (0.0, 0))
            spent[turn.requirement.id] = (before + time.thread_time() - began, getattr(found, "written", 0))
            return found

        return derive_one

    with (
        patch.object(abreast, "lay_whole", noting(abreast.lay_whole)),
        patch.object(abreast, "write_whole", noting(abreast.write_whole)),
        patch.object(derivation, "derive_little", noting(derivation.derive_little)),
    ):
        yield


def touch(path: Path, number: int, *, newest: bool = False, moved: bool = False) -> None:
    """Change so many tickets: each was updated, and all it refers to is near.

    They are spread over all, as a page of corrections would be, or the `newest`, as when a tool is read again. Where they
    `moved`, incidents were reported an hour later than was known.
    """
    with sqlite3.connect(path) as conn:
        every = " UNION ALL ".join(f"SELECT sid, '{kind}' AS kind, created_at FROM {kind}" for kind in TICKETS)
        rows = conn.execute(f"SELECT count(*) FROM ({every})").fetchone()[0]
        order = "created_at DESC, sid" if newest else "sid"
        which = "true" if newest else f"n % {max(1, rows // number)} = 0"
        numbered = f"SELECT sid, kind, row_number() OVER (ORDER BY {order}) AS n FROM ({every})"
        conn.execute(
            f"CREATE TEMP TABLE picked AS SELECT sid, kind FROM ({numbered}) WHERE {which} ORDER BY n LIMIT {number}"
        )
        for kind in TICKETS:
            conn.execute(f"UPDATE {kind} SET created_at = created_at + 1 WHERE sid IN (SELECT sid FROM picked)")
        if moved:
            conn.execute(
                "UPDATE incident SET reported_at = reported_at + 3600000 WHERE sid IN (SELECT sid FROM picked)"
            )
        conn.execute("INSERT INTO change_log (kind, sid, touched) SELECT kind, sid, sid FROM picked")
        conn.execute(
            "INSERT INTO change_log (kind, sid, touched) SELECT p.kind, p.sid, l.target FROM picked p JOIN link l ON l.sid = p.sid"
        )


def measure(
    path: Path, requirements: list[Requirement], *, changed: int, newest: bool, moved: bool
) -> tuple[Spent, Spent, dict[str, float]]:
    """Derive everything, then what changed; returns seconds and rows of both, and figures of the whole."""
    store = Store.open(f"sqlite:///{path.name}", base_dir=path.parent)
    spent: Spent = {}
    little: Spent = {}
    derive_all(store, [], now=NOW, zone="Europe/Berlin", calendar="5x8")
    with timed(spent):
        began, used = time.perf_counter(), time.process_time()
        written = derive(store, requirements, now=NOW).written
        whole, cpu = time.perf_counter() - began, time.process_time() - used
    touch(path, changed, newest=newest, moved=moved)
    with timed(little):
        began = time.perf_counter()
        again = derive(store, requirements, now=NOW + 1)
        some = time.perf_counter() - began
    store.close()
    return spent, little, {"written": written, "whole": whole, "cpu": cpu, "some": some, "rewritten": again.written}


def main() -> None:
    """Print the figures of the whole, then one line a requirement, the longest first."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tickets", type=int, default=1_000_000)
    parser.add_argument("--changed", type=int, default=1_000)
    parser.add_argument("--newest", action="store_true", help="The newest change, not some of all.")
    parser.add_argument("--moved", action="store_true", help="Incidents that change were reported at another time.")
    parser.add_argument("--demo", type=Path, help="Folder of a demo that was run; made anew without it.")
    parser.add_argument("--most", type=int, default=290, help="So many requirements are listed.")
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        demo = given.demo or Path(folder, "demo")
        if not given.demo:
            subprocess.run(
                [sys.executable, "-c", "from hub.cli import main; main()", "demo", "--folder", str(demo)],
                check=True,
                stdout=subprocess.DEVNULL,
            )
        path = Path(folder, "bench.db")
        shutil.copy(demo / "hub.db", path)
        with ProcessPoolExecutor(1) as apart:  # whose memory is none of deriving's
            tickets, events = apart.submit(multiply, path, given.tickets).result()
        requirements = list(load_pack().requirements({}))
        size = path.stat().st_size
        spent, little, found = measure(
            path, requirements, changed=given.changed, newest=given.newest, moved=given.moved
        )
        grown = path.stat().st_size - size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} x {platform.machine()}; {len(requirements)} requirements"
    )
    print(
        f"{tickets:,} tickets, {events:,} events, {size / 1e9:.1f} GB before, {grown / 1e9:.1f} GB of obligations; peak memory {peak:.0f} MB"
    )
    print(
        f"whole: {found['written']:,.0f} obligations in {found['whole']:.0f} s = {found['written'] / found['whole']:,.0f} a second, "
        f"{found['cpu']:.0f} CPU s = {found['written'] / found['cpu']:,.0f} a CPU second"
    )
    print(
        f"{given.changed:,} changed: {found['rewritten']:,.0f} obligations in {found['some']:.1f} s = 1/{found['whole'] / found['some']:.0f}\n"
    )
    print(
        "| requirement | obligations | CPU s | a CPU second | CPU s where something changed |\n|---|---:|---:|---:|---:|"
    )
    for name, (seconds, rows) in sorted(spent.items(), key=lambda one: -one[1][0])[: given.most]:
        again = little.get(name, (0.0, 0))[0]
        print(f"| {name} | {rows:,} | {seconds:.2f} | {rows / seconds if seconds else 0:,.0f} | {again:.3f} |")


if __name__ == "__main__":
    main()
