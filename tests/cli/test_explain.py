"""`hub explain` before anything was read."""

from __future__ import annotations

import pytest

from hub.cli.session import Session

CONFIG = """
[organisation]
name = "Example"
zone = "Europe/Berlin"

[store]
url = "sqlite:///hub.db"

[packs.bs15000]
parameters."BS15000-8.2-l" = { days = 7 }

[sources.register]
plugin = "register"
folder = "register"
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / "register").mkdir()
    path = tmp_path / "hub.toml"
    path.write_text(CONFIG, encoding="utf-8")
    with Session(path, create_store=True) as session:
        assert session.store
    return str(path)


def test_a_requirement_is_told_before_anything_was_read(config, run_hub):
    called = run_hub("explain", "BS15000-8.2-l", "--config", config)
    assert called.code == 0
    assert "days = 7 for organisation; shipped: 30" in called.out
    assert "within 7 days" in called.out
    assert "no source gives any" in called.out
    assert called.err == "nothing was read yet, so that no source is known to give anything; run: hub sync\n"


def test_what_a_record_owes_needs_a_reading(config, run_hub):
    called = run_hub("explain", "BS15000-8.2-l", "CHG-1", "--config", config)
    assert (called.code, called.err) == (2, "hub: nothing was read yet; run: hub run\n")
