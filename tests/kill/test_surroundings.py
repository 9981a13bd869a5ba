"""What people and machines do around a run: one clear line, the exit code as documented, nothing lost."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from hub.cli.session import Session
from hub.clock import FixedClock
from hub.errors import Locked
from hub.sync.lock import hold
from tests.kill.harness import KILLED, LATER, NOW, Order, call, start
from tests.kill.picture import take_picture
from tests.kill.test_adversity import at_work

NOWS = (NOW, LATER)
NEXT = "a month ago"
DAY = 86_400_000
CRAMPED = "Exception ignored on building sys.unraisablehook arguments"
"""Python's own words, and no end of the line, where there is no memory even to ask the hook; nothing can keep them back."""


@pytest.fixture(scope="module")
def undisturbed(workshop):
    folder = workshop.copy(NEXT)
    assert call(folder, "run").code == 0
    return take_picture(folder, NOW, NOWS)


def _goes_on(folder: Path, undisturbed) -> None:
    ended = call(folder, "run", now=LATER)
    assert ended.code == 0, ended.said
    assert take_picture(folder, LATER, NOWS) == undisturbed


def _lines(said: str) -> list[str]:
    assert "Traceback" not in said, said
    lines = said.replace(CRAMPED, f"{CRAMPED}\n").splitlines()
    return [line.removeprefix("hub: ") for line in lines if line.startswith("hub: ")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_told_to_end(workshop, undisturbed, number):
    folder = workshop.copy(NEXT)
    ended = call(folder, "run", die_at=("statement", 300), by=number)
    assert ended.code == -number, ended.said
    assert _lines(ended.said) == [f"ended by {number.name}; what was committed is kept: run the command again"]
    _goes_on(folder, undisturbed)


@pytest.mark.parametrize("files", [0, 1, 3, 5])
def test_no_file_can_be_opened(workshop, undisturbed, files):
    folder = workshop.copy(NEXT)
    (folder / "passed").touch()
    ended = call(folder, "run", files=files)
    assert ended.code == 2, ended.said
    assert _lines(ended.said) or "Too many open files" in ended.said, ended.said
    _goes_on(folder, undisturbed)


@pytest.mark.parametrize("megabytes", [1, 4, 15, 30])
def test_the_memory_is_used_up(workshop, undisturbed, megabytes):
    folder = workshop.copy(NEXT)
    ended = call(folder, "run", memory=megabytes << 20)
    assert ended.code == 2, ended.said
    assert "memory" in " ".join(_lines(ended.said)), ended.said
    _goes_on(folder, undisturbed)


def test_who_comes_after_one_that_was_killed_takes_over(workshop, undisturbed):
    folder = workshop.copy(NEXT)
    first = start(Order(folder, ("run",), NOW))
    with Session(folder / "hub.toml") as session:
        while not at_work(session.store, first.pid):
            time.sleep(0.01)
        first.kill()
        first.join()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                with hold(session.store, "run", clock=FixedClock(NOW)):
                    break
            except Locked:
                time.sleep(0.02)
        else:
            pytest.fail("the lock of a killed run is still held")
    assert first.exitcode == KILLED
    _goes_on(folder, undisturbed)


def test_the_clock_is_set_back(workshop, undisturbed):
    """Nothing is judged later than it was read, so the findings of a day are withdrawn for as long as it seems to come."""
    folder = workshop.copy(NEXT)
    assert call(folder, "run", now=NOW).code == 0
    ended = call(folder, "run", now=NOW - DAY)
    assert ended.code == 0, ended.said
    assert "Jira's clock is 1440 minutes ahead of this machine's; set both clocks by NTP" in ended.said
    assert call(folder, "run", now=LATER).code == 0
    found = take_picture(folder, LATER, NOWS)
    assert {name for name in found if found[name] != undisturbed[name]} <= {"finding", "finding_event"}


@pytest.mark.sqlite("what becomes of a file")
def test_the_store_is_moved_away_and_back(workshop, undisturbed):
    folder = workshop.copy(NEXT)
    call(folder, "run", die_at=("written", 9))
    away = folder / "away"
    away.mkdir()
    for file in folder.glob("hub.db*"):
        file.rename(away / file.name)
    asked = call(folder, "findings")
    assert asked.code == 2
    assert _lines(asked.said) == [f"there is no store at {folder / 'hub.db'}; run: hub db upgrade"]
    assert call(folder, "run").code == 0  # makes a new one, which is thrown away again
    for file in folder.glob("hub.db*"):
        file.unlink()
    for file in away.iterdir():
        file.rename(folder / file.name)
    _goes_on(folder, undisturbed)


@pytest.mark.sqlite("what becomes of a file")
def test_the_store_is_deleted_and_what_sqlite_keeps_beside_it_stays(workshop):
    folder = workshop.copy(NEXT)
    assert call(folder, "run", die_at=("committed", 9)).code == KILLED
    assert (folder / "hub.db-wal").exists()
    (folder / "hub.db").unlink()
    ended = call(folder, "run")
    assert ended.code == 0, ended.said
    assert call(folder, "verify").code == 0


def test_a_source_is_taken_out_and_put_back(workshop, undisturbed):
    folder = workshop.copy(NEXT)
    config = folder / "hub.toml"
    whole = config.read_text()
    head, _, rest = whole.partition("[sources.service-desk]")
    config.write_text(head + "[channels" + rest.partition("[channels")[2])
    ended = call(folder, "run")
    config.write_text(whole)
    ended = call(folder, "run", now=LATER)
    assert ended.code == 0, ended.said
    found = take_picture(folder, LATER, NOWS)
    assert {name for name in found if found[name] != undisturbed[name]} <= {
        "outbox",
        "report",
        "files",
        "finding",
        "finding_event",
    }


def test_there_is_no_folder_for_temporary_files(workshop, undisturbed):
    folder = workshop.copy(NEXT)
    ended = call(folder, "run", no_temporary=True)
    assert ended.code == 0, ended.said
    assert take_picture(folder, NOW, NOWS) == undisturbed
