"""Layers, secrets and instants of a configuration that can be used."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from hub.config.line import key_lines, nearest_line
from hub.config.load import load_configuration, named_plugins
from hub.errors import ConfigurationError

START = """
[organisation]
name = "Example"
zone = "Europe/Berlin"
judge_from = 2025-10-01

[sources.service-desk]
plugin = "tool"
url = "https://desk.example.com"
projects = ["OPS"]
"""


@pytest.fixture
def load(tmp_path, registry):
    def loaded(text: str = START):
        (tmp_path / "hub.toml").write_text(text, encoding="utf-8")
        return load_configuration(tmp_path / "hub.toml", registry)

    return loaded


def faults(load, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    return [fault.message for fault in caught.value.faults]


def test_sections_become_settings_of_their_plugin(load, tmp_path):
    configuration = load()
    assert configuration.sources["service-desk"].projects == ["OPS"]
    assert configuration.base_dir == tmp_path
    assert configuration.findings.due_days.model_dump() == {"critical": 7, "major": 30, "minor": 90}


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2025-10-01", "2025-09-30T22:00:00Z"),
        ("2026-01-01", "2025-12-31T23:00:00Z"),
        ("2025-10-01T06:00:00Z", "2025-10-01T06:00:00Z"),
        ('"2025-10-01T06:00:00+0800"', "2025-09-30T22:00:00Z"),
        ('"2025-10-01"', "2025-09-30T22:00:00Z"),
    ],
)
def test_dates_begin_at_local_midnight(load, written, instant):
    configuration = load(START.replace("judge_from = 2025-10-01", f"judge_from = {written}"))
    assert datetime.fromtimestamp(configuration.organisation.judge_from / 1000, UTC) == datetime.fromisoformat(instant)


def test_environment_lies_over_the_file(load, monkeypatch):
    monkeypatch.setenv("HUB_SOURCES__SERVICE_DESK__TOKEN", "12345")
    monkeypatch.setenv("HUB_SOURCES__SERVICE_DESK__PROJECTS", '["CHG"]')
    monkeypatch.setenv("HUB_STORE__URL", "sqlite:////var/lib/hub.db")
    configuration = load()
    assert configuration.sources["service-desk"].token.get_secret_value() == "12345"
    assert configuration.sources["service-desk"].projects == ["CHG"]
    assert configuration.store.url == "sqlite:////var/lib/hub.db"


def test_a_fault_of_the_environment_names_the_variable(load, monkeypatch):
    monkeypatch.setenv("HUB_SOURCES__SERVICE_DESK__FLAVOUR", "clod")
    monkeypatch.setenv("HUB_STROE__URL", "sqlite:///x")
    with pytest.raises(ConfigurationError) as caught:
        load()
    told = [str(fault) for fault in caught.value.faults]
    assert told[0] == "environment: HUB_SOURCES__SERVICE_DESK__FLAVOUR: should be 'cloud' or 'data_center'"
    assert told[1].startswith("environment: HUB_STROE__URL: there is no section 'stroe'")


def test_secrets_come_from_files_only_their_owner_can_read(load, tmp_path):
    secret = tmp_path / "token"
    secret.write_text("s3cret-s3cret\n", encoding="utf-8")
    text = START.replace("projects =", 'token = { file = "token" }\nothers = { a = { file = "token" } }\nprojects =')
    secret.chmod(0o644)
    assert f"{secret} can be read by others (mode 0644). Run: chmod 600 '{secret}'" in faults(load, text)
    secret.chmod(0o600)
    configuration = load(text)
    assert configuration.sources["service-desk"].token.get_secret_value() == "s3cret-s3cret"
    assert configuration.sources["service-desk"].others["a"].get_secret_value() == "s3cret-s3cret"
    assert "s3cret" not in repr(configuration) + str(configuration) + configuration.model_dump_json()


def test_a_talkative_plugin_gives_no_secret_away(load, monkeypatch):
    monkeypatch.setenv("HUB_SOURCES__SERVICE_DESK__TOKEN", "bad-secret")
    assert faults(load, START) == ["should not begin with bad: ***"]


def test_a_secret_of_the_wrong_shape_is_not_repeated(load):
    told = faults(load, START.replace("projects =", 'token = { file = "x", text = "hunter2" }\nprojects ='))
    assert len(told) == 1
    assert "hunter2" not in told[0]


def test_all_faults_are_told_at_once_in_the_order_of_the_file(load):
    text = START.replace("Berlin", "Berln").replace('["OPS"]', '"OPS"') + "colour = 1\n[reports.x]\n"
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    assert [(fault.line, fault.key) for fault in caught.value.faults] == [
        (4, "organisation.zone"),
        (10, "sources.service-desk.projects"),
        (11, "sources.service-desk.colour"),
        (12, "reports.x.channels"),
        (12, "reports.x.to"),
    ]


def test_what_is_not_enabled_needs_no_plugin(load):
    configuration = load(START + '[sources.old]\nplugin = "gone"\nenabled = false\n')
    assert list(configuration.sources) == ["service-desk"]


def test_settings_are_frozen(load):
    with pytest.raises(ValidationError, match="frozen"):
        load().organisation.name = "Other"


def test_store_password_joins_the_url_quoted(load, monkeypatch):
    monkeypatch.setenv("HUB_STORE__PASSWORD", "p@ss/word")
    configuration = load(START + '[store]\nurl = "postgresql+psycopg://hub@db:5432/hub?sslmode=require"\n')
    url = configuration.store.url_with_password()
    assert url == "postgresql+psycopg://hub:p%40ss%2Fword@db:5432/hub?sslmode=require"


def test_a_missing_file_says_what_to_run(tmp_path, registry):
    with pytest.raises(ConfigurationError, match="there is no such file; write one with: hub init"):
        load_configuration(tmp_path / "hub.toml", registry)


def test_plugin_names_are_read_without_checking(tmp_path, registry):
    path = tmp_path / "hub.toml"
    path.write_text('plugins = ["x"]\n[sources.a]\nplugin = "tool"\nwrong = 1\n[packs.p]\n', encoding="utf-8")
    assert named_plugins(path) == {"x", "tool", "p"}
    assert named_plugins(tmp_path / "absent.toml") == set()


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 1),
        (("a", "b c", "d"), 3),
        (("a", "b c", "d", "inner"), 3),
        (("a", "b c", "nothing"), 2),
        (("list",), 5),
        (("elsewhere",), None),
    ],
)
def test_lines_are_found(path, line):
    text = '[a]\n[a."b c"] # note\nd = { inner = 1 }\ne.f = """\n[list]\n"""\n'
    assert nearest_line(key_lines(text), path) == line
