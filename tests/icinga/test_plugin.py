"""The plugin as the hub loads it, its example and its page."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hub.errors import PluginError
from hub_icinga.offer import offers, provisions
from tests.icinga.kit import configure, make

PROJECT = Path(__file__).resolve().parents[2]


def test_what_one_more_line_would_give_is_offered():
    (whole,) = offers("mon", None)
    assert whole.opens
    bare = configure(
        services={}, availability={}, measurements=[], security=[], items={}, altered=[], ticket_projects=[]
    )
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
