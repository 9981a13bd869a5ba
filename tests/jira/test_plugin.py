from __future__ import annotations

import sys
from pathlib import Path

import pytest

import hub_jira
from hub.clock import FixedClock
from hub.errors import PluginError
from hub.sync.source import SourceContext
from hub_jira.settings import JiraSettings
from hub_jira.source import make_source
from tests.jira.kit import NOW, configure


def context(**more) -> SourceContext:
    return SourceContext("desk", Path(), "UTC", FixedClock(NOW), call=lambda request: request(), **more)


def test_it_offers_one_kind_of_source():
    offered = []
    hub_jira.hub_register_sources(offered.append)
    assert [(each.name, each.settings) for each in offered] == [("jira", JiraSettings)]


def test_a_missing_library_is_said_with_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "jira", None)
    monkeypatch.delitem(sys.modules, "hub_jira.client", raising=False)
    with pytest.raises(PluginError) as caught:
        make_source(configure(), context())
    assert str(caught.value) == (
        "Plugin 'jira' cannot be loaded: No module named 'jira'. Run: pip install 'itsm-hub[jira]'"
    )


def test_proxy_and_certificates_reach_the_session():
    made = make_source(configure(), context(proxy="http://proxy.example:3128", ca_bundle=Path("ca.pem")))
    session = made._client._session
    assert session.proxies == {"http": "http://proxy.example:3128", "https": "http://proxy.example:3128"}
    assert session.verify == "ca.pem"
    assert session.max_retries == 0
    made.close()


def provided(**changes) -> dict:
    return {each.kind: each for each in make_source(configure(**changes), context()).provides()}


def test_what_is_provided_follows_the_field_map():
    full = provided()
    assert {"backout_plan", "impact", "impact.service", "tests.commit", "approval_ids"} <= full["change"].fields
    assert full["approval"].within_subject
    assert full["review"].within_subject
    assert "subject_revision" in full["approval"].fields
    assert {"no_weaknesses", "held_at"} <= full["review"].fields
    bare = provided(fields={}, services={})
    assert "approval" not in bare
    assert "review" not in bare
    assert not {"backout_plan", "service_ids", "approval_ids"} & bare["change"].fields
