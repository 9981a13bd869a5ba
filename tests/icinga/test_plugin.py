"""The plugin as the hub loads it, its example and its page."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hub.config.load import load_configuration
from hub.errors import PluginError
from hub.registry import Registry
from hub_icinga.offer import offers, provisions
from hub_icinga.settings import IcingaSettings
from tests.icinga.kit import configure, make

PROJECT = Path(__file__).resolve().parents[2]


def test_the_example_can_be_used(tmp_path):
    (tmp_path / "secrets").mkdir(mode=0o700)
    secret = tmp_path / "secrets" / "icinga-password"
    secret.write_text("not-a-real-one", encoding="utf-8")
    secret.chmod(0o600)
    path = tmp_path / "icinga.toml"
    path.write_text((PROJECT / "config" / "icinga.toml").read_text(encoding="utf-8"), encoding="utf-8")
    settings = load_configuration(path, Registry()).sources["icinga"]
    assert isinstance(settings, IcingaSettings)
    assert {"alert", "maintenance_window", "availability_sample", "measurement"} == {
        each.kind for each in provisions(settings)
    }


def test_every_setting_stands_in_the_example_or_on_the_page():
    told = (PROJECT / "config" / "icinga.toml").read_text(encoding="utf-8")
    told += (PROJECT / "docs" / "icinga.md").read_text(encoding="utf-8")
    own = set(IcingaSettings.model_fields) - {
        "plugin",
        "enabled",
        "proxy",
        "fetchers",
        "census",
        "page_size",
        "timeout_s",
    }
    assert {name for name in own if name not in told} == set()


def test_what_one_more_line_would_give_is_offered():
    (whole,) = offers("mon", None)
    assert whole.opens
    bare = configure(services={}, availability={}, measurements=[], security=[], ticket_projects=[])
    given = {each.kind: each.fields for each in provisions(bare)}
    for offer in offers("mon", bare):
        for provision in offer.gives:
            assert not provision.fields <= given.get(provision.kind, frozenset()), offer.write


def test_a_missing_library_is_said_with_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx", None)
    for module in ("hub_icinga.client", "hub.sync.web"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(PluginError, match=r"No module named 'httpx'. Run: pip install 'itsm-hub\[icinga\]'"):
        make()
