"""Mapping in a process of its own: the same store as without, whatever happens to that process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from hub.clock import FixedClock
from hub.store.store import Store
from hub.store.tables import metadata
from hub.sync import mapper
from hub.sync.mapper import can_map_apart
from hub.sync.run import SourceSummary
from hub.sync.runner import SourceJob, sync_source
from hub.sync.source import Document, Normalised, Skip
from hub.testing.factory import at, change, incident
from hub.testing.memory import MemorySource, MemoryTool
from tests.peer import unavailable

OURS = os.getpid()


@pytest.fixture(autouse=True)
def room() -> None:
    if not can_map_apart():
        unavailable("mapping apart needs Linux and a second core")


def tool_of(number: int) -> MemoryTool:
    return MemoryTool(
        *(change(f"issue/{n}", title=f"change {n}") for n in range(number)),
        *(incident(f"issue/{100 + n}") for n in range(number)),
    )


def sync(store: Store, source: MemorySource, *, apart: bool = True) -> SourceSummary:
    summary = sync_source(store, SourceJob("desk", source, apart=apart), clock=FixedClock(at(10)), census=False)
    summary.seconds = 0
    return summary


def contents(store: Store) -> dict[str, list[str]]:
    """Every row, apart from numbers and hashes that depend on which slice came first."""
    with store.connect() as conn:
        return {
            table.name: sorted(
                repr([value for value in row if not isinstance(value, int)]) for row in conn.execute(asked)
            )
            for table in metadata.sorted_tables
            if table.name not in ("sync_run", "change_log")
            for asked in [select(*(column for column in table.c if column.name not in ("chain", "seq", "sid", "doc")))]
        }


def children() -> set[str]:
    return {pid for each in Path("/proc/self/task").iterdir() for pid in (each / "children").read_text().split()}


class Told(MemorySource):
    """Puts what `tell` says into the title of every record; `spoil` changes what a document becomes."""

    tell: Callable[[], str] = staticmethod(lambda: "")
    spoil: Callable[[Document, Normalised], Normalised] = staticmethod(lambda _document, given: given)

    def normalise(self, document: Document) -> Normalised:
        given = super().normalise(document)
        if (title := self.tell()) and given.records:
            given = Normalised([msgspec.structs.replace(each, title=title) for each in given.records], given.skipped)
        return self.spoil(document, given)


def titles(store: Store) -> set[str]:
    with store.connect() as conn:
        tables = [metadata.tables[kind] for kind in ("change", "incident")]
        return {title for table in tables for title in conn.execute(select(table.c.title)).scalars()}


def test_records_come_from_another_process_that_is_gone_afterwards(store: Store) -> None:
    before = children()
    source = Told("desk", tool_of(5))
    source.tell = lambda: str(os.getpid())
    assert sync(store, source).documents == 10
    (pid,) = titles(store)
    assert int(pid) != OURS
    assert children() == before


def test_nothing_is_said_of_the_thread_that_draws_bars(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python from 3.12 on warns in the process that forked, in the name of the module that did; here a warning is an error."""
    filters = list(warnings.filters)
    forked: list[int] = []
    fork = os.fork

    def as_in_3_12() -> int:
        pid = fork()
        if pid:
            forked.append(threading.active_count())
            text = f"This process (pid={OURS}) is multi-threaded, use of fork() may lead to deadlocks in the child."
            warnings.warn(text, DeprecationWarning, stacklevel=2)
        return pid

    monkeypatch.setattr(os, "fork", as_in_3_12)
    source = Told("desk", tool_of(3))
    source.tell = lambda: str(os.getpid())
    over = threading.Event()
    drawing = threading.Thread(target=over.wait)
    drawing.start()
    try:
        assert sync(store, source).documents == 6
    finally:
        over.set()
        drawing.join()
    assert len(forked) == 1
    assert forked[0] > 1
    assert titles(store).isdisjoint({str(OURS)})
    assert warnings.filters == filters


def test_what_is_read_again_is_mapped_here(store: Store) -> None:
    """A few changed pages are not worth a process."""
    tool = tool_of(2)
    source = Told("desk", tool)
    sync(store, source)
    tool.put(change("issue/0", title="new"), incident("issue/100", title="new"))
    source.tell = lambda: str(os.getpid())
    assert sync(store, source).changed == 2
    assert str(OURS) in titles(store)


def odd(document: Document, given: Normalised) -> Normalised:
    """One of each: a defect, nothing at all, records that are not valid, text no database keeps, a skip, a word."""
    match document.native_id.rpartition("/")[2]:
        case "1":
            raise ZeroDivisionError
        case "2":
            return Normalised([])
        case "3":
            return Normalised([msgspec.structs.replace(given.records[0], source="other")])
        case "4":
            return Normalised([msgspec.structs.replace(given.records[0], title="a\0b")])
        case "5":
            return Normalised(given.records, [Skip(document.native_id, "a piece")], {"status:Odd": "a line"})
        case "6":
            return Normalised([msgspec.structs.replace(given.records[0], created_at="yesterday")])
    return given


