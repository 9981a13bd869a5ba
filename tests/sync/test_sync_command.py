"""`hub sync` as cron and people call it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from hub import SourceSettings, SourceType, hookimpl
from hub.cli.session import Session
from hub.clock import SystemClock
from hub.errors import Retriable
from hub.registry import GROUP, Registry
from hub.sync.lock import hold, source_lock
from hub.sync.mapper import can_map_apart
from hub.testing.factory import change
from hub.testing.memory import MemorySource, MemoryTool

TOOLS = {"desk": MemoryTool(*(change(f"issue/{i}") for i in range(5))), "lab": MemoryTool()}
CONFIG = """
plugins = []
[organisation]
name = "Example Organisation"
zone = "Europe/Berlin"
calendar = "5x8"
judge_from = 2025-10-01
[store]
url = "sqlite:///hub.db"
[sources.desk]
plugin = "memory"
[sources.lab]
plugin = "memory"
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, places) -> Path:
    module = ModuleType("memory_for_tests")

    @hookimpl
    def hub_register_sources(register: Callable[[SourceType], None]) -> None:
        def make(_settings: SourceSettings, context: object) -> MemorySource:
            context.log("the token expires in 3 days")
            return MemorySource(context.name, TOOLS[context.name])

        register(SourceType("memory", SourceSettings, make))

    module.hub_register_sources = hub_register_sources
    monkeypatch.setitem(sys.modules, module.__name__, module)
    points = [EntryPoint("memory", module.__name__, GROUP), EntryPoint("email", "hub_email", GROUP)]
    monkeypatch.setattr("hub.cli.session.Registry", lambda: Registry(points))
    monkeypatch.setitem(TOOLS, "lab", MemoryTool(change("issue/1", source="lab")))
    (tmp_path / "hub.toml").write_text(CONFIG)
    return places.furnish(tmp_path / "hub.toml")


def test_reading_uses_a_second_core_where_there_is_one(config: Path) -> None:
    with Session(config) as session:
        assert [job.apart for job in session.jobs()] == [can_map_apart()] * 2


def test_tells_what_was_read_as_json(config: Path, run_hub: Callable[..., object]) -> None:
    called = run_hub("sync", "--config", config, "--format", "json")
    desk, lab = json.loads(called.out)
    assert called.code == 0
    assert {**desk, "seconds": 0} == {
        "source": "desk",
        "documents": 5,
        "records": 5,
        "changed": 5,
        "unchanged": 0,
        "skipped": {},
        "requests": 3,
        "seconds": 0,
        "complete": True,
        "vanished": 0,
        "unmapped": {},
        "held_by": "",
        "faults": [],
        "warnings": ["the token expires in 3 days"],
    }
    assert lab["documents"] == 1
    assert "read desk: 5 documents, 5 records changed, complete\n" in called.err
    assert "desk: the token expires in 3 days\n" in called.err


def test_reads_only_the_sources_named(config: Path, run_hub: Callable[..., object]) -> None:
    called = run_hub("sync", "lab", "--config", config, "--format", "csv")
    assert [line.partition(",")[0] for line in called.out.splitlines()] == ["source", "lab"]
    called = run_hub("sync", "lap", "--config", config)
    assert called.code == 2
    assert "there is no 'lap'" in called.err


def test_a_source_that_fails_gives_exit_code_2_and_the_others_are_read(
    config: Path, run_hub: Callable[..., object]
) -> None:
    TOOLS["lab"].refusal = Retriable("lab.example.com does not answer")
    called = run_hub("sync", "--config", config)
    assert called.code == 2
    assert "lab: lab.example.com does not answer\n" in called.err
    assert "read lab: 0 documents, 0 records changed, failed\n" in called.err
    assert "read desk: 5 documents" in called.err


def test_a_source_another_run_reads_is_left_to_it(config: Path, run_hub: Callable[..., object]) -> None:
    assert run_hub("sync", "--config", config).code == 0
    with Session(config) as session, hold(session.store, source_lock("desk"), clock=SystemClock()):
        called = run_hub("sync", "desk", "--config", config)
    assert called.code == 0
    assert "read desk: left to another run; source desk: held by process" in called.err


def test_replay_asks_no_tool(config: Path, run_hub: Callable[..., object]) -> None:
    run_hub("sync", "--config", config)
    TOOLS["lab"].refusal = Retriable("lab.example.com does not answer")
    called = run_hub("sync", "--replay", "lab", "--config", config, "--format", "json")
    assert called.code == 0
    (lab,) = json.loads(called.out)
    assert (lab["documents"], lab["changed"], lab["requests"]) == (1, 0, 0)
