from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from hub_prometheus.offer import offers
from tests.prometheus.kit import SECRET, configure

PROJECT = Path(__file__).resolve().parents[2]


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
        ({"alerts": "severity=critical"}, "'severity=critical' is no label matcher"),
        ({"availability": [{"service": "a", "query": "up"}] * 2}, "named twice: a"),
        ({"steps": 60}, "Extra inputs"),
    ],
)
def test_what_cannot_be_is_refused(more, told):
    with pytest.raises(ValidationError, match=told) as refused:
        configure(**more)
    assert SECRET not in str(refused.value)


def test_each_empty_setting_is_an_offer_that_gives_something():
    bare = configure(
        alertmanagers=[], services={}, outage=[], security=[], items={}, altered=[], availability=[], measurements=[]
    )
    found = offers("metrics", bare)
    assert [one.write.split()[0] for one in found] == [
        "alertmanagers",
        "services",
        "outage",
        "security",
        "items",
        "altered",
        "service",
        "metric",
    ]
    assert all(one.gives for one in found)
    assert offers("metrics", configure()) == []
    [whole] = offers("metrics", None)
    assert {one.kind for one in whole.gives} == {"alert", "availability_sample", "maintenance_window", "measurement"}