def test_the_store_and_what_is_said_are_as_if_mapped_here(make_store, caplog: pytest.LogCaptureFixture) -> None:
    seen = []
    for apart in (False, True):
        caplog.clear()
        store, source = make_store(), Told("desk", tool_of(8), page_size=1)
        source.spoil = odd
        seen.append((sync(store, source, apart=apart), contents(store), [each.message for each in caplog.records]))
    assert seen[0] == seen[1]
    assert seen[1][0].skipped["a piece"] == 1
    assert len(seen[1][2]) == 1


def test_a_process_that_dies_costs_no_page(make_store) -> None:
    seen = []
    for deadly in (False, True):
        store, source = make_store(), Told("desk", tool_of(8))

        def die(document: Document, given: Normalised) -> Normalised:
            if os.getpid() != OURS and document.native_id.endswith("/103"):
                os.kill(os.getpid(), signal.SIGKILL)
            return given

        source.spoil = die if deadly else staticmethod(lambda _document, given: given)
        seen.append((sync(store, source), contents(store)))
    assert seen[0] == seen[1]


def test_a_process_that_comes_to_a_stand_is_ended(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapper, "_PATIENCE_S", 0.5)
    before = children()

    def stand(_document: Document, given: Normalised) -> Normalised:
        if os.getpid() != OURS:
            time.sleep(600)
        return given

    source = Told("desk", tool_of(8))
    source.spoil = stand
    source.tell = lambda: str(os.getpid())
    assert sync(store, source).complete
    assert titles(store) == {str(OURS)}
    assert children() == before


def test_no_room_for_a_process_is_no_fault(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fork() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", fork)
    source = Told("desk", tool_of(2))
    source.tell = lambda: str(os.getpid())
    assert sync(store, source).complete
    assert titles(store) == {str(OURS)}


def test_no_room_for_a_thread_is_no_fault(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def submit(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    before = children()
    monkeypatch.setattr(ThreadPoolExecutor, "submit", submit)
    source = Told("desk", tool_of(2))
    source.tell = lambda: str(os.getpid())
    assert sync(store, source).complete
    assert (titles(store), children()) == ({str(OURS)}, before)


def test_reading_that_fails_leaves_no_process(store: Store) -> None:
    before = children()

    def interrupt(_summary: SourceSummary) -> None:
        raise KeyboardInterrupt

    job = SourceJob("desk", MemorySource("desk", tool_of(5)), apart=True)
    with pytest.raises(KeyboardInterrupt):
        sync_source(store, job, clock=FixedClock(at(10)), progress=interrupt, census=False)
    assert children() == before


def test_reading_that_fails_does_not_wait_for_a_process_that_came_to_a_stand(store: Store) -> None:
    before = children()

    def stand(document: Document, given: Normalised) -> Normalised:
        if os.getpid() != OURS and not document.native_id.endswith(("/0", "/100")):
            time.sleep(600)
        return given

    def interrupt(_summary: SourceSummary) -> None:
        raise KeyboardInterrupt

    source = Told("desk", tool_of(5), page_size=1)
    source.spoil = stand
    job = SourceJob("desk", source, apart=True)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        sync_source(store, job, clock=FixedClock(at(10)), progress=interrupt, census=False)
    assert time.monotonic() - began < 30
    assert children() == before


def test_the_other_process_holds_no_file_of_ours_open(store: Store, tmp_path: Path) -> None:
    """Neither the database nor a lock: the next run would find it taken."""

    def held() -> str:
        targets = []
        for each in Path("/proc/self/fd").iterdir():
            with suppress(FileNotFoundError):  # that of the list itself
                targets.append(each.readlink())
        return f"holds {sorted(each.name for each in targets if each.is_relative_to(tmp_path))}"

    source = Told("desk", tool_of(1))
    source.tell = held
    with (tmp_path / "lock").open("w"):
        sync(store, source)
        assert "lock" in held()
    assert titles(store) == {"holds []"}


def test_it_ends_when_who_asks_is_killed() -> None:
    code = """
import os, signal
from hub.sync.mapper import mapping_apart
from hub.testing.memory import MemorySource, MemoryTool

with mapping_apart(MemorySource("desk", MemoryTool()), "desk"):
    (pid,) = open(f"/proc/self/task/{os.getpid()}/children").read().split()
    print(pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    place = Path("/proc") / ran.stdout.strip()
    for _ in range(600):
        if not place.exists() or "State:\tZ" in (place / "status").read_text():
            return
        time.sleep(0.05)
    pytest.fail("it is still there")
