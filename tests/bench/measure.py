"""Run one program once: how long it took, what it used, what it asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hub.store.sqlite import sqlite3
from hub_sandbox.configuration import TOKEN, write_configuration
from tests.bench.issue import PROJECTS
from tests.bench.rival import Rival
from tests.bench.server import BenchJira

__all__ = ["Run", "contents", "run_handwritten", "run_hub", "run_rival"]

_HUB = Path(sys.executable).with_name("hub")
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took."""

    seconds: float
    """From the start of the process to its end."""
    cpu_s: float
    peak_mb: float
    """Of the process and those it began, what they share counted once."""
    requests: int
    """As the server counted them."""
    reading_s: float = 0.0
    """Reading alone, as the hub says; no start-up."""


def _run(command: list[str], jira: BenchJira, folder: Path, environment: Mapping[str, str] | None = None) -> Run:
    jira.set()
    # As installed: compiled code is kept, wherever this environment says otherwise; the first run of all makes it.
    kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder.parent / "compiled")}
    began = time.perf_counter()
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(
            command, stdout=out, stderr=err, cwd=folder, env={**os.environ, **kept, **(environment or {})}
        )
        with _watched(process.pid) as held:
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if process.returncode:
        said = (folder / "stderr").read_text(errors="replace")[-2000:]
        raise SystemExit(f"{command[0]} ended with {process.returncode}:\n{said}")
    return Run(seconds, used.ru_utime + used.ru_stime, max(used.ru_maxrss / 1024, *held), jira.set())


@contextmanager
def _watched(pid: int) -> Iterator[list[float]]:
    """Note four times a second how many MB a process and its children hold together."""
    held, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.25):
            children = Path(f"/proc/{pid}/task/{pid}/children")
            try:
                held.append(sum(map(_held_mb, [str(pid), *children.read_text().split()])))
            except OSError:  # one has just ended, or this system tells none of it
                continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield held
    finally:
        over.set()
        watcher.join()


def _held_mb(pid: str) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def run_hub(jira: BenchJira, folder: Path, *, fetchers: int = 4, again: bool = False) -> Run:
    """Run `hub sync` on SQLite; `again` = into the store the run before left. The census has a schedule of its own."""
    if not again:
        _empty(folder)
        secret = folder / "token"
        secret.write_text(TOKEN, encoding="utf-8")
        secret.chmod(0o600)
        path = write_configuration(folder, url=jira.url, token_file=secret, projects=PROJECTS)
        text = path.read_text(encoding="utf-8").replace('plugin = "jira"', f'plugin = "jira"\nfetchers = {fetchers}')
        path.write_text(text, encoding="utf-8")
    command = [str(_HUB), "sync", "service-desk", "--no-census", "--config", str(folder / "hub.toml")]
    run = _run([*command, "--format", "json"], jira, folder)
    (told,) = msgspec.json.decode((folder / "stdout").read_bytes())
    return Run(run.seconds, run.cpu_s, run.peak_mb, run.requests, told["seconds"])


def run_handwritten(jira: BenchJira, folder: Path) -> Run:
    """Run the loop written by hand."""
    _empty(folder)
    module = str(_ROOT / "tests" / "bench" / "handwritten.py")
    return _run([sys.executable, module, jira.url, str(folder / "hub.db"), *PROJECTS], jira, folder)


def run_rival(rival: Rival, jira: BenchJira, folder: Path) -> Run:
    """Run another program; its output goes to a file."""
    _empty(folder)
    return _run(rival.prepare(jira.url, folder), jira, folder, {"RUNTIME__DLTHUB_TELEMETRY": "false"})


def contents(folder: Path) -> dict[str, int]:
    """Count the documents, records and events of a store, the hub's or the loop's."""
    with sqlite3.connect(folder / "hub.db") as conn:
        queries = {
            "documents": "SELECT count(*) FROM raw_document",
            "records": "SELECT count(*) FROM record WHERE kind IS NOT NULL",
            "events": "SELECT count(*) FROM event",
        }
        found = {name: int(conn.execute(query).fetchone()[0]) for name, query in queries.items()}
    conn.close()
    return found


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
