"""Faults of whole files, of secrets and of the environment: each told in one line, exit code 2, no secret shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hub.config.load import load_configuration
from hub.errors import ConfigurationError

START = '[organisation]\nname = "Example"\nzone = "Europe/Berlin"\n'
DESK = START + '[sources.desk]\nplugin = "tool"\nurl = "https://desk.example.com"\ntoken = { file = "token" }\n'
SECRET = "hunter2"


def refuse(*_anything):
    raise PermissionError(13, "Permission denied")


def told(path: Path, registry) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path, registry)
    return [str(fault).replace(str(path.parent), "…") for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (START.encode("utf-16"), "…/hub.toml: is UTF-16; save it as UTF-8"),
        (START.replace("Example", "Büro").encode("latin-1"), "…/hub.toml:2: is not UTF-8 text; save it as UTF-8"),
        (START.encode() + b"\0", "…/hub.toml:4:1: is not TOML: Invalid statement"),
        (START.encode() + b"#" * 10_000_000, "…/hub.toml: is larger than 1 MB; no configuration is"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "…/hub.toml:1: is not UTF-8 text; save it as UTF-8"),
    ],
    ids=["utf-16", "latin-1", "nul", "10 MB", "a picture"],
)
def test_content_that_is_no_configuration(tmp_path, registry, content, said):
    path = tmp_path / "hub.toml"
    path.write_bytes(content)
    assert told(path, registry) == [said]


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf" + START.encode(), START.replace("\n", "\r\n").encode()])
def test_a_mark_and_line_ends_of_another_system_do_no_harm(tmp_path, registry, content):
    path = tmp_path / "hub.toml"
    path.write_bytes(content)
    assert load_configuration(path, registry).organisation.name == "Example"


def test_paths_that_are_no_file(tmp_path, registry, monkeypatch):
    path = tmp_path / "hub.toml"
    assert told(path, registry) == ["…/hub.toml: there is no such file; write one with: hub init"]
    path.symlink_to(path)
    assert told(path, registry) == ["…/hub.toml: cannot be read: Too many levels of symbolic links"]
    path.unlink()
    path.mkdir()
    assert told(path, registry) == ["…/hub.toml: cannot be read: Is a directory"]
    monkeypatch.setattr(Path, "open", refuse)  # what mode 000 means to everybody but root
    assert told(path, registry) == ["…/hub.toml: cannot be read: Permission denied"]


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (SECRET.encode(), 0o644, "…/token can be read by others (mode 0644). Run: chmod 600 '…/token'"),
        (SECRET.encode(), 0o604, "…/token can be read by others (mode 0604). Run: chmod 600 '…/token'"),
        (b"\n", 0o600, "…/token is empty"),
        (b"\xff\xfe" + SECRET.encode(), 0o600, "…/token is not UTF-8 text"),
        (SECRET.encode() * 100_000, 0o600, "…/token is longer than any secret"),
    ],
    ids=["of all", "of others", "empty", "no text", "long"],
)
def test_files_that_are_no_secret(tmp_path, registry, content, mode, said):
    path, token = tmp_path / "hub.toml", tmp_path / "token"
    path.write_text(DESK)
    token.write_bytes(content)
    token.chmod(mode)
    assert told(path, registry) == [f"…/hub.toml:7: sources.desk.token: {said}"]


def test_a_pipe_is_never_waited_for(tmp_path, registry):
    path = tmp_path / "hub.toml"
    path.write_text(DESK)
    os.mkfifo(tmp_path / "token", 0o600)
    assert told(path, registry) == ["…/hub.toml:7: sources.desk.token: …/token is no file; write the secret into one"]


def test_a_secret_ends_before_its_line(tmp_path, registry):
    path, token = tmp_path / "hub.toml", tmp_path / "token"
    path.write_text(DESK)
    token.write_bytes(b"hunter2\r\n")
    token.chmod(0o600)
    assert load_configuration(path, registry).sources["desk"].token.get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HUB_SOURCES__DESK__PROJECTS", '["OPS"', 'HUB_SOURCES__DESK__PROJECTS: should be a list: ["…"]'),
        ("HUB_SOURCES", "hunter2", "HUB_SOURCES: should hold tables: [sources.<name>]"),
        ("HUB_FINDINGS", '{"due_days": ', "a HUB_… variable holds JSON that cannot be read"),
        ("HUB_FINDINGS", "[" * 100_000, "a HUB_… variable holds JSON that cannot be read"),
        ("HUB_ORGANISATION__ZONE", "", "HUB_ORGANISATION__ZONE: unknown zone ''; zones look like 'Europe/Berlin'"),
        ("HUB_ORGANISATION__NAME", "a\x1b[2Jb", "HUB_ORGANISATION__NAME: holds a control character; take it out"),
        (
            "HUB_SORCES__DESK__TOKEN",
            "hunter2",
            "HUB_SORCES__DESK__TOKEN: there is no section 'sorces'; known: plugins, organisation, store, packs, sources, channels, reports, findings, retention, waivers",
        ),
        ("HUB_SOURCES__DESK__TOKEN", "bad hunter2", "HUB_SOURCES__DESK__TOKEN: should not begin with bad: ***"),
    ],
)
def test_environments_that_say_nonsense(tmp_path, registry, monkeypatch, name, value, said):  # noqa: PLR0917 - fixtures
    path = tmp_path / "hub.toml"
    path.write_text(DESK.replace('token = { file = "token" }\n', ""))
    monkeypatch.setenv(name, value)
    faults = told(path, registry)
    assert faults == [f"environment: {said}"]
    assert SECRET not in "".join(faults)


def test_a_command_tells_each_fault_in_one_line(tmp_path, run_hub):
    path = tmp_path / "hub.toml"
    path.write_text(
        '[organisation]\nname = ""\nzone = "M\\u2028rs"\n[sources."a\\nb\\u001b[2J"]\nplugin = "j\\u001bra"\n'
    )
    called = run_hub("check", "--config", path)
    assert (called.code, called.out) == (2, "")
    lines = called.err.rstrip("\n").split("\n")
    assert len(lines) == 5
    assert all(line.startswith(f"hub: {path}:") and line.isprintable() for line in lines)


def test_a_beginning_in_the_future_is_warned_of(tmp_path, run_hub):
    path = tmp_path / "hub.toml"
    path.write_text(START + "judge_from = 2400-01-01\n")
    called = run_hub("check", "--config", path)
    assert "warning configuration: judge_from is in the future: nothing becomes a finding" in called.out
