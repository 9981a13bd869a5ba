"""Reading with fewer threads than asked for, where memory has no room for the stack of one more."""

from __future__ import annotations

import threading

import pytest

from hub.clock import FixedClock
from hub.errors import MEMORY_USED_UP
from hub.sync.fetcher import PageRead, Task, describe_defect, read_ahead
from hub.testing.factory import at, change, incident
from hub.testing.memory import MemorySource, MemoryTool


def read(fetchers: int) -> list[str]:
    source = MemorySource("desk", MemoryTool(change("issue/1"), change("issue/2"), incident("issue/3")))
    tasks = [Task(part, None) for part in source.slices()]
    arrivals = read_ahead(source, tasks, fetchers=fetchers, clock=FixedClock(at(10)), census=False)
    pages = [one.page for one in arrivals if isinstance(one, PageRead)]
    return sorted(document.native_id for page in pages for document in page.documents)


@pytest.fixture
def room_for(monkeypatch: pytest.MonkeyPatch):
    def limit(threads: int) -> None:
        begun = []
        start = threading.Thread.start

        def begin(thread: threading.Thread) -> None:
            if len(begun) == threads:
                raise RuntimeError("can't start new thread")
            begun.append(thread)
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", begin)

    return limit


def test_one_thread_reads_what_was_meant_for_two(room_for) -> None:
    room_for(1)
    assert read(fetchers=2) == ["desk:issue/1", "desk:issue/2", "desk:issue/3"]


def test_room_for_no_thread_is_memory_used_up(room_for) -> None:
    room_for(0)
    with pytest.raises(MemoryError, match="can't start new thread"):
        read(fetchers=2)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't start new thread")])
def test_memory_that_ran_out_in_a_plugin_is_no_defect_of_it(error) -> None:
    assert describe_defect(error, "fetch") == f"fetch: {MEMORY_USED_UP}"


def test_any_other_fault_is_a_defect(caplog: pytest.LogCaptureFixture) -> None:
    assert describe_defect(RuntimeError("secret"), "fetch") == (
        "fetch raised RuntimeError: a defect of the plugin, please report it"
    )
    assert "secret" not in caplog.text
