"""Rights, clocks, names and settings: what `hub check` and a run say."""

from __future__ import annotations

import pytest

from hub.clock import FixedClock
from hub.store.reading import coverage_rows
from hub.sync.runner import SourceJob, sync_source
from tests.zabbix.kit import DAY, NOW, NOW_S, SHOP, configure, event, make, read


def say(lines) -> str:
    return "\n".join(f"{each.level}: {each.text} -> {each.advice}" for each in lines)


def test_names_without_a_service_come_with_a_line_to_paste(zabbix):
    source = make(services={"service=shop": SHOP}, availability={"web01: Other": SHOP}, measurements=[])
    told = say(source.check())
    assert "ok: https://zabbix.example.net/zabbix: signed in as hub, Zabbix 6.0" in told
    assert 'warning: hostgroup=Web stands for no service (1 hosts) -> [services] "hostgroup=Web" = ' in told
    assert "warning: 'web01: Other' in availability is no trigger, or not to be seen" in told
    told = say(make(measurements=[{"host": "web01", "key": "ram", "metric": "ram", "subject": SHOP}]).check())
    assert "warning: web01: no item 'ram' in measurements" in told


def test_a_method_that_is_not_allowed_closes_its_stream_only(zabbix):
    zabbix.refused["trend.get"] = {"data": 'No permissions to call "trend.get".'}
    told = say(make().check())
    assert 'error: trend.get: Invalid params. No permissions to call "trend.get"' in told
    assert "-> allow trend.get in the role of this token's user" in told
    assert [part.stream for part in make().slices() if part.unreadable] == ["watch"]


def test_seeing_no_host_is_not_health(zabbix):
    zabbix.hosts = []
    assert "error: no host is visible" in say(make().check())
    assert all("sees no host" in part.unreadable for part in make().slices())


@pytest.mark.parametrize(
    ("days", "line"),
    [(400, "ok: an API token"), (20, "warning: an API token"), (None, "every method needed is allowed")],
)
def test_the_end_of_the_token(zabbix, days, line):
    end = 0 if days is None else NOW_S + days * DAY
    zabbix.token_get = lambda _: [{"name": "hub", "expires_at": str(end), "status": "0"}]
    assert line in say(make().check())


@pytest.mark.parametrize("version", ["5.4.12", "nine"])
def test_a_version_that_is_not_read_is_said(zabbix, version):
    zabbix.version = version
    (line,) = make().check()
    assert line.level == "error"
    assert version in line.text


@pytest.mark.parametrize(("minutes", "gap"), [(-10, "10 minutes behind"), (4, None)])
def test_clocks_apart_are_coverage_and_never_a_verdict(zabbix, store, minutes, gap):
    zabbix.now = NOW + minutes * 60_000
    zabbix.events = [event(1, NOW_S - 3600)]
    summary = sync_source(store, SourceJob("mon", make()), clock=FixedClock(NOW))
    assert (summary.records > 0, summary.complete) == (True, gap is None)
    with store.connect() as conn:
        rows = {row.kind: row.reason for row in coverage_rows(conn, "mon")}
    assert set(rows) == {"alert", "maintenance_window", "measurement", "availability_sample"}
    for reason in rows.values():
        assert (reason is None) == (gap is None)
        assert (gap or "") in (reason or "")


def test_acknowledgements_are_asked_for_as_the_version_calls_them(zabbix):
    for version, name, other in (
        ("6.4.9", "select_acknowledges", "selectAcknowledges"),
        ("7.0.3", "selectAcknowledges", "select_acknowledges"),
    ):
        zabbix.version = version
        zabbix.asked.clear()
        read(make(), "event")
        asked = [
            each["params"] for each in zabbix.asked if each["method"] == "event.get" and "selectTags" in each["params"]
        ]
        assert asked
        assert all(name in each and other not in each for each in asked)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"url": "ftp://zabbix"}, "not an address"),
        ({"url": "https://hub:x@zabbix"}, "holds a credential"),
        ({"token": "two words"}, "the token is empty or holds"),
        ({"availability": {"web01": SHOP}}, "<host>: <name of the trigger>"),
        ({"services": {"shop": SHOP}}, "name=value"),
        ({"time_zone": "Mars/Olympus"}, "unknown zone"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes, told):
    with pytest.raises(ValueError, match=told):
        configure(**changes)


def test_the_address_may_be_that_of_the_api(zabbix):
    assert configure(url="https://zabbix.example.net/zabbix/api_jsonrpc.php").url == "https://zabbix.example.net/zabbix"


@pytest.mark.parametrize(
    ("rules", "availability", "outage"),
    [
        ([], {}, None),
        (["service=shop"], {}, True),
        (["service=other"], {}, False),
        (["service=other"], {"web01: Shop is down": SHOP}, True),
    ],
)
def test_what_is_an_outage_is_told_by_rule(zabbix, rules, availability, outage):
    zabbix.events = [event(1, NOW_S - 60)]
    _, (alert,), _ = read(make(outage=rules, availability=availability), "event")
    assert alert.outage is outage
