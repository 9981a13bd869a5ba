"""Plugins are loaded one by one, and say what is wrong with them."""

from __future__ import annotations

import pytest

from hub.errors import PluginError
from hub.registry import Registry
from hub.sync.run import RunSummary

SOURCE = """
from hub import SourceSettings, SourceType, hookimpl

@hookimpl
def hub_register_sources(register):
    register(SourceType("acme", SourceSettings, lambda settings, context: None))
"""


def test_an_enabled_plugin_offers_what_it_registers(install):
    install("acme", SOURCE)
    registry = Registry()
    registry.enable("acme")
    registry.enable("acme")
    assert list(registry.sources()) == ["acme"]
    assert registry.enabled == ["acme"]
    assert registry.version_of_source("acme") == "imagined_acme_0 1.2"


@pytest.mark.parametrize(
    ("source", "extras", "message"),
    [
        (
            "import library_that_is_missing",
            ("acme",),
            "Plugin 'acme' cannot be loaded: No module named 'library_that_is_missing'. Run: pip install 'acme-hub[acme]'",
        ),
        (
            "import library_that_is_missing",
            (),
            "Plugin 'acme' cannot be loaded: No module named 'library_that_is_missing'. Run: pip install 'acme-hub'",
        ),
        ("def broken(:", (), "Plugin 'acme' cannot be loaded: invalid syntax"),
        (
            SOURCE.replace("hub_register_sources", "hub_register_source"),
            (),
            "Plugin 'acme' does not fit this hub: unknown hook 'hub_register_source'",
        ),
        (
            SOURCE.replace("(register)", "(registrar)"),
            (),
            "Plugin 'acme' does not fit this hub: Plugin 'acme' for hook 'hub_register_sources'",
        ),
        (
            SOURCE.replace("hub_register_sources", "hub_register_channels"),
            (),
            "Plugin 'acme' registered a SourceType in hub_register_channels, not a ChannelType",
        ),
        (
            SOURCE + "    register(SourceType('acme', SourceSettings, lambda settings, context: None))",
            (),
            "Plugin 'acme' offers a SourceType 'acme', which is offered already",
        ),
    ],
    ids=["library with extra", "library", "syntax", "unknown hook", "wrong argument", "wrong type", "twice"],
)
def test_a_broken_plugin_is_told_in_one_line(install, source, extras, message):
    install("acme", source, extras=extras, distribution="acme-hub")
    registry = Registry()
    with pytest.raises(PluginError) as caught:
        registry.enable("acme")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert registry.sources() == {}
    assert registry.enabled == []


def test_a_broken_plugin_does_not_spoil_the_next(install):
    install("broken", SOURCE.replace("hub_register_sources", "hub_register_source"))
    install("acme", SOURCE)
    registry = Registry()
    with pytest.raises(PluginError):
        registry.enable("broken")
    registry.enable("acme")
    assert list(registry.sources()) == ["acme"]


def test_a_broken_plugin_that_nobody_enables_does_not_matter(install):
    install("broken", "raise SystemExit('imported')")
    install("acme", SOURCE)
    registry = Registry()
    registry.enable("acme")
    assert "broken" in registry.installed


def test_two_plugins_cannot_offer_the_same(install):
    install("acme", SOURCE)
    install("other", SOURCE)
    registry = Registry()
    registry.enable("acme")
    with pytest.raises(PluginError, match="offers a SourceType 'acme', which is offered already"):
        registry.enable("other")


def test_two_distributions_cannot_share_a_name(install):
    install("acme", SOURCE)
    install("acme", SOURCE)
    with pytest.raises(PluginError, match="'acme' is offered by several distributions"):
        Registry().enable("acme")


def test_an_absent_plugin_lists_the_installed_ones(install):
    install("acme", SOURCE)
    with pytest.raises(PluginError, match=r"Plugin 'acne' is not installed. Installed: acme, "):
        Registry().enable("acne")


def test_observers_hear_of_a_run(install):
    install(
        "watcher",
        "from hub import hookimpl\nheard = []\n@hookimpl\ndef hub_observe_run(summary):\n    heard.append(summary)\n",
    )
    registry = Registry()
    registry.enable("watcher")
    summary = RunSummary(started_at=1, finished_at=2)
    registry.observe_run(summary)
    import imagined_watcher_0

    assert imagined_watcher_0.heard == [summary]


def test_the_list_of_plugins_survives_broken_ones(install):
    install("acme", SOURCE)
    install("broken", "import library_that_is_missing")
    rows = {row.name: row for row in Registry().describe({"acme"})}
    assert rows["acme"].sources == ("acme",)
    assert rows["acme"].enabled
    assert not rows["broken"].enabled
    assert "library_that_is_missing" in rows["broken"].fault
