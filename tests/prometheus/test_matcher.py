"""Label matchers are understood alike by Prometheus, by Alertmanager and by us."""

from __future__ import annotations

import httpx
import pytest

from hub_prometheus.matcher import alerts_that_fire, each_matcher
from tests.prometheus.stand import Stand, wait_until

SAME = [
    ('alertname="QueueTooLong"', ['alertname="QueueTooLong"']),
    ("{ alertname = 'QueueTooLong' , }", ['alertname="QueueTooLong"']),
    ('alertname=~"Queue.*|Disk",severity!="none"', ['alertname=~"Queue.*|Disk"', 'severity!="none"']),
    ("alertname!~`Always\\w+`", ['alertname!~"Always\\\\w+"']),
    ("alertname!~'Always\\\\w+'", ['alertname!~"Always\\\\w+"']),
    ("alertname=~'Queue.*|it\\'s|a\"b'", ['alertname=~"Queue.*|it\'s|a\\"b"']),
    ('severity=~"crit.{4}",team="ops"', ['severity=~"crit.{4}"', 'team="ops"']),
]


@pytest.mark.parametrize(("text", "each"), SAME)
def test_matchers_are_taken_apart(text: str, each: list[str]) -> None:
    assert each_matcher(text) == each


@pytest.mark.parametrize("text", ["", "{}", "  ", "{ }"])
def test_no_matcher_chooses_everything(text: str) -> None:
    assert each_matcher(text) == []


def test_a_name_of_any_letters_is_quoted() -> None:
    assert each_matcher("'team.name'=\"ops\"") == ['"team.name"="ops"']


@pytest.mark.parametrize("text", ["alertname", "a=b", 'a="b" c="d"', 'a="b', 'a=="b"', '1a="b"', ",", 'a="b",,c="d"'])
def test_what_is_none_is_shown(text: str) -> None:
    with pytest.raises(ValueError, match="is no label matcher"):
        each_matcher(text)


@pytest.mark.peer
@pytest.mark.parametrize(("text", "each"), SAME)
def test_both_servers_choose_the_same(stand: Stand, text: str, each: list[str]) -> None:
    both = {"AlwaysFiring", "QueueTooLong"}  # whatever fires for other tests
    stand.queue(42)
    stand.tell(
        {"alertname": "AlwaysFiring", "service": "demo", "severity": "warning"}
    )  # Prometheus tells it a minute later
    wait_until(stand.firing)
    found = httpx.get(f"{stand.prometheus}/api/v1/query", params={"query": alerts_that_fire(text)}).raise_for_status()
    fires = {one["metric"]["alertname"] for one in found.json()["data"]["result"]}
    told = httpx.get(f"{stand.alertmanager}/api/v2/alerts", params={"filter": each}).raise_for_status()
    assert fires & both == {one["labels"]["alertname"] for one in told.json()} & both == {"QueueTooLong"}
    stand.close()


def test_the_series_of_alerts_is_asked_for_by_the_same_matchers() -> None:
    assert alerts_that_fire("") == 'ALERTS{alertstate="firing"}'
    assert alerts_that_fire("{a='b'}") == 'ALERTS{alertstate="firing",a="b"}'
