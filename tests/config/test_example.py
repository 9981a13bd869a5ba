"""The files under config/ and the start of `hub init` can be used as they are."""

from __future__ import annotations

import configparser
import re
import shutil
from pathlib import Path

import pytest

from hub.cli import app
from hub.cli.init import write_start
from hub.clock import FixedClock, parse_instant
from hub.config.load import load_configuration
from hub.registry import Registry
from hub.sync.source_type import SourceSettings

CONFIG, DOCS = (Path(__file__).resolve().parents[2] / each for each in ("config", "docs"))
COMMAND = re.compile(r"/opt/hub/bin/hub (\w+)")


SECRETS = set(re.findall(r'"secrets/([\w-]+)"', "".join(each.read_text("utf-8") for each in CONFIG.glob("*.toml"))))
EXAMPLES = {
    "email": (["email"], {"mail": {"imap"}}),
    "gitlab": (["gitlab"], {"gitlab": {"gitlab"}}),
    "hub": (["jira", "register"], {"service-desk": {"jira"}, "register": {"register"}}),
    "icinga": (["icinga"], {"icinga": {"icinga"}}),
    "monitoring": (["monitoring", "register"], {"metrics": {"prometheus"}, "register": {"register"}}),
    "zabbix": (["zabbix"], {"zabbix": {"zabbix"}}),
}
"""File -> pages that tell of it, and source -> plugin."""


@pytest.fixture(autouse=True)
def _with_secrets(tmp_path):
    (tmp_path / "secrets").mkdir(mode=0o700)
    for name in SECRETS | {"smtp"}:
        secret = tmp_path / "secrets" / name
        secret.write_text("not-a-real-one", encoding="utf-8")
        secret.chmod(0o600)


def test_every_example_is_tried():
    assert set(EXAMPLES) == {each.stem for each in CONFIG.glob("*.toml")}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_can_be_used_and_every_setting_stands_in_it_or_on_its_page(tmp_path, name):
    pages, plugins = EXAMPLES[name]
    shutil.copy(CONFIG / f"{name}.toml", tmp_path / "hub.toml")
    sources = load_configuration(tmp_path / "hub.toml", Registry()).sources
    assert {source: {settings.plugin} for source, settings in sources.items()} == plugins
    assert "not-a-real-one" not in repr(sources)
    told = "".join(
        page.read_text("utf-8") for page in (CONFIG / f"{name}.toml", *(DOCS / f"{each}.md" for each in pages))
    )
    common = set(SourceSettings.model_fields) | {"page_size", "timeout_s"}
    own = {each for settings in sources.values() for each in type(settings).model_fields} - common
    assert sorted(each for each in own if not re.search(rf"\b{each}\b", told)) == []


def test_the_example_is_complete(tmp_path):
    shutil.copy(CONFIG / "hub.toml", tmp_path)
    configuration = load_configuration(tmp_path / "hub.toml", Registry())
    assert set(configuration.sources) == {"service-desk", "register"}
    assert configuration.reports["conformance"].channels == ["outbox", "mail"]


def test_the_start_can_be_used_and_so_can_its_comments(tmp_path):
    write_start(tmp_path, name='A "B" Ltd', zone="Europe/Berlin", clock=FixedClock(parse_instant("2026-10-31T23:30Z")))
    path = tmp_path / "hub.toml"
    configuration = load_configuration(path, Registry())
    assert configuration.organisation.name == 'A "B" Ltd'
    assert configuration.organisation.judge_from == parse_instant("2026-10-31T23:00Z")

    commented = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"^# ", "", commented, flags=re.MULTILINE), encoding="utf-8")
    configuration = load_configuration(path, Registry())
    assert set(configuration.sources) == {"register", "service-desk"}
    assert set(configuration.channels) == {"outbox", "mail"}
    assert list(configuration.reports) == ["conformance"]


@pytest.mark.parametrize("name", ["cron/hub", "systemd/hub.service"])
def test_schedules_call_commands_that_exist(name):
    called = COMMAND.findall((CONFIG / name).read_text(encoding="utf-8"))
    assert called
    assert set(called) <= set(app.COMMANDS)


def test_units_are_well_formed():
    for unit, section in (("hub.service", "Service"), ("hub.timer", "Timer")):
        parser = configparser.RawConfigParser(strict=False)
        parser.read(CONFIG / "systemd" / unit, encoding="utf-8")
        assert section in parser.sections()
