from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

import hub_gitlab
from hub.clock import FixedClock
from hub.errors import PluginError
from hub.sync.source import SourceContext
from hub_gitlab.offer import offers
from hub_gitlab.settings import GitlabSettings
from hub_gitlab.source import make_source
from tests.gitlab.server import NOW, SECRET, configure


def context(**more) -> SourceContext:
    return SourceContext("gitlab", Path(), "UTC", FixedClock(NOW), call=lambda request: request(), **more)


def test_it_offers_one_kind_of_source():
    offered = []
    hub_gitlab.hub_register_sources(offered.append)
    assert [(each.name, each.settings) for each in offered] == [("gitlab", GitlabSettings)]


def test_a_missing_library_is_said_with_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "gitlab", None)
    monkeypatch.delitem(sys.modules, "hub_gitlab.client", raising=False)
    with pytest.raises(PluginError) as caught:
        make_source(configure(), context())
    assert str(caught.value) == (
        "Plugin 'gitlab' cannot be loaded: No module named 'gitlab'. Run: pip install 'itsm-hub[gitlab]'"
    )


def test_proxy_and_certificates_reach_the_session_and_nothing_else_retries():
    made = make_source(configure(), context(proxy="http://proxy.example:3128", ca_bundle=Path("ca.pem")))
    session = made._client._session
    assert session.proxies == {"http": "http://proxy.example:3128", "https": "http://proxy.example:3128"}
    assert session.verify == "ca.pem"
    assert {adapter.max_retries.total for adapter in session.adapters.values()} == {0}
    made.close()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"projects": []}, "name what is to be read"),
        ({"url": "https://me:secret@gitlab.example.net"}, "holds a credential"),
        ({"url": "gitlab.example.net"}, "not an address"),
        ({"token": "two words"}, "no token has"),
        ({"projects": ["web-shop"]}, "String should match pattern"),
        ({"parts": ["aprovals"]}, "Input should be 'approvals'"),
        ({"streams": []}, "at least 1 item"),
        ({"tier": "gold"}, "Input should be 'free'"),
        ({"page_size": 500}, "less than or equal to 100"),
    ],
)
def test_what_cannot_be_meant_is_refused_without_showing_the_token(changes, said):
    with pytest.raises(ValidationError, match=said) as caught:
        configure(**changes)
    assert SECRET not in str(caught.value)


def test_the_address_may_name_the_api():
    assert configure(url="https://gitlab.example.net/git/api/v4/").url == "https://gitlab.example.net/git"


def test_every_offer_gives_more_than_there_is():
    bare = configure(tier="free", parts=["approvals"], mapping={})
    has = {each.kind: each.fields for each in make_source(bare, context()).provides()}
    listed = offers("gitlab", bare)
    assert {"change", "deployment", "release"} <= has.keys()
    for offer in listed:
        more = {each.kind for each in offer.gives if each.fields - has.get(each.kind, frozenset())}
        assert more or not offer.opens, offer.write
    assert any(offer.write.startswith('tier = "premium"') for offer in listed)
    assert len(offers("gitlab", None)) == 1
