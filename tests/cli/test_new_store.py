"""A store that is made because there was none is told, once: the path may have been mistyped."""

from __future__ import annotations

import json

import pytest

CONFIG = """
[organisation]
name = "A"
zone = "Europe/Berlin"
[store]
url = "sqlite:///{store}.db"
[sources.register]
plugin = "register"
folder = "register"
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / "register").mkdir()
    people = "declared_by: people/alice\ndeclared_at: 2026-01-05\nrows:\n- {id: alice, name: Alice, email: [a@example.com]}\n"
    (tmp_path / "register" / "people.yaml").write_text(people)
    path = tmp_path / "hub.toml"
    path.write_text(CONFIG.format(store="hub"))
    return path


def test_a_new_store_is_told_once_and_where(config, run_hub):
    line = "there was no store at {}: a new one was made there\n"
    first, again = (run_hub("sync", "--config", config) for _ in range(2))
    assert (first.code, again.code) == (0, 0), first.err
    assert first.err.count(line.format(config.parent / "hub.db")) == 1
    assert "no store" not in again.err
    config.write_text(CONFIG.format(store="hbu"))
    mistyped = run_hub("sync", "--config", config, "--log-format", "json")
    (told,) = [each for each in map(json.loads, mistyped.err.splitlines()) if "no store" in each["message"]]
    assert (told["message"] + "\n", told["level"]) == (line.format(config.parent / "hbu.db"), "warning")


def test_commands_that_only_look_make_none(config, run_hub):
    ended = run_hub("findings", "--config", config)
    assert ended.code == 2
    assert not (config.parent / "hub.db").exists()
