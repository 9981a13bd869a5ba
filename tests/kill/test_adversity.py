"""What a machine does to a store: one clear line, exit code 2, nothing lost, and it goes on when the cause is gone."""

from __future__ import annotations

import os
import random
import re
import shutil
import stat
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from hub.cli.session import Session
from hub.store.fault import DAMAGED
from hub.store.sqlite import sqlite3
from hub.store.store import Store
from tests.kill.harness import LATER, NOW, Ended, Order, call, start
from tests.kill.picture import take_picture

NOWS = (NOW, LATER)
PAGE = 8192
NEXT = "a month ago"


@pytest.fixture(scope="module")
def undisturbed(workshop):
    folder = workshop.copy(NEXT)
    assert call(folder, "run").code == 0
    return take_picture(folder, NOW, NOWS)


def _line(ended: Ended) -> str:
    """Return the one line a person reads; there is no other that tells of a fault, and no traceback."""
    assert ended.code == 2, ended.said
    assert "Traceback" not in ended.said
    (line,) = [line for line in ended.said.splitlines() if line.startswith("hub: ")]
    return line.removeprefix("hub: ")


def _goes_on(folder: Path, undisturbed) -> None:
    ended = call(folder, "run", now=LATER)
    assert ended.code == 0, ended.said
    assert take_picture(folder, LATER, NOWS) == undisturbed


@pytest.mark.sqlite("what becomes of a file; for PostgreSQL see tests/parity/test_loss.py")
def test_the_disk_is_full(workshop, undisturbed):
    folder = workshop.copy(NEXT)
    pages = (folder / "hub.db").stat().st_size // PAGE
    line = _line(call(folder, "run", pragmas=(f"max_page_count={pages + 5}",)))
    assert line.startswith(f"{folder / 'hub.db'} cannot be written: the disk is full; make room and run again")
    _goes_on(folder, undisturbed)


@pytest.fixture
def small_disk(workshop):
    """A workplace whose store lies on a file system of its own that can be filled up; needs to be root."""
    folder = workshop.copy(NEXT)
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        reason = f"no small disk can be mounted: {mounted.stderr.decode().strip()}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    try:
        for file in folder.glob("hub.db*"):
            shutil.move(file, disk / file.name)
        config = folder / "hub.toml"
        config.write_text(config.read_text().replace("sqlite:///hub.db", "sqlite:///disk/hub.db"))
        yield folder
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.sqlite("what becomes of a file; for PostgreSQL see tests/parity/test_loss.py")
@pytest.mark.parametrize("left_kb", [0, 8, 60, 300, 900])
def test_a_disk_that_is_really_full(small_disk, undisturbed, left_kb):
    disk = small_disk / "disk"
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(disk).free - left_kb * 1024))
    for command in ("sync", "derive", "run"):
        ended = call(small_disk, command)
        if ended.code:
            assert re.match(f"{disk / 'hub.db'} cannot be .*(the disk is full|no room)", _line(ended)), ended.said
    assert ended.code == 2, "the disk was too large"
    ballast.unlink()
    _goes_on(small_disk, undisturbed)
    assert call(small_disk, "verify").code == 0


@pytest.mark.sqlite("what becomes of a file; for PostgreSQL see tests/parity/test_loss.py")
@pytest.mark.parametrize("largest_file", [5_000, 30_000, 400_000])
def test_no_file_may_grow(workshop, undisturbed, largest_file):
    folder = workshop.copy(NEXT)
    assert "hub.db" in _line(call(folder, "run", largest_file=largest_file))
    _goes_on(folder, undisturbed)


def test_the_folder_of_reports_cannot_be_written(workshop, undisturbed):
    folder = workshop.copy(NEXT)
    earlier = folder / "out"
    earlier.rename(folder / "kept")
    earlier.write_text("a file in the way")
    ended = call(folder, "run")
    assert ended.code == 2
    assert "Traceback" not in ended.said
    shown = call(folder, "report", "list")
    assert "outbox: waiting" in " ".join(shown.said.split())
    earlier.unlink()
    (folder / "kept").rename(earlier)
    _goes_on(folder, undisturbed)


