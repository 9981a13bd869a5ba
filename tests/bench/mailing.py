"""What a month of mails takes: 30 recipients in several scopes and two languages, 100,000 tickets in the store.

python -m tests.bench.mailing

CPU seconds of this process, after deriving: judging, drawing every distinct scope once, and handing each message to an
SMTP server in a process of its own. The full report as PDF is measured apart. Fails where a figure is beyond its aim.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import json
import platform
import pstats
import random
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, insert, text

from hub.cli.judging import derived, refreshed
from hub.cli.report_issue import make_conformance
from hub.cli.session import Session
from hub.clock import FixedClock, parse_instant
from hub.records import Person, RoleAssignment, Service, Sla, Target, Team
from hub.report.file.document import document
from hub.report.model import decode_model
from hub.store import outbox
from hub.store.reading import record_coverage, set_provisions
from hub.store.schema import kind_tables
from hub.store.sqlite import sqlite3
from hub.store.store import Store
from hub.store.tables import change_log, link, record, since
from hub.store.writer import Write, write_records
from hub.sync.source import Provision

__all__ = ["configuration", "fill", "provided"]

SERVICES, TEAMS, PEOPLE = 10, 4, 30
MOST_S, MOST_PDF_S = 60, 5
"""On two cores; here of one."""
DAY = 86_400_000
BEGIN = parse_instant("2026-01-01T00:00:00Z")
NOW = parse_instant("2026-11-03T08:00:00Z")
_FIRST = 10_000
"""sid of the first ticket."""


PACK = f"""[packs.bs15000]
[[packs.bs15000.profile]]
disabled = {json.dumps(["BS15000-4.5-r1", "BS15000-4.5-r2", "BS15000-5.7-h", "SD-02", "SD-21"])}
reason = "what the tickets of this measurement leave empty"
set_by = "bench"
set_at = 2026-01-01
[[packs.bs15000.profile]]
disabled = {json.dumps([f"BS15000-{one}" for one in ("7.1-b", "7.1-c", "7.1-d", "7.1-e", "7.1-f", "7.1-g", "7.1-h", "8.2-a", "8.2-b", "8.2-c", "8.2-f")])}
reason = "what the tickets of this measurement leave empty"
set_by = "bench"
set_at = 2026-01-01
"""


def configuration(port: int, *, pack: str = PACK) -> str:
    """Write a configuration: the whole organisation, every service by turns in two languages, and every team."""
    person = iter(range(PEOPLE))

    def some(count: int) -> str:
        return json.dumps([f"register:people/p{next(person)}" for _ in range(count)])

    lines = [
        '[organisation]\nname = "Example Organisation"\nzone = "Europe/Berlin"\njudge_from = 2026-10-01\n',
        f'[store]\nurl = "sqlite:///hub.db"\n{pack}',
        f'[channels.mail]\nplugin = "smtp"\nhost = "127.0.0.1"\nport = {port}\nstarttls = false\nsender = "hub@example.test"\nsend = true\n',
        f'[reports.conformance]\nchannels = ["mail"]\nattachments = ["charts", "xlsx"]\nto = {some(4)}\n',
    ]
    for number in range(SERVICES):
        language = "zh" if number % 3 == 2 else "en"
        lines.append(f'[[reports.conformance.audiences]]\nname = "Service {number}"\nlanguage = "{language}"\n')
        lines.append(f'services = ["register:services/s{number}"]\nto = {some(2)}\n')
    for number in range(TEAMS - 1):
        lines.append(
            f'[[reports.conformance.audiences]]\nname = "Team {number}"\nteams = ["register:teams/t{number}"]\n'
        )
        lines.append(f"to = {some(1)}\n")
    lines.append(f'[[reports.conformance.audiences]]\nname = "Board"\nlanguage = "zh"\nto = {some(3)}\n')
    return "".join(lines)


def provided(store: Store, session: Session) -> None:
    """Say that two sources give every field the requirements need, and were read to now."""
    needed: dict[str, frozenset[str]] = {}
    for one in session.requirements():
        for part in one.parts:
            for need in part.needs:
                needed[need.kind] = needed.get(need.kind, frozenset()) | need.fields
    with store.begin() as conn:
        for source in ("register", "desk"):
            set_provisions(conn, source, [Provision(kind, fields) for kind, fields in needed.items()], BEGIN)
            for kind in needed:
                record_coverage(conn, source, "", kind, through=NOW, reason=None, known_at=NOW - 1)


def fill(store: Store, tickets: int) -> None:
    """Write people, services, an agreement a service, and tickets of ten months: incidents, and one change in ten."""
    draw = random.Random(1)
    with store.begin() as conn:
        write_records(conn, [Write(one) for one in _register()], BEGIN)
        numbers = {row.id: row.sid for row in conn.execute(text("SELECT id, sid FROM record"))}
        for begin in range(0, tickets, 20_000):
            _tickets(conn, range(begin, min(begin + 20_000, tickets)), tickets, draw, numbers)
        conn.execute(text("ANALYZE"))


def _register() -> Iterator[Person | RoleAssignment | Service | Sla | Team]:
    for number in range(PEOPLE):
        person = f"register:people/p{number}"
        yield Person(id=person, source="register", name=f"Person {number}", email=[f"p{number}@example.test"])
    yield RoleAssignment(
        id="register:roles/authority",
        source="register",
        person="register:people/p0",
        role="change_authority",
        from_=BEGIN,
    )
    for number in range(SERVICES):
        yield Service(
            id=f"register:services/s{number}",
            source="register",
            title=f"Service {number}",
            owner=f"register:people/p{number}",
        )
        targets = [
            Target(
                id=f"{metric}-{priority}",
                metric=metric,
                priority=priority,
                operator="<=",
                value=value,
                unit="h",
                calendar="7x24",
            )
            for metric, value in (("response", 1), ("resolution", 60))
            for priority in ("P1", "P2", "P3")
        ]
        targets.append(Target(id="share", metric="attainment", operator=">=", value=95, unit="%"))
        yield Sla(
            id=f"register:slas/s{number}",
            source="register",
            title=f"Agreement {number}",
            service_ids=[f"register:services/s{number}"],
            valid_from="2025-01-01",
            signed_at=BEGIN - DAY,
            targets=targets,
        )
    for number in range(TEAMS):
        members = [f"register:people/p{one}" for one in range(number, PEOPLE, TEAMS)]
        yield Team(id=f"register:teams/t{number}", source="register", title=f"Team {number}", members=members)


def _tickets(conn: Connection, some: range, whole: int, draw: random.Random, numbers: dict[str, int]) -> None:
    records, incidents, changes, links, filled = [], [], [], [], []
    people = [numbers[f"register:people/p{number}"] for number in range(PEOPLE)]
    services = [numbers[f"register:services/s{number}"] for number in range(SERVICES)]
    for number in some:
        sid, at = _FIRST + number, BEGIN + number * 300 * DAY // whole + draw.randrange(DAY)
        change = number % 10 == 0
        kind, who = "change" if change else "incident", draw.choice(people)
        records.append(
            {"sid": sid, "id": f"desk:issue/{sid}", "kind": kind, "source": "desk", "scope": "", "canonical": None}
        )
        named = {
            "sid": sid,
            "key": f"OPS-{sid}",
            "title": "Order page shows an error",
            "created_at": at,
            "assignee": who,
        }
        if change:
            begun = at + 5 * DAY
            changes.append({**named, "type": "normal", "actual_start": begun, "actual_end": begun + DAY, "outcome": draw.choice(["successful"] * 19 + ["failed"]), "backout_plan": "undo" if draw.randrange(50) else None})  # fmt: skip
            filled.append({"sid": sid, "field": "backout_plan", "at": at})
        else:
            took = draw.choice([600_000] * 400 + [8 * 3_600_000])
            incidents.append({**named, "reported_at": at, "priority": draw.choice(["P1", "P2", "P3", "P3"]), "first_response_at": at + took, "resolved_at": at + draw.randrange(2 * DAY)})  # fmt: skip
        links.append({"sid": sid, "type": "service_ids", "target": draw.choice(services), "at": at})
    for table, rows in ((record, records), (kind_tables["incident"], incidents), (kind_tables["change"], changes)):
        conn.execute(insert(table), rows)
    conn.execute(insert(link), links)
    conn.execute(insert(since), filled)
    conn.execute(
        insert(change_log), [{"kind": one["kind"], "sid": one["sid"], "touched": one["sid"]} for one in records]
    )


@contextlib.contextmanager
def server(folder: Path) -> Iterator[int]:
    """Run an SMTP server that keeps every message; yield its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}", "-s", "0"]
    process = subprocess.Popen([*command, "-c", "aiosmtpd.handlers.Mailbox", str(folder / "arrived")])
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--profile", type=int, default=0, metavar="LINES", help="Where the time goes.")
    parser.add_argument("--folder", type=Path, help="Keep the store here, and use the one that is here.")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = given.folder or Path(stack.enter_context(TemporaryDirectory()))
        folder.mkdir(exist_ok=True)
        shutil.rmtree(folder / "arrived", ignore_errors=True)
        port = stack.enter_context(server(folder))
        (folder / "hub.toml").write_text(configuration(port), encoding="utf-8")
        made = (folder / "hub.db").exists()
        session = stack.enter_context(Session(folder / "hub.toml", clock=FixedClock(NOW), create_store=True))
        began = time.process_time()
        if not made:
            fill(session.store, given.tickets)
            provided(session.store, session)
            derived(session)
            refreshed(session)
        else:  # what an earlier measurement sent
            with session.store.begin() as conn:
                conn.execute(text("DELETE FROM outbox"))
                conn.execute(text("DELETE FROM report"))
        prepared = time.process_time() - began
        profile = cProfile.Profile()
        began = time.process_time()
        if given.profile:
            profile.enable()
        _, messages = make_conformance(session)
        profile.disable()
        took = time.process_time() - began
        with session.store.connect() as conn:
            models = [decode_model(one.model) for one in outbox.list_reports(conn)]
        papers = []
        for model in models:
            began = time.process_time()
            document(model, frozenset())
            papers.append(time.process_time() - began)
        arrived = len(list((folder / "arrived" / "new").iterdir()))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if given.profile:
            pstats.Stats(profile).sort_stats("cumtime").print_stats(given.profile)
        print(
            f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.machine()}; CPU seconds\n"
        )
        print(
            "| tickets | findings open | scopes | recipients | arrived | month of mails | longest PDF | deriving before | peak MB |"
        )
        print("|---|---|---|---|---|---|---|---|---|")
        print(
            f"| {given.tickets:,} | {max(len(one.nonconformities) for one in models):,} | {len(models)} | "
            f"{len(messages)} | {arrived} | {took:.1f} | {max(papers):.1f} | {prepared:.0f} | {peak:.0f} |"
        )
        if took > MOST_S or max(papers) > MOST_PDF_S or arrived != len(messages):
            sys.exit(
                f"beyond its aim: {took:.1f} of {MOST_S} s, PDF {max(papers):.1f} of {MOST_PDF_S} s, {arrived} arrived"
            )


if __name__ == "__main__":
    main()
