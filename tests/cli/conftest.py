"""The sample plugin, found as if it were installed; and a small organisation, read and judged once for all modules."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.cli.run import do_run
from hub.cli.session import Session
from hub.clock import FixedClock, parse_instant
from hub_sandbox.command import write_workplace
from hub_sandbox.jira_server import JiraServer
from hub_sandbox.organisation import Organisation
from tests.store_fixtures import Places

SAMPLE = Path(__file__).resolve().parents[1] / "sample_plugin"


@pytest.fixture
def sample(tmp_path, monkeypatch):
    site = tmp_path / "site"
    shutil.copytree(SAMPLE / "hub_sample", site / "hub_sample", ignore=shutil.ignore_patterns("__pycache__"))
    info = site / "hub_sample-0.0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hub-sample\nVersion: 0.0.1\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[hub.plugins]\nsample = hub_sample\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(site))
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "hub_sample"]:
        del sys.modules[name]


@pytest.fixture(scope="session")
def read_once(tmp_path_factory: pytest.TempPathFactory, places: Places) -> Iterator[Path]:
    """The `hub.toml` of a small organisation, read, judged and reported on 3 November 2026; its Jira still answers."""
    instant = parse_instant("2026-11-03T08:00:00Z")
    organisation = Organisation(7, scale=0.02)
    with JiraServer(organisation, "cloud", clock_ms=instant) as server:
        folder = tmp_path_factory.mktemp("read-once")
        config = places.settle(write_workplace(folder, organisation, server, instant))
        with Session(config, clock=FixedClock(instant), create_store=True) as session:
            summary = do_run(session)
        assert summary.reports == ["SR-example-organisation-conformance-2026-10"]
        yield config


@pytest.fixture(scope="module")
def small_workplace(read_once: Path, tmp_path_factory: pytest.TempPathFactory, places: Places) -> Iterator[Path]:
    """The `hub.toml` of a copy of it that belongs to one module."""
    config = tmp_path_factory.mktemp("copy") / "workplace" / "hub.toml"
    shutil.copytree(read_once.parent, config.parent)
    places.follow(read_once, config)
    yield config
    places.remove(config)
