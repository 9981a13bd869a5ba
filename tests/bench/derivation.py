"""How fast obligations are derived: whole, nothing changed, and 1,000 changed units."""

from __future__ import annotations

import random
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, insert, text

from hub.conformance.cycle import derive_all
from hub.conformance.pack import Requirement
from hub.store.schema import kind_tables
from hub.store.store import Store
from hub.store.tables import change_log, link, record, since
from hub_bs15000.catalogue import load_pack

DAY = 86_400_000
START = 1_759_276_800_000
FIELDS = (
    "impact.service",
    "impact.business",
    "impact.customer",
    "impact.infrastructure",
    "impact.release_plan",
    "backout_plan",
)


def fill(conn: Connection, changes: int) -> None:
    """Write changes with one approval each straight into the tables, as a first reading would leave them."""
    random_ = random.Random(1)
    people = [
        {
            "sid": n,
            "id": f"register:people/{n}",
            "kind": "person",
            "source": "register",
            "scope": "people",
            "canonical": n,
        }
        for n in range(10, 30)
    ]
    conn.execute(insert(record), people)
    conn.execute(insert(kind_tables["role_assignment"]), [{"sid": 31, "person": 10, "role": "change_authority"}])
    for begin in range(0, changes, 20_000):
        numbers = range(begin, min(begin + 20_000, changes))
        rows, approvals, records, links, filled = [], [], [], [], []
        for number in numbers:
            sid, approval = 100 + 2 * number, 101 + 2 * number
            created = START + random_.randrange(300) * DAY
            started = created + random_.randrange(5, 20) * DAY
            where = {"source": "desk", "scope": "CHG"}
            records += [
                {"sid": sid, "id": f"desk:issue/{sid}", "kind": "change", **where},
                {"sid": approval, "id": f"desk:issue/{sid}/approval/1", "kind": "approval", **where},
            ]
            rows.append({"sid": sid, "created_at": created, "type": random_.choice(["normal", "standard", "emergency"]), "actual_start": started, "actual_end": started + DAY, "implementer": 11 + number % 18, "revision": "r1", "backout_plan": "undo", "impact_service": "none", "impact_business": "none", "impact_customer": "none", "impact_infrastructure": "none", "impact_release_plan": "none"})  # fmt: skip
            approvals.append({"sid": approval, "subject_id": sid, "approver": 10, "decision": "approved", "decided_at": started - random_.randrange(-1, 4) * DAY, "subject_revision": "r1"})  # fmt: skip
            links.append({"sid": approval, "type": "subject_id", "target": sid})
            filled += [{"sid": sid, "field": name, "at": created + DAY} for name in FIELDS]
        conn.execute(insert(record), records)
        conn.execute(insert(kind_tables["change"]), rows)
        conn.execute(insert(kind_tables["approval"]), approvals)
        conn.execute(insert(link), links)
        conn.execute(insert(since), filled)
        conn.execute(
            insert(change_log), [{"kind": row["kind"], "sid": row["sid"], "touched": row["sid"]} for row in records]
        )
    conn.execute(text("ANALYZE"))


def run(store: Store, requirements: list[Requirement], now: int, *, whole: bool = False) -> tuple[float, int]:
    """Derive; returns (seconds, obligations written)."""
    began = time.perf_counter()
    done = derive_all(store, requirements, now=now, zone="Europe/Berlin", calendar="5x8", whole=whole)
    return time.perf_counter() - began, done.written


def touch(conn: Connection, changes: int) -> None:
    """Move 1,000 approvals by a day, as a page of corrections would."""
    sids = [101 + 2 * number for number in range(0, changes, max(1, changes // 1000))][:1000]
    conn.exec_driver_sql(
        f"UPDATE approval SET decided_at = decided_at - {DAY} WHERE sid IN ({', '.join(map(str, sids))})"
    )
    rows = [{"kind": "approval", "sid": sid, "touched": touched} for sid in sids for touched in (sid, sid - 1)]
    conn.execute(insert(change_log), rows)


def main(changes: int = 200_000) -> None:
    """Print one table of figures."""
    requirements = [one for one in load_pack().requirements({}) if one.entry.clause == "8.2"]
    with TemporaryDirectory() as folder:
        store = Store.open("sqlite:///bench.db", base_dir=Path(folder), create=True)
        now = START + 400 * DAY
        run(store, requirements, now)
        with store.begin() as conn:
            fill(conn, changes)
        whole, written = run(store, requirements, now + 1, whole=True)
        nothing, _ = run(store, requirements, now + 2, whole=True)
        with store.begin() as conn:
            touch(conn, changes)
        some, rewritten = run(store, requirements, now + 3)
        size = Path(folder, "bench.db").stat().st_size
        store.close()
    print(f"{changes} changes, {written} obligations, store {size / 1e6:.0f} MB")
    print(f"whole: {whole:.1f} s = {written / whole / 1000:.0f} thousand a second")
    print(f"whole again, nothing written: {nothing:.1f} s")
    print(f"1,000 approvals moved, {rewritten} obligations rewritten: {some:.2f} s = 1/{nothing / some:.0f} of whole")


if __name__ == "__main__":
    main()
