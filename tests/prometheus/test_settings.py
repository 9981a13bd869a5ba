from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from hub.config.load import load_configuration
from hub.registry import Registry
from hub_prometheus.offer import offers
from tests.prometheus.kit import SECRET, configure

PROJECT = Path(__file__).resolve().parents[2]


def test_the_example_can_be_used_as_it_is(tmp_path):
    shutil.copy(PROJECT / "config" / "monitoring.toml", tmp_path / "hub.toml")
    (tmp_path / "secrets").mkdir(mode=0o700)
    for name in ("prometheus-token", "icinga-password", "zabbix-token"):
        secret = tmp_path / "secrets" / name
        secret.write_text("not-a-real-one", encoding="utf-8")
        secret.chmod(0o600)
    settings = load_configuration(tmp_path / "hub.toml", Registry()).sources["metrics"]
    assert settings.plugin == "prometheus"
    assert "not-a-real-one" not in repr(settings)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"url": "prometheus:9090"}, "not an address"),
        ({"url": "https://u:p@prometheus"}, "holds a credential"),
        ({"alertmanagers": ["ftp://a"]}, "not an address"),
        ({"token": None, "user": "hub"}, "belong together"),
        ({"user": "hub", "password": "p"}, "either user and password, or token"),
        ({"client_key": "k.pem"}, "belong together"),
        ({"outage": ["critical"]}, "name=value"),
        ({"maintenance": "("}, "no pattern"),
        ({"availability": [{"service": "a", "query": "up"}] * 2}, "named twice: a"),
        ({"steps": 60}, "Extra inputs"),
    ],
)
def test_what_cannot_be_is_refused(more, told):
    with pytest.raises(ValidationError, match=told) as refused:
        configure(**more)
    assert SECRET not in str(refused.value)


def test_each_empty_setting_is_an_offer_that_gives_something():
    bare = configure(alertmanagers=[], services={}, outage=[], security=[], availability=[], measurements=[])
    found = offers("metrics", bare)
    assert [one.write.split()[0] for one in found] == [
        "alertmanagers",
        "services",
        "outage",
        "security",
        "service",
        "metric",
    ]
    assert all(one.gives for one in found)
    assert offers("metrics", configure()) == []
    [whole] = offers("metrics", None)
    assert {one.kind for one in whole.gives} == {"alert", "availability_sample", "maintenance_window", "measurement"}
