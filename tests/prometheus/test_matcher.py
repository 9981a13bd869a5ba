"""Label matchers are understood alike by Prometheus, by Alertmanager and by us."""

from __future__ import annotations

import httpx
import pytest

from hub_prometheus.matcher import each_matcher
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
    stand.queue(42)
    wait_until(stand.firing)
    shown = "{" + ",".join(part for part in ('alertstate="firing"', text.strip().strip("{}")) if part) + "}"
    found = httpx.get(f"{stand.prometheus}/api/v1/query", params={"query": f"ALERTS{shown}"}).raise_for_status()
    fires = {one["metric"]["alertname"] for one in found.json()["data"]["result"]}
    told = httpx.get(f"{stand.alertmanager}/api/v2/alerts", params={"filter": each}).raise_for_status()
    assert fires == {one["labels"]["alertname"] for one in told.json()} == {"QueueTooLong"}
    stand.close()