@pytest.mark.sqlite("what becomes of a file; for PostgreSQL see tests/parity/test_loss.py")
@pytest.mark.parametrize(("what", "mode"), [("hub.db", 0o444), (".", 0o555), ("hub.db", 0o000)])
def test_what_this_user_may_not_write(workshop, undisturbed, what, mode):
    folder = workshop.copy(NEXT)
    for name in ("said", "passed"):
        (folder / name).touch()
    place = folder / what
    before = stat.S_IMODE(place.stat().st_mode)
    place.chmod(mode)
    line = _line(call(folder, "run", modes_bind=True))
    assert line.startswith(f"{folder / 'hub.db'} cannot be ")
    assert "user" in line
    place.chmod(before)
    _goes_on(folder, undisturbed)


@pytest.mark.sqlite("the lock of a file; how PostgreSQL waits stands in tests/store/test_store.py")
def test_another_program_writes_and_does_not_end(workshop, undisturbed):
    folder = workshop.copy(NEXT)
    with closing(sqlite3.connect(folder / "hub.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for command in (("run",), ("sync",), ("derive",), ("report", "conformance")):
            line = _line(call(folder, *command, pragmas=("busy_timeout=50",)))
            assert line == (
                f"{folder / 'hub.db'} is being written by another process; wait for it or end it, then run again"
            )
        other.execute("ROLLBACK")
    _goes_on(folder, undisturbed)


def test_two_runs_at_the_same_time(workshop, undisturbed):
    folder = workshop.copy(NEXT)
    first = start(Order(folder, ("run",), NOW))
    with Session(folder / "hub.toml") as session:
        while not at_work(session.store, first.pid):
            time.sleep(0.01)
    second = call(folder, "run", now=LATER)
    assert first.is_alive()
    first.join()
    assert first.exitcode == 0
    assert second.code == 0
    assert f"another run is at work: run: held by process {first.pid} on " in second.said
    assert take_picture(folder, NOW, NOWS) == undisturbed


@pytest.mark.sqlite("a page of a file; a server checks its own")
@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_page_is_always_found(workshop, seed):
    folder = workshop.copy(NEXT)
    dice = random.Random(seed)
    place = folder / "hub.db"
    with closing(sqlite3.connect(place)) as conn:
        conn.execute("VACUUM")  # no page is free, whose content would not matter
    body = bytearray(place.read_bytes())
    page = dice.randrange(1, len(body) // PAGE)
    body[page * PAGE : page * PAGE + PAGE] = dice.randbytes(PAGE)
    place.write_bytes(body)
    assert _line(call(folder, "verify")).startswith(f"{place} {DAMAGED}")
    ended = call(folder, "run")  # may need no row of this page
    assert ended.code == 0 or _line(ended).startswith(f"{place} {DAMAGED}")


@pytest.mark.parametrize(
    ("table", "command"),
    [("revision", ("run",)), ("raw_document", ("sync", "--replay")), ("report", ("report", "list"))],
)
def test_a_damaged_text_is_told(workshop, table, command):
    folder = workshop.copy(NEXT)
    column = "model" if table == "report" else "body"
    with Session(folder / "hub.toml") as session, session.store.begin() as conn:
        conn.execute(text(f"UPDATE {table} SET {column} = substr({column}, 1, 8)"))
        place = session.store.place
    assert _line(call(folder, *command)).startswith(f"{place} {DAMAGED}")


def at_work(store: Store, pid: int) -> bool:
    """Say whether a process holds the lock of a run."""
    holder = f"process {pid} on "
    if store.dialect == "sqlite":
        lock = Path(f"{store.place}.run.lock")
        return lock.exists() and lock.read_text().startswith(holder)
    asked = text("SELECT count(*) FROM pg_stat_activity WHERE starts_with(application_name, :holder)")
    with store.connect() as conn:
        return bool(conn.execute(asked, {"holder": holder}).scalar_one())
