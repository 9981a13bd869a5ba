"""The public face for plugin authors, and the surface of hooks."""

from __future__ import annotations

import inspect

import pluggy
import pytest

import hub
from hub import hookspecs


def test_public_names_are_sorted_and_exist():
    assert hub.__all__ == sorted(hub.__all__)
    for name in hub.__all__:
        assert name == "hookimpl" or getattr(hub, name).__name__ == name
    assert hub.hookimpl is hookspecs.hookimpl


def test_another_name_is_refused():
    with pytest.raises(AttributeError, match="module 'hub' has no attribute 'Sauce'"):
        hub.Sauce  # noqa: B018


def test_there_are_six_documented_hooks():
    hooks = [
        function for name, function in inspect.getmembers(hookspecs, inspect.isfunction) if name.startswith("hub_")
    ]
    assert len(hooks) == 6
    assert all(function.__doc__ for function in hooks)
    pluggy.PluginManager("hub").add_hookspecs(hookspecs)
