"""What a real Zabbix sent by its webhook, and what the same event is as a record."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from hub_zabbix.vocabulary import SEVERITIES
from tests.zabbix.kit import NOW_S, event, make, read


@pytest.mark.parametrize("name", ["alert_disaster", "alert_high", "invalid_payload_with_missing_data"])
def test_the_record_says_what_zabbix_sent(zabbix, shared, name):
    told = json.loads((shared / "recorded" / "zabbix" / "zulip_webhooks" / f"zabbix_{name}.json").read_text())
    link = urlsplit(told["link"])
    named = {key: value[0] for key, value in parse_qs(link.query).items()}
    hosts = [{"hostid": "10", "host": told["hostname"]}] if "hostname" in told else []
    severity = str(SEVERITIES.index(told["severity"]))
    zabbix.events = [
        event(
            int(named["eventid"]),
            NOW_S - 60,
            objectid=named["triggerid"],
            name=told["trigger"],
            severity=severity,
            hosts=hosts,
        )
    ]
    zabbix.answer_at(f"{link.scheme}://{link.netloc}")
    _, (alert,), _ = read(make(url=f"{link.scheme}://{link.netloc}"), "event")
    assert (alert.title, alert.severity, alert.status) == (told["trigger"], told["severity"], told["status"])
    assert alert.resource == told.get("hostname")
    assert alert.url == told["link"]
