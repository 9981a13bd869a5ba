"""The sample plugin, found as if it were installed."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

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
