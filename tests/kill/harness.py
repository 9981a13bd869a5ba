"""Workplaces to kill commands in, and the processes that are killed."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any

from sqlalchemy import text

from hub.cli.session import Session
from hub.clock import parse_instant
from hub.store.store import Store
from hub_sandbox.command import write_workplace
from hub_sandbox.jira_server import JiraServer
from hub_sandbox.register_files import write_register
from tests.kill.child import Order, obey
from tests.store_fixtures import Places

__all__ = ["FIRST", "KILLED", "NOW", "SCENARIOS", "Ended", "Scenario", "Workshop", "call", "start"]

FIRST = parse_instant("2026-10-01T06:00:00Z")
NOW = parse_instant("2026-11-03T08:00:00Z")
LATER = NOW + 60_000
"""When a killed command is run again."""
KILLED = -SIGKILL
_PRELOADED = (
    "hub.cli.report",
    "hub.cli.run",
    "hub.report.issue",
    "hub.report.mail",
    "hub.sync.runner",
    "hub_bs15000.catalogue",
    "hub_email.file",
    "hub_email.smtp",
    "hub_jira.source",
    "hub_register.source",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite",
    "tests.kill.child",
    "tests.kill.warm",
)
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(list(_PRELOADED))


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    """Negative: the signal that killed it."""
    said: str
    seconds: float
    passed: dict[str, int]
    """Kind of point -> how many were passed; empty for a process that was killed."""


def start(order: Order) -> Any:
    """Start a process that obeys."""
    (order.folder / "passed").unlink(missing_ok=True)
    process = _PROCESSES.Process(target=obey, args=(order,))
    process.start()
    return process


def call(folder: Path, *arguments: str, now: int = NOW, delay: float | None = None, **more: Any) -> Ended:
    """Run a command to its end, or kill it after `delay` seconds."""
    began = time.perf_counter()
    process = start(Order(folder, arguments, now, **more))
    process.join(delay)
    if process.is_alive():
        process.kill()
    process.join()
    if process.exitcode < 0:
        _wait_until_released(folder)
    passed = folder / "passed"
    return Ended(
        process.exitcode,
        (folder / "said").read_text(encoding="utf-8"),
        time.perf_counter() - began,
        json.loads(passed.read_text(encoding="utf-8")) if passed.exists() else {},
    )


def _wait_until_released(folder: Path) -> None:
    """Wait until PostgreSQL has let go of a killed process, whose last statement it may still be at."""
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    with Session(folder / "hub.toml") as session:
        url = session.configuration.store.url_with_password()
    if url.startswith("sqlite"):
        return
    with closing(Store.attach(url, base_dir=folder)) as store:
        for _ in range(1000):
            with store.connect() as conn:
                if not conn.scalar(others):
                    return
            time.sleep(0.01)
    raise AssertionError(f"the server still serves who was killed in {folder}")


@dataclass(frozen=True)
class Scenario:
    """A command, what it starts from, and what follows it undisturbed."""

    name: str
    base: str
    command: tuple[str, ...]
    then: tuple[tuple[str, ...], ...] = ()


SCENARIOS = {
    one.name: one
    for one in (
        Scenario("first run", "empty", ("run",)),
        Scenario("next run", "a month ago", ("run",)),
        Scenario("sync", "a month ago", ("sync",), (("derive",),)),
        Scenario("replay", "other mapping", ("sync", "--replay"), (("derive",),)),
        Scenario("derive", "read, other calendar", ("derive",)),
        Scenario("report", "derived", ("report", "conformance")),
    )
}


class Workshop:
    """Makes each starting point once and hands out copies."""

    def __init__(self, folder: Path, server: JiraServer, places: Places) -> None:
        self._folder = folder
        self._server = server
        self._places = places
        self._made: dict[str, Path] = {}
        self._numbers = 0
        self._copies: list[Path] = []

    def copy(self, base: str) -> Path:
        """Return a fresh folder that stands where `base` stands."""
        self._numbers += 1
        self._copies.append(self._copied(self.base(base), f"work {self._numbers}"))
        return self._copies[-1]

    def tidy(self) -> None:
        """Drop the databases of all copies; a server has room for hundreds, not for thousands."""
        while self._copies:
            self._places.remove(self._copies.pop() / "hub.toml")

    def base(self, name: str) -> Path:
        """Return the starting point itself; never to be run in."""
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Path:
        organisation = self._server.api.organisation
        if name == "empty":
            folder = self._folder / name
            self._places.settle(write_workplace(folder, organisation, self._server, NOW))
            _rewrite(folder, _without_probes)
            return folder
        if name == "a month ago":
            folder = self._copied(self.base("empty"), name)
            write_register(folder / "register", organisation, as_of=FIRST)
            self._server.set_clock(FIRST)
            self._run(folder, "run", now=FIRST)
            self._server.set_clock(NOW)
            write_register(folder / "register", organisation, as_of=NOW)
            return folder
        if name == "other mapping":
            folder = self._copied(self.base("a month ago"), name)
            _rewrite(folder, lambda line: "" if "change.backout_plan" in line else line)
            return folder
        folder = self._copied(self.base("a month ago"), name)
        self._run(folder, "sync")
        if name == "read, other calendar":
            _rewrite(folder, lambda line: line.replace('calendar = "5x8"', 'calendar = "7x24"'))
        elif name == "derived":
            self._run(folder, "derive")
            self._run(folder, "findings")
        else:
            raise KeyError(name)
        return folder

    def _copied(self, source: Path, name: str) -> Path:
        copied = Path(shutil.copytree(source, self._folder / name))
        self._places.follow(source / "hub.toml", copied / "hub.toml")
        return copied

    def _run(self, folder: Path, *arguments: str, now: int = NOW) -> None:
        ended = call(folder, *arguments, now=now)
        assert ended.code == 0, ended.said


def _without_probes(line: str) -> str:
    """Leave out what the hub checks by itself: its results carry the instant of the run that looked."""
    others = 'disabled = ["BS15000-4.4-d", "BS15000-4.6-c", '  # beside those the organisation leaves out as well
    return line.replace("disabled = [", others) if line.startswith('disabled = ["BS15000-4.5-r1"') else line


def _rewrite(folder: Path, change: Callable[[str], str]) -> None:
    config = folder / "hub.toml"
    config.write_text("\n".join(map(change, config.read_text().splitlines())))
